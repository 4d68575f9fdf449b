package admin

import (
	"net/http"
	"net/url"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// approval is who may have the plan of a run applied, and how.
type approval struct {
	Button  bool // whoever looks may
	Second  bool // somebody else has to, because whoever looks started it
	Command bool // by command alone: the plan was made from a file, which has to be there again
}

// approvalOf says what a person may do about the plan of a run; nil where there is none to decide about.
func (h *Handler) approvalOf(run users.Run, connection *users.Import, user users.User) *approval {
	if run.State != users.RunHeld && run.State != users.RunPreviewed || connection == nil {
		return nil
	}
	if connection.Source == users.SourceCSV {
		return &approval{Command: true}
	}
	a := &approval{Button: user.Role.Administers()}
	if connection.Approval == users.ApprovalSecondPerson && run.Actor == users.ActorUser(user.ID) {
		a.Button, a.Second = false, user.Role.Administers()
	}
	return a
}

// postApproval has the plan of a run applied, exactly as it was made.
func (h *Handler) postApproval(w http.ResponseWriter, r *http.Request, user users.User, _ url.Values) error {
	run, err := h.run(r)
	if err != nil {
		return err
	}
	underWay, err := h.cfg.Imports.StartApproval(r.Context(), run.ID, users.ActorUser(user.ID))
	if err != nil {
		return h.refuseStart(w, r, user, underWay, err)
	}
	return web.Redirect(w, resultPath(run.ID))
}
