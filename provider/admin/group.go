package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// fieldGroup is the group that people are put into.
const fieldGroup = "group"

// groupData is a group that people can be put into.
type groupData struct {
	ID    users.GroupID
	Label string
}

// groupsByHand returns the groups whose members no rule decides about.
func (h *Handler) groupsByHand(ctx context.Context) ([]groupData, error) {
	groups, err := h.cfg.Users.Read().Groups(ctx)
	if err != nil {
		return nil, err
	}
	var byHand []groupData
	for _, g := range groups {
		if g.ID != users.Everyone && g.Rule == "" {
			byHand = append(byHand, groupData{g.ID, g.Label})
		}
	}
	return byHand, nil
}

// postGroup puts the people whom a run created into a group. Doing it twice does
// nothing more.
func (h *Handler) postGroup(w http.ResponseWriter, r *http.Request, user users.User, fields url.Values) error {
	run, err := h.run(r)
	if err != nil {
		return err
	}
	created, err := importer.CreatedBy(r.Context(), h.cfg.Users.Read(), run.ID)
	if err != nil {
		return web.Unavailable(err)
	}
	group := users.GroupID(fields.Get(fieldGroup))
	added, err := h.cfg.Users.AddMembers(r.Context(), users.ActorUser(user.ID), group, created)
	switch {
	case errors.Is(err, users.ErrNotFound) || errors.Is(err, users.ErrInvalid):
		return h.render(w, r, http.StatusUnprocessableEntity, h.refusalPage, user, sectionImports, web.View{NoLanguages: true},
			refusalData{Key: "refusal.group", URL: resultPath(run.ID), Link: "refusal.to_run"})
	case err != nil:
		return web.Unavailable(err)
	}
	q := url.Values{parameterGroup: {string(group)}, parameterAdded: {strconv.Itoa(added)}}
	return web.Redirect(w, resultPath(run.ID)+"?"+q.Encode())
}

// Parameters by which the page of a run says what has been done about a group.
const (
	parameterGroup = "group"
	parameterAdded = "added"
)

// addedData is what has been done about a group.
type addedData struct {
	Group string // label
	N     int    // people who were no members before
}

// addedOf reads what a page's address says has been done; nil: nothing.
func addedOf(q url.Values, groups []groupData) *addedData {
	n, err := strconv.Atoi(q.Get(parameterAdded))
	if err != nil || n < 0 {
		return nil
	}
	for _, g := range groups {
		if string(g.ID) == q.Get(parameterGroup) {
			return &addedData{g.Label, n}
		}
	}
	return nil
}
