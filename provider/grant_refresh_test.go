package provider_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// offlineScopes is what an application asks for that wants to come back.
var offlineScopes = []string{"scope", "openid email offline_access", "prompt", "consent"}

// offlineTokens signs Ada in and returns the tokens of the wiki, a refresh token among them.
func offlineTokens(t *testing.T, b *providertest.Bench) tokenAnswer {
	t.Helper()
	tokens := decodeTokens(t, redeem(b, providertest.Wiki, code(t, b, providertest.Wiki, offlineScopes...)))
	if tokens.Refresh == "" {
		t.Fatalf("no refresh token: %+v", tokens)
	}
	return tokens
}

// redeem exchanges a code by client_secret_basic.
func redeem(b *providertest.Bench, id users.ApplicationID, code string) providertest.Response {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {providertest.CallbackOf(id)}}
	return b.Post("/token", form, "Authorization", basic(id))
}

// refresh uses a refresh token as the wiki; pairs are further parameters.
func refresh(b *providertest.Bench, token string, pairs ...string) providertest.Response {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.Post("/token", form, "Authorization", basic(providertest.Wiki))
}

// wantRefused fails the test unless the answer is an error of RFC 6749 section 5.2.
func wantRefused(t *testing.T, what string, answer providertest.Response, code string) {
	t.Helper()
	got := decodeTokens(t, answer)
	if answer.StatusCode != http.StatusBadRequest || got.Error != code || got.AccessToken+got.Refresh != "" {
		t.Errorf("%s: status %d, body %s; want 400 %s", what, answer.StatusCode, answer.Body, code)
	}
}

// OpenID Connect Core section 11: registered, asked for, and consented to; else the scope is ignored.
func TestOfflineAccessIsReleasedOnlyWithConsent(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for name, c := range map[string]struct {
		application users.ApplicationID
		authorize   []string
	}{
		"without prompt=consent":     {providertest.Wiki, []string{"scope", "openid offline_access"}},
		"with another prompt":        {providertest.Wiki, []string{"scope", "openid offline_access", "prompt", "login"}},
		"without the scope":          {providertest.Wiki, []string{"scope", "openid email", "prompt", "consent"}},
		"by a client without it":     {providertest.Personio, offlineScopes},
		"misspelt":                   {providertest.Wiki, []string{"scope", "openid Offline_Access", "prompt", "consent"}},
		"with an ordinary request":   {providertest.Wiki, nil},
		"of Personio, as configured": {providertest.Personio, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := code(t, b, c.application, c.authorize...)
			answer := redeem(b, c.application, code)
			if c.application == providertest.Personio {
				answer = b.Tokens(c.application, code)
			}
			got := decodeTokens(t, answer)
			if answer.StatusCode != http.StatusOK || got.Refresh != "" || strings.Contains(got.Scope, "offline") || strings.Contains(answer.Body, "refresh_token") {
				t.Errorf("status %d, body %s", answer.StatusCode, answer.Body)
			}
		})
	}
	if tokens := offlineTokens(t, b); tokens.Scope != "openid email offline_access" {
		t.Errorf("scope %q", tokens.Scope)
	}
}

