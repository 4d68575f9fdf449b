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

// confirmationData is what the confirmation page shows.
type confirmationData struct {
	Token  string
	Fields []web.Field
}

// getLogout asks first: a link alone must not sign anybody out.
func (h *Handler) getLogout(w http.ResponseWriter, r *http.Request) error {
	params := r.URL.Query()
	target, err := h.cfg.LogoutTarget(params)
	if err != nil {
		return err
	}
	data := confirmationData{Token: h.cfg.Site.FormToken(w, r)}
	var v web.View
	if target != "" {
		origin, err := web.FormTarget(target)
		if err != nil {
			return err
		}
		v.FormTargets = []string{origin}
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

// postLogout ends the browser's session.
func (h *Handler) postLogout(w http.ResponseWriter, r *http.Request) error {
	fields, err := web.Form(w, r)
	if err != nil {
		return err
	}
	if err := h.cfg.Site.CheckForm(r, fields); err != nil {
		return err
	}
	target, err := h.cfg.LogoutTarget(fields)
	if err != nil {
		return err
	}
	cookies := h.cfg.Site.Cookies
	s, err := h.cfg.Sessions.Current(r.Context(), keys.Secret(cookies.Read(r, web.CookieSession)))
	if err == nil {
		err = h.end(r, s, "signed_out")
	}
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return web.Unavailable(err) // they may still be signed in: never say otherwise
	}
	cookies.Clear(w, web.CookieSession)
	if cookies.Secure { // browsers ignore the header on http
		w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	}
	if target != "" {
		return web.Redirect(w, http.StatusSeeOther, target)
	}
	return h.cfg.Site.SignedOut(w, r)
}

// end ends a session. The event comes first, so that applications learn of it
// at least once whatever happens in between.
func (h *Handler) end(r *http.Request, s session.Session, reason string) error {
	h.observe(r, users.EventSessionEnded, users.ActorUser(s.User), string(s.User),
		eventPayload{SID: s.SID, Applications: s.Applications, Reason: reason})
	_, err := h.cfg.Sessions.End(r.Context(), s.User, s.SID)
	if errors.Is(err, session.ErrNotFound) {
		return nil // ended by somebody else this moment
	}
	return err
}
