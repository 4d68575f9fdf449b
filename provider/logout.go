package provider

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Parameters of a request to sign out (OpenID Connect RP-Initiated Logout
// section 2). logout_hint is accepted and not needed: the browser's session says who it is.
const (
	parameterClient    = "client_id"
	parameterLogoutURI = "post_logout_redirect_uri"
	parameterState     = "state"
	parameterLocales   = "ui_locales"
)

// postEndSession answers with the same request by GET.
func (p *Provider) postEndSession(w http.ResponseWriter, r *http.Request) error {
	in, err := formParams(w, r)
	if refusal, ok := errors.AsType[*web.Error](err); ok {
		refusal.SignOut = true
		return refusal
	}
	if err != nil {
		return err
	}
	if err := checkLogoutParams(in); err != nil {
		return err
	}
	return redirectToGet(w, r, in)
}

// getEndSession answers an application that wants the person signed out. It
// happens at once only where the hint belongs to this very session; otherwise
// the person is asked first, and where something is wrong they stay signed in.
func (p *Provider) getEndSession(w http.ResponseWriter, r *http.Request) error {
	in := queryParams(r)
	if err := checkLogoutParams(in); err != nil {
		return err
	}
	given, clientID, err := p.whoAsks(r, in)
	if asking, found := p.cfg.Registry.client(cmp.Or(clientID, in.get(parameterClient))); found {
		callOf(r.Context()).of(asking)
	}
	if err != nil {
		return err
	}
	if _, found := p.cfg.Registry.client(clientID); !found {
		clientID = "" // nobody's: nothing is passed on that a stranger could make as long as they like
	}
	// The confirmation page is given what was validated here, and validates it again.
	checked := url.Values{}
	for name, value := range map[string]string{
		parameterClient:    clientID,
		parameterLogoutURI: in.get(parameterLogoutURI),
		parameterState:     in.get(parameterState),
		parameterLocales:   strings.Join(readLocales(in.get(parameterLocales)), " "),
	} {
		if value != "" {
			checked.Set(name, value)
		}
	}
	target, _, err := p.cfg.Registry.LogoutTarget(checked)
	if err != nil {
		return err
	}
	current, err := p.cfg.Authorizer.currentSession(r)
	if err != nil {
		return err
	}
	if given != nil && (current == nil || given.Subject == current.User && given.SID == current.SID) {
		callOf(r.Context()).about(given.Subject)
		callOf(r.Context()).done(users.CallSignedOut)
		return p.cfg.SignOut(w, r, current, target)
	}
	callOf(r.Context()).waits(users.CallSignOutAsked)
	return web.Redirect(w, "/logout?"+checked.Encode())
}

// whoAsks returns the verified hint, nil without one, and the client that the
// request names by it or by client_id.
func (p *Provider) whoAsks(r *http.Request, in params) (given *hint, clientID string, err error) {
	text := in.get("id_token_hint")
	if text == "" {
		return nil, in.get(parameterClient), nil
	}
	h, err := verifyHint(r.Context(), p.cfg.Keys, p.cfg.Issuer, text)
	if err != nil {
		return nil, "", errLogout("logout.hint", fmt.Errorf("%w: %w", because(users.CallLogoutHint), err))
	}
	if _, found := p.cfg.Registry.client(h.Audience); !found {
		return nil, "", errLogout("logout.hint", fmt.Errorf("%w: %w", because(users.CallLogoutHint), errBadHint))
	}
	if named := in.get(parameterClient); named != "" && named != h.Audience {
		return nil, "", errLogout("logout.hint", fmt.Errorf("%w: client_id is not its audience", because(users.CallLogoutHint)))
	}
	return &h, h.Audience, nil
}

// LogoutTarget returns where the parameters of a request to sign out lead, or
// nothing if they name no place. The place must be registered for the client,
// byte for byte; state goes there unchanged and alone. Its application may lead on
// from there to the registered addresses beyond.
func (r *Registry) LogoutTarget(params url.Values) (target string, beyond []string, err error) {
	uri := params.Get(parameterLogoutURI)
	if uri == "" {
		return "", nil, nil
	}
	c, found := r.client(params.Get(parameterClient))
	if !found || !slices.Contains(c.PostLogoutRedirectURIs, uri) {
		var registered []string
		if found {
			registered = c.PostLogoutRedirectURIs
		}
		return "", nil, errLogout("logout.uri", redirectCause(users.CallLogoutUnknown, uri, registered...))
	}
	state := params.Get(parameterState)
	if !isOpaque(state) {
		return "", nil, errLogout("logout.malformed", errors.New("state is too long or not printable ASCII"))
	}
	if state == "" {
		return uri, c.application.Beyond(), nil
	}
	return withQuery(uri, []web.Field{{Name: parameterState, Value: state}}), c.application.Beyond(), nil
}

func checkLogoutParams(in params) error {
	if in.broken || len(in.repeated) > 0 || !isOpaque(in.get(parameterState)) {
		return errLogout("logout.malformed", errors.New("not properly encoded, a parameter twice, or an unusable state"))
	}
	return nil
}

// errLogout is a refusal to sign out: the person stays signed in, and the page
// leads to the confirmation page (OpenID Connect RP-Initiated Logout section 4).
func errLogout(key string, cause error) error {
	return &web.Error{Status: http.StatusBadRequest, Key: key, Err: cause, SignOut: true}
}
