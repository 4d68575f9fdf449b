package portal_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// offlineToken has the wiki get a refresh token in a browser's session.
func offlineToken(t *testing.T, b *providertest.Bench, browser *providertest.Browser) string {
	t.Helper()
	code := browser.Get(b.Authorize(providertest.Wiki, "scope", "openid offline_access", "prompt", "consent")).Query().Get("code")
	tokens := grant(t, b, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {providertest.CallbackOf(providertest.Wiki)}})
	if tokens.Refresh == "" {
		t.Fatal("no refresh token")
	}
	return tokens.Refresh
}

// granted is an answer to the wiki's request for tokens.
type granted struct {
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func grant(t *testing.T, b *providertest.Bench, fields url.Values) (tokens granted) {
	t.Helper()
	client := url.QueryEscape(providertest.Wiki) + ":" + url.QueryEscape(providertest.SecretOf(providertest.Wiki).Reveal())
	answer := b.Post("/token", fields, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(client)))
	if err := json.Unmarshal([]byte(answer.Body), &tokens); err != nil {
		t.Fatalf("%s: %v", answer.Body, err)
	}
	return tokens
}

func refresh(t *testing.T, b *providertest.Bench, token string) granted {
	t.Helper()
	return grant(t, b, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// What an application can use while its person is away outlives their sign-in, so
// the page shows it and ends it, for that person alone.
// U-02
func TestAPersonSeesAndEndsOfflineAccess(t *testing.T) {
	t.Parallel()
	for name, store := range sessiontest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
			phone := signedIn(t, b, providertest.Ada)
			token, began := offlineToken(t, b, phone), b.Clock.Now()
			b.Clock.Advance(time.Hour)
			browser, bob := signedIn(t, b, providertest.Ada), signedIn(t, b, providertest.Bob)
			others := formsOf(t, browser)[sessionsPath+"/others"]
			wantRedirect(t, browser.Post(others.action, others.fields), sessionsPath)

			used := refresh(t, b, token)
			if used.Refresh == "" {
				t.Fatalf("after the end of the session: %+v, want new tokens", used)
			}
			layout := "2006-01-02 15:04"
			want := []string{"wiki End this access Since " + began.Format(layout) +
				" At the latest until " + began.Add(30*24*time.Hour).Format(layout)}
			if diff := cmp.Diff(want, panelsOf(t, browser.Get(sessionsPath).Body, "access")); diff != "" {
				t.Errorf("accesses (-want +got):\n%s", diff)
			}
			var end form
			for path, f := range formsOf(t, browser) {
				if strings.HasPrefix(path, "/account/access/") {
					end = f
				}
			}
			bobs := formsOf(t, bob)["/logout/everywhere"].fields
			wantStatus(t, "by another person", bob.Post(end.action, bobs), http.StatusNotFound)
			if used = refresh(t, b, used.Refresh); used.Refresh == "" {
				t.Fatalf("another person has ended it: %+v", used)
			}
			wantRedirect(t, browser.Post(end.action, end.fields), sessionsPath)
			if after := refresh(t, b, used.Refresh); after.Error != "invalid_grant" {
				t.Errorf("afterwards: %+v, want invalid_grant", after)
			}
			wantStatus(t, "sent twice", browser.Post(end.action, end.fields), http.StatusNotFound)
			if got := panelsOf(t, browser.Get(sessionsPath).Body, "access"); got != nil {
				t.Errorf("the page still shows %q", got)
			}
			events := b.FlushEvents(users.EventGrantRevoked)
			if len(events) != 1 || events[0].Subject != string(b.User(providertest.Ada).ID) || !strings.Contains(events[0].Payload, `"application":"wiki"`) {
				t.Errorf("events %v, want one about the wiki", events)
			}
		})
	}
}
