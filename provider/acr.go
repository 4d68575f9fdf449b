package provider

import (
	"slices"
	"strings"

	"github.com/einlass/einlass/provider/session"
)

// acrPassword says that the person typed their password over a protected
// connection. The name is the one of the SAML 2.0 authentication context classes
// (section 3.4.5 there), which applications know; OpenID Connect has none of its own.
const acrPassword = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

// supportedACRs are the authentication context classes a session can have, each
// with the method of the session's amr that proves it.
var supportedACRs = []struct{ class, method string }{
	{acrPassword, "pwd"},
}

// acrValues are the classes as discovery lists them.
func acrValues() []string {
	var classes []string
	for _, a := range supportedACRs {
		classes = append(classes, a.class)
	}
	return classes
}

// knownACRs are the classes of text that a session can have, in the client's order
// of preference. Others are not even kept: they would never be said.
func knownACRs(text string) []string {
	var known []string
	for class := range strings.FieldsSeq(text) {
		if slices.Contains(acrValues(), class) && !slices.Contains(known, class) {
			known = append(known, class)
		}
	}
	return known
}

// acrsOf are the classes that a session has.
func acrsOf(s session.Session) []string {
	var classes []string
	for _, a := range supportedACRs {
		if slices.Contains(s.AMR, a.method) {
			classes = append(classes, a.class)
		}
	}
	return classes
}

// chooseACR returns the first class in the client's order of preference that
// the session has, or nothing: what was not proven is never said.
func chooseACR(asked []string, s session.Session) string {
	has := acrsOf(s)
	for _, class := range asked {
		if slices.Contains(has, class) {
			return class
		}
	}
	return ""
}

// askedACRs are the classes a request prefers: acr_values, then the ones of the
// claims parameter, where acr without a value means any.
func askedACRs(p session.Params, r claimsRequest) []string {
	asked := p.ACRValues
	if request, wants := r.IDToken["acr"]; wants {
		asked = append(slices.Clone(asked), request.texts()...)
		if len(request.texts()) == 0 {
			asked = append(asked, acrValues()...)
		}
	}
	return asked
}

// essentialACRs are the classes of which the session must have one (OpenID
// Connect Core section 5.5.1.1); none: it need not.
func essentialACRs(r claimsRequest) []string {
	if request := r.IDToken["acr"]; request != nil && request.Essential {
		return request.texts()
	}
	return nil
}
