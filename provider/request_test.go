package provider

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

const goodChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636 appendix B

func postClient() *client {
	return &client{SignIn: users.SignIn{ClientID: "personio", AuthMethod: users.AuthMethodPost, RedirectURIs: []string{"https://rp.example/cb"}}}
}

func decode(query string) params {
	var p params
	p.add(query)
	return p
}

// The parameters of an authorization request, refusals first.
func TestReadAuthRequestRefuses(t *testing.T) {
	t.Parallel()
	const base = "client_id=personio&redirect_uri=https://rp.example/cb&"
	const ok = base + "response_type=code&scope=openid&"
	public := postClient()
	public.AuthMethod = users.AuthMethodNone
	strict := postClient()
	strict.RequirePKCE = true
	cases := []struct {
		name, query, code string
		client            *client
	}{
		{"N020 state twice", ok + "state=a&state=b", "invalid_request", nil},
		{"N020 scope twice with equal values", ok + "scope=openid", "invalid_request", nil},
		{"N020 nonce twice", ok + "nonce=1&nonce=1", "invalid_request", nil},
		{"N020 response_type twice with equal values", ok + "response_type=code", "invalid_request", nil},
		{"N020 code_challenge twice", ok + "code_challenge_method=S256&code_challenge=" + goodChallenge + "&code_challenge=" + goodChallenge, "invalid_request", nil},
		{"N020 claims twice", ok + "claims={}&claims={}", "invalid_request", nil},
		{"N020 id_token_hint twice", ok + "id_token_hint=a&id_token_hint=a", "invalid_request", nil},
		{"N026 prompt none with consent", ok + "prompt=none+consent", "invalid_request", nil},
		{"claims that are no JSON object", ok + "claims=%5B%5D", "invalid_request", nil},
		{"N022 response_type missing", base + "scope=openid", "invalid_request", nil},
		{"N022 response_type empty", base + "scope=openid&response_type=", "invalid_request", nil},
		{"N023 token", base + "scope=openid&response_type=token", "unsupported_response_type", nil},
		{"N023 id_token", base + "scope=openid&response_type=id_token", "unsupported_response_type", nil},
		{"N023 hybrid", base + "scope=openid&response_type=code+id_token", "unsupported_response_type", nil},
		{"N023 none", base + "scope=openid&response_type=none", "unsupported_response_type", nil},
		{"N023 upper case", base + "scope=openid&response_type=CODE", "unsupported_response_type", nil},
		{"N025 scope without openid", base + "response_type=code&scope=email", "invalid_scope", nil},
		{"N025 scope missing", base + "response_type=code", "invalid_scope", nil},
		{"N025 scope with a quote", base + "response_type=code&scope=openid+%22", "invalid_scope", nil},
		{"N025 scope with a control character", base + "response_type=code&scope=openid+%07", "invalid_scope", nil},
		{"G18 unknown response_mode", ok + "response_mode=web_message", "invalid_request", nil},
		{"fragment is no response_mode of ours", ok + "response_mode=fragment", "invalid_request", nil},
		{"N026 prompt none with login", ok + "prompt=none+login", "invalid_request", nil},
		{"N026 unknown prompt", ok + "prompt=foo", "invalid_request", nil},
		{"negative max_age", ok + "max_age=-1", "invalid_request", nil},
		{"claims that are text", ok + "claims=+%22%7B%7D%22", "invalid_request", nil},
		{"max_age is no number", ok + "max_age=soon", "invalid_request", nil},
		{"N036 nonce of 8 KiB", ok + "nonce=" + strings.Repeat("n", 8192), "invalid_request", nil},
		{"N036 nonce with a control character", ok + "nonce=%00", "invalid_request", nil},
		{"state that is not ASCII", ok + "state=%C3%BC", "invalid_request", nil},
		{"state of 2049 characters", ok + "state=" + strings.Repeat("s", 2049), "invalid_request", nil},
		{"N037 request", ok + "request=eyJ", "request_not_supported", nil},
		{"N037 request_uri", ok + "request_uri=https://evil.example/", "request_uri_not_supported", nil},
		{"registration", ok + "registration=%7B%7D", "registration_not_supported", nil},
		{"N040 public client without PKCE", ok, "invalid_request", public},
		{"client that must use PKCE without", ok, "invalid_request", strict},
		{"N042 plain", ok + "code_challenge_method=plain&code_challenge=" + goodChallenge, "invalid_request", nil},
		{"N042 S512", ok + "code_challenge_method=S512&code_challenge=" + goodChallenge, "invalid_request", nil},
		{"N042 s256", ok + "code_challenge_method=s256&code_challenge=" + goodChallenge, "invalid_request", nil},
		{"N042 no method means plain", ok + "code_challenge=" + goodChallenge, "invalid_request", nil},
		{"method without challenge", ok + "code_challenge_method=S256", "invalid_request", nil},
		{"N043 42 characters", ok + "code_challenge_method=S256&code_challenge=" + goodChallenge[1:], "invalid_request", nil},
		{"N043 44 characters", ok + "code_challenge_method=S256&code_challenge=a" + goodChallenge, "invalid_request", nil},
		{"N043 with a plus", ok + "code_challenge_method=S256&code_challenge=%2B" + goodChallenge[1:], "invalid_request", nil},
		{"N043 not ASCII", ok + "code_challenge_method=S256&code_challenge=%C3%A9" + goodChallenge[2:], "invalid_request", nil},
		{"N043 padded", ok + "code_challenge_method=S256&code_challenge=" + goodChallenge[1:] + "=", "invalid_request", nil},
		{"raw semicolon", ok + "state=a;b", "invalid_request", nil},
		{"invalid UTF-8", ok + "login_hint=%ff", "invalid_request", nil},
		{"NUL", ok + "login_hint=%00", "invalid_request", nil},
		{"name in another case is another name", "client_id=personio&RESPONSE_TYPE=code&scope=openid", "invalid_request", nil},
		{"N081 more parameters than anybody sends", ok + strings.Repeat("a=1&", 200), "invalid_request", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.client == nil {
				c.client = postClient()
			}
			_, err := readAuthRequest(c.client, decode(c.query))
			if err == nil || string(err.ErrorType) != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
		})
	}
}

