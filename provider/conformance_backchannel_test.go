package provider_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

var backchannelModules = []conformanceModule{
	{"oidcc-backchannel-logout-discovery-endpoint-verification", func(p *rp) {
		p.offersEndSession()
		for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported"} {
			if p.meta[name] != true {
				p.t.Errorf("%s is %v, want true", name, p.meta[name])
			}
		}
	}},
	{"oidcc-backchannel-rp-initiated-logout", func(p *rp) {
		p.op.Follow()
		g := p.signIn()
		eventually(p.t, "the follower is at work", func() bool {
			seq, err := p.op.Directory.Read().Cursor(p.t.Context(), "logout")
			return err == nil && seq > 0
		})
		arrived := p.endSession("id_token_hint", g.rawIDToken, "post_logout_redirect_uri", p.client.afterLogout(), "state", logoutState)
		p.checkLogoutToken(<-p.op.logouts, g)
		p.returned(arrived, logoutState)
		if more := len(p.op.logouts); more > 0 {
			p.t.Errorf("%d calls more", more)
		}
	}},
}

// checkLogoutToken checks a call as OpenID Connect Back-Channel Logout sections 2.4 to 2.6 demand.
func (p *rp) checkLogoutToken(call *http.Request, g rpGrant) {
	p.t.Helper()
	if call.Method != http.MethodPost || call.URL.Path != "/"+p.client.id || call.URL.RawQuery != "" || len(call.PostForm) != 1 || len(call.PostForm["logout_token"]) != 1 {
		p.t.Fatalf("%s %s with %v, want a POST of logout_token and nothing else", call.Method, call.URL, call.PostForm)
	}
	if kind := call.Header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
		p.t.Errorf("Content-Type %q", kind)
	}
	token, err := jose.ParseSignedCompact(call.PostForm.Get("logout_token"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		p.t.Fatal(err)
	}
	header := token.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != "logout+jwt" {
		p.t.Errorf("logout token: typ %v", header.ExtraHeaders[jose.HeaderType])
	}
	payload, err := token.Verify(p.signingKey(header.KeyID))
	if err != nil {
		p.t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		p.t.Fatal(err)
	}
	for name := range claims {
		if !slices.Contains([]string{"iss", "sub", "aud", "iat", "exp", "jti", "events", "sid"}, name) {
			p.t.Errorf("logout token: %s is %v, want none", name, claims[name])
		}
	}
	for name, want := range map[string]any{
		"iss": p.op.Issuer, "aud": p.client.id, "sub": g.idToken["sub"], "sid": g.idToken["sid"],
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	} {
		if want == nil || !reflect.DeepEqual(claims[name], want) {
			p.t.Errorf("logout token: %s is %v, want %v", name, claims[name], want)
		}
	}
	now := float64(p.op.Clock.Now().Unix())
	issued, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	if jti, _ := claims["jti"].(string); jti == "" || issued < now-300 || issued > now+300 || expires <= now {
		p.t.Errorf("logout token: jti %v, iat %v, exp %v at %v", claims["jti"], claims["iat"], claims["exp"], now)
	}
}
