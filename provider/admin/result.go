package admin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// resultData is what the page of a run shows.
type resultData struct {
	Run         users.RunID
	Application string
	Actor       actorName
	ApprovedBy  *actorName

	State    string        // translation key
	Class    string        // of the state's dot: ok, warn, bad, neutral
	Planned  bool          // the figures are what would happen
	Running  *progressData // nil: nobody is busy with it
	Held     []saying
	Warnings []string  // what is worth a look although all is well
	Approval *approval // nil: there is no plan to decide about
	Changes  bool      // whoever looks may change things
	Token    string    // for forms
	Options  []optionData
	Choose   bool // new people can be chosen from the list
	Created  int
	Groups   []groupData // that the created people can be put into
	Added    *addedData
	Code     string
	Error    saying
	Started  moment
	Finished moment // zero while under way
	Zone     string

	Figures []figure
	Rows    []rowData
	Next    string // URL of the next people; empty: there are none
	First   string // URL of the first people; empty: these are

	CSV, Semicolons, JSON string // local URLs
}

// moment is a time in UTC and where the organization is.
type moment struct{ UTC, Local time.Time }

func (h *Handler) moment(t time.Time) moment { return moment{t.UTC(), t.In(h.cfg.Zone)} }

// RFC3339 is the moment in UTC for people and programs.
func (m moment) RFC3339() string { return m.UTC.Format(time.RFC3339) }

// figure is a number of people.
type figure struct {
	Key string // translation key
	N   int
}

// rowData is what happened to one person.
type rowData struct {
	Choice string // the source id, of somebody who can be chosen
	Name   string
	Line   string // address, else the id at the source
	Kind   string // translation key
	Class  string
	Reason string // translation key; empty: Code is shown
	Code   string
	Said   []saying
	Fields []fieldData
}

// getResult shows a run. A link in the address must be valid, though none is needed.
func (h *Handler) getResult(w http.ResponseWriter, r *http.Request, user users.User) error {
	run, err := h.run(r)
	if err != nil {
		return err
	}
	if link := r.URL.Query(); link.Has(parameterLink) {
		if err := h.cfg.Links.check(link.Get(parameterLink), run.ID, user.ID); err != nil {
			return h.refuseLink(w, r, run.ID, err)
		}
	}
	words := h.cfg.Site.Words(w, r)
	data, err := h.resultData(r, run, user, words)
	if err != nil {
		return err
	}
	if data.Changes {
		data.Token = h.cfg.Site.FormToken(w, r)
	}
	return h.render(w, r, http.StatusOK, h.resultPage, user, sectionImports, web.View{Words: words}, data)
}

// run returns the run of a request's path.
func (h *Handler) run(r *http.Request) (users.Run, error) {
	run, err := h.cfg.Users.Read().Run(r.Context(), users.RunID(mux.Vars(r)["run"]))
	if errors.Is(err, users.ErrNotFound) {
		return users.Run{}, &web.Error{Status: http.StatusNotFound, Key: "admin.no_run", Err: err}
	}
	if err != nil {
		return users.Run{}, web.Unavailable(err)
	}
	return run, nil
}

// linkData is what the page about a refused link shows.
type linkData struct {
	Key string
	URL string // of the result without a link
}

// refuseLink says why a link does not work and where the result is.
func (h *Handler) refuseLink(w http.ResponseWriter, r *http.Request, run users.RunID, cause error) error {
	status, data := http.StatusForbidden, linkData{Key: "admin.link_invalid", URL: resultPath(run)}
	if errors.Is(cause, errLinkExpired) {
		status, data.Key = http.StatusGone, "admin.link_expired"
	}
	return h.linkPage.Render(w, r, status, web.View{NoReferrer: true, NoLanguages: true}, data)
}

