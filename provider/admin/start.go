package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Fields of the form that starts an import.
const (
	fieldConnection   = "connection"
	fieldPreview      = "preview" // of the button: a plan only
	fieldMode         = "mode"
	fieldFilter       = "filter"
	fieldReactivation = "reactivation"
	fieldReconcile    = "reconcile"
)

// postImport starts a run or a preview and leads to its page.
func (h *Handler) postImport(w http.ResponseWriter, r *http.Request, user users.User, fields url.Values) error {
	req := importer.Request{
		Connection: users.ApplicationID(fields.Get(fieldConnection)), Actor: users.ActorUser(user.ID),
		Preview: fields.Has(fieldPreview), Mode: users.ImportMode(fields.Get(fieldMode)), Reconcile: fields.Has(fieldReconcile),
	}
	if req.Mode == users.ImportSelected { // whom, is said on the page of who is new
		req.Mode, req.Preview = users.ImportNew, true
	}
	if fields.Has(fieldFilter) {
		configured, err := h.filterOf(r.Context(), req.Connection)
		if err != nil {
			return err
		}
		if filter := strings.TrimSpace(fields.Get(fieldFilter)); filter != configured {
			req.Filter = &filter
		}
	}
	switch choice := fields.Get(fieldReactivation); choice {
	case "":
	case "yes", "no":
		reactivation := choice == "yes"
		req.Reactivation = &reactivation
	default:
		return &web.Error{Status: http.StatusBadRequest, Err: errors.New("unknown choice of reactivation")}
	}
	return h.start(w, r, user, req)
}

// filterOf returns the filter that a connection is configured with. What is wrong
// with a connection is said when it is to be imported.
func (h *Handler) filterOf(ctx context.Context, connection users.ApplicationID) (string, error) {
	a, err := h.cfg.Users.Read().Application(ctx, connection)
	if errors.Is(err, users.ErrNotFound) || err == nil && a.Import == nil {
		return "", nil
	}
	if err != nil {
		return "", web.Unavailable(err)
	}
	return a.Import.Filter, nil
}

// start starts a run, leads to its page, or says why not.
func (h *Handler) start(w http.ResponseWriter, r *http.Request, user users.User, req importer.Request) error {
	run, err := h.cfg.Imports.Start(r.Context(), req)
	if err != nil {
		return h.refuseStart(w, r, user, run, err)
	}
	return web.Redirect(w, resultPath(run.ID))
}

// refusalData is what the page shows about something that was asked for and not done.
type refusalData struct {
	Key    string // translation key of the sentence
	Detail string // English; empty: the sentence says it all
	URL    string // of what to look at
	Link   string // translation key of what it is called
}

// refuseStart says why nothing was started. While another run is under way it leads there.
func (h *Handler) refuseStart(w http.ResponseWriter, r *http.Request, user users.User, underWay users.Run, cause error) error {
	data := refusalData{URL: pathImports, Link: "refusal.to_imports"}
	status := http.StatusConflict
	switch {
	case errors.Is(cause, users.ErrLeaseHeld):
		data.Key = "refusal.under_way"
		if underWay.ID != "" {
			data.URL, data.Link, data.Detail = resultPath(underWay.ID), "refusal.to_run", string(underWay.ID)
		}
	case errors.Is(cause, importer.ErrApprover):
		status, data.Key = http.StatusForbidden, "refusal.second_person"
	case errors.Is(cause, importer.ErrStale):
		data.Key, data.Detail = "refusal.stale", cause.Error()
	case errors.Is(cause, users.ErrNotFound):
		return &web.Error{Status: http.StatusNotFound, Key: "refusal.unknown", Err: cause}
	case errors.Is(cause, users.ErrInvalid):
		status, data.Key, data.Detail = http.StatusUnprocessableEntity, "refusal.invalid", cause.Error()
	default: // also importer.ErrNotServing, of a process that is about to end
		return web.Unavailable(cause)
	}
	return h.render(w, r, status, h.refusalPage, user, sectionImports, web.View{NoLanguages: true}, data)
}
