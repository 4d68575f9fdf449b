package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

func userinfo(t *testing.T, b *providertest.Bench, token string) providertest.Response {
	t.Helper()
	return b.Get("/userinfo", "Authorization", "Bearer "+token)
}

func accessToken(t *testing.T, b *providertest.Bench, id users.ApplicationID, pairs ...string) string {
	t.Helper()
	code := code(t, b, id, pairs...)
	if id == providertest.Wiki {
		return wikiTokens(t, b, code).AccessToken
	}
	return decodeTokens(t, b.Tokens(id, code)).AccessToken
}

func claims(t *testing.T, answer providertest.Response) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(answer.Body), &got); err != nil {
		t.Fatalf("status %d, body %q: %v", answer.StatusCode, answer.Body, err)
	}
	return got
}

// S-060 S-061 N391: with openid alone Personio's client gets the address, whatever the
// scope and under any claim name; a client without mapping gets only sub.
// F-03
func TestUserinfoReleasesByRegistrationWhateverTheScope(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	ada := b.User(providertest.Ada)
	got := claims(t, userinfo(t, b, accessToken(t, b, providertest.Personio)))
	want := map[string]any{"sub": string(ada.ID), "email": providertest.Ada, "email_verified": true, "mail": providertest.Ada}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("personio (-want +got):\n%s", diff)
	}
	got = claims(t, userinfo(t, b, accessToken(t, b, providertest.Wiki)))
	if diff := cmp.Diff(map[string]any{"sub": string(ada.ID)}, got); diff != "" {
		t.Errorf("wiki (-want +got):\n%s", diff)
	}
}

// S-061 N107: the address is released in the very case in which HR wrote it.
func TestUserinfoKeepsTheAddressAsWritten(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer := b.NewBrowser().SignIn(b.Authorize(providertest.Personio), strings.ToUpper(providertest.Bob), providertest.Password)
	token := decodeTokens(t, b.Tokens(providertest.Personio, answer.Query().Get("code"))).AccessToken
	if got := claims(t, userinfo(t, b, token)); got["email"] != providertest.Bob {
		t.Errorf("email %v, want %s", got["email"], providertest.Bob)
	}
}

