package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// metadata is the discovery document (OpenID Connect Discovery section 3): what
// is really routed, and nothing else.
type metadata struct {
	Issuer                 string   `json:"issuer"`
	AuthorizationEndpoint  string   `json:"authorization_endpoint"`
	TokenEndpoint          string   `json:"token_endpoint"`
	UserinfoEndpoint       string   `json:"userinfo_endpoint"`
	IntrospectionEndpoint  string   `json:"introspection_endpoint"`
	RevocationEndpoint     string   `json:"revocation_endpoint"`
	JWKSURI                string   `json:"jwks_uri"`
	EndSessionEndpoint     string   `json:"end_session_endpoint"`
	PAREndpoint            string   `json:"pushed_authorization_request_endpoint"`
	RequirePAR             bool     `json:"require_pushed_authorization_requests"`
	ScopesSupported        []string `json:"scopes_supported"`
	ResponseTypes          []string `json:"response_types_supported"`
	ResponseModes          []string `json:"response_modes_supported"`
	GrantTypes             []string `json:"grant_types_supported"`
	SubjectTypes           []string `json:"subject_types_supported"`
	SigningAlgs            []string `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs          []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectAuthMethods  []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectAuthAlgs     []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevokeAuthMethods      []string `json:"revocation_endpoint_auth_methods_supported"`
	RevokeAuthAlgs         []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	ChallengeMethods       []string `json:"code_challenge_methods_supported"`
	ClaimsSupported        []string `json:"claims_supported"`
	ACRValues              []string `json:"acr_values_supported"`
	PromptValues           []string `json:"prompt_values_supported"`
	UILocales              []string `json:"ui_locales_supported"`
	ClaimsParameter        bool     `json:"claims_parameter_supported"`
	RequestParameter       bool     `json:"request_parameter_supported"`
	RequestURIParameter    bool     `json:"request_uri_parameter_supported"`
	AuthorizationIssuerOut bool     `json:"authorization_response_iss_parameter_supported"`
	BackchannelLogout      bool     `json:"backchannel_logout_supported"`
	BackchannelLogoutSID   bool     `json:"backchannel_logout_session_supported"`
}

// provingMethods are the ways in which a client proves who it is.
var provingMethods = []string{users.AuthMethodPost, users.AuthMethodBasic, users.AuthMethodPrivateKey}

func (p *Provider) metadata() metadata {
	claims := []string{
		"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid",
	}
	typed := FormOf(p.cfg.Issuer, users.SignIn{})
	return metadata{
		Issuer:                 typed.Issuer,
		AuthorizationEndpoint:  typed.AuthorizationURI,
		TokenEndpoint:          typed.TokenURI,
		UserinfoEndpoint:       typed.UserinfoURI,
		IntrospectionEndpoint:  p.cfg.Issuer + pathIntrospect,
		RevocationEndpoint:     p.cfg.Issuer + pathRevoke,
		JWKSURI:                typed.JWKSURI,
		EndSessionEndpoint:     p.cfg.Issuer + pathLogout,
		PAREndpoint:            p.cfg.Issuer + pathPAR,
		ScopesSupported:        supportedScopes,
		ResponseTypes:          []string{string(oidc.ResponseTypeCode)},
		ResponseModes:          []string{responseModeQuery, responseModeFormPost},
		GrantTypes:             slices.Sorted(maps.Keys(p.grants())),
		SubjectTypes:           []string{"public"},
		SigningAlgs:            p.cfg.SigningAlgs,
		TokenAuthMethods:       append(slices.Clone(provingMethods), users.AuthMethodNone),
		TokenAuthAlgs:          assertionAlgs,
		IntrospectAuthMethods:  provingMethods,
		IntrospectAuthAlgs:     assertionAlgs,
		RevokeAuthMethods:      append(slices.Clone(provingMethods), users.AuthMethodNone),
		RevokeAuthAlgs:         assertionAlgs,
		ChallengeMethods:       []string{string(oidc.CodeChallengeMethodS256)},
		ClaimsSupported:        append(claims, personClaims...),
		ACRValues:              acrValues(),
		PromptValues:           knownPrompts,
		UILocales:              p.cfg.Site.Languages(),
		ClaimsParameter:        true,
		AuthorizationIssuerOut: true,
		BackchannelLogout:      true,
		BackchannelLogoutSID:   true,
	}
}

// document is a rendered answer with its tag.
type document struct {
	body []byte
	etag string
}

func newDocument(v any) (document, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(body)
	return document{body: body, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// discoveryMaxAge is how long clients may keep the discovery document.
const discoveryMaxAge = 15 * time.Minute

func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) error {
	return writePublic(w, r, p.discoveryDocument, discoveryMaxAge)
}

func (p *Provider) jwks(w http.ResponseWriter, r *http.Request) error {
	set := p.cfg.Keys.JWKS()
	return writePublic(w, r, document{body: set.JSON, etag: set.ETag}, set.MaxAge)
}

// writePublic answers with a document that anybody may read from anywhere and keep for a while.
func writePublic(w http.ResponseWriter, r *http.Request, d document, maxAge time.Duration) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(maxAge/time.Second)))
	h.Set("ETag", d.etag)
	if strings.Contains(r.Header.Get("If-None-Match"), d.etag) {
		return web.NoBody(w, http.StatusNotModified)
	}
	return web.Write(w, http.StatusOK, "application/json", d.body)
}
