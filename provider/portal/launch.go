package portal

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// getLaunch opens an application if the person may use it. Another site cannot
// do it in their name: its link leads to the portal, where the tile is theirs to click.
func (h *Handler) getLaunch(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return web.Redirect(w, "/portal")
	}
	id := users.ApplicationID(mux.Vars(r)["application"])
	if !id.Valid() {
		return &web.Error{Status: http.StatusNotFound}
	}
	visitor, err := h.visit(r, id)
	if err != nil {
		return signIn(w, err)
	}
	a, found := h.cfg.Applications.Application(id)
	if !found || a.Launch == nil {
		return &web.Error{Status: http.StatusNotFound, Key: "portal.unknown", Err: errors.New("nothing to launch")}
	}
	user := visitor.User
	if !visitor.Decision.Access {
		h.observe(r.Context(), users.EventAccessDenied, user.ID, eventPayload{Application: id, Reason: "no_group"})
		return h.cfg.Site.Denied(w, r, web.Denied{
			Application: a.Label,
			ReasonKey:   "denied.no_group",
			SignedInAs:  user.DisplayName(),
		})
	}
	target, err := h.launchURL(a, user)
	if err != nil {
		return fmt.Errorf("launch %s: %w", id, err)
	}
	h.observe(r.Context(), users.EventLaunched, user.ID, eventPayload{Application: id})
	return web.Redirect(w, target)
}

// launchURL is where a tile leads: the application's own address, or its
// registered initiate_login_uri with what it needs to start a sign-in here
// (OpenID Connect Core section 4).
func (h *Handler) launchURL(a users.Application, user users.User) (string, error) {
	if a.SignIn == nil || a.SignIn.InitiateLoginURI == "" {
		return a.Launch.URL, nil
	}
	u, err := url.Parse(a.SignIn.InitiateLoginURI)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("iss", h.cfg.Site.Issuer())
	q.Set("login_hint", user.Username)
	q.Set("target_link_uri", a.Launch.URL)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
