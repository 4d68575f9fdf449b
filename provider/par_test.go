package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// pushForm is an authorization request as a client pushes it; pairs change it.
func pushForm(b *providertest.Bench, id users.ApplicationID, pairs ...string) url.Values {
	target, _ := url.Parse(b.Authorize(id, pairs...))
	form := target.Query()
	form.Set("client_secret", providertest.SecretOf(id).Reveal())
	return form
}

// push pushes a request and returns the path at which a browser brings it.
func push(t *testing.T, b *providertest.Bench, form url.Values) (path, reference string) {
	t.Helper()
	answer := b.Post("/par", form)
	var body struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("status %d, body %s", answer.StatusCode, answer.Body)
	}
	secret, found := strings.CutPrefix(body.RequestURI, "urn:ietf:params:oauth:request_uri:")
	if !found || len(secret) < 43 || body.ExpiresIn < 60 || body.ExpiresIn > 90 || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("answer %s, headers %v", answer.Body, answer.Header)
	}
	return "/authorize?" + url.Values{"client_id": {form.Get("client_id")}, "request_uri": {body.RequestURI}}.Encode(), body.RequestURI
}

// N097: what cannot be pushed (RFC 9126 section 2.1), refused as at the token endpoint.
func TestPushRefuses(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	_, reference := push(t, b, pushForm(b, providertest.Personio))
	for name, c := range map[string]struct {
		pairs  []string
		status int
		code   string
	}{
		"wrong secret":            {[]string{"client_secret", strings.Repeat("x", 40)}, 401, "invalid_client"},
		"no client":               {[]string{"client_id", ""}, 401, "invalid_client"},
		"redirect_uri missing":    {[]string{"redirect_uri", ""}, 400, "invalid_request"},
		"redirect_uri foreign":    {[]string{"redirect_uri", "https://evil.example/"}, 400, "invalid_request"},
		"request_uri inside":      {[]string{"request_uri", reference}, 400, "invalid_request"},
		"request object":          {[]string{"request", "eyJ"}, 400, "request_not_supported"},
		"response_type token":     {[]string{"response_type", "token"}, 400, "unsupported_response_type"},
		"scope without openid":    {[]string{"scope", "email"}, 400, "invalid_scope"},
		"malformed claims":        {[]string{"claims", "{"}, 400, "invalid_request"},
		"plain PKCE":              {[]string{"code_challenge", "abc", "code_challenge_method", "plain"}, 400, "invalid_request"},
		"prompt none with others": {[]string{"prompt", "none login"}, 400, "invalid_request"},
	} {
		form := pushForm(b, providertest.Personio)
		for i := 0; i < len(c.pairs); i += 2 {
			form.Set(c.pairs[i], c.pairs[i+1])
		}
		answer := b.Post("/par", form)
		if got := decodeTokens(t, answer); answer.StatusCode != c.status || got.Error != c.code || strings.Contains(answer.Body, "urn:") {
			t.Errorf("%s: status %d, body %s; want %d %s", name, answer.StatusCode, answer.Body, c.status, c.code)
		}
	}
	if answer := b.Get("/par"); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" {
		t.Errorf("GET: status %d, Allow %q", answer.StatusCode, answer.Header.Get("Allow"))
	}
	twice := b.Post("/par?state=again", pushForm(b, providertest.Personio))
	if got := decodeTokens(t, twice); got.Error != "invalid_request" {
		t.Errorf("parameters in the URL: %s", twice.Body)
	}
	huge := pushForm(b, providertest.Personio, "state", strings.Repeat("s", 70<<10)) // RFC 9126 section 2.3
	if answer := b.Post("/par", huge); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("70 KiB: status %d, want 413", answer.StatusCode)
	}
	repeated := pushForm(b, providertest.Personio)
	repeated.Add("state", "again")
	if got := decodeTokens(t, b.Post("/par", repeated)); got.Error != "invalid_request" {
		t.Errorf("state twice: %+v", got)
	}
}

// RFC 9126 section 2: clients authenticate as at the token endpoint, and say all the same whose request it is.
func TestPushTakesEveryMethodOfAuthentication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, nil)
	asWiki := pushForm(b, providertest.Wiki)
	asWiki.Del("client_secret")
	asRobot := pushForm(b, providertest.Personio, "client_id", "robot", "redirect_uri", providertest.CallbackOf("robot"))
	asRobot.Del("client_secret")
	asRobot.Set("client_assertion_type", assertionType)
	for name, c := range map[string]struct {
		form   url.Values
		header string
	}{"client_secret_basic": {asWiki, basic(providertest.Wiki)}, "private_key_jwt": {asRobot, ""}} {
		post := func() providertest.Response {
			if c.header != "" {
				return b.Post("/par", c.form, "Authorization", c.header)
			}
			c.form.Set("client_assertion", r.sign(t, jose.ES256, r.claims(func(claims map[string]any) { claims["aud"] = b.Issuer + "/par" }), nil))
			return b.Post("/par", c.form)
		}
		if answer := post(); answer.StatusCode != http.StatusCreated {
			t.Errorf("%s: status %d, body %s", name, answer.StatusCode, answer.Body)
		}
		c.form.Del("client_id")
		wantRefused(t, name+" without client_id", post(), "invalid_request")
	}
}

