package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

const afterWiki = "https://wiki.example/bye?lang=de"

// signedIn returns a browser that Ada has signed in at, and the ID token that
// Personio got for it.
func signedIn(t *testing.T, b *providertest.Bench) (*providertest.Browser, string) {
	t.Helper()
	browser := b.NewBrowser()
	answer := browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password)
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, answer.Query().Get("code")))
	if tokens.IDToken == "" {
		t.Fatalf("no ID token: %+v", tokens)
	}
	return browser, tokens.IDToken
}

// endSession returns the path of a request to sign out; an empty value removes a parameter.
func endSession(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return "/end_session?" + q.Encode()
}

// isSignedIn asks as an application does that must not disturb the person.
func isSignedIn(b *providertest.Bench, browser *providertest.Browser) bool {
	b.T.Helper()
	answer := browser.Get(b.Authorize(providertest.Personio, "prompt", "none"))
	if refused := answer.Query().Get("error"); refused != "" && refused != "login_required" {
		b.T.Errorf("prompt=none: %s", refused)
	}
	return answer.Query().Get("code") != ""
}

// wantLogoutError expects the error page with its way to the confirmation page, and the session alive.
func wantLogoutError(t *testing.T, b *providertest.Bench, browser *providertest.Browser, answer providertest.Response) {
	t.Helper()
	page := webtest.Parse(t, answer.Body)
	if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || page.ByID("error").Text() == "" {
		t.Errorf("status %d, Location %q; want the error page", answer.StatusCode, answer.Header.Get("Location"))
	}
	leads := false
	for _, link := range page.All("a") {
		leads = leads || link.Attr("href") == "/logout"
	}
	if !leads {
		t.Error("the error page does not lead to the confirmation page")
	}
	if !isSignedIn(b, browser) {
		t.Error("the person was signed out")
	}
}

