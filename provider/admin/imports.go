package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// runsPage is how many imports a page lists.
const runsPage = 25

// importsData is what the page about all imports shows.
type importsData struct {
	Connections []connectionData
	Several     bool // the list says which application a run is of
	MayStart    bool
	Token       string
	Modes       []modeData
	Runs        []runData
	First       string // URL of the first page; empty: this is it
	Older       string // URL of the next page; empty: there is none
	Zone        string
}

// connectionData is how the imports of one application stand.
type connectionData struct {
	ID        users.ApplicationID
	Label     string
	State     string // translation key
	Class     string
	Startable bool // from here: it is switched on, and its people do not come from files
	Files     bool
	UnderWay  *progressData
	URL       string // of the run under way
	Last      *runData
	Next      moment // zero: none is planned
	Delta     moment // the last one
	Waiting   int    // people to be read again
	RetryAt   moment // until then the source is left in peace
	Code      string // why
	Held      []runData

	// What the connection says where a run says nothing.
	Mode         string // translation key
	Filter       string
	Reactivation bool
	Summary      string // translation key
}

// modeData is a mode that can be chosen for one run.
type modeData struct {
	Value users.ImportMode
	Key   string
}

// runData is a run in a list.
type runData struct {
	URL         string
	Application string
	State       string // translation key
	Class       string
	Scope       string // translation key; empty: everybody
	Preview     bool
	Started     moment
	By          actorName
	Figures     []figure // those that are not zero
}

// getImports shows how the imports of all connections stand, and the runs so far.
func (h *Handler) getImports(w http.ResponseWriter, r *http.Request, user users.User) error {
	words := h.cfg.Site.Words(w, r)
	data, err := h.importsData(w, r, user, words)
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, h.importsPage, user, sectionImports, web.View{Words: words}, data)
}

func (h *Handler) importsData(w http.ResponseWriter, r *http.Request, user users.User, words importer.Words) (importsData, error) {
	data := importsData{MayStart: user.Role.Administers(), Zone: h.cfg.Zone.String(), Modes: startModes}
	if data.MayStart {
		data.Token = h.cfg.Site.FormToken(w, r)
	}
	ctx := r.Context()
	applications, err := h.cfg.Users.Read().Applications(ctx)
	if err != nil {
		return data, web.Unavailable(err)
	}
	labels := map[users.ApplicationID]string{}
	for _, a := range applications {
		labels[a.ID] = a.Label
		if a.Import == nil {
			continue
		}
		c, err := h.connectionData(ctx, a, labels, words)
		if err != nil {
			return data, web.Unavailable(err)
		}
		data.Connections = append(data.Connections, c)
	}
	data.Several = len(data.Connections) > 1
	return data, h.listRuns(r, labels, &data)
}

// listRuns puts a page of runs into data: those before the place in the address.
func (h *Handler) listRuns(r *http.Request, labels map[users.ApplicationID]string, data *importsData) error {
	ctx, read := r.Context(), h.cfg.Users.Read()
	before, onward := r.URL.Query().Get(parameterBefore), false
	var runs []users.Run
	var err error
	if before == "" {
		runs, err = read.Runs(ctx, "", runsPage+1)
	} else {
		place, parseErr := parsePlace(before)
		if parseErr != nil {
			return &web.Error{Status: http.StatusBadRequest, Err: parseErr}
		}
		data.First = pathImports
		runs, err = read.RunsBefore(ctx, "", place, runsPage+1)
	}
	if err != nil {
		return web.Unavailable(err)
	}
	if onward = len(runs) > runsPage; onward {
		runs = runs[:runsPage]
		last := runs[runsPage-1]
		q := url.Values{parameterBefore: {placeOf(last)}}
		data.Older = pathImports + "?" + q.Encode()
	}
	if data.Runs, err = h.runsData(ctx, runs, labels); err != nil {
		return web.Unavailable(err)
	}
	return nil
}

// parameterBefore carries the place of the run before which a page begins.
const parameterBefore = "before"

// placeOf writes the place of a run for an address.
func placeOf(run users.Run) string {
	return strconv.FormatInt(run.StartedAt.UnixMilli(), 10) + "-" + string(run.ID)
}

func parsePlace(text string) (users.RunPlace, error) {
	at, id, _ := strings.Cut(text, "-")
	millis, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return users.RunPlace{}, errors.New("no place in the list of runs")
	}
	return users.RunPlace{StartedAt: time.UnixMilli(millis).UTC(), ID: users.RunID(id)}, nil
}

// connectionData reads how the imports of a connection stand.
func (h *Handler) connectionData(
	ctx context.Context, a users.Application, labels map[users.ApplicationID]string, words importer.Words,
) (connectionData, error) {
	files := a.Import.Source == users.SourceCSV
	c := connectionData{
		ID: a.ID, Label: a.Label, Files: files, Startable: !a.Disabled && !files,
		Mode: modeKeys[a.Import.Mode], Filter: a.Import.Filter, Reactivation: a.Import.Reactivation, Summary: summaryKeys[a.Import.Summary],
	}
	now := h.cfg.Now()
	status, err := importer.ReadConnectionStatus(ctx, h.cfg.Users, a, now, words)
	if err != nil {
		return c, err
	}
	c.State, c.Class = connectionKeys[status.State], connectionClasses[status.State]
	c.Next, c.Delta, c.RetryAt = h.moment(status.NextRun), h.moment(status.LastDelta), h.moment(status.RetryAt)
	c.Waiting, c.Code = status.Waiting, status.ErrorCode
	if status.UnderWay.ID != "" {
		c.UnderWay, c.URL = progressOf(status.UnderWay, now), resultPath(status.UnderWay.ID)
	}
	held, err := importer.HeldRuns(ctx, h.cfg.Users.Read(), a.ID, now)
	if err != nil {
		return c, err
	}
	if c.Held, err = h.runsData(ctx, held, labels); err != nil {
		return c, err
	}
	if status.LastRun != nil {
		last, err := h.cfg.Users.Read().Run(ctx, status.LastRun.ID)
		if err != nil {
			return c, err
		}
		shown, err := h.runsData(ctx, []users.Run{last}, labels)
		if err != nil {
			return c, err
		}
		c.Last = &shown[0]
	}
	return c, nil
}

// runsData is how runs are listed.
func (h *Handler) runsData(ctx context.Context, runs []users.Run, labels map[users.ApplicationID]string) ([]runData, error) {
	var actors []users.Actor
	for _, run := range runs {
		actors = append(actors, run.Actor)
	}
	names, err := h.actorNames(ctx, actors...)
	if err != nil {
		return nil, err
	}
	var listed []runData
	for _, run := range runs {
		line := runData{
			URL: resultPath(run.ID), Application: labels[run.Connection], State: stateKeys[run.State], Class: stateClasses[run.State],
			Scope: scopeKeys[run.Scope], Preview: run.Preview, Started: h.moment(run.StartedAt), By: names[run.Actor],
		}
		if line.Application == "" {
			line.Application = string(run.Connection)
		}
		for _, f := range figures(run.Counts) {
			if f.N > 0 && f.Key != "count.unchanged" {
				line.Figures = append(line.Figures, f)
			}
		}
		listed = append(listed, line)
	}
	return listed, nil
}
