package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// TestAnApplicationLeadsOnToAnotherHost: Personio's newer sign-in comes back to one host and leads on to another, and
// Chromium follows a form only where its page's policy says.
// N202
func TestAnApplicationLeadsOnToAnotherHost(t *testing.T) {
	t.Parallel()
	account := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, `<link rel="icon" href="data:,"><h1 id="account">Account</h1>`)
	}))
	t.Cleanup(account.Close)
	callback := httptest.NewServer(http.RedirectHandler(account.URL+"/", http.StatusSeeOther))
	t.Cleanup(callback.Close)

	h := newHouse(t, stores{}, personiotest.Config{People: 5, Seed: 5})
	jana := h.somebody()
	h.declare(fmt.Sprintf(`{id: wiki, label: Wiki, groups: [everyone], sign_in: {client_id: wiki, client_secret: %s, `+
		`redirect_uris: ["%s/cb"], continues_at: ["%s"]}}`, strings.Repeat("wiki-secret-", 4), callback.URL, account.URL))
	h.ok("", "import", "run")
	h.ok(password+"\n", "users", "password", jana)
	h.serve(h.address)
	browser := chromium(t)
	for _, mode := range []string{"query", "form_post"} {
		p := newTab(t, browser, look{language: "en", width: 1100})
		p.open(h.issuer + "/authorize?" + url.Values{
			"client_id": {"wiki"}, "redirect_uri": {callback.URL + "/cb"}, "response_type": {"code"}, "scope": {"openid"},
			"response_mode": {mode}, "prompt": {"login"},
		}.Encode())
		p.signIn(jana, password)
		if got := p.text("#account"); got != "Account" {
			t.Errorf("%s: %q at %s, want the account", mode, got, p.location())
		}
		p.quiet()
	}
}
