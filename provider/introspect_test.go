package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// inactive is all that is said of a token that is not active, or not the client's.
const inactive = `{"active":false}`

// asWiki sends a token to an endpoint with the wiki's credentials; pairs are further parameters.
func asWiki(b *providertest.Bench, path, token string, pairs ...string) providertest.Response {
	form := url.Values{"token": {token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.Post(path, form, "Authorization", basic(providertest.Wiki))
}

// asPersonio is asWiki for Personio, which authenticates in the body.
func asPersonio(b *providertest.Bench, path, token string) providertest.Response {
	return b.Post(path, url.Values{
		"token": {token}, "client_id": {"personio"}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()},
	})
}

func wantInactive(t *testing.T, what string, answer providertest.Response) {
	t.Helper()
	if answer.StatusCode != http.StatusOK || answer.Body != inactive || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: status %d, %s, body %s; want 200 %s", what, answer.StatusCode, answer.Header.Get("Content-Type"), answer.Body, inactive)
	}
}

// N110: who asks must prove who they are, and gets no internal text. Every 401
// names a way to do so (RFC 9110 section 15.5.2), however the client had tried.
func TestEveryEndpointForClientsAuthenticatesThem(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := accessToken(t, b, providertest.Wiki)
	for _, path := range []string{"/token", "/par", "/introspect", "/revoke"} {
		for name, answer := range map[string]providertest.Response{
			"nobody":       b.Post(path, url.Values{"token": {token}}),
			"a stranger":   b.Post(path, url.Values{"token": {token}, "client_id": {"nobody"}}),
			"wrong secret": b.Post(path, url.Values{"token": {token}}, "Authorization", "Basic d2lraTp4"),
			"bearer":       b.Post(path, url.Values{"token": {token}}, "Authorization", "Bearer "+token),
			"wrong secret in the body": b.Post(path, url.Values{
				"token": {token}, "client_id": {"personio"}, "client_secret": {strings.Repeat("x", 40)},
			}),
		} {
			if answer.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") ||
				decodeTokens(t, answer).Error != "invalid_client" || answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s by %s: status %d, headers %v, body %s", path, name, answer.StatusCode, answer.Header, answer.Body)
			}
		}
	}
	public := b.Post("/introspect", url.Values{"token": {token}, "client_id": {"native"}})
	if public.StatusCode != http.StatusUnauthorized {
		t.Errorf("a public client introspects: status %d, want 401", public.StatusCode)
	}
}

// N113 and what both endpoints refuse of any request.
func TestIntrospectAndRevokeTakeAPostedFormOnly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := accessToken(t, b, providertest.Wiki)
	for _, path := range []string{"/introspect", "/revoke"} {
		answer := b.Get(path+"?token="+token, "Authorization", basic(providertest.Wiki))
		if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" {
			t.Errorf("GET %s: status %d, Allow %q", path, answer.StatusCode, answer.Header.Get("Allow"))
		}
		wantRefused(t, path+" with a query", asWiki(b, path+"?token_type_hint=access_token", token), "invalid_request")
		wantRefused(t, path+" without a token", asWiki(b, path, ""), "invalid_request")
	}
	if answer := userinfo(t, b, token); answer.StatusCode != http.StatusOK {
		t.Errorf("the token afterwards: status %d", answer.StatusCode)
	}
}

// N111: of a token that is unknown, another client's, expired or revoked nothing is said.
func TestIntrospectSaysNothingOfOtherTokens(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	tokens := offlineTokens(t, b)
	used := tokens.Refresh
	tokens.Refresh = decodeTokens(t, refresh(b, used)).Refresh
	wantInactive(t, "unknown", asWiki(b, "/introspect", "x"))
	wantInactive(t, "an ID token", asWiki(b, "/introspect", tokens.IDToken))
	wantInactive(t, "truncated", asWiki(b, "/introspect", tokens.AccessToken[:len(tokens.AccessToken)-1]))
	wantInactive(t, "a rotated refresh token", asWiki(b, "/introspect", used))
	wantInactive(t, "another client's access token", asPersonio(b, "/introspect", tokens.AccessToken))
	wantInactive(t, "another client's refresh token", asPersonio(b, "/introspect", tokens.Refresh))
	if answer := asWiki(b, "/introspect", tokens.AccessToken); !strings.Contains(answer.Body, `"active":true`) {
		t.Errorf("own access token: body %s", answer.Body)
	}
	b.Clock.Advance(15 * time.Minute)
	wantInactive(t, "expired", asWiki(b, "/introspect", tokens.AccessToken))
	if _, err := b.Directory.Suspend(t.Context(), "cli:test", b.User(providertest.Ada).ID, "left"); err != nil {
		t.Fatal(err)
	}
	wantInactive(t, "a suspended person's", asWiki(b, "/introspect", tokens.Refresh))
}

