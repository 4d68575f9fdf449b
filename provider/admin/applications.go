package admin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// applicationsData lists the applications to which people sign in here.
type applicationsData struct{ Applications []applicationData }

// applicationData is one of them.
type applicationData struct {
	Label    string
	Host     string // that gets the codes
	ClientID string
	State    string // translation key
	Class    string
	CallsURL string
	URL      string
}

// getApplications lists the applications with a sign-in, and where their calls are seen.
func (h *Handler) getApplications(w http.ResponseWriter, r *http.Request, user users.User) error {
	all, err := h.cfg.Users.Read().Applications(r.Context())
	if err != nil {
		return web.Unavailable(err)
	}
	var data applicationsData
	for _, a := range all {
		if a.SignIn != nil {
			data.Applications = append(data.Applications, newApplicationData(a))
		}
	}
	return h.render(w, r, http.StatusOK, h.applicationsPage, user, sectionApplications, web.View{}, data)
}

func newApplicationData(a users.Application) applicationData {
	data := applicationData{
		Label: a.Label, ClientID: a.SignIn.ClientID, CallsURL: callsPath(a.ID), URL: pathApplications + "/" + string(a.ID), State: "applications.on", Class: "ok",
	}
	if a.Disabled {
		data.State, data.Class = "applications.off", "neutral"
	}
	if uri, err := url.Parse(strings.Join(a.SignIn.RedirectURIs[:min(1, len(a.SignIn.RedirectURIs))], "")); err == nil {
		data.Host = uri.Host
	}
	return data
}