// OpenID Connect Core section 12.2.
func TestRefreshGivesNewTokensForTheSameSignIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	first := decodeTokens(t, redeem(b, providertest.Wiki, code(t, b, providertest.Wiki, append([]string{"nonce", "n-1"}, offlineScopes...)...)))
	before := verify(t, b, first.IDToken)
	b.Clock.Advance(5 * time.Minute)
	answer := refresh(b, first.Refresh)
	second := decodeTokens(t, answer)
	if answer.StatusCode != http.StatusOK || second.TokenType != "Bearer" || second.ExpiresIn != 900 || second.Scope != first.Scope {
		t.Fatalf("status %d, body %s", answer.StatusCode, answer.Body)
	}
	if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Pragma") != "no-cache" {
		t.Errorf("headers %v", answer.Header)
	}
	if len(second.Refresh) < 43 || second.Refresh == first.Refresh || second.AccessToken == first.AccessToken {
		t.Error("a token is not new")
	}
	after := verify(t, b, second.IDToken)
	want := before
	want.IssuedAt, want.Expires, want.AtHash, want.Nonce = b.Clock.Now().Unix(), b.Clock.Now().Unix()+900, after.AtHash, ""
	if after != want || before.Nonce != "n-1" || after.IssuedAt <= before.IssuedAt {
		t.Errorf("claims %+v, want %+v", after, want)
	}
	if after.AtHash == before.AtHash || after.Party != "wiki" {
		t.Errorf("at_hash %q, azp %q", after.AtHash, after.Party)
	}
	for name, token := range map[string]string{"first": first.AccessToken, "second": second.AccessToken} {
		if answer := userinfo(t, b, token); answer.StatusCode != http.StatusOK || !strings.Contains(answer.Body, providertest.Ada) {
			t.Errorf("%s access token: status %d, body %s", name, answer.StatusCode, answer.Body)
		}
	}
}

// Monitoring is told of every token that was given, and of none that was not.
func TestIssuedTokensAreReported(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	tokens := offlineTokens(t, b)
	all := []string{"access_token", "id_token", "refresh_token"}
	if diff := cmp.Diff(all, b.Issued()); diff != "" {
		t.Errorf("code with offline access (-want +got):\n%s", diff)
	}
	refresh(b, tokens.Refresh)
	if diff := cmp.Diff(all, b.Issued()); diff != "" {
		t.Errorf("refresh (-want +got):\n%s", diff)
	}
	b.Tokens(providertest.Personio, code(t, b, providertest.Personio))
	if diff := cmp.Diff([]string{"access_token", "id_token"}, b.Issued()); diff != "" {
		t.Errorf("code (-want +got):\n%s", diff)
	}
	refresh(b, tokens.Refresh) // a second use
	b.Tokens(providertest.Personio, "unknown")
	if issued := b.Issued(); len(issued) > 0 {
		t.Errorf("refused: %v, want none", issued)
	}
}

// N087 R-07
func TestRefreshNarrowsTheScopeAndNeverWidensIt(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := offlineTokens(t, b).Refresh
	for _, scope := range []string{"openid profile", "email", "openid email phone", "openid email offline_access admin", ","} {
		wantRefused(t, scope, refresh(b, token, "scope", scope), "invalid_scope")
	}
	for _, c := range []struct{ asked, want string }{
		{"openid", "openid"},
		{"email openid", "openid email"},
		{"", "openid email offline_access"}, // the family keeps what was granted
		{"openid,offline_access", "openid offline_access"},
	} {
		got := decodeTokens(t, refresh(b, token, "scope", c.asked))
		if got.Scope != c.want {
			t.Fatalf("asked for %q: %+v", c.asked, got)
		}
		released := strings.Contains(userinfo(t, b, got.AccessToken).Body, "email")
		if released != strings.Contains(c.want, "email") {
			t.Errorf("asked for %q: email released %v", c.asked, released)
		}
		token = got.Refresh
	}
}

// N063 N086: what a client may not refresh stays as it is.
func TestRefreshRefuses(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := offlineTokens(t, b).Refresh
	asPersonio := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {token},
		"client_id": {"personio"}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()},
	}
	wantRefused(t, "N086 client without offline access", b.Post("/token", asPersonio), "unauthorized_client")
	asNative := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"native"}}
	wantRefused(t, "N063 another client, a public one", b.Post("/token", asNative), "invalid_grant")
	wantRefused(t, "token missing", refresh(b, ""), "invalid_request")
	for name, bad := range map[string]string{"unknown": "x", "truncated": token[:len(token)-1], "extended": token + "A", "an access token": accessToken(t, b, providertest.Personio)} {
		wantRefused(t, name, refresh(b, bad), "invalid_grant")
	}
	wrong := b.Post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, "Authorization", "Basic d2lraTp4")
	if wrong.StatusCode != http.StatusUnauthorized {
		t.Errorf("wrong secret: status %d, want 401", wrong.StatusCode)
	}
	if answer := refresh(b, token); answer.StatusCode != http.StatusOK {
		t.Errorf("afterwards the owner gets status %d, body %s", answer.StatusCode, answer.Body)
	}
	if strings.Contains(b.Logs.String(), token) {
		t.Error("the log shows the refresh token")
	}
}