// N097: a reference is its client's, works once, and not for long.
func TestPushedRequestsAreBoundToTheirClientOnceAndBriefly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	refused := func(what, path string) {
		t.Helper()
		answer := browser.Get(path)
		if _, found := providertest.Element(t, answer.Body, "error"); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || !found {
			t.Errorf("%s: status %d, Location %q; want the error page", what, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	path, reference := push(t, b, pushForm(b, providertest.Personio, "state", "pushed-state"))
	refused("another client's", "/authorize?client_id=wiki&request_uri="+url.QueryEscape(reference))
	refused("unknown", path+"x")
	// Only what was pushed counts.
	answer := browser.Get(path + "&state=other&scope=openid+email&prompt=login")
	if q := answer.Query(); q.Get("code") == "" || q.Get("state") != "pushed-state" {
		t.Errorf("first use: %v, want a code with the pushed state", q)
	}
	refused("used twice", path)
	path, _ = push(t, b, pushForm(b, providertest.Personio))
	b.Clock.Advance(91 * time.Second)
	refused("expired", path)
	// A pushed request waits for no sign-in that its browser did not begin.
	_, reference = push(t, b, pushForm(b, providertest.Personio))
	refused("as a pending request", "/login?request="+url.QueryEscape(reference))
}

// A pushed request signs in like any other, and /authorize by POST takes it, too.
func TestPushedRequestsSignIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	path, _ := push(t, b, pushForm(b, providertest.Personio, "response_mode", "form_post"))
	answer := b.NewBrowser().SignIn(path, providertest.Ada, providertest.Password)
	if _, fields := providertest.FormOf(t, answer.Body, "code"); fields.Get("state") != "the-state" {
		t.Errorf("fields %v", fields)
	}
}

// a client that must push is refused everything else.
func TestAClientThatMustPushIsRefusedPlainRequests(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Personio, func(a *users.SignIn) { a.RequirePAR = true })
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	if q := browser.Get(b.Authorize(providertest.Personio)).Query(); q.Get("error") != "invalid_request" || q.Has("code") {
		t.Errorf("plain: %v, want invalid_request", q)
	}
	path, _ := push(t, b, pushForm(b, providertest.Personio))
	if q := browser.Get(path).Query(); q.Get("code") == "" {
		t.Errorf("pushed: %v, want a code", q)
	}
}

// N058: what only begins is bounded per network, with a time to come back; what
// ends with a sign-in is not, and neither is a live session.
func TestUnfinishedRequestsAreBounded(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	signedIn := b.NewBrowser()
	signedIn.SignIn("/login", providertest.Ada, providertest.Password)
	finished := b.NewBrowser()
	waiting := finished.Get(b.Authorize(providertest.Personio)).Header.Get("Location")
	status := 0
	for i := range 1000 {
		answer := b.Get(b.Authorize(providertest.Personio))
		if status = answer.StatusCode; status == http.StatusTooManyRequests {
			if answer.Header.Get("Retry-After") == "" || i < 500 {
				t.Errorf("request %d refused with Retry-After %q", i, answer.Header.Get("Retry-After"))
			}
			break
		}
	}
	if status != http.StatusTooManyRequests {
		t.Fatalf("status %d after 1,000 requests, want 429", status)
	}
	if q := signedIn.Get(b.Authorize(providertest.Personio)).Query(); q.Get("code") == "" {
		t.Errorf("live session: %v, want a code", q)
	}
	if q := finished.SignIn(waiting, providertest.Ada, providertest.Password).Query(); q.Get("code") == "" {
		t.Errorf("begun before: %v, want a code", q)
	}
	if status := b.Get(b.Authorize(providertest.Personio)).StatusCode; status != http.StatusSeeOther {
		t.Errorf("after one has finished: status %d, want room for another", status)
	}
	b.Clock.Advance(2 * time.Minute)
	if status := b.Get(b.Authorize(providertest.Personio)).StatusCode; status != http.StatusSeeOther {
		t.Errorf("later: status %d, want 303", status)
	}
}

// N058: what a client without a secret pushes counts only until its browser is
// there, with a session or for a sign-in; what nobody comes for is bounded.
func TestPushedRequestsThatNobodyComesForAreBounded(t *testing.T) {
	t.Parallel()
	const limit = pendingLimit
	b := providertest.New(t)
	form := pushForm(b, providertest.Native, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256")
	form.Del("client_secret")
	signedIn := b.NewBrowser()
	signedIn.SignIn("/login", providertest.Ada, providertest.Password)
	for i := range limit + 20 {
		path, _ := push(t, b, form)
		if q := signedIn.Get(path).Query(); q.Get("code") == "" {
			t.Fatalf("live session, request %d: %v, want a code", i+1, q)
		}
	}
	room := 0
	for b.Post("/par", form).StatusCode == http.StatusCreated && room < 2*limit {
		room++
	}
	if room != limit {
		t.Fatalf("%d requests pushed that nobody comes for, want %d and then 429", room, limit)
	}
	b.Clock.Advance(time.Minute)
	for range limit - 1 {
		b.Post("/par", form)
	}
	path, _ := push(t, b, form)
	if answer := b.NewBrowser().SignIn(path, providertest.Ada, providertest.Password); answer.Query().Get("code") == "" {
		t.Errorf("sign-in with the last one: status %d, %v; want a code", answer.StatusCode, answer.Query())
	}
	one, two := b.Post("/par", form), b.Post("/par", form)
	if one.StatusCode != http.StatusCreated || two.StatusCode != http.StatusTooManyRequests {
		t.Errorf("after it: status %d and %d, want room for one", one.StatusCode, two.StatusCode)
	}
	// RFC 9126 section 2.3: the status, and nothing that reads as if the request were wrong.
	if got := decodeTokens(t, two).Error; got != "temporarily_unavailable" || two.Header.Get("Retry-After") == "" {
		t.Errorf("refused with %q, Retry-After %q", got, two.Header.Get("Retry-After"))
	}
}
