package admin

import (
	"net/http"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// FormValue is something that an application's own form asks for, by the name that it has there.
type FormValue struct{ Name, Value string }

// applicationPageData is what the page of an application shows.
type applicationPageData struct {
	Application string
	CallsURL    string
	State       string // translation key
	Class       string
	Values      []FormValue
	Secrets     []string // how those end that are valid
	Callbacks   []string
	Verdict     string // translation key
	VerdictMark string // class
	Checks      []checkRow
}

// checkRow is one condition for making the sign-in mandatory.
type checkRow struct {
	Name   string // translation key
	State  string // translation key
	Class  string
	Seen   string
	Remedy string
}

// getApplication shows what to type into an application's form, and whether people
// can be made to sign in to it here alone.
func (h *Handler) getApplication(w http.ResponseWriter, r *http.Request, user users.User) error {
	a, err := h.client(r)
	if err != nil {
		return err
	}
	ready, err := h.cfg.Users.Readiness(r.Context(), a, h.cfg.Issuer, h.cfg.Zone)
	if err != nil {
		return web.Unavailable(err)
	}
	secrets, err := h.cfg.Users.Read().ClientSecrets(r.Context())
	if err != nil {
		return web.Unavailable(err)
	}
	words := h.cfg.Site.Words(w, r)
	listed := newApplicationData(a)
	data := applicationPageData{
		Application: a.Label, CallsURL: listed.CallsURL, State: listed.State, Class: listed.Class,
		Values: h.cfg.Form(*a.SignIn), Callbacks: a.SignIn.RedirectURIs,
		Verdict: "readiness.not_yet", VerdictMark: "warn", Checks: checkRows(words, ready),
	}
	if ready.Ready() {
		data.Verdict, data.VerdictMark = "readiness.ready", "ok"
	}
	for _, s := range secrets {
		if s.Application == a.ID && (s.ExpiresAt.IsZero() || s.ExpiresAt.After(h.cfg.Now())) {
			data.Secrets = append(data.Secrets, s.Hint)
		}
	}
	return h.render(w, r, http.StatusOK, h.applicationPage, user, sectionApplications, web.View{Words: words}, data)
}

func checkRows(words importer.Words, ready users.Readiness) []checkRow {
	var rows []checkRow
	for _, c := range ready.Checks {
		rows = append(rows, checkRow{
			Name: checkKeys[c.Check], State: checkStateKeys[c.State], Class: checkClasses[c.State],
			Seen: importer.Say(words, c.Seen...), Remedy: importer.Say(words, c.Remedy...),
		})
	}
	return rows
}