// B-02: Personio's form writes scopes with commas; unknown ones are ignored.
func TestReadAuthRequestAcceptsScopesHoweverSeparated(t *testing.T) {
	t.Parallel()
	for scope, want := range map[string][]string{
		"openid":                    {"openid"},
		"openid+email":              {"openid", "email"},
		"openid%2Cemail":            {"openid", "email"},
		"openid,email,profile":      {"openid", "profile", "email"},
		"email,+openid":             {"openid", "email"},
		"openid+address+employees":  {"openid"},
		"openid%2Cemail%2Cwhatever": {"openid", "email"},
	} {
		p, err := readAuthRequest(postClient(), decode("response_type=code&scope="+scope))
		if err != nil {
			t.Errorf("scope %s: %v", scope, err)
			continue
		}
		if diff := cmp.Diff(want, p.Scopes); diff != "" {
			t.Errorf("scope %s (-want +got):\n%s", scope, diff)
		}
	}
}

// What is only a wish is left out where it is unknown, comes again, or is longer
// than what it would be (OpenID Connect Core section 3.1.2.1); the request goes on.
func TestReadAuthRequestKeepsOnlyTheWishesThatItKnows(t *testing.T) {
	t.Parallel()
	const ok = "response_type=code&scope=openid&"
	long := strings.Repeat("d", maxLocaleBytes)
	for query, want := range map[string]session.Params{
		"prompt=login+login+consent+login": {Prompt: []string{"login", "consent"}},
		"prompt=none+none":                 {Prompt: []string{"none"}},
		"ui_locales=de+" + long + "d+de-CH_1996+%3Cx%3E+" + long + "+d%01": {UILocales: []string{"de", "de-CH_1996", long}},
		"ui_locales=" + long + "d+" + strings.Repeat("en+", 50):            {UILocales: slices.Repeat([]string{"en"}, maxUILocales)},
		"acr_values=1+" + acrPassword + "+2+" + acrPassword:                {ACRValues: []string{acrPassword}},
		"acr_values=" + strings.Repeat("x", 300):                           {},
		"login_hint=" + strings.Repeat("x", users.MaxLoginBytes):           {LoginHint: strings.Repeat("x", users.MaxLoginBytes)},
		"login_hint=" + strings.Repeat("x", users.MaxLoginBytes+1):         {},
		"login_hint=" + strings.Repeat("%C3%BC", users.MaxLoginBytes/2+1):  {},
		"login_hint=a%01b":                     {},
		"login_hint=ada%2Bwork@acme.example":   {LoginHint: "ada+work@acme.example"},
		"scope_of=nothing&claims_locales=de":   {},
		"display=" + strings.Repeat("p", 5000): {},
	} {
		want.ResponseMode, want.ClientID, want.Scopes = responseModeQuery, "personio", []string{"openid"}
		got, err := readAuthRequest(postClient(), decode(ok+query))
		if err != nil {
			t.Errorf("%.60s: %v", query, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(session.Params{}, "SignInVersion")); diff != "" {
			t.Errorf("%.60s (-want +got):\n%s", query, diff)
		}
	}
}

// What cannot be sent back does not take the rest of the error response with it.
func TestReadAuthRequestKeepsStateAndModeForErrors(t *testing.T) {
	t.Parallel()
	p, err := readAuthRequest(postClient(), decode("scope=email&response_mode=form_post&state=keep"))
	if err == nil || p.State != "keep" || p.ResponseMode != responseModeFormPost {
		t.Errorf("state %q, mode %q, error %v", p.State, p.ResponseMode, err)
	}
	p, err = readAuthRequest(postClient(), decode("response_type=code&scope=openid&state=a&state=b"))
	if err == nil || p.State != "" {
		t.Errorf("a repeated state came back as %q, error %v", p.State, err)
	}
}

// A request object is refused in the mode and with the state that it names, and
// nothing else in it counts. What stands beside it goes first.
func TestReadAuthRequestRefusesObjectsWhereTheySay(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	signed := func(claims string) string {
		return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(claims)) + ".c2ln"
	}
	long := strings.Repeat("s", maxOpaqueChars+1)
	cases := []struct {
		name, beside, object string
		mode, state, code    string
	}{
		{"not in parts", "", "eyJ", "query", "", "request_not_supported"},
		{"without anything", "", "..", "query", "", "request_not_supported"},
		{"payload that is no base64url", "", "e30.{}.", "query", "", "request_not_supported"},
		{"payload with padding", "", "e30.e30=.", "query", "", "request_not_supported"},
		{"payload that is no JSON", "", signed("state=a"), "query", "", "request_not_supported"},
		{"payload that is a list", "", signed(`["state"]`), "query", "", "request_not_supported"},
		{"encrypted", "", "e30.a2V5.aXY.Y2lwaGVy.dGFn", "query", "", "request_not_supported"},
		{"state that is a number", "", signed(`{"state":1,"response_mode":"form_post"}`), "query", "", "request_not_supported"},
		{"mode that is not ours", "", signed(`{"state":"a","response_mode":"fragment"}`), "query", "a", "request_not_supported"},
		{"state with a line break", "", signed(`{"state":"a\nb"}`), "query", "", "invalid_request"},
		{"state that is too long", "", signed(`{"state":"` + long + `"}`), "query", "", "invalid_request"},
		{"state repeated beside it", "state=a&state=b&", signed(`{"state":"c"}`), "query", "", "invalid_request"},
		{"object twice", "request=a&", signed(`{"state":"a","response_mode":"form_post"}`), "query", "", "invalid_request"},
		{"other beside it", "response_mode=query&state=b&", signed(`{"state":"a","response_mode":"form_post"}`), "query", "b", "request_not_supported"},
		{"form_post and a state", "", signed(`{"state":"a","response_mode":"form_post"}`), "form_post", "a", "request_not_supported"},
		{"another address and client", "", signed(`{"client_id":"wiki","redirect_uri":"https://evil.example","state":"a"}`), "query", "a", "request_not_supported"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			query := "client_id=personio&redirect_uri=https://rp.example/cb&response_type=code&scope=openid&" + c.beside + "request=" + c.object
			p, err := readAuthRequest(postClient(), decode(query))
			if err == nil || string(err.ErrorType) != c.code || p.ResponseMode != c.mode || p.State != c.state {
				t.Errorf("mode %q, state %q, error %v; want %q, %q, %s", p.ResponseMode, p.State, err, c.mode, c.state, c.code)
			}
			if p.ClientID != "personio" || p.RedirectURI != "https://rp.example/cb" {
				t.Errorf("answered to %s at %s", p.ClientID, p.RedirectURI)
			}
		})
	}
}

