package provider_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// N093 R-31 S-059: the document names what is routed, and nothing else.
func TestDiscoveryNamesWhatIsRouted(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer := b.Get("/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal([]byte(answer.Body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["issuer"] != b.Issuer {
		t.Errorf("issuer %v, want %s", doc["issuer"], b.Issuer)
	}
	for name, want := range map[string][]any{
		"response_types_supported":                                 {"code"},
		"response_modes_supported":                                 {"query", "form_post"},
		"grant_types_supported":                                    {"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":                         {"S256"},
		"id_token_signing_alg_values_supported":                    {"RS256", "ES256", "EdDSA"},
		"token_endpoint_auth_methods_supported":                    {"client_secret_post", "client_secret_basic", "private_key_jwt", "none"},
		"revocation_endpoint_auth_methods_supported":               {"client_secret_post", "client_secret_basic", "private_key_jwt", "none"},
		"introspection_endpoint_auth_methods_supported":            {"client_secret_post", "client_secret_basic", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported":         {"RS256", "PS256", "ES256", "EdDSA", "Ed25519"},
		"revocation_endpoint_auth_signing_alg_values_supported":    {"RS256", "PS256", "ES256", "EdDSA", "Ed25519"},
		"introspection_endpoint_auth_signing_alg_values_supported": {"RS256", "PS256", "ES256", "EdDSA", "Ed25519"},
		"scopes_supported":                                         {"openid", "profile", "email", "offline_access"},
		"subject_types_supported":                                  {"public"},
	} {
		if diff := cmp.Diff(want, doc[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, value := range doc {
		text, isText := value.(string)
		if !isText || name == "issuer" {
			continue
		}
		path, ours := strings.CutPrefix(text, b.Issuer)
		if !ours {
			t.Errorf("%s is %q, not below the issuer", name, text)
			continue
		}
		if status := b.Get(path).StatusCode; status == http.StatusNotFound {
			t.Errorf("%s leads to %s, which is not routed", name, path)
		}
	}
}

// S-064: what is typed into Personio's form by hand is what the document says.
func TestFormsAreFilledInFromTheDocument(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	var doc map[string]any
	if err := json.Unmarshal([]byte(b.Get("/.well-known/openid-configuration").Body), &doc); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		claims map[string]string
		scopes []string
		field  string
	}{
		"nothing registered":  {nil, []string{"openid", "email"}, "email"},
		"another claim alone": {map[string]string{"department": "department"}, []string{"openid", "email"}, "email"},
		"the address":         {map[string]string{"email": "email", "a": "email"}, []string{"openid"}, "email"},
		"by another name":     {map[string]string{"upn": "email", "mail": "email"}, []string{"openid"}, "mail"},
	} {
		f := provider.FormOf(b.Issuer, users.SignIn{ClientID: "personio", Claims: c.claims})
		if diff := cmp.Diff(c.scopes, f.Scopes); diff != "" || f.ClaimField != c.field || f.ClientID != "personio" {
			t.Errorf("%s: %+v; scopes (-want +got):\n%s", name, f, diff)
		}
		for member, value := range map[string]string{
			"issuer": f.Issuer, "authorization_endpoint": f.AuthorizationURI, "token_endpoint": f.TokenURI,
			"userinfo_endpoint": f.UserinfoURI, "jwks_uri": f.JWKSURI,
		} {
			if doc[member] != value {
				t.Errorf("%s: %s is %v in the document and %q in the form", name, member, doc[member], value)
			}
		}
	}
}

// RFC 8414 section 3: libraries of plain OAuth look elsewhere, and find the same.
func TestTheDocumentIsWhereOAuthLooksForIt(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	oauth, discovery := b.Get("/.well-known/oauth-authorization-server"), b.Get("/.well-known/openid-configuration")
	if oauth.StatusCode != http.StatusOK || oauth.Body != discovery.Body || oauth.Header.Get("Content-Type") != "application/json" {
		t.Errorf("status %d, %s: %s", oauth.StatusCode, oauth.Header.Get("Content-Type"), oauth.Body)
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server/", "/.well-known/oauth-authorization-server/x", "/.well-known/openid-configuration/"} {
		if answer := b.Get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, answer.StatusCode)
		}
	}
}

// oidc.md 4: an entity tag saves sending the documents again; anybody may read them.
func TestPublicDocumentsAreCached(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"} {
		first := b.Get(path)
		tag := first.Header.Get("ETag")
		if tag == "" || !strings.HasPrefix(first.Header.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: headers %v", path, first.Header)
		}
		_, life, _ := strings.Cut(first.Header.Get("Cache-Control"), "max-age=")
		if seconds, err := strconv.Atoi(life); err != nil || seconds < 1 || seconds > 900 {
			t.Errorf("N139 %s: kept for %q seconds, want at most 15 minutes", path, life)
		}
		if again := b.Get(path, "If-None-Match", tag); again.StatusCode != http.StatusNotModified || again.Body != "" {
			t.Errorf("%s: status %d for a known tag", path, again.StatusCode)
		}
	}
}

// N139 N375: a rotated key is in the key set before it signs.
func TestRotationAnnouncesBeforeUse(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	before := b.Get("/jwks").Body
	if strings.Contains(before, `"d":`) || strings.Contains(before, `"p":`) {
		t.Fatal("the key set has private members")
	}
	made, err := b.Ring.Rotate(t.Context(), 3*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	announced := b.Get("/jwks").Body
	for _, k := range made {
		if !strings.Contains(announced, k.ID) {
			t.Errorf("key %s is not announced", k.ID)
		}
	}
	verifiedIDToken(t, b, providertest.Personio, code(t, b, providertest.Personio))
	b.Clock.Advance(3*time.Minute + time.Second)
	verifiedIDToken(t, b, providertest.Personio, code(t, b, providertest.Personio))
}

// The route table answers what it does not know, and foreign methods, alike everywhere (N034, N095, N194, N219, N384).
func TestUnroutedRequestsAreNotFound(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for _, path := range []string{
		"/nothing", "/AUTHORIZE", "//authorize", "/authorize/", "/./authorize", "/%61uthorize", "/authorize;x=1",
		"/userinfo/x.css", "/portal/profile.js", "/metrics", "/debug/pprof/", "/livez", "/readyz", "/token/..%2fauthorize",
		"/device_authorization", "/register",
	} {
		if answer := b.Get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, answer.StatusCode)
		}
	}
	for path, allow := range map[string]string{"/authorize": "GET, HEAD, POST", "/jwks": "GET, HEAD", "/portal": "GET, HEAD"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, b.Issuer+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer := b.Do(r); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != allow {
			t.Errorf("DELETE %s: status %d, Allow %q, want 405 and %q", path, answer.StatusCode, answer.Header.Get("Allow"), allow)
		}
	}
}
