package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/web/webtest"
)

// press sends the form of a page that leads to an address.
func (b *browser) press(p page, action string) page {
	b.h.t.Helper()
	for _, form := range webtest.Parse(b.h.t, p.body).All("form") {
		if strings.HasSuffix(form.Attr("action"), action) {
			target, err := p.url.Parse(form.Attr("action"))
			must(b.h.t, err)
			answer, err := b.client.PostForm(target.String(), form.Fields())
			must(b.h.t, err)
			return b.read(answer)
		}
	}
	b.h.t.Fatalf("no form leads to %s at %s", action, p.url)
	return page{}
}

// A verifier and its challenge (RFC 7636, Appendix B).
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// stayingSignedIn signs somebody in at a browser of their own, where the application
// notes gets access that outlives the sign-in.
func (h *house) stayingSignedIn(t *testing.T, email string) {
	t.Helper()
	b := h.browser()
	b.signIn(b.get(h.issuer+"/portal"), email)
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Get(h.issuer + "/authorize?" + url.Values{
		"client_id": {"notes"}, "redirect_uri": {"https://notes.example/callback"}, "response_type": {"code"},
		"scope": {"openid offline_access"}, "prompt": {"consent"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode())
	must(t, err)
	_ = answer.Body.Close()
	location, err := answer.Location()
	must(t, err)
	answer, err = http.PostForm(h.issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {location.Query().Get("code")}, "redirect_uri": {"https://notes.example/callback"},
		"client_id": {"notes"}, "code_verifier": {verifier},
	})
	must(t, err)
	if p := b.read(answer); !strings.Contains(p.body, "refresh_token") {
		t.Fatalf("status %d: %s", p.status, p.body)
	}
}

// A person ends at one browser what they had begun at another: that one meets the
// sign-in form at its next request, and its application gets the logout token of that very
// session. Then all others end, and this one stays.
// U-02 F-81
func TestASessionIsEndedFromAnotherBrowser(t *testing.T) {
	t.Parallel()
	for _, s := range []stores{{}, {postgres: true, redis: true}} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, s, personiotest.Config{People: 20, Seed: 3})
			party := newLogoutParty(t, http.StatusOK)
			h.listenForLogout(t, party)
			_, phone := h.signedIn()
			jana := h.somebody()
			sid := sidOf(t, h.redeem(t, h.address, phone.code(t, h, h.issuer)).IDToken)
			desk, third := h.browser(), h.browser()
			for _, b := range []*browser{desk, third} {
				b.signIn(b.get(h.issuer+"/portal"), jana)
			}

			var listed []struct{ Kind, ID string }
			h.json(&listed, "users", "sessions", jana)
			if len(listed) != 3 || !slices.Contains(listed, struct{ Kind, ID string }{"session", sid}) {
				t.Errorf("the command lists %+v, want three sessions, %s among them", listed, sid)
			}
			left := desk.press(desk.get(h.issuer+"/account/sessions"), "/account/sessions/"+sid)
			if got := len(webtest.Parse(t, left.body).ByID("sessions").All("li")); left.url.Path != "/account/sessions" || got != 2 {
				t.Errorf("%d sessions at %s, want two on the page", got, left.url)
			}
			if p := phone.get(h.issuer + "/portal"); p.url.Path != "/login" {
				t.Errorf("the ended browser is at %s", p.url)
			}
			if p := third.get(h.issuer + "/portal"); p.url.Path != "/portal" {
				t.Errorf("the third browser is at %s", p.url)
			}
			waitFor(t, "the logout token", func() bool { return len(party.received()) == 1 })
			if got := sidOf(t, party.received()[0]); got != sid {
				t.Errorf("logout token of session %q, want %q", got, sid)
			}

			desk.press(left, "/account/sessions/others")
			for b, want := range map[*browser]string{third: "/login", desk: "/portal"} {
				if p := b.get(h.issuer + "/portal"); p.url.Path != want {
					t.Errorf("a browser is at %s, want %s", p.url, want)
				}
			}
			refused, err := desk.client.PostForm(h.issuer+"/account/sessions/"+sid, url.Values{})
			must(t, err)
			if p := desk.read(refused); p.status != http.StatusForbidden {
				t.Errorf("without its form: status %d, want 403", p.status)
			}
			h.ok("", "audit", "verify")
		})
	}
}