// Each scope releases the claims that the standard gives it, with the values of the directory.
func TestUserinfoReleasesByScope(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	got := claims(t, userinfo(t, b, accessToken(t, b, providertest.Wiki, "scope", "openid profile email")))
	ada := b.User(providertest.Ada)
	want := map[string]any{
		"sub": string(ada.ID), "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
		"preferred_username": providertest.Ada, "updated_at": float64(ada.UpdatedAt.Unix()), "nickname": "A", "locale": "de-DE",
		"email": providertest.Ada, "email_verified": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// S-065 N109
func TestUserinfoByGetAndPost(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := accessToken(t, b, providertest.Personio)
	for name, answer := range map[string]providertest.Response{
		"GET":                b.Get("/userinfo", "Authorization", "Bearer "+token),
		"lower-case scheme":  b.Get("/userinfo", "Authorization", "bearer "+token),
		"several spaces":     b.Get("/userinfo", "Authorization", "Bearer   "+token), // RFC 9110 section 11.4
		"POST with a header": b.Post("/userinfo", url.Values{}, "Authorization", "Bearer "+token),
		"POST with a form":   b.Post("/userinfo", url.Values{"access_token": {token}}),
	} {
		if answer.StatusCode != http.StatusOK || claims(t, answer)["email"] != providertest.Ada || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d, body %s", name, answer.StatusCode, answer.Body)
		}
	}
}

// N100 N101 N103 N109 R-11 G12 G24
func TestUserinfoRefuses(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	token := accessToken(t, b, providertest.Personio)
	idToken := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio))).IDToken
	request := func(method, path, body string, header ...string) providertest.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, b.Issuer+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return b.Do(r)
	}
	bearer := "Bearer " + token
	const bomb = "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjEwMDAwMDAwMDAsImVuYyI6IkExMjhDQkMtSFMyNTYiLCJ6aXAiOiJERUYifQ...." // PBES2, a billion rounds
	const form = "application/x-www-form-urlencoded"
	cases := []struct {
		name   string
		answer providertest.Response
		status int
		error  string // in WWW-Authenticate
	}{
		{"no token", request("GET", "/userinfo", ""), 401, ""},
		{"a scheme without a token", request("GET", "/userinfo", "", "Authorization", "Bearer "), 401, ""},
		{"another scheme", request("GET", "/userinfo", "", "Authorization", "Basic YTpi"), 401, ""},
		{"token in the query alone", request("GET", "/userinfo?access_token="+token, ""), 401, ""},
		{"token in query and header", request("GET", "/userinfo?access_token="+token, "", "Authorization", bearer), 400, "invalid_request"},
		{"token in header and form", request("POST", "/userinfo", "access_token="+token, "Authorization", bearer, "Content-Type", form), 400, "invalid_request"},
		{"token in query and form", request("POST", "/userinfo?access_token="+token, "access_token="+token, "Content-Type", form), 400, "invalid_request"},
		{"two headers", request("GET", "/userinfo", "", "Authorization", bearer, "Authorization", bearer), 400, "invalid_request"},
		{"token twice in the form", request("POST", "/userinfo", "access_token="+token+"&access_token="+token, "Content-Type", form), 400, "invalid_request"},
		{"one character less", request("GET", "/userinfo", "", "Authorization", bearer[:len(bearer)-1]), 401, "invalid_token"},
		{"four characters less", request("GET", "/userinfo", "", "Authorization", bearer[:len(bearer)-4]), 401, "invalid_token"},
		{"one character more", request("GET", "/userinfo", "", "Authorization", bearer+"A"), 401, "invalid_token"},
		{"another tag", request("GET", "/userinfo", "", "Authorization", "Bearer aaaaaaaaaaaa"+token[12:]), 401, "invalid_token"},
		{"N023 an ID token (G23)", request("GET", "/userinfo", "", "Authorization", "Bearer "+idToken), 401, "invalid_token"},
		{"N136 an encrypted token", request("GET", "/userinfo", "", "Authorization", "Bearer "+bomb), 401, "invalid_token"},
		{"JSON body", request("POST", "/userinfo", `{"access_token":"`+token+`"}`, "Content-Type", "application/json"), 401, ""},
	}
	for _, c := range cases {
		challenge := c.answer.Header.Get("WWW-Authenticate")
		if c.answer.StatusCode != c.status || !strings.HasPrefix(challenge, "Bearer realm=") {
			t.Errorf("%s: status %d, WWW-Authenticate %q; want %d", c.name, c.answer.StatusCode, challenge, c.status)
		}
		if has := strings.Contains(challenge, "error="); has != (c.error != "") || !strings.Contains(challenge, c.error) {
			t.Errorf("%s: WWW-Authenticate %q, want error %q", c.name, challenge, c.error)
		}
	}
	if answer := request("PUT", "/userinfo", ""); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("PUT: status %d, want 405", answer.StatusCode)
	}
	if answer := request("HEAD", "/userinfo", "", "Authorization", bearer); answer.StatusCode != http.StatusOK {
		t.Errorf("HEAD: status %d, want 200", answer.StatusCode)
	}
}

// N106: a subject is an id of ours, whatever people are called, so that no rule about subjects can be broken.
func TestSubjectsAreOurOwnIDs(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for _, name := range []string{providertest.Ada, providertest.Bob} {
		answer := b.NewBrowser().SignIn(b.Authorize(providertest.Personio), name, providertest.Password)
		token := decodeTokens(t, b.Tokens(providertest.Personio, answer.Query().Get("code"))).AccessToken
		got := claims(t, userinfo(t, b, token))
		sub, _ := got["sub"].(string)
		if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(sub) || got["email"] != name {
			t.Errorf("%s: claims %v", name, got)
		}
	}
}

// An access token lives for 15 minutes, and not longer than its session.
func TestUserinfoRefusesAnOldTokenAndOneOfAnEndedSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	old := accessToken(t, b, providertest.Personio)
	b.Clock.Advance(15*time.Minute + time.Second)
	if answer := userinfo(t, b, old); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("old token: status %d", answer.StatusCode)
	}
	token := accessToken(t, b, providertest.Personio)
	ada := b.User(providertest.Ada)
	sessions, err := b.Sessions.Of(t.Context(), ada.ID)
	if err != nil || len(sessions) == 0 {
		t.Fatalf("%d sessions, error %v", len(sessions), err)
	}
	if err := b.Sessions.Conclude(t.Context(), b.Directory, users.ActorSystem, users.SessionEnd{}, sessions...); err != nil {
		t.Fatal(err)
	}
	if answer := userinfo(t, b, token); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("token of an ended session: status %d", answer.StatusCode)
	}
}
