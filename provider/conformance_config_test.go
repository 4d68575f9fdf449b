package provider_test

import (
	"net/http"
	"net/url"
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

// discover loads the discovery document, which must offer the way in which the client of the module authenticates.
func (p *rp) discover() {
	p.t.Helper()
	answer := p.call(http.MethodGet, p.op.Issuer+"/.well-known/openid-configuration", nil)
	p.meta = answer.body
	if answer.status != http.StatusOK || p.meta.text("issuer") != p.op.Issuer {
		p.t.Fatalf("discovery: status %d, issuer %q, want %q", answer.status, p.meta.text("issuer"), p.op.Issuer)
	}
	p.offers("token_endpoint_auth_methods_supported", p.client.method)
}

// offers expects values in a list of the document.
func (p *rp) offers(name string, values ...string) {
	p.t.Helper()
	for _, value := range values {
		if !slices.Contains(p.meta.list(name), value) {
			p.t.Errorf("%s is %v, want %s in it", name, p.meta[name], value)
		}
	}
}

// checkEndpoints expects that every address of the document is a whole https URL.
func (p *rp) checkEndpoints() {
	p.t.Helper()
	for name := range p.meta {
		if name != "issuer" && !strings.HasSuffix(name, "_endpoint") && !strings.HasSuffix(name, "_uri") {
			continue
		}
		if u, err := url.Parse(p.meta.text(name)); err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
			p.t.Errorf("%s is %v, want an https URL", name, p.meta[name])
		}
	}
	if strings.ContainsAny(p.meta.text("issuer"), "?#") { // RFC 8414 section 2
		p.t.Errorf("the issuer is %q, want no query and no fragment", p.meta.text("issuer"))
	}
}

// checkShape expects members that relying parties know, each of its type: what
// is there more than one of is a list that is not empty and says nothing twice.
func (p *rp) checkShape() {
	p.t.Helper()
	for name, value := range p.meta {
		_, isText := value.(string)
		_, isFlag := value.(bool)
		right := false
		switch {
		case slices.Contains(knownAddresses, name):
			right = isText
		case slices.Contains(knownFlags, name):
			right = isFlag
		case slices.Contains(knownLists, name):
			list := p.meta.list(name)
			right = len(list) > 0 && !slices.Contains(list, "") && len(slices.Compact(slices.Sorted(slices.Values(list)))) == len(list)
		}
		if !right {
			p.t.Errorf("%s is %v of type %T, which nobody expects there", name, value, value)
		}
	}
}

var configModules = []conformanceModule{
	{"oidcc-discovery-endpoint-verification", func(p *rp) {
		p.checkEndpoints()
		p.checkShape()
		p.checkOffers()
		p.checkSyntax()
	}},
}

// checkOffers expects what every relying party may count on, and no promise that is not kept.
func (p *rp) checkOffers() {
	p.t.Helper()
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
		p.offers(name, must...)
	}
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
		if p.meta.text(name) == "" {
			p.t.Errorf("%s is missing", name)
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
	for _, name := range []string{"userinfo_signing_alg_values_supported", "request_object_signing_alg_values_supported"} {
		if p.meta[name] != nil { // then RS256 would have to be in it
			p.t.Errorf("%s is %v, but there is nothing of the kind", name, p.meta[name])
		}
	}
}

// checkSyntax expects values as their specifications write them.
func (p *rp) checkSyntax() {
	p.t.Helper()
	for _, kind := range p.meta.list("subject_types_supported") {
		if kind != "public" && kind != "pairwise" {
			p.t.Errorf("subject_types_supported has %q", kind)
		}
	}
	for _, scope := range p.meta.list("scopes_supported") {
		if !isErrorText(scope) || strings.Contains(scope, " ") { // RFC 6749 section 3.3
			p.t.Errorf("scopes_supported has %q", scope)
		}
	}
	for _, tag := range p.meta.list("ui_locales_supported") {
		if parsed, err := language.Parse(tag); err != nil || parsed.String() != tag {
			p.t.Errorf("ui_locales_supported: %q is not a canonical language tag", tag)
		}
	}
}

// The members that the registry of authorization server metadata has (RFC 8414
// section 7.1) and that could apply here, by the type of their value.
var (
	knownAddresses = []string{
		"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint",
		"service_documentation", "op_policy_uri", "op_tos_uri", "revocation_endpoint", "introspection_endpoint",
		"end_session_endpoint", "pushed_authorization_request_endpoint",
	}
	knownFlags = []string{
		"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration",
		"frontchannel_logout_supported", "frontchannel_logout_session_supported", "backchannel_logout_supported",
		"backchannel_logout_session_supported", "require_pushed_authorization_requests", "authorization_response_iss_parameter_supported",
	}
	knownLists = []string{
		"scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported", "acr_values_supported",
		"subject_types_supported", "id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported",
		"request_object_signing_alg_values_supported", "token_endpoint_auth_methods_supported",
		"token_endpoint_auth_signing_alg_values_supported", "display_values_supported", "claim_types_supported", "claims_supported",
		"claims_locales_supported", "ui_locales_supported", "revocation_endpoint_auth_methods_supported",
		"revocation_endpoint_auth_signing_alg_values_supported", "introspection_endpoint_auth_methods_supported",
		"introspection_endpoint_auth_signing_alg_values_supported", "code_challenge_methods_supported", "prompt_values_supported",
	}
)
