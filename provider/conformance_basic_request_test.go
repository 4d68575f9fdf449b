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
		request := p.request("state", "", "nonce", "", "request", p.requestObject(object))
		p.refused(p.authorize(request), request, "request_not_supported")
	}},
	{"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", func(p *rp) {
		request := p.request("request_uri", "https://"+p.client.id+".example/test/request.jwt")
		p.refused(p.authorize(request), request, "request_uri_not_supported")
	}},
	{"oidcc-ensure-request-object-with-redirect-uri", func(p *rp) {
		object := p.request()
		p.showsError(p.authorize(p.request("redirect_uri", p.client.redirectURI()+"/unregistered", "request", p.requestObject(object))))
	}},
}

// requestObject is an unsigned request object (OpenID Connect Core section 6.1).
func (p *rp) requestObject(request url.Values) string {
	p.t.Helper()
	claims := map[string]string{"iss": p.client.id, "aud": p.op.Issuer}
	for name := range request {
		claims[name] = request.Get(name)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
}
