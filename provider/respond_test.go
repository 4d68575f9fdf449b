package provider_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// sentTo returns what an answer sends to an application, or offers to send with a button, and how.
func sentTo(t *testing.T, answer providertest.Response) (mode string, fields url.Values) {
	t.Helper()
	if answer.Header.Get("Location") != "" {
		return "query", answer.Query()
	}
	page := webtest.Parse(t, answer.Body)
	for _, link := range page.All("a") {
		if _, query, found := strings.Cut(link.Attr("href"), "/oauth/callback?"); found {
			fields, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			return "query", fields
		}
	}
	_, fields = providertest.FormOf(t, answer.Body, "state")
	return "form_post", fields
}

// RFC 9207 section 2, RFC 6749 section 4.1.2: every answer to an application, good or bad
// and however it is sent, has the state and says who answers, unless the application is spared that.
func TestEveryResponseNamesItsIssuer(t *testing.T) {
	t.Parallel()
	spared := providertest.NewWith(t, providertest.Personio, func(a *users.SignIn) { a.NoIssuerParameter = true })
	for name, b := range map[string]*providertest.Bench{"everybody": providertest.New(t), "an application that is spared it": spared} {
		var want []string
		if b != spared {
			want = []string{b.Issuer}
		}
		ada, bob, stranger := b.NewBrowser(), b.NewBrowser(), b.NewBrowser()
		ada.SignIn("/login", providertest.Ada, providertest.Password)
		bob.SignIn("/login", providertest.Bob, providertest.Password)
		vault := func(mode string) string { return b.Authorize(providertest.Vault, "response_mode", mode) }
		for _, mode := range []string{"query", "form_post"} {
			personio := func(pairs ...string) string {
				return b.Authorize(providertest.Personio, append(pairs, "response_mode", mode)...)
			}
			for what, answer := range map[string]providertest.Response{
				"code":                             ada.Get(personio()),
				"error=invalid_scope":              ada.Get(personio("scope", "email")),
				"error=login_required":             stranger.Get(personio("prompt", "none")),
				"error=request_uri_not_supported":  ada.Get(personio("request_uri", "https://evil.example/")),
				"error=access_denied, on the page": bob.Get(vault(mode)),
			} {
				want := want
				if strings.Contains(what, "page") { // of another application, which is not spared it
					want = []string{b.Issuer}
				}
				how, sent := sentTo(t, answer)
				expected, _, _ := strings.Cut(what, ",")
				field, value, _ := strings.Cut(expected, "=")
				if how != mode || !sent.Has(field) || value != "" && sent.Get(field) != value || !slices.Equal(sent["iss"], want) || !slices.Equal(sent["state"], []string{"the-state"}) {
					t.Errorf("%s, %s by %s: %v by %s, want iss %v", name, what, mode, sent, how, want)
				}
			}
		}
	}
}
