package login

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// logoutParameters travel from the URL of the confirmation page through its
// form (OpenID Connect RP-Initiated Logout section 2). LogoutTarget judges them.
var logoutParameters = []string{"client_id", "post_logout_redirect_uri", "state"}

// Reasons of an end, as they stand in events.
const (
	reasonSignedOut = "signed_out"
	reasonReplaced  = "replaced" // by another sign-in at this browser
)

// confirmationData is what the confirmation page shows.
type confirmationData struct {
	Token  string
	Fields []web.Field
}

// getLogout asks first: a link alone must not sign anybody out.
func (h *Handler) getLogout(w http.ResponseWriter, r *http.Request) error {
	params := r.URL.Query()
	target, beyond, err := h.cfg.LogoutTarget(params)
	if err != nil {
		return err
	}
	data := confirmationData{Token: h.cfg.Site.FormToken(w, r)}
	var v web.View
	if target != "" {
		if v.FormTargets, err = web.FormTargets(target, beyond...); err != nil {
			return err
		}
		data.Fields = logoutFields(params)
	}
	return h.confirmationPage.Render(w, r, http.StatusOK, v, data)
}

func logoutFields(params url.Values) []web.Field {
	var fields []web.Field
	for _, name := range logoutParameters {
		if value := params.Get(name); value != "" {
			fields = append(fields, web.Field{Name: name, Value: value})
		}
	}
	return fields
}

// confirmed returns where a confirmed sign-out leads.
func (h *Handler) confirmed(w http.ResponseWriter, r *http.Request) (target string, err error) {
	fields, err := web.Form(w, r)
	if err != nil {
		return "", err
	}
	if err := h.cfg.Site.CheckForm(r, fields); err != nil {
		return "", err
	}
	target, _, err = h.cfg.LogoutTarget(fields)
	return target, err
}

// postLogout ends the browser's session.
func (h *Handler) postLogout(w http.ResponseWriter, r *http.Request) error {
	target, err := h.confirmed(w, r)
	if err != nil {
		return err
	}
	s, err := h.cfg.Sessions.Current(r.Context(), h.sessionCookie(r))
	if errors.Is(err, session.ErrNotFound) {
		return h.SignOut(w, r, nil, target)
	}
	if err != nil {
		return web.Unavailable(err) // they may still be signed in: never say otherwise
	}
	return h.SignOut(w, r, &s, target)
}

// postLogoutEverywhere makes every session of the person dead, on all devices.
// Who follows the event log then tells their applications and clears the store.
func (h *Handler) postLogoutEverywhere(w http.ResponseWriter, r *http.Request) error {
	target, err := h.confirmed(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	s, _, err := h.cfg.Sessions.Live(ctx, h.sessionCookie(r), h.cfg.Users.Read(), "")
	if err == nil {
		err = h.cfg.Users.EndSessions(ctx, users.ActorUser(s.User), s.User)
	}
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return web.Unavailable(err)
	}
	return h.signedOut(w, r, target)
}

// SignOut ends the session s, nil for none, and leads the browser to target or,
// if that is empty, to our own page. Whoever calls it has made sure that the person
// wants it and that target is registered.
func (h *Handler) SignOut(w http.ResponseWriter, r *http.Request, s *session.Session, target string) error {
	if s != nil {
		if err := h.end(r, users.ActorUser(s.User), *s, reasonSignedOut); err != nil {
			return web.Unavailable(err)
		}
		h.cfg.SessionEnded(r.Context(), *s)
	}
	return h.signedOut(w, r, target)
}

// signedOut is the answer once nobody is signed in at this browser any more.
func (h *Handler) signedOut(w http.ResponseWriter, r *http.Request, target string) error {
	cookies := h.cfg.Site.Cookies
	cookies.Clear(w, web.CookieSession)
	if cookies.Secure { // browsers ignore the header on http
		w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	}
	if target != "" {
		return web.Redirect(w, target)
	}
	return h.cfg.Site.SignedOut(w, r)
}

// end ends a session of this browser, because of what actor did.
func (h *Handler) end(r *http.Request, actor users.Actor, s session.Session, reason string) error {
	ctx := r.Context()
	about := users.SessionEnd{Reason: reason, IP: web.ClientIPText(ctx), Request: web.RequestID(ctx)}
	return h.cfg.Sessions.Conclude(ctx, h.cfg.Users, actor, about, s)
}

func (h *Handler) sessionCookie(r *http.Request) keys.Secret {
	return keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieSession))
}
