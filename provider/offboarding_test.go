package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// leaver is everything that somebody holds who is about to leave.
type leaver struct {
	browser *providertest.Browser // signed in
	typing  *providertest.Browser // has the sign-in form open
	action  string                // of that form
	form    url.Values
	code    string // of the wiki, not redeemed yet
	tokens  tokenAnswer
	phone   tokenAnswer // of another session, which is still signed in, too
}

func newLeaver(t *testing.T, b *providertest.Bench) leaver {
	t.Helper()
	l := leaver{browser: b.NewBrowser(), typing: b.NewBrowser()}
	l.browser.SignIn("/login", providertest.Ada, providertest.Password)
	l.tokens = decodeTokens(t, redeem(b, providertest.Wiki, l.browser.Get(b.Authorize(providertest.Wiki, offlineScopes...)).Query().Get("code")))
	l.phone = offlineTokens(t, b)
	l.code = l.browser.Get(b.Authorize(providertest.Wiki)).Query().Get("code")
	if l.code == "" || l.tokens.Refresh == "" {
		t.Fatalf("nothing to lose: code %q, tokens %+v", l.code, l.tokens)
	}
	page := l.typing.Get(b.Authorize(providertest.Personio))
	page = l.typing.Get(page.Header.Get("Location"))
	l.action, l.form = providertest.FormOf(t, page.Body, "password")
	if l.action == "" {
		l.action = page.Request.URL.String()
	}
	l.form.Set("username", providertest.Ada)
	l.form.Set("password", providertest.Password)
	return l
}

// doors are all ways in, and what an answer says when it is closed.
func (l leaver) doors(t *testing.T, b *providertest.Bench) map[string]func() (open bool, answer providertest.Response) {
	code := func(answer providertest.Response) (bool, providertest.Response) {
		return answer.Header.Get("Location") != "" && answer.Query().Get("code") != "", answer
	}
	tokens := func(answer providertest.Response) (bool, providertest.Response) {
		got := decodeTokens(t, answer)
		return got.AccessToken+got.Refresh+got.IDToken != "" || answer.StatusCode != http.StatusBadRequest, answer
	}
	page := func(path string) func() (bool, providertest.Response) {
		return func() (bool, providertest.Response) {
			answer := l.browser.Get(path)
			return answer.StatusCode < 300, answer
		}
	}
	return map[string]func() (bool, providertest.Response){
		"cookie at authorize": func() (bool, providertest.Response) { return code(l.browser.Get(b.Authorize(providertest.Wiki))) },
		"cookie at authorize, silently": func() (bool, providertest.Response) {
			return code(l.browser.Get(b.Authorize(providertest.Wiki, "prompt", "none")))
		},
		"cookie with the ID token as a hint": func() (bool, providertest.Response) {
			return code(l.browser.Get(b.Authorize(providertest.Wiki, "prompt", "none", "id_token_hint", l.tokens.IDToken)))
		},
		"portal": page("/portal"),
		"tile": func() (bool, providertest.Response) {
			a := l.browser.Get("/portal/launch/wiki")
			return strings.Contains(a.Header.Get("Location"), "wiki.example"), a
		},
		"code":           func() (bool, providertest.Response) { return tokens(redeem(b, providertest.Wiki, l.code)) },
		"refresh token":  func() (bool, providertest.Response) { return tokens(refresh(b, l.tokens.Refresh)) },
		"another device": func() (bool, providertest.Response) { return tokens(refresh(b, l.phone.Refresh)) },
		"userinfo": func() (bool, providertest.Response) {
			a := userinfo(t, b, l.tokens.AccessToken)
			return a.StatusCode != http.StatusUnauthorized, a
		},
		"userinfo of another device": func() (bool, providertest.Response) {
			a := userinfo(t, b, l.phone.AccessToken)
			return a.StatusCode != http.StatusUnauthorized, a
		},
		"introspection of the access token": func() (bool, providertest.Response) {
			a := asWiki(b, "/introspect", l.tokens.AccessToken)
			return a.Body != inactive, a
		},
		"introspection of the refresh token": func() (bool, providertest.Response) {
			a := asWiki(b, "/introspect", l.tokens.Refresh)
			return a.Body != inactive, a
		},
		"sign-in form that is open already": func() (bool, providertest.Response) { return code(l.typing.Post(l.action, l.form)) },
		"new sign-in": func() (bool, providertest.Response) {
			return code(b.NewBrowser().SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password))
		},
	}
}

// N-1 U-01, invariants 1 and 3: from the commit of a suspension on every way in is closed, on
// every store, though nobody follows the log and so no message has arrived anywhere.
func TestEverythingIsRefusedAtOnceAfterSuspension(t *testing.T) {
	t.Parallel()
	for kind, store := range sessiontest.Stores(t) {
		b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
		// Each door is open before, which uses some of what is behind it up.
		for name, try := range newLeaver(t, b).doors(t, b) {
			if name == "refresh token" || name == "another device" || name == "code" { // one-time, and counted below
				continue
			}
			if open, answer := try(); !open {
				t.Errorf("%s: %s is closed before: status %d, body %s", kind, name, answer.StatusCode, answer.Body)
			}
		}
		l := newLeaver(t, b)
		if _, err := b.Directory.Suspend(t.Context(), "cli:test", b.User(providertest.Ada).ID, "left"); err != nil {
			t.Fatal(err)
		}
		for name, try := range l.doors(t, b) {
			if open, answer := try(); open {
				t.Errorf("%s: %s is open: status %d, Location %q, body %s", kind, name, answer.StatusCode, answer.Header.Get("Location"), answer.Body)
			}
		}
		// Nor does coming back revive what was lost.
		if _, err := b.Directory.Activate(t.Context(), "cli:test", b.User(providertest.Ada).ID, "back"); err != nil {
			t.Fatal(err)
		}
		for name, try := range l.doors(t, b) {
			if strings.Contains(name, "sign-in") { // they may come in anew
				continue
			}
			if open, answer := try(); open {
				t.Errorf("%s: %s is open again after the return: status %d, body %s", kind, name, answer.StatusCode, answer.Body)
			}
		}
	}
}

// N-1: the follower ends the sessions, and says that nothing is left even where there was none.
func TestCleaningUpLeavesEvidence(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	newLeaver(t, b)
	b.Follow()
	for _, email := range []string{providertest.Ada, providertest.Bob} {
		if _, err := b.Directory.Suspend(t.Context(), "cli:test", b.User(email).ID, "left"); err != nil {
			t.Fatal(err)
		}
		var record users.Offboarding
		eventually(t, "nothing is left of "+email, func() bool {
			records, err := b.Directory.Offboardings(t.Context(), b.User(email).ID)
			if err != nil || len(records) != 1 {
				t.Fatalf("%d records, %v", len(records), err)
			}
			record = records[0]
			return !record.CleanedAt.IsZero()
		})
		want := map[string]int{providertest.Ada: 2, providertest.Bob: 0}[email]
		if record.Sessions != want || record.By != users.ByAdmin || record.Epoch != b.User(email).Epoch {
			t.Errorf("%s: %d sessions, by %s, epoch %d; want %d and %d", email, record.Sessions, record.By, record.Epoch, want, b.User(email).Epoch)
		}
	}
}
