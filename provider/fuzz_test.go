package provider_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
)

// serve sends a request past the network, where a URL may be anything.
func serve(t *testing.T, b *providertest.Bench, method, path, query, body string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, b.Issuer+path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header = header
	w := httptest.NewRecorder()
	b.Handler.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("status %d, body %s", w.Code, w.Body)
	}
	return w
}

// signedInHeader is what a browser sends in which Ada is signed in.
func signedInHeader(b *providertest.Bench) http.Header {
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	header := http.Header{}
	for _, c := range browser.Cookies() {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	return header
}

// leadsOnlyTo expects that an answer leads to one of the registered addresses,
// byte for byte, or to a page of ours.
func leadsOnlyTo(t *testing.T, w *httptest.ResponseRecorder, registered []string, pages ...string) {
	t.Helper()
	target := w.Header().Get("Location")
	if w.Code == http.StatusOK && strings.Contains(w.Body.String(), "document.forms[0]") {
		target, _ = providertest.FormOf(t, w.Body.String(), "iss")
	}
	if target == "" {
		return
	}
	path, _, _ := strings.Cut(target, "?")
	for _, uri := range registered {
		if target == uri || strings.HasPrefix(target, uri+"?") || strings.HasPrefix(target, uri+"&") {
			return
		}
	}
	if !slices.Contains(pages, path) {
		t.Errorf("leads to %q", target)
	}
}

// N010 N014: whatever an authorization request says, the answer goes to a
// registered redirect URI or stays here.
func FuzzAuthorize(f *testing.F) {
	b := providertest.New(f)
	header := signedInHeader(b)
	declared := providertest.Declaration()
	var registered []string
	for _, a := range declared.Applications {
		registered = append(registered, a.SignIn.RedirectURIs...)
	}
	for _, pairs := range [][]string{
		nil, {"response_mode", "form_post"}, {"redirect_uri", "https://evil.example/"}, {"redirect_uri", "//evil.example"}, {"prompt", "none"},
		{"prompt", "login"}, {"request_uri", "urn:ietf:params:oauth:request_uri:x"}, {"claims", `{"userinfo":{"email":null}}`}, {"state", "\x00"},
		{"redirect_uri", providertest.CallbackOf(providertest.Personio) + "@evil.example"}, {"id_token_hint", "a.b.c"}, {"max_age", "0"},
	} {
		_, query, _ := strings.Cut(b.Authorize(providertest.Personio, pairs...), "?")
		f.Add(query)
	}
	f.Add("client_id=personio;redirect_uri=https://evil.example&CLIENT_ID=wiki&%zz")
	f.Fuzz(func(t *testing.T, query string) {
		leadsOnlyTo(t, serve(t, b, http.MethodGet, "/authorize", query, "", header), registered, "/login", "/consent")
	})
}

// N121: whatever a request to sign out says, the browser goes to a registered
// address or stays here, and nobody is signed out by it who holds no hint of this session.
func FuzzEndSession(f *testing.F) {
	b := providertest.New(f)
	header := signedInHeader(b)
	ada := b.User(providertest.Ada).ID
	var registered []string
	for _, a := range providertest.Declaration().Applications {
		registered = append(registered, a.SignIn.PostLogoutRedirectURIs...)
	}
	after := providertest.AfterLogoutOf(providertest.Personio)
	for _, q := range []url.Values{
		{}, {"client_id": {"personio"}, "post_logout_redirect_uri": {after}, "state": {"s"}}, {"id_token_hint": {"a.b.c"}},
		{"client_id": {"personio"}, "post_logout_redirect_uri": {after + "#x"}}, {"post_logout_redirect_uri": {"javascript:alert(1)"}},
	} {
		f.Add(q.Encode())
	}
	f.Add("state=%zz;client_id=personio")
	f.Fuzz(func(t *testing.T, query string) {
		leadsOnlyTo(t, serve(t, b, http.MethodGet, "/end_session", query, "", header), registered, "/logout")
		if live, err := b.Sessions.Of(t.Context(), ada); err != nil || len(live) != 1 {
			t.Errorf("%d sessions (%v), want Ada's alive", len(live), err)
		}
	})
}

// Whatever a token request says, without a grant there are no tokens, and the
// answer is an error that programs can read.
func FuzzToken(f *testing.F) {
	b := providertest.New(f)
	good := url.Values{
		"grant_type": {"authorization_code"}, "code": {"aaaaaaaaaaaa.x"}, "redirect_uri": {providertest.CallbackOf(providertest.Personio)},
		"client_id": {"personio"}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()}, "code_verifier": {strings.Repeat("a", 43)},
	}
	f.Add(good.Encode(), "")
	f.Add("grant_type=refresh_token&refresh_token=aaaaaaaaaaaa.x&scope=openid,email", basic(providertest.Wiki))
	f.Add("grant_type=password&client_assertion_type=x&client_assertion=a.b.c", "Basic !!!")
	f.Add("grant_type=refresh_token&refresh_token=x&client_id=native&%zz;a", "Basic d2lraTp4")
	f.Add("code=a&code=b", "Bearer x")
	f.Fuzz(func(t *testing.T, form, authorization string) {
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		if authorization != "" {
			header.Set("Authorization", authorization)
		}
		w := serve(t, b, http.MethodPost, "/token", "", form, header)
		var body struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code < 400 || body.Error == "" {
			t.Errorf("status %d, body %s (%v)", w.Code, w.Body, err)
		}
	})
}
