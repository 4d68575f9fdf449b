package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
)

// requestModules are about request objects, which are refused by their name.
var requestModules = []conformanceModule{
	{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", func(p *rp) {
		object := p.request()
		p.refused(p.authorize(p.byValue(object)), object, "request_not_supported")
	}},
	{"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", func(p *rp) {
		request := p.request("request_uri", "https://"+p.client.id+".example/test/request.jwt")
		p.refused(p.authorize(request), request, "request_uri_not_supported")
	}},
	{"oidcc-ensure-request-object-with-redirect-uri", func(p *rp) {
		request := p.byValue(p.request())
		request.Set("redirect_uri", p.client.redirectURI()+"_invalid")
		p.showsError(p.authorize(request), "redirect URI")
	}},
}

// byValue puts a request into an unsigned request object (OpenID Connect Core
// section 6.1). Beside it stands only what OAuth 2.0 demands; the mode, the state and the nonce are inside.
func (p *rp) byValue(request url.Values) url.Values {
	p.t.Helper()
	outside, claims := url.Values{}, map[string]string{}
	for name := range request {
		claims[name] = request.Get(name)
	}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope"} {
		outside.Set(name, request.Get(name))
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	outside.Set("request", encode([]byte(`{"alg":"none"}`))+"."+encode(payload)+".")
	return outside
}
