package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// watchHolder is who watches when somebody does so in the console. All who look share the watch.
const watchHolder = "console"

const (
	watchLife      = 15 * time.Minute // of a watch that began in the console
	shownCalls     = 100
	refreshSeconds = "1"
)

// The form that begins and ends watching.
const (
	fieldAction = "action"
	actionWatch = "watch"
	actionStop  = "stop"
)

// parameterStill keeps the page as it is, for whoever reads it.
const parameterStill = "still"

// callsData is what the page of an application's calls shows.
type callsData struct {
	Application string
	Path        string
	FormField   string
	Token       string
	Until       moment // while somebody watches
	Watched     bool   // by anybody
	Ours        bool   // by the console, which can stop it
	Still       bool
	StillURL    string
	Verdict     string
	Class       string // of the verdict
	Calls       []callRow
}

// callRow is one call.
type callRow struct {
	At       moment
	Endpoint string
	Outcome  string // translation key
	Class    string
	Text     string
	Person   string
	Request  string
}

var verdictClasses = map[users.VerdictState]string{
	users.VerdictWaiting: "neutral", users.VerdictWorks: "ok", users.VerdictFails: "bad",
}

var outcomeKeys = map[users.CallOutcome]string{
	users.CallDone: "calls.ok", users.CallWaits: "calls.waits", users.CallRefused: "calls.refused", users.CallFailed: "calls.failed",
}

var outcomeClasses = map[users.CallOutcome]string{
	users.CallDone: "ok", users.CallWaits: "neutral", users.CallRefused: "bad", users.CallFailed: "bad",
}

func callsPath(id users.ApplicationID) string { return pathApplications + "/" + string(id) + "/log" }

// getCalls shows the calls of an application. While it is watched the page loads
// itself again, until somebody asks it to hold still.
func (h *Handler) getCalls(w http.ResponseWriter, r *http.Request, user users.User) error {
	a, err := h.client(r)
	if err != nil {
		return err
	}
	words := h.cfg.Site.Words(w, r)
	data, err := h.callsData(w, r, a, words)
	if err != nil {
		return err
	}
	if data.Watched && !data.Still {
		w.Header().Set("Refresh", refreshSeconds)
	}
	return h.render(w, r, http.StatusOK, h.callsPage, user, sectionApplications, web.View{Words: words}, data)
}

// postCalls begins or ends watching.
func (h *Handler) postCalls(w http.ResponseWriter, r *http.Request, user users.User) error {
	a, err := h.client(r)
	if err != nil {
		return err
	}
	fields, err := web.Form(w, r)
	if err != nil {
		return err
	}
	if err := h.cfg.Site.CheckForm(r, fields); err != nil {
		return err
	}
	switch fields.Get(fieldAction) {
	case actionWatch:
		_, err = h.cfg.Users.Watch(r.Context(), users.ActorUser(user.ID), a.ID, watchHolder, watchLife)
	case actionStop:
		err = h.cfg.Users.EndWatch(r.Context(), users.Watch{Application: a.ID, Holder: watchHolder})
	default:
		return &web.Error{Status: http.StatusBadRequest, Err: errors.New("neither watch nor stop")}
	}
	if err != nil {
		return web.Unavailable(err)
	}
	return web.Redirect(w, callsPath(a.ID))
}

// client returns the application of a request's path, which must have a sign-in.
func (h *Handler) client(r *http.Request) (users.Application, error) {
	a, err := h.cfg.Users.Read().Application(r.Context(), users.ApplicationID(mux.Vars(r)["application"]))
	if errors.Is(err, users.ErrNotFound) || err == nil && a.SignIn == nil {
		return users.Application{}, &web.Error{Status: http.StatusNotFound, Key: "calls.no_client", Err: err}
	}
	if err != nil {
		return users.Application{}, web.Unavailable(err)
	}
	return a, nil
}

func (h *Handler) callsData(w http.ResponseWriter, r *http.Request, a users.Application, words sayer) (callsData, error) {
	ctx, now := r.Context(), h.cfg.Now()
	calls, err := h.cfg.Users.Read().Calls(ctx, a.ID, now.Add(-users.CallsKept), users.MaxCallsKept)
	if err != nil {
		return callsData{}, web.Unavailable(err)
	}
	watches, err := h.cfg.Users.Read().Watches(ctx, now)
	if err != nil {
		return callsData{}, web.Unavailable(err)
	}
	people, err := h.people(ctx, calls)
	if err != nil {
		return callsData{}, err
	}
	v := users.JudgeCalls(a, calls)
	data := callsData{
		Application: a.Label, Path: callsPath(a.ID), FormField: web.FormField, Token: h.cfg.Site.FormToken(w, r),
		Still: r.URL.Query().Has(parameterStill), StillURL: callsPath(a.ID) + "?" + url.Values{parameterStill: {"1"}}.Encode(),
		Verdict: SayVerdict(words, a, v), Class: verdictClasses[v.State],
	}
	for _, watch := range watches {
		if watch.Application == a.ID && watch.Until.After(data.Until.UTC) {
			data.Watched, data.Until = true, h.moment(watch.Until)
		}
		data.Ours = data.Ours || watch.Application == a.ID && watch.Holder == watchHolder
	}
	for _, c := range slices.Backward(calls[max(0, len(calls)-shownCalls):]) {
		data.Calls = append(data.Calls, callRow{
			At: h.moment(c.At), Endpoint: string(c.Endpoint), Outcome: outcomeKeys[c.Outcome], Class: outcomeClasses[c.Outcome],
			Text: SayCall(words, c), Person: people[c.User], Request: c.Request,
		})
	}
	return data, nil
}

// people returns the names of those whom calls are about.
func (h *Handler) people(ctx context.Context, calls []users.Call) (map[users.ID]string, error) {
	var ids []users.ID
	for _, c := range calls {
		if c.User != "" && !slices.Contains(ids, c.User) {
			ids = append(ids, c.User)
		}
	}
	found, err := h.cfg.Users.Read().UsersByID(ctx, ids)
	if err != nil {
		return nil, web.Unavailable(err)
	}
	names := map[users.ID]string{}
	for id, u := range found {
		names[id] = u.DisplayName()
	}
	return names, nil
}
