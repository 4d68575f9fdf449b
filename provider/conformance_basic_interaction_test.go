package provider_test

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// interactionModules are about what the person sees.
var interactionModules = []conformanceModule{
	{"oidcc-display-page", func(p *rp) { p.flowAtForm("display", "page") }},
	{"oidcc-display-popup", func(p *rp) { p.flowAtForm("display", "popup") }},
	{"oidcc-prompt-login", func(p *rp) {
		first := p.flow(p.request())
		p.op.Clock.Advance(2 * time.Second)
		p.signsInAgain(first, p.request("prompt", "login"))
	}},
	{"oidcc-prompt-none-not-logged-in", func(p *rp) {
		request := p.request("prompt", "none", "state", longState)
		arrived := p.authorize(request)
		p.refused(arrived, request, "login_required")
		if arrived.answers != 1 {
			p.t.Errorf("%d responses, want one", arrived.answers)
		}
	}},
	{"oidcc-prompt-none-logged-in", func(p *rp) {
		first := p.flow(p.request())
		p.op.Clock.Advance(2 * time.Second)
		p.sameSignIn(first, p.flow(p.request("prompt", "none")))
	}},
	{"oidcc-max-age-1", func(p *rp) {
		first := p.flow(p.request())
		p.op.Clock.Advance(2 * time.Second)
		second := p.signsInAgain(first, p.request("max_age", "1"))
		if age := float64(p.op.Clock.Now().Unix()) - second.authTime(p); age > 1 {
			p.t.Errorf("auth_time is %v seconds ago, want at most 1", age)
		}
	}},
	{"oidcc-max-age-10000", func(p *rp) {
		first := p.flow(p.request("max_age", "15000"))
		p.op.Clock.Advance(2 * time.Second)
		p.sameSignIn(first, p.flow(p.request("max_age", "10000")))
	}},
	{"oidcc-id-token-hint", func(p *rp) {
		first := p.flow(p.request())
		p.op.Clock.Advance(2 * time.Second)
		p.sameSignIn(first, p.flow(p.request("prompt", "none", "id_token_hint", first.rawIDToken)))
	}},
	{"oidcc-login-hint", func(p *rp) {
		hint := "buffy@" + strings.TrimPrefix(p.op.Issuer, "https://")
		arrived := p.flowAtForm("login_hint", hint)
		if got := arrived.page.ByID("username").Attr("value"); got != hint {
			p.t.Errorf("the form has the user name %q, want the hint", got)
		}
	}},
	{"oidcc-ui-locales", func(p *rp) {
		for locales, want := range map[string]string{"se": "Sign in", "se de": "Anmelden"} {
			p.browser = newRPBrowser(p.t, p.op.Issuer, p.op.HTTP)
			if text := p.flowAtForm("ui_locales", locales).page.Text(); !strings.Contains(text, want) {
				p.t.Errorf("ui_locales %q: the page reads %q, want %q in it", locales, text, want)
			}
		}
	}},
	{"oidcc-claims-locales", func(p *rp) { p.flowAtForm("claims_locales", "se") }},
	{"oidcc-ensure-request-with-unknown-parameter-succeeds", func(p *rp) { p.flowAtForm("extra", "foobar") }},
	{"oidcc-ensure-request-with-acr-values-succeeds", func(p *rp) {
		values := p.meta.list("acr_values_supported")
		if len(values) == 0 {
			values = []string{"1", "2"}
		}
		g := p.flow(p.request("acr_values", strings.Join(values, " ")))
		if acr, _ := g.idToken["acr"].(string); !slices.Contains(values, acr) {
			p.t.Errorf("acr %v, want one of %v", g.idToken["acr"], values)
		}
	}},
}

// longState has 128 characters.
var longState = strings.Repeat("0123456789abcdefABCDEF-._~!*'()%", 4)

// flowAtForm is flow with one parameter more, and returns the sign-in form that was shown for it.
func (p *rp) flowAtForm(name, value string) arrival {
	p.t.Helper()
	request := p.request(name, value)
	arrived := p.authorize(request)
	if g := p.finish(arrived, request); !g.asked {
		p.t.Error("no sign-in form was shown")
	}
	return arrived
}

// signsInAgain expects a request to show the sign-in form, as a person would
// take a picture of it, and then a later authentication of the same person.
func (p *rp) signsInAgain(first rpGrant, request url.Values) rpGrant {
	p.t.Helper()
	arrived := p.authorize(request)
	if text := arrived.page.Text(); !arrived.isLogin() || !strings.Contains(text, "Sign in") {
		p.t.Errorf("the page reads %q, want the sign-in form", text)
	}
	second := p.finish(arrived, request)
	if second.authTime(p) <= first.authTime(p) || second.idToken["sub"] != first.idToken["sub"] {
		p.t.Errorf("auth_time %v after %v, sub %v after %v; want a newer authentication of the same person",
			second.authTime(p), first.authTime(p), second.idToken["sub"], first.idToken["sub"])
	}
	return second
}

// sameSignIn expects that the second flow went without any page.
func (p *rp) sameSignIn(first, second rpGrant) {
	p.t.Helper()
	if second.asked || second.answers != 1 || second.authTime(p) != first.authTime(p) || second.idToken["sub"] != first.idToken["sub"] {
		p.t.Errorf("form shown: %v, %d responses; auth_time %v after %v, sub %v after %v; want one response about the same authentication",
			second.asked, second.answers, second.authTime(p), first.authTime(p), second.idToken["sub"], first.idToken["sub"])
	}
}
