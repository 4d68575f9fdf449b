package provider_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
)

const pages = "https://pages.example" // where the scripts of an application without a secret run

// withPages makes the application without a secret one whose scripts run in the browser.
func withPages(t *testing.T) *providertest.Bench {
	t.Helper()
	return providertest.NewWith(t, providertest.Native, nativeAt("https://Pages.example:443/signed-in", "http://127.0.0.1/cb"))
}

// sharedEndpoints are those that scripts call, and what they call them by.
var sharedEndpoints = map[string]string{"/token": "POST", "/userinfo": "GET", "/revoke": "POST", "/par": "POST"}

// N104 G16: scripts of other origins learn nothing, and no script may send cookies.
func TestStrangersScriptsReadNoAnswer(t *testing.T) {
	t.Parallel()
	b := withPages(t)
	for name, origin := range map[string]string{
		"a stranger":                        "https://evil.test",
		"a subdomain":                       "https://a.pages.example",
		"the origin as a beginning":         "https://pages.example.evil.test",
		"another scheme":                    "http://pages.example",
		"another port":                      "https://pages.example:8443",
		"an opaque origin":                  "null",
		"an application with a secret":      origin(t, providertest.CallbackOf(providertest.Wiki)),
		"with a path":                       pages + "/",
		"any port of the person's machine":  "http://127.0.0.1:51004",
		"a star":                            "*",
		"two origins, one of them the good": pages + ", https://evil.test",
	} {
		for path, method := range sharedEndpoints {
			asked := preflight(t, b, path, method, origin)
			if asked.StatusCode != http.StatusMethodNotAllowed || opens(asked) {
				t.Errorf("%s, preflight of %s: status %d, headers %v", name, path, asked.StatusCode, asked.Header)
			}
			if answer := fromScript(t, b, path, method, origin); opens(answer) {
				t.Errorf("%s, %s: headers %v", name, path, answer.Header)
			}
		}
	}
	for _, path := range []string{"/authorize", "/introspect", "/end_session", "/login", "/logout", "/portal", "/consent"} {
		if asked := preflight(t, b, path, "POST", pages); opens(asked) {
			t.Errorf("preflight of %s: headers %v", path, asked.Header)
		}
		if answer := fromScript(t, b, path, "GET", pages); opens(answer) {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
	}
	b.Redeclare(providertest.Declaration())
	if answer := fromScript(t, b, "/token", "POST", pages); opens(answer) {
		t.Errorf("after the address was taken out: headers %v", answer.Header)
	}
}

// oidc.md 3.2: scripts of registered origins read answers and refusals, without cookies.
func TestScriptsOfRegisteredOriginsReadAnswers(t *testing.T) {
	t.Parallel()
	b := withPages(t)
	for path, method := range sharedEndpoints {
		asked := preflight(t, b, path, method, pages)
		if asked.StatusCode != http.StatusNoContent || asked.Header.Get("Access-Control-Allow-Origin") != pages ||
			asked.Header.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" || asked.Header.Get("Vary") != "Origin" {
			t.Errorf("preflight of %s: status %d, headers %v", path, asked.StatusCode, asked.Header)
		}
		refused := fromScript(t, b, path, method, pages)
		if refused.StatusCode < 400 || refused.Header.Get("Access-Control-Allow-Origin") != pages || refused.Header.Get("Vary") != "Origin" {
			t.Errorf("refused by %s: status %d, headers %v", path, refused.StatusCode, refused.Header)
		}
		for _, answer := range []providertest.Response{asked, refused} {
			if _, found := answer.Header["Access-Control-Allow-Credentials"]; found {
				t.Errorf("%s: headers %v", path, answer.Header)
			}
		}
	}
	if answer := fromScript(t, b, "/token", "POST", "http://127.0.0.1"); answer.Header.Get("Access-Control-Allow-Origin") != "http://127.0.0.1" {
		t.Errorf("an origin on the person's machine, as registered: headers %v", answer.Header)
	}
	if answer := b.Post("/token", url.Values{}); opens(answer) {
		t.Errorf("without an origin: headers %v", answer.Header)
	}
}

// opens reports whether an answer lets any script read it.
func opens(answer providertest.Response) bool {
	return answer.Header.Get("Access-Control-Allow-Origin") != "" || answer.Header.Get("Access-Control-Allow-Credentials") != ""
}

// preflight asks as browsers do before they send what a form could not.
func preflight(t *testing.T, b *providertest.Bench, path, method, origin string) providertest.Response {
	t.Helper()
	return ask(t, b, http.MethodOptions, path, "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "authorization")
}

func fromScript(t *testing.T, b *providertest.Bench, path, method, origin string) providertest.Response {
	t.Helper()
	return ask(t, b, method, path, "Origin", origin)
}

func ask(t *testing.T, b *providertest.Bench, method, path string, header ...string) providertest.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.Issuer+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.Do(r)
}

func origin(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host
}
