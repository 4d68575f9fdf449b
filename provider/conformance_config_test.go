package provider_test

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// rpMetadata is the discovery document as the relying party reads it.
type rpMetadata map[string]any

func (m rpMetadata) text(name string) string {
	text, _ := m[name].(string)
	return text
}

func (m rpMetadata) list(name string) []string {
	var texts []string
	members, _ := m[name].([]any)
	for _, member := range members {
		text, _ := member.(string)
		texts = append(texts, text)
	}
	return texts
}

// discover loads the discovery document.
func (p *rp) discover() {
	p.t.Helper()
	answer := p.call(http.MethodGet, p.op.Issuer+"/.well-known/openid-configuration", nil)
	p.meta = answer.body
	if answer.status != http.StatusOK || p.meta.text("issuer") != p.op.Issuer {
		p.t.Fatalf("discovery: status %d, issuer %q, want %q", answer.status, p.meta.text("issuer"), p.op.Issuer)
	}
}

// checkEndpoints expects that every endpoint of the document is https.
func (p *rp) checkEndpoints() {
	p.t.Helper()
	for name := range p.meta {
		isEndpoint := strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri") || name == "issuer"
		if isEndpoint && !strings.HasPrefix(p.meta.text(name), "https://") {
			p.t.Errorf("%s is %v, want an https URL", name, p.meta[name])
		}
	}
}

var configModules = []conformanceModule{
	{"oidcc-discovery-endpoint-verification", func(p *rp) {
		p.checkEndpoints()
		for name, must := range map[string][]string{
			"response_types_supported":              {"code"},
			"response_modes_supported":              {"query", "form_post"},
			"subject_types_supported":               {"public"},
			"id_token_signing_alg_values_supported": {"RS256"},
			"scopes_supported":                      {"openid"},
			"grant_types_supported":                 {"authorization_code", "refresh_token"},
			"code_challenge_methods_supported":      {"S256"},
			"token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post"},
			"claims_supported":                      {"sub", "iss", "aud", "exp", "iat", "name", "email"},
		} {
			for _, value := range must {
				if !slices.Contains(p.meta.list(name), value) {
					p.t.Errorf("%s is %v, want %s in it", name, p.meta[name], value)
				}
			}
		}
		for name := range p.meta {
			if !slices.Contains(knownMetadata, name) {
				p.t.Errorf("%s is no registered member", name)
			}
		}
		for _, tag := range p.meta.list("ui_locales_supported") {
			if parsed, err := language.Parse(tag); err != nil || parsed.String() != tag {
				p.t.Errorf("ui_locales_supported: %q is not a canonical language tag", tag)
			}
		}
		for name, want := range map[string]bool{
			"claims_parameter_supported": true, "request_parameter_supported": false, "request_uri_parameter_supported": false,
			"authorization_response_iss_parameter_supported": true,
		} {
			if p.meta[name] != want {
				p.t.Errorf("%s is %v, want %v", name, p.meta[name], want)
			}
		}
	}},
}

// knownMetadata are the members that the registry of authorization server
// metadata has (RFC 8414 section 7.1) and that could apply here.
var knownMetadata = []string{
	"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint", "scopes_supported",
	"response_types_supported", "response_modes_supported", "grant_types_supported", "acr_values_supported", "subject_types_supported",
	"id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported", "request_object_signing_alg_values_supported",
	"token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported", "display_values_supported",
	"claim_types_supported", "claims_supported", "service_documentation", "claims_locales_supported", "ui_locales_supported",
	"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration",
	"op_policy_uri", "op_tos_uri", "revocation_endpoint", "revocation_endpoint_auth_methods_supported",
	"revocation_endpoint_auth_signing_alg_values_supported", "introspection_endpoint", "introspection_endpoint_auth_methods_supported",
	"introspection_endpoint_auth_signing_alg_values_supported", "code_challenge_methods_supported", "end_session_endpoint",
	"frontchannel_logout_supported", "frontchannel_logout_session_supported", "backchannel_logout_supported",
	"backchannel_logout_session_supported", "pushed_authorization_request_endpoint", "require_pushed_authorization_requests",
	"authorization_response_iss_parameter_supported", "prompt_values_supported",
}
