package admin

import (
	"net/http"
	"net/url"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// fieldSelect carries the source id of somebody who is chosen; it repeats.
const fieldSelect = "select"

// canChoose reports whether people can be chosen from the plan of a run: it says
// who is new, and nothing has come of it.
func canChoose(run users.Run) bool {
	return run.State == users.RunPreviewed && run.Scope == users.ScopeFull && run.Options.Mode == users.ImportNew
}

// postSelection imports the chosen people of those who are new, and changes
// nobody else. Whether they still are is for the run to say.
func (h *Handler) postSelection(w http.ResponseWriter, r *http.Request, user users.User, fields url.Values) error {
	planned, err := h.run(r)
	if err != nil {
		return err
	}
	if len(fields[fieldSelect]) == 0 {
		return h.render(w, r, http.StatusUnprocessableEntity, h.refusalPage, user, sectionImports, web.View{NoLanguages: true},
			refusalData{Key: "refusal.nobody", URL: resultPath(planned.ID), Link: "refusal.to_run"})
	}
	req := importer.Request{
		Connection: planned.Connection, Actor: users.ActorUser(user.ID), Mode: users.ImportSelected, Selected: fields[fieldSelect],
	}
	if planned.Options.OwnFilter {
		req.Filter = &planned.Options.Filter
	}
	return h.start(w, r, user, req)
}
