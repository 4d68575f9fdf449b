package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// signIn is a configuration with one client that has the given keys.
func signIn(lines ...string) string {
	return base + "applications:\n  - id: a\n    groups: [everyone]\n    sign_in:\n      client_id: a\n" +
		"      redirect_uris: ['https://a.example/cb']\n      " + strings.Join(lines, "\n      ") + "\n"
}

func TestBrokenClientKeysAreRefused(t *testing.T) {
	t.Parallel()
	const signs = "auth_method: private_key_jwt"
	secret := "client_secret: " + strings.Repeat("s3cret-", 6)
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"signing without keys":            {[]string{signs}, "jwks: this or jwks_uri is required with auth_method private_key_jwt"},
		"signing with a secret":           {[]string{signs, "jwks_uri: https://a.example/k", secret}, "client_secret: a client with auth_method private_key_jwt has no secret"},
		"keys without signing":            {[]string{secret, "jwks_uri: https://a.example/k"}, "jwks_uri: used with auth_method private_key_jwt only"},
		"registered keys without signing": {[]string{secret, "jwks: { keys: [] }"}, "jwks: used with auth_method private_key_jwt only"},
		"keys in two places":              {[]string{signs, "jwks_uri: https://a.example/k", "jwks: '{}'"}, "jwks_uri: jwks and jwks_uri are both set"},
		"keys over http":                  {[]string{signs, "jwks_uri: http://a.example/k"}, `jwks_uri: must begin with https://, found "http://a.example/k"`},
		"symmetric key":                   {[]string{signs, "jwks: { keys: [{ kty: oct, k: c2VjcmV0 }] }"}, "jwks: key set cannot be used: key 1 is private or symmetric; only public keys belong here"},
		"no key":                          {[]string{signs, "jwks: { keys: [] }"}, "jwks: key set cannot be used: it has no key for RS256, PS256, ES256 or EdDSA"},
		"no JSON":                         {[]string{signs, "jwks: '{'"}, "jwks: is no JSON"},
		"a list":                          {[]string{signs, "jwks: []"}, "jwks: want text, found a list"},
		"a member twice":                  {[]string{signs, "jwks: { keys: [{ kty: EC, kty: RSA }] }"}, `jwks: "kty" stands here twice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := loadText(t, signIn(c.lines...))
			if want := "applications[0].sign_in." + c.want; !strings.HasSuffix(got, want) || strings.Count(got, "\n") > 0 {
				t.Errorf("problems are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// "jwks is a YAML mapping or a JSON string"
func TestClientKeysAreAMappingOrText(t *testing.T) {
	t.Parallel()
	want := `{"keys":[{"crv":"Ed25519","kid":"2026","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	for name, lines := range map[string]string{
		"text":    "jwks: '" + want + "'",
		"mapping": "jwks:\n        keys:\n          - { kty: OKP, crv: Ed25519, kid: 2026, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }",
	} {
		cfg, problems := loadText(t, signIn("auth_method: private_key_jwt", "offline_access: true", lines))
		if problems != "" {
			t.Errorf("%s: %s", name, problems)
			continue
		}
		got := cfg.Declaration(nil).Applications[0].SignIn
		if got.AuthMethod != users.AuthMethodPrivateKey || !got.OfflineAccess || got.RequirePKCE {
			t.Errorf("%s: registered as %+v", name, got)
		}
		if diff := cmp.Diff(json.RawMessage(want), got.JWKS); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	cfg, problems := loadText(t, signIn("auth_method: private_key_jwt", "jwks_uri: https://a.example/jwks"))
	if got := cfg.Declaration(nil).Applications; problems != "" || got[0].SignIn.JWKSURI != "https://a.example/jwks" || got[0].SignIn.JWKS != nil {
		t.Errorf("jwks_uri: registered as %+v, problems %s", got, problems)
	}
}

// N013: http leads nowhere but to the person's own machine, and there only to programs without a secret.
func TestRedirectURIsOnLoopback(t *testing.T) {
	t.Parallel()
	const public = "auth_method: none"
	secret := "client_secret: " + strings.Repeat("s3cret-", 6)
	for text, c := range map[string]struct{ method, want string }{
		"http://127.0.0.1:8000/cb":    {secret, "must begin with https:// (http on loopback needs insecure_allow_loopback)"},
		"http://localhost:8000/cb":    {public, "must begin with https:// (http on loopback needs insecure_allow_loopback)"},
		"http://127.0.0.2/cb":         {public, "must begin with https:// (http on loopback needs insecure_allow_loopback)"},
		"http://127.0.0.1@evil.test/": {public, "must not carry a user name or password"},
		"http://127.0.0.1/cb#x":       {public, "must not have a fragment"},
		"http://127.0.0.1/*":          {public, "must not have a wildcard"},
		"http://10.0.0.1/cb":          {public, "must begin with https://"},
		"http://127.0.0.1/cb":         {public, ""},
		"http://[::1]:8000":           {public, ""},
	} {
		_, got := loadText(t, base+"applications:\n  - id: a\n    groups: [everyone]\n    sign_in:\n      client_id: a\n      "+
			c.method+"\n      redirect_uris: ['"+text+"']\n")
		want := ""
		if c.want != "" {
			found := `"` + text + `"`
			if strings.Contains(text, "@") { // what stands before it may be a password
				found = "a URL with an @"
			}
			want = "applications[0].sign_in.redirect_uris[0]: " + c.want + ", found " + found
		}
		if !strings.HasSuffix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: problems are\n%s\nwant\n%s", text, got, want)
		}
	}
}

// N202: what goes into the policy of our pages is a URL like any other that people are sent to.
func TestBrokenContinuationsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://*.personio.com":   "must not have a wildcard",
		"http://acme.personio.com": "must begin with https://",
		"acme.app.personio.com":    "want an absolute https URL",
		"javascript:alert(1)":      "want an absolute https URL",
	} {
		_, got := loadText(t, signIn("client_secret: "+strings.Repeat("s3cret-", 6), "continues_at: ['"+text+"']"))
		if want := "applications[0].sign_in.continues_at[0]: " + want + `, found "` + text + `"`; !strings.HasSuffix(got, want) {
			t.Errorf("%s: problems are\n%s\nwant\n%s", text, got, want)
		}
	}
}