// A name may come only once over query and body together.
func TestFormParamsCountsQueryAndBodyTogether(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/authorize?state=a", strings.NewReader("state=a&client_id=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p, err := formParams(httptest.NewRecorder(), r)
	if err != nil || !p.isRepeated("state") || p.isRepeated("client_id") {
		t.Errorf("repeated %v, error %v", p.repeated, err)
	}
}

func FuzzReadAuthRequest(f *testing.F) {
	f.Add("client_id=a&redirect_uri=b&response_type=code&scope=openid&state=%00;x")
	f.Add("response_type=code&scope=openid&request=e30.eyJzdGF0ZSI6ImEiLCJyZXNwb25zZV9tb2RlIjoiZm9ybV9wb3N0In0.")
	f.Add("response_type=code&scope=openid,email&code_challenge_method=S256&code_challenge=" + goodChallenge)
	f.Fuzz(func(t *testing.T, query string) {
		p, err := readAuthRequest(postClient(), decode(query))
		if err != nil {
			if !isOpaque(p.State) {
				t.Errorf("%q is refused with the state %q", query, p.State)
			}
			return
		}
		if !isOpaque(p.State) || !isOpaque(p.Nonce) || len(p.Scopes) == 0 || p.Scopes[0] != "openid" {
			t.Errorf("accepted %q as %+v", query, p)
		}
	})
}