// forged returns an ID token with the parts of a genuine one changed and its signature kept.
func forged(t *testing.T, token string, header, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, changes := range []map[string]any{header, claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		members := map[string]any{}
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		maps.Copy(members, changes)
		if text, err = json.Marshal(members); err != nil {
			t.Fatal(err)
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(text)
	}
	return strings.Join(parts, ".")
}

// resigned returns the claims of an ID token with changes, signed by our own key as another kind of token perhaps.
func resigned(t *testing.T, b *providertest.Bench, token, typ string, changes map[string]any) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	maps.Copy(members, changes)
	if text, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	signer, err := b.Ring.Signer(keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text, typ)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// N123 N130
func TestLogoutRefusesHintsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser, token := signedIn(t, b)
	_, foreign := signedIn(t, providertest.New(t))
	parts := strings.Split(token, ".")
	unsigned := forged(t, token, map[string]any{"alg": "none"}, nil)
	for name, hint := range map[string]string{
		"alg none with its signature":    unsigned,
		"alg none without signature":     unsigned[:strings.LastIndex(unsigned, ".")+1],
		"HS256":                          forged(t, token, map[string]any{"alg": "HS256"}, nil),
		"another algorithm of ours":      forged(t, token, map[string]any{"alg": "ES256"}, nil),
		"another person":                 forged(t, token, nil, map[string]any{"sub": "somebody-else"}),
		"signature cut":                  token[:len(token)-8],
		"no signature":                   parts[0] + "." + parts[1] + ".",
		"a foreign provider's":           foreign,
		"no token":                       "nonsense",
		"JSON serialisation":             `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"a logout token of ours":         resigned(t, b, token, keys.TypeLogoutToken, nil),
		"another issuer":                 resigned(t, b, token, keys.TypeIDToken, map[string]any{"iss": "https://evil.example"}),
		"for a client that is not there": resigned(t, b, token, keys.TypeIDToken, map[string]any{"aud": "nobody"}),
		"for two clients":                resigned(t, b, token, keys.TypeIDToken, map[string]any{"aud": []string{"personio", "wiki"}}),
		"without a subject":              resigned(t, b, token, keys.TypeIDToken, map[string]any{"sub": ""}),
		"very long":                      strings.Repeat("a", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			for _, target := range []string{"", providertest.AfterLogoutOf(providertest.Personio)} {
				answer := browser.Get(endSession("id_token_hint", hint, "post_logout_redirect_uri", target, "state", "s"))
				wantLogoutError(t, b, browser, answer)
			}
		})
	}
	t.Run("of another client than client_id", func(t *testing.T) {
		wantLogoutError(t, b, browser, browser.Get(endSession("id_token_hint", token, "client_id", providertest.Wiki)))
	})
}

// N121 R-32
func TestLogoutRedirectsToRegisteredURIsOnly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser, token := signedIn(t, b)
	good := providertest.AfterLogoutOf(providertest.Personio)
	for name, uri := range map[string]string{
		"unregistered":                "https://evil.example/",
		"another client's":            afterWiki,
		"a prefix":                    strings.TrimSuffix(good, "?lang=de"),
		"a query added":               good + "&foo=bar",
		"a fragment added":            good + "#x",
		"another case":                strings.Replace(good, "personio.example", "PERSONIO.example", 1),
		"escaped twice":               url.QueryEscape(good),
		"the callback":                providertest.CallbackOf(providertest.Personio),
		"a path above":                "https://personio.example/x/../bye?lang=de",
		"script":                      "javascript:alert(1)",
		"another host by a user name": "https://personio.example@evil.example/bye?lang=de",
	} {
		t.Run(name, func(t *testing.T) {
			for _, who := range [][]string{{"id_token_hint", token}, {"client_id", providertest.Personio}} {
				answer := browser.Get(endSession(append(who, "post_logout_redirect_uri", uri, "state", "s")...))
				wantLogoutError(t, b, browser, answer)
			}
			// Nor does the confirmation page take what it is given.
			answer := browser.Get("/logout?" + url.Values{"client_id": {providertest.Personio}, "post_logout_redirect_uri": {uri}}.Encode())
			wantLogoutError(t, b, browser, answer)
		})
	}
	t.Run("neither hint nor client_id", func(t *testing.T) {
		wantLogoutError(t, b, browser, browser.Get(endSession("post_logout_redirect_uri", good, "state", "s")))
	})
	t.Run("unknown client_id", func(t *testing.T) {
		wantLogoutError(t, b, browser, browser.Get(endSession("post_logout_redirect_uri", good, "client_id", "nobody")))
	})
}

// N124 G14
func TestLogoutRefusesWhatIsMalformed(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser, token := signedIn(t, b)
	for name, query := range map[string]string{
		"a bad escape":      "state=%zz",
		"a semicolon":       "state=a;client_id=personio",
		"a NUL":             "state=%00",
		"a line end":        "state=a%0d%0aSet-Cookie:x",
		"no UTF-8":          "state=%ff",
		"a parameter twice": "id_token_hint=" + token + "&id_token_hint=" + token,
		"two URIs":          "id_token_hint=" + token + "&post_logout_redirect_uri=a&post_logout_redirect_uri=b",
		"a long state":      "state=" + strings.Repeat("s", 2049),
	} {
		t.Run(name, func(t *testing.T) {
			wantLogoutError(t, b, browser, browser.Get("/end_session?"+query))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+"/end_session", strings.NewReader(query))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			wantLogoutError(t, b, browser, browser.Do(r))
		})
	}
	huge := browser.Post("/end_session", url.Values{"state": {strings.Repeat("s", 1<<20)}})
	if huge.StatusCode != http.StatusRequestEntityTooLarge || !isSignedIn(b, browser) {
		t.Errorf("a state of 1 MiB: status %d", huge.StatusCode)
	}
}

// N120
func TestLogoutAsksWithoutAHintOfThisSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	_, others := signedIn(t, b) // Ada again, in another browser
	good := providertest.AfterLogoutOf(providertest.Personio)
	for name, c := range map[string]struct {
		query  []string
		target string
	}{
		"no parameters":                    {nil, ""},
		"only a state":                     {[]string{"state", "s"}, ""},
		"only a logout_hint":               {[]string{"logout_hint", providertest.Ada}, ""},
		"client_id and URI":                {[]string{"client_id", providertest.Personio, "post_logout_redirect_uri", good, "state", "s 1"}, good + "&state=s+1"},
		"hint of another session":          {[]string{"id_token_hint", others}, ""},
		"hint of another session, and URI": {[]string{"id_token_hint", others, "post_logout_redirect_uri", good}, good},
	} {
		t.Run(name, func(t *testing.T) {
			browser, _ := signedIn(t, b)
			answer := browser.Get(endSession(c.query...))
			if answer.StatusCode != http.StatusSeeOther || answer.Location().Path != "/logout" {
				t.Fatalf("status %d, Location %q; want the confirmation page", answer.StatusCode, answer.Header.Get("Location"))
			}
			page := browser.Get(answer.Header.Get("Location"))
			if document := webtest.Parse(t, page.Body); !document.ByID("logout-form").ByID("logout-confirm").Exists() {
				t.Fatal("no confirmation form")
			}
			if !isSignedIn(b, browser) {
				t.Fatal("signed out without being asked")
			}
			action, fields := providertest.FormOf(t, page.Body, "form_token")
			done := browser.Post(action, fields)
			if c.target != "" {
				if got := done.Header.Get("Location"); done.StatusCode != http.StatusSeeOther || got != c.target {
					t.Errorf("status %d, Location %q, want %q", done.StatusCode, got, c.target)
				}
			} else if text, _ := providertest.Element(t, done.Body, "logged-out"); done.StatusCode != http.StatusOK || !strings.Contains(text, "signed out") {
				t.Errorf("status %d, #logged-out %q", done.StatusCode, text)
			}
			if isSignedIn(b, browser) {
				t.Error("still signed in")
			}
		})
	}
}

// N128
func TestLogoutWithAHintOfThisSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	good := providertest.AfterLogoutOf(providertest.Personio)
	state := strings.Repeat(`!"#$%&'()*+,-./ 09:;<=>?@AZ[\]^_`+"`az{|}~", 2)
	for name, c := range map[string]struct{ uri, state, want string }{
		"URI and state": {good, state, good + "&state=" + url.QueryEscape(state)},
		"no state":      {good, "", good},
		"no URI":        {"", "s", ""},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(method+" "+name, func(t *testing.T) {
				browser, token := signedIn(t, b)
				request := endSession("id_token_hint", token, "client_id", providertest.Personio,
					"post_logout_redirect_uri", c.uri, "state", c.state, "ui_locales", "se", "extra", "x")
				if method == http.MethodPost {
					u, err := url.Parse(request)
					if err != nil {
						t.Fatal(err)
					}
					posted := browser.Post("/end_session", u.Query())
					if posted.StatusCode != http.StatusSeeOther || !isSignedIn(b, browser) {
						t.Fatalf("POST: status %d, want the same request by GET", posted.StatusCode)
					}
					request = posted.Header.Get("Location")
				}
				answer := browser.Get(request)
				if c.want == "" {
					if _, found := providertest.Element(t, answer.Body, "logged-out"); !found {
						t.Errorf("status %d, no signed-out page", answer.StatusCode)
					}
				} else if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != c.want {
					t.Errorf("status %d, Location %q, want %q", answer.StatusCode, got, c.want)
				} else if got := answer.Query().Get("state"); got != c.state {
					t.Errorf("state %q, want %q", got, c.state)
				}
				if isSignedIn(b, browser) {
					t.Error("still signed in")
				}
				// A second time, with no session in this browser: never an error.
				if again := browser.Get(request); again.StatusCode != answer.StatusCode || again.Header.Get("Location") != c.want {
					t.Errorf("again: status %d, Location %q", again.StatusCode, again.Header.Get("Location"))
				}
			})
		}
	}
}

// OpenID Connect RP-Initiated Logout section 2: every page of a sign-out is in the
// language that the application asks for, also where the person has to confirm or something is wrong.
func TestLogoutSpeaksTheLanguageOfTheApplication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	german := func(what string, answer providertest.Response, id string) {
		t.Helper()
		page := webtest.Parse(t, answer.Body)
		if lang := page.All("html")[0].Attr("lang"); lang != "de" || !page.ByID(id).Exists() {
			t.Errorf("%s: status %d, language %q; want #%s in German", what, answer.StatusCode, lang, id)
		}
	}
	browser, token := signedIn(t, b)
	german("a bad hint", browser.Get(endSession("id_token_hint", "x", "ui_locales", "fr de")), "error")
	german("a good hint", browser.Get(endSession("id_token_hint", token, "ui_locales", "fr de")), "logged-out")
	browser, _ = signedIn(t, b)
	asked := browser.Get(browser.Get(endSession("ui_locales", "fr de")).Header.Get("Location"))
	german("the question", asked, "logout-form")
	action, fields := providertest.FormOf(t, asked.Body, "form_token")
	german("the answer", browser.Post(action, fields), "logged-out")
}

// N123: a hint may be old, and its key retired, as long as the key is kept.
func TestLogoutTakesOldHints(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser, token := signedIn(t, b)
	if _, err := b.Ring.Rotate(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(6 * time.Hour) // the ID token lives for 15 minutes
	browser.Get(endSession("id_token_hint", token))
	if isSignedIn(b, browser) {
		t.Error("still signed in")
	}

	browser, token = signedIn(t, b)
	if _, err := b.Ring.Rotate(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(8 * 24 * time.Hour)
	if answer := browser.Get(endSession("id_token_hint", token)); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("hint of a key that is gone: status %d, want 400", answer.StatusCode)
	}
}

// A token that somebody took from another browser signs nobody out there.
func TestLogoutOfAnotherBrowserEndsNothing(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser, token := signedIn(t, b)
	b.NewBrowser().Get(endSession("id_token_hint", token))
	if !isSignedIn(b, browser) {
		t.Error("signed out from another browser")
	}
	if ended := b.FlushEvents(users.EventSessionEnded); len(ended) != 0 {
		t.Errorf("%d sessions ended", len(ended))
	}
}

// The tokens of a session die with it; N149 for the password is in backchannel_test.go.
func TestLogoutEndsTheTokensOfTheSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	answer := browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password)
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, answer.Query().Get("code")))
	pending := browser.Get(b.Authorize(providertest.Personio)).Query().Get("code")
	browser.Get(endSession("id_token_hint", tokens.IDToken))
	if status := userinfo(t, b, tokens.AccessToken).StatusCode; status != http.StatusUnauthorized {
		t.Errorf("userinfo: status %d, want 401", status)
	}
	if got := decodeTokens(t, b.Tokens(providertest.Personio, pending)); got.Error != "invalid_grant" {
		t.Errorf("code of the ended session: %+v", got)
	}
}
