package provider_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// A verifier and its challenge (RFC 7636 appendix B).
const (
	rfcVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// nativeAt makes the application without a secret one that listens on the person's machine.
func nativeAt(uris ...string) func(*users.SignIn) {
	return func(c *users.SignIn) { c.RedirectURIs = uris }
}

// N016, N017
func TestOnlyThePortOfALoopbackAddressVaries(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Native, nativeAt("http://127.0.0.1/cb", "http://[::1]:8000/cb?x=1", "http://127.0.0.1:80", "https://native.example/cb"))
	ask := func(uri string) providertest.Response {
		return b.NewBrowser().Get(b.Authorize(providertest.Native, "redirect_uri", uri, "code_challenge", rfcChallenge, "code_challenge_method", "S256"))
	}
	for _, uri := range []string{
		"http://localhost:51004/cb", "http://[::1]:1/cb", "http://127.0.0.2:51004/cb", "http://127.1:51004/cb", "http://127.0.0.1.evil.example:51004/cb",
		"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:51004@evil.example", "http://127.0.0.1:51004/cb/", "http://127.0.0.1:51004/CB",
		"http://127.0.0.1:51004/cb?x=1", "http://127.0.0.1:51004/cb#", "http://127.0.0.1:/cb", "http://127.0.0.1:123456/cb", "http://127.0.0.1:-1/cb",
		"http://127.0.0.1:51004\\cb", "http://127.0.0.1:51004/", "https://127.0.0.1:51004/cb", "HTTP://127.0.0.1:51004/cb", "https://native.example:51004/cb",
		"http://127.0.0.1:51004/cb\n", " http://127.0.0.1:51004/cb", "http://[::ffff:127.0.0.1]:51004/cb", "http://[::1%25lo]:8000/cb?x=1",
	} {
		if answer := ask(uri); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%q: status %d to %q, want the error page", uri, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	for _, uri := range []string{
		"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", "http://127.0.0.1:1", "http://[::1]:1/cb?x=1", "http://[::1]/cb?x=1",
	} {
		if answer := ask(uri); answer.Location().Path != "/login" {
			t.Errorf("%q: status %d, want the sign-in form", uri, answer.StatusCode)
		}
	}
}

// N017: a client with a secret is a server, and has its port.
func TestThePortOfAServerCounts(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Wiki, nativeAt("http://127.0.0.1:8000/cb"))
	answer := b.NewBrowser().Get(b.Authorize(providertest.Wiki, "redirect_uri", "http://127.0.0.1:8001/cb"))
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d, want the error page", answer.StatusCode)
	}
}

// N065: the code is for the port that asked.
func TestACodeIsForThePortThatAsked(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Native, nativeAt("http://127.0.0.1/cb"))
	const mine = "http://127.0.0.1:51004/cb"
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	done := browser.Post("/consent", consentForm(t, browser, b.Authorize(providertest.Native, "redirect_uri", mine,
		"code_challenge", rfcChallenge, "code_challenge_method", "S256")))
	redeem := func(uri string) int {
		return b.Post("/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"native"}, "code": {done.Query().Get("code")},
			"code_verifier": {rfcVerifier}, "redirect_uri": {uri},
		}).StatusCode
	}
	for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:51005/cb"} {
		if got := redeem(uri); got != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", uri, got)
		}
	}
	if got := redeem(mine); got != http.StatusOK {
		t.Errorf("status %d, want tokens", got)
	}
}

// Whatever program listens on a port of the person's machine may ask in the name
// of the application (RFC 8252 section 8.6): the person is asked each time, although
// the organization trusts it. Where the address is registered as a whole they are not.
func TestAProgramOnAFreePortGetsNothingSilently(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Native, func(c *users.SignIn) {
		c.RedirectURIs, c.OfflineAccess = []string{"http://127.0.0.1/cb", "http://127.0.0.1:8000/cb"}, true
	})
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	b.Clock.Advance(time.Second)
	from := func(uri string, more ...string) string {
		return b.Authorize(providertest.Native, append([]string{"redirect_uri", uri, "code_challenge", rfcChallenge, "code_challenge_method", "S256"}, more...)...)
	}
	const free = "http://127.0.0.1:4444/cb"
	for range 2 { // an answer is not remembered
		if q := browser.Get(from(free, "prompt", "none")).Query(); q.Get("error") != "consent_required" || q.Has("code") {
			t.Errorf("silently: %v, want consent_required", q)
		}
		if q := browser.Post("/consent", consentForm(t, browser, from(free))).Query(); q.Get("code") == "" {
			t.Errorf("after the answer: %v, want a code", q)
		}
	}
	consentForm(t, browser, from(free, "scope", "openid offline_access", "prompt", "consent"))
	for _, registered := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:8000/cb"} {
		if q := browser.Get(from(registered)).Query(); q.Get("code") == "" {
			t.Errorf("%s: %v, want a code at once", registered, q)
		}
	}
}