// RFC 7662 section 2.2: what a client learns of its own tokens.
// F-08
func TestIntrospectDescribesOwnTokens(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	code := code(t, b, providertest.Wiki, "scope", "openid profile offline_access", "prompt", "consent")
	tokens := decodeTokens(t, redeem(b, providertest.Wiki, code))
	ada := b.User(providertest.Ada)
	for _, c := range []struct {
		name, token, hint string
		expires           time.Duration
	}{
		{"access token", tokens.AccessToken, "", 15 * time.Minute},
		{"access token with a wrong hint", tokens.AccessToken, "refresh_token", 15 * time.Minute},
		{"access token with an unknown hint", tokens.AccessToken, "pigeon", 15 * time.Minute},
		{"refresh token", tokens.Refresh, "refresh_token", 8 * time.Hour},
		{"refresh token with a wrong hint", tokens.Refresh, "access_token", 8 * time.Hour},
	} {
		want := map[string]any{
			"active": true, "scope": "openid profile offline_access", "client_id": "wiki", "aud": "wiki", "iss": b.Issuer,
			"sub": string(ada.ID), "exp": float64(b.Clock.Now().Add(c.expires).Unix()), "token_type": "Bearer",
		}
		if ada.Username != "" {
			want["username"] = ada.Username
		}
		if c.token == tokens.Refresh {
			delete(want, "token_type") // it authorises nothing by itself
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(asWiki(b, "/introspect", c.token, "token_type_hint", c.hint).Body), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// N114: a client that tries tokens is slowed down, and others are not.
func TestIntrospectThrottlesScans(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := accessToken(t, b, providertest.Wiki)
	for i := range 300 {
		if answer := asWiki(b, "/introspect", "guess"); answer.StatusCode != http.StatusOK {
			t.Fatalf("guess %d: status %d", i+1, answer.StatusCode)
		}
	}
	answer := asWiki(b, "/introspect", "guess")
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" || strings.Contains(answer.Body, "active\":") {
		t.Errorf("guess 301: status %d, Retry-After %q, body %s", answer.StatusCode, answer.Header.Get("Retry-After"), answer.Body)
	}
	if answer := asWiki(b, "/introspect", token); answer.StatusCode != http.StatusOK {
		t.Errorf("a good token: status %d, want 200", answer.StatusCode)
	}
	wantInactive(t, "another client", asPersonio(b, "/introspect", "guess"))
}

// N115 N119: what is unknown is revoked already, and a hint is only a hint.
func TestRevokeOfAnUnknownTokenSucceeds(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := accessToken(t, b, providertest.Wiki)
	for name, pairs := range map[string][]string{
		"unknown":                       {"x"},
		"unknown, with an unknown hint": {"x", "token_type_hint", "pigeon"},
		"with a wrong hint":             {token, "token_type_hint", "refresh_token"},
	} {
		for range 2 {
			if answer := asWiki(b, "/revoke", pairs[0], pairs[1:]...); answer.StatusCode != http.StatusOK || answer.Body != "" {
				t.Errorf("%s: status %d, body %q", name, answer.StatusCode, answer.Body)
			}
		}
	}
	if answer := userinfo(t, b, token); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("the revoked token: status %d, want 401", answer.StatusCode)
	}
}

// N116
func TestRevokeLeavesAnotherClientsTokensAlone(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	tokens := offlineTokens(t, b)
	for _, token := range []string{tokens.AccessToken, tokens.Refresh} {
		wantRefused(t, "by Personio", asPersonio(b, "/revoke", token), "unauthorized_client")
		public := b.Post("/revoke", url.Values{"token": {token}, "client_id": {"native"}})
		wantRefused(t, "by a public client", public, "unauthorized_client")
	}
	if answer := userinfo(t, b, tokens.AccessToken); answer.StatusCode != http.StatusOK {
		t.Errorf("access token: status %d, want 200", answer.StatusCode)
	}
	if answer := refresh(b, tokens.Refresh); answer.StatusCode != http.StatusOK {
		t.Errorf("refresh token: status %d, want 200", answer.StatusCode)
	}
}

// RFC 7009 section 2.1: a refresh token takes its access tokens along, an access token dies alone.
// F-08
func TestRevokeTakesWhatBelongsToTheToken(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	alive := func(what, token string, want bool) {
		t.Helper()
		if got := userinfo(t, b, token).StatusCode == http.StatusOK; got != want {
			t.Errorf("%s is alive: %v, want %v", what, got, want)
		}
	}
	first := offlineTokens(t, b)
	second := decodeTokens(t, refresh(b, first.Refresh))
	asWiki(b, "/revoke", first.AccessToken)
	alive("revoked access token", first.AccessToken, false)
	alive("its sibling", second.AccessToken, true)
	third := decodeTokens(t, refresh(b, second.Refresh))
	asWiki(b, "/revoke", third.Refresh)
	alive("access token of the revoked refresh token", third.AccessToken, false)
	alive("an older one", second.AccessToken, false)
	wantRefused(t, "the refresh token", refresh(b, third.Refresh), "invalid_grant")

	lost := offlineTokens(t, b)
	next := decodeTokens(t, refresh(b, lost.Refresh)) // the client never saw this answer
	asWiki(b, "/revoke", lost.Refresh)
	wantRefused(t, "what was given for a refresh token that is revoked", refresh(b, next.Refresh), "invalid_grant")
	if events := b.FlushEvents(users.EventRefreshReplayed); len(events) != 0 {
		t.Errorf("%d events of a replay, want none: revoking is no use", len(events))
	}
}
