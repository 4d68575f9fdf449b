package provider

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
)

// responseFields are the fields of an authorization response: a code or an error.
type responseFields struct {
	code string
	err  *oidc.Error
}

// fields returns the response in the order in which it is sent. iss tells the
// application which provider answers (RFC 9207); state goes back unchanged.
func (a *Authorizer) fields(c *client, p session.Params, f responseFields) []web.Field {
	var out []web.Field
	add := func(name, value string) {
		if value != "" {
			out = append(out, web.Field{Name: name, Value: value})
		}
	}
	add("code", f.code)
	if f.err != nil {
		add("error", string(f.err.ErrorType))
		add("error_description", f.err.Description)
	}
	add("state", p.State)
	if !c.NoIssuerParameter {
		add("iss", a.cfg.Issuer)
	}
	return out
}

// respond answers the application in the response mode of the request, success and error alike.
func (a *Authorizer) respond(w http.ResponseWriter, r *http.Request, c *client, p session.Params, f responseFields) error {
	fields := a.fields(c, p, f)
	if p.ResponseMode == responseModeFormPost {
		return a.cfg.Site.FormPost(w, r, p.RedirectURI, c.application.Beyond(), fields)
	}
	return web.Redirect(w, withQuery(p.RedirectURI, fields))
}

func (a *Authorizer) fail(w http.ResponseWriter, r *http.Request, c *client, p session.Params, err *oidc.Error) error {
	why := causeOf(err)
	if why == nil {
		why = refusalCause(string(err.ErrorType), err.Description)
	}
	callOf(r.Context()).refused(why)
	return a.respond(w, r, c, p, responseFields{err: err})
}

// silentFailure is why a request could not be answered that must not show a page.
type silentFailure struct {
	client *client
	params session.Params
	err    error
}

func (f *silentFailure) Error() string { return f.err.Error() }
func (f *silentFailure) Unwrap() error { return f.err }

// toldSilently makes of a store that does not answer something that the application
// is told, if it has asked silently: then nobody is there to see a page (OpenID
// Connect Core section 3.1.2.1). Anybody else can try again on the page.
func toldSilently(c *client, p session.Params, err error) error {
	e, ok := errors.AsType[*web.Error](err)
	if !ok || e.Status != http.StatusServiceUnavailable || !slices.Contains(p.Prompt, oidc.PromptNone) {
		return err
	}
	return &web.Error{Status: e.Status, Err: &silentFailure{client: c, params: p, err: err}}
}

// authorizeError answers a request to authorize that ended with an error.
func (a *Authorizer) authorizeError(w http.ResponseWriter, r *http.Request, e *web.Error) error {
	if f, ok := errors.AsType[*silentFailure](e.Err); ok {
		return a.respond(w, r, f.client, f.params, responseFields{err: errUnavailable()})
	}
	return a.cfg.Site.ErrorPage(w, r, e)
}

// deniedTexts are the sentences that tell people why they are denied.
var deniedTexts = map[string]string{reasonNoGroup: "denied.no_group", reasonNoEmail: "denied.no_email"}

// deny shows the person why they may not use the application, with a button
// that completes the error response there.
func (a *Authorizer) deny(w http.ResponseWriter, r *http.Request, c *client, p session.Params, s session.Session, reason string) error {
	a.observeDenial(r, c, &s, reason)
	callOf(r.Context()).refused(deniedCauses[reason])
	page := web.Denied{Application: c.application.Label, ReasonKey: deniedTexts[reason], Beyond: c.application.Beyond()}
	fields := a.fields(c, p, responseFields{err: errAccessDenied()})
	if p.ResponseMode == responseModeFormPost {
		page.Action, page.Fields = p.RedirectURI, fields
	} else {
		page.ContinueURL = withQuery(p.RedirectURI, fields)
	}
	return a.cfg.Site.Denied(w, r, page)
}

// withQuery appends fields to the query of a registered redirect URI, which is
// kept byte for byte (RFC 6749 section 3.1.2).
func withQuery(uri string, fields []web.Field) string {
	var b strings.Builder
	b.WriteString(uri)
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	for _, f := range fields {
		b.WriteString(separator + f.Name + "=" + url.QueryEscape(f.Value))
		separator = "&"
	}
	return b.String()
}
