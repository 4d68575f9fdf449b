package portal_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// crm is an application that starts its own sign-in.
func crm() users.Application {
	return users.Application{
		ID: "crm", Label: "CRM", Launch: &users.Launch{URL: "https://crm.example/start"},
		SignIn: &users.SignIn{
			ClientID: "crm", AuthMethod: users.AuthMethodPost, RedirectURIs: []string{"https://crm.example/cb"},
			InitiateLoginURI: "https://crm.example/login?iss=https%3A%2F%2Fother.example", SigningAlg: "RS256",
		},
	}
}

// N389: whatever stands in the link, only the registered addresses and our own
// issuer are sent.
func TestALaunchTakesNothingFromItsLink(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	add(t, b, crm())
	browser := signedIn(t, b, providertest.Ada)
	tampered := url.Values{
		"iss": {"https://evil.example"}, "target_link_uri": {"https://evil.example/"}, "login_hint": {"eve@acme.example"},
		"initiate_login_uri": {"https://evil.example/"}, "url": {"https://evil.example/"},
	}
	answer := browser.Get("/portal/launch/crm?" + tampered.Encode())
	q := answer.Query()
	if answer.Location().Host != "crm.example" || len(q["iss"]) != 1 || q.Get("iss") != b.Issuer ||
		q.Get("target_link_uri") != "https://crm.example/start" || q.Get("login_hint") != providertest.Ada {
		t.Errorf("leads to %s", answer.Location())
	}
	wantRedirect(t, browser.Get("/portal/launch/personio?"+tampered.Encode()), "https://personio.example/oauth/authorise")
}

// N389: another site cannot launch anything in a person's name.
func TestAnotherSiteCannotLaunch(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	for site, want := range map[string]string{
		"cross-site": "/portal", "same-origin": "https://personio.example/oauth/authorise", "none": "https://personio.example/oauth/authorise",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.Issuer+"/portal/launch/personio", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", site)
		wantRedirect(t, browser.Do(r), want)
	}
	if events := b.FlushEvents(users.EventLaunched); len(events) != 2 {
		t.Errorf("%d launches, want the two of the person", len(events))
	}
}

// N389: what the application does with the launch ends in a code for it, without another form.
func TestALaunchedApplicationSignsItsPersonIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	a := crm()
	a.SignIn.Trusted = true
	add(t, b, a)
	browser := signedIn(t, b, providertest.Ada)
	launched := browser.Get("/portal/launch/crm").Query()
	request := url.Values{
		"client_id": {"crm"}, "redirect_uri": {"https://crm.example/cb"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {launched.Get("target_link_uri")}, "login_hint": {launched.Get("login_hint")},
	}
	if q := browser.Get("/authorize?" + request.Encode()).Query(); q.Get("code") == "" || q.Get("state") != "https://crm.example/start" {
		t.Errorf("parameters %v, want a code", q)
	}
}