func (h *Handler) resultData(r *http.Request, run users.Run, user users.User, words importer.Words) (resultData, error) {
	data := resultData{
		Run: run.ID, Application: string(run.Connection),
		State: stateKeys[run.State], Class: stateClasses[run.State],
		Planned:  run.State == users.RunHeld || run.State == users.RunPreviewed || run.State == users.RunStale,
		Running:  progressOf(run, h.cfg.Now()),
		Changes:  user.Role.Administers(),
		Code:     run.ErrorCode,
		Error:    newSaying(words, run.Error...),
		Options:  optionsOf(run.Options),
		Started:  h.moment(run.StartedAt),
		Finished: h.moment(run.FinishedAt),
		Zone:     h.cfg.Zone.String(),

		Figures: figures(run.Counts),
		Created: run.Counts.Created,
	}
	ctx, read := r.Context(), h.cfg.Users.Read()
	switch a, err := read.Application(ctx, run.Connection); {
	case err == nil:
		data.Application = a.Label
		if data.Running == nil {
			data.Approval = h.approvalOf(run, a.Import, user)
		}
	case !errors.Is(err, users.ErrNotFound):
		return data, web.Unavailable(err)
	}
	names, err := h.actorNames(ctx, run.Actor, run.ApprovedBy)
	if err != nil {
		return data, web.Unavailable(err)
	}
	data.Actor = names[run.Actor]
	if name := names[run.ApprovedBy]; run.ApprovedBy != "" {
		data.ApprovedBy = &name
	}
	data.Warnings = importer.NewRunReport(words, run).Warnings
	for _, reason := range run.Held {
		data.Held = append(data.Held, newSaying(words, reason))
	}
	data.Choose = canChoose(run) && data.Approval != nil && data.Approval.Button
	if err := h.listPeople(r, run, words, &data); err != nil {
		return data, err
	}
	if data.Changes && run.State == users.RunDone && run.Counts.Created > 0 {
		if data.Groups, err = h.groupsByHand(ctx); err != nil {
			return data, web.Unavailable(err)
		}
		data.Added = addedOf(r.URL.Query(), data.Groups)
	}
	return data, h.linkDownloads(run, user.ID, &data)
}

// linkDownloads seals the links to the files of a run.
func (h *Handler) linkDownloads(run users.Run, person users.ID, data *resultData) error {
	link, err := h.cfg.Links.seal(run.ID, person, pageLinkLife)
	if err != nil {
		return err
	}
	data.CSV = resultPath(run.ID) + "/result.csv?" + link.Encode()
	data.JSON = resultPath(run.ID) + "/result.json?" + link.Encode()
	link.Set(parameterSeparator, separatorSemicolon)
	data.Semicolons = resultPath(run.ID) + "/result.csv?" + link.Encode()
	return nil
}

// optionData is by what a run was made.
type optionData struct {
	Key   string // translation key of what it is called
	Value string // translation key, or Text
	Text  string
	Own   bool // asked for with this run alone
}

// optionsOf are the options of a run that people look for.
func optionsOf(o users.RunOptions) []optionData {
	options := []optionData{
		{Key: "imports.mode", Value: modeKeys[o.Mode], Own: o.Mode == users.ImportSelected},
		{Key: "imports.reactivation", Value: yesNo(o.Reactivation), Own: o.OwnReactivation},
	}
	if o.Filter != "" || o.OwnFilter {
		option := optionData{Key: "imports.filter", Text: o.Filter, Own: o.OwnFilter}
		if o.Filter == "" {
			option.Value = "imports.no_filter"
		}
		options = append(options, option)
	}
	if o.Reconcile {
		options = append(options, optionData{Key: "imports.reconcile", Value: "word.yes"})
	}
	return options
}

func yesNo(yes bool) string {
	if yes {
		return "word.yes"
	}
	return "word.no"
}

// The parameter that chooses what separates the cells of a CSV file.
const (
	parameterSeparator = "separator"
	separatorSemicolon = "semicolon"
)

// getCSV sends the result as a file for spreadsheets, with sentences in the language of the page.
func (h *Handler) getCSV(w http.ResponseWriter, r *http.Request, user users.User) error {
	opts := importer.CSVOptions{ByteOrder: true}
	switch r.URL.Query().Get(parameterSeparator) {
	case "", "comma":
	case separatorSemicolon:
		opts.Semicolon = true
	default:
		return &web.Error{Status: http.StatusBadRequest, Err: errors.New("unknown separator")}
	}
	words := h.cfg.Site.Words(w, r)
	return h.download(w, r, user, "csv", "text/csv; charset=utf-8", func(run users.Run, out io.Writer) error {
		return importer.StreamCSV(r.Context(), h.cfg.Users.Read(), run, words, out, opts)
	})
}

// getJSON sends the result as import show -o json prints it.
func (h *Handler) getJSON(w http.ResponseWriter, r *http.Request, user users.User) error {
	return h.download(w, r, user, "json", "application/json", func(run users.Run, out io.Writer) error {
		return importer.StreamJSON(r.Context(), h.cfg.Users.Read(), run, web.English(), out)
	})
}

// download sends the result of a run as a file, if the address has a link that is valid for this person.
func (h *Handler) download(
	w http.ResponseWriter, r *http.Request, user users.User, extension, contentType string,
	write func(run users.Run, out io.Writer) error,
) error {
	run, err := h.run(r)
	if err != nil {
		return err
	}
	if err := h.cfg.Links.check(r.URL.Query().Get(parameterLink), run.ID, user.ID); err != nil {
		return h.refuseLink(w, r, run.ID, err)
	}
	name := "import-" + url.PathEscape(string(run.ID)) + "." + extension
	return web.Download(w, r, name, contentType, func(out io.Writer) error { return write(run, out) })
}