// A client without a secret has refresh tokens, too: they are rotated (RFC 9700 section 2.2.2).
func TestRefreshOfAPublicClient(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	code := code(t, b, providertest.Native, append([]string{"code_challenge", challenge, "code_challenge_method", "S256"}, offlineScopes...)...)
	tokens := decodeTokens(t, b.Tokens(providertest.Native, code, "client_secret", "", "code_verifier", verifier))
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Refresh}, "client_id": {"native"}}
	if got := decodeTokens(t, b.Post("/token", form)); got.Refresh == "" || got.Refresh == tokens.Refresh {
		t.Errorf("answer %+v", got)
	}
	wantRefused(t, "second use", b.Post("/token", form), "invalid_grant")
}

// N066: a second use is refused and takes the family with it.
// F-09
func TestRefreshReplayRevokesTheFamily(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	first := offlineTokens(t, b)
	second := decodeTokens(t, refresh(b, first.Refresh))
	wantRefused(t, "second use", refresh(b, first.Refresh, "scope", "nonsense"), "invalid_grant")
	wantRefused(t, "the live one", refresh(b, second.Refresh), "invalid_grant")
	for name, token := range map[string]string{"first": first.AccessToken, "second": second.AccessToken} {
		if answer := userinfo(t, b, token); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s access token: status %d, want 401", name, answer.StatusCode)
		}
	}
	if events := b.FlushEvents(users.EventRefreshReplayed); len(events) != 1 || events[0].Subject != "wiki" {
		t.Errorf("events of the replay: %+v, want one about the wiki", events)
	}
}

// Each token of a family that comes again and again fills no log: one event for all of them.
func TestReplaysOfOneFamilyAreOneEvent(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for i := range 2 {
		used := []string{offlineTokens(t, b).Refresh}
		for range 3 {
			used = append(used, decodeTokens(t, refresh(b, used[len(used)-1])).Refresh)
		}
		for _, token := range used[:3] {
			for range 5 {
				wantRefused(t, "replay", refresh(b, token), "invalid_grant")
			}
		}
		if events := b.FlushEvents(users.EventRefreshReplayed); len(events) != i+1 || events[i].Subject != "wiki" {
			t.Errorf("%d events of %d families, each replayed 15 times; want one each", len(events), i+1)
		}
	}
}

// N066 REL-1
func TestRefreshRotatesOnceUnder32Requests(t *testing.T) {
	t.Parallel()
	for name, store := range sessiontest.Stores(t) {
		b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
		token := offlineTokens(t, b).Refresh
		var wg sync.WaitGroup
		statuses := make([]int, 32)
		start := make(chan struct{})
		for i := range statuses {
			wg.Go(func() {
				<-start
				statuses[i] = refresh(b, token).StatusCode
			})
		}
		close(start)
		wg.Wait()
		won := 0
		for _, status := range statuses {
			switch status {
			case http.StatusOK:
				won++
			case http.StatusBadRequest:
			default:
				t.Errorf("%s: status %d", name, status)
			}
		}
		if won != 1 {
			t.Errorf("%s: %d refreshes succeeded, want 1", name, won)
		}
		wantRefused(t, name+": afterwards", refresh(b, token), "invalid_grant")
	}
}

// N069
func TestRefreshTokensExpire(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := offlineTokens(t, b).Refresh
	b.Clock.Advance(8*time.Hour - time.Second)
	token = decodeTokens(t, refresh(b, token)).Refresh
	b.Clock.Advance(8 * time.Hour)
	wantRefused(t, "after 8 hours idle", refresh(b, token), "invalid_grant")
	token = offlineTokens(t, b).Refresh
	for range 102 { // 7 hours each: just below 30 days
		b.Clock.Advance(7 * time.Hour)
		token = decodeTokens(t, refresh(b, token)).Refresh
	}
	b.Clock.Advance(6 * time.Hour)
	wantRefused(t, "after 30 days", refresh(b, token), "invalid_grant")
}

// U-01 S-045 invariants 1 and 3: the person is looked at again at each refresh.
func TestRefreshEndsWithThePersonsAccess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, b *providertest.Bench, ada users.ID){
		"suspended": func(t *testing.T, b *providertest.Bench, ada users.ID) {
			_, err := b.Directory.Suspend(t.Context(), "cli:test", ada, "left")
			if err == nil {
				_, err = b.Directory.Activate(t.Context(), "cli:test", ada, "back") // too late
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"sessions ended": func(t *testing.T, b *providertest.Bench, ada users.ID) {
			if err := b.Directory.EndSessions(t.Context(), "cli:test", ada); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			tokens := offlineTokens(t, b)
			end(t, b, b.User(providertest.Ada).ID)
			wantRefused(t, "refresh", refresh(b, tokens.Refresh), "invalid_grant")
			if answer := userinfo(t, b, tokens.AccessToken); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("userinfo: status %d", answer.StatusCode)
			}
		})
	}
}

// Offline access is what remains after sign-out; ordinary tokens do not.
func TestOfflineAccessSurvivesSignOut(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	offline := browser.SignIn(b.Authorize(providertest.Wiki, offlineScopes...), providertest.Ada, providertest.Password).Query().Get("code")
	online := browser.Get(b.Authorize(providertest.Personio)).Query().Get("code")
	tokens := decodeTokens(t, redeem(b, providertest.Wiki, offline))
	session := decodeTokens(t, b.Tokens(providertest.Personio, online))
	ada := b.User(providertest.Ada).ID
	all, err := b.Sessions.Of(t.Context(), ada)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	if err := b.Sessions.Conclude(t.Context(), b.Directory, users.ActorSystem, users.SessionEnd{}, all...); err != nil {
		t.Fatal(err)
	}
	if answer := userinfo(t, b, session.AccessToken); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("token of the session: status %d, want 401", answer.StatusCode)
	}
	got := decodeTokens(t, refresh(b, tokens.Refresh))
	if answer := userinfo(t, b, got.AccessToken); answer.StatusCode != http.StatusOK {
		t.Errorf("token of offline access: status %d, want 200", answer.StatusCode)
	}
}

// interrupted is a directory in which something can happen just before a decision is read.
type interrupted struct {
	*sqlstore.Store
	before atomic.Pointer[func() error] // nil: nothing happens
}

func (i *interrupted) happen() error {
	if before := i.before.Load(); before != nil {
		return (*before)()
	}
	return nil
}

func (i *interrupted) Decision(ctx context.Context, id users.ID, application users.ApplicationID, now time.Time) (users.Decision, error) {
	if err := i.happen(); err != nil {
		return users.Decision{}, err
	}
	return i.Store.Decision(ctx, id, application, now)
}

func (i *interrupted) UserDecision(ctx context.Context, id users.ID, application users.ApplicationID, now time.Time) (users.User, users.Decision, error) {
	if err := i.happen(); err != nil {
		return users.User{}, users.Decision{}, err
	}
	return i.Store.UserDecision(ctx, id, application, now)
}

// N353: while the directory does not answer, no application loses its refresh token.
func TestRefreshUsesNothingUpDuringAnOutage(t *testing.T) {
	t.Parallel()
	directory := &interrupted{Store: userstest.SQLite(t)}
	b := providertest.NewOn(t, providertest.Stores{Users: directory, Sessions: sessiontest.SQLite(t)})
	tokens := offlineTokens(t, b)
	down := func() error { return errors.New("the directory does not answer") }
	directory.before.Store(&down)
	if answer := refresh(b, tokens.Refresh); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("during the outage: status %d, want 503", answer.StatusCode)
	}
	directory.before.Store(nil)
	if answer := refresh(b, tokens.Refresh); answer.StatusCode != http.StatusOK {
		t.Errorf("after the outage: status %d, body %s", answer.StatusCode, answer.Body)
	}
}
