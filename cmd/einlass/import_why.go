package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

type importWhy struct {
	showFlags
	Person      string `arg:"" help:"E-mail address, user name or id of a person, or their id at the source."`
	Application string `arg:"" optional:"" help:"Id of the application; may be left out: all that import."`
}

func (c importWhy) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		connections, err := importing(ctx, a, c.Application)
		if err != nil {
			return err
		}
		w := why{Asked: c.Person, Connections: []whyConnection{}}
		if err := w.find(ctx, a, connections); err != nil {
			return err
		}
		for _, connection := range connections {
			told, err := w.explain(ctx, a, connection)
			if err != nil {
				return err
			}
			w.Connections = append(w.Connections, told)
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, w)
		}
		return w.write(s.stdout)
	})
}

// importing returns the named connection, or all there are.
func importing(ctx context.Context, a *app, name string) ([]users.Application, error) {
	if name != "" {
		id, err := findConnection(ctx, a, name, fromAnywhere)
		if err != nil {
			return nil, err
		}
		application, err := a.Directory.Read().Application(ctx, id)
		return []users.Application{application}, err
	}
	all, err := a.Directory.Read().Applications(ctx)
	return slices.DeleteFunc(all, func(application users.Application) bool { return application.Import == nil }), err
}

// why is what there is to say about one person and the imports, in sentences.
type why struct {
	Asked       string          `json:"asked"`
	Person      *personJSON     `json:"person,omitempty"` // left out: nobody here
	Sentences   []string        `json:"sentences"`
	Connections []whyConnection `json:"connections"`

	user    users.User // without an id: nobody here
	records []users.Person
}

// whyConnection is what one connection has to do with the person.
type whyConnection struct {
	Application users.ApplicationID `json:"application"`
	SourceIDs   []string            `json:"source_ids"`
	Sentences   []string            `json:"sentences"`
}

// find looks for the person, here and among those whom the connections remember.
func (w *why) find(ctx context.Context, a *app, connections []users.Application) error {
	read := a.Directory.Read()
	u, err := findUser(ctx, a, w.Asked)
	if _, unknown := errors.AsType[usageError](err); err != nil && !unknown {
		return err
	}
	for _, connection := range connections {
		if u.ID != "" {
			break
		}
		records, err := read.People(ctx, connection.ID, []string{w.Asked})
		if err != nil {
			return err
		}
		for _, record := range records {
			w.records = append(w.records, record)
			if u.ID == "" && record.User != "" {
				if u, err = read.User(ctx, record.User); err != nil {
					return err
				}
			}
		}
	}
	if u.ID != "" {
		records, err := read.PeopleOf(ctx, []users.ID{u.ID})
		if err != nil {
			return err
		}
		person := newPersonJSON(u)
		w.user, w.Person, w.records = u, &person, records[u.ID]
	}
	w.Sentences = w.state(connections)
	return nil
}

// state says how the person stands here and who could change it.
func (w *why) state(connections []users.Application) []string {
	u := w.user
	if u.ID == "" {
		return []string{fmt.Sprintf("Nobody here has the e-mail address, user name or id %q.", w.Asked)}
	}
	told := []string{fmt.Sprintf("%s is %s here.", u.DisplayName(), u.StateAt(time.Now()))}
	told = append(told, describeWindow(u, time.Now())...)
	for _, s := range u.Suspensions {
		told = append(told, "Suspended "+describeSuspension(s)+". "+liftedBy(s, connections))
	}
	if u.ConfinedTo != "" {
		told = append(told, fmt.Sprintf("They use only what people on leave keep, by the rules of %s (import.leave_rules).", u.ConfinedTo))
	}
	if u.BaseState == users.StateStaged {
		told = append(told, "They cannot sign in before an administrator has activated them (einlass users activate).")
	}
	if u.Role != users.RoleNone && u.Role != "" {
		told = append(told, fmt.Sprintf("They have the role %s, so no import changes them.", u.Role))
	}
	if u.Sealed {
		told = append(told, "Their account is sealed, so no import changes them.")
	}
	return told
}

// liftedBy says who can lift a suspension.
func liftedBy(s users.Suspension, connections []users.Application) string {
	switch s.By {
	case users.ByImport:
		for _, c := range connections {
			if c.ID == s.Connection && !c.Import.Reactivation {
				return "Reactivation is off for that connection, so only an administrator lifts it (einlass users activate)."
			}
		}
		return "The import lifts it when the source says that they are active again."
	case users.ByConfig:
		return "It ends when the configuration file says so."
	case users.ByWindow:
		return "It ends by itself when access opens; an administrator can overrule the dates (einlass users activate)."
	case users.ByAdmin:
	}
	return "No import lifts it; an administrator does (einlass users activate)."
}

// explain says what a connection remembers of the person and what its last imports did.
func (w *why) explain(ctx context.Context, a *app, connection users.Application) (whyConnection, error) {
	told := whyConnection{Application: connection.ID, SourceIDs: []string{}}
	for _, record := range w.records {
		if record.Connection == connection.ID {
			told.SourceIDs = append(told.SourceIDs, record.SourceID)
			told.Sentences = append(told.Sentences, describeRecord(record))
			for _, note := range importer.Contradiction(w.user, record.Status, time.Now()) {
				told.Sentences = append(told.Sentences, importer.Say(web.English(), note))
			}
		}
	}
	if connection.Disabled {
		told.Sentences = append(told.Sentences, "The application is switched off, so nobody is imported.")
	}
	waivers, err := a.Directory.Read().Waivers(ctx, connection.ID, []users.ID{w.user.ID})
	if err != nil {
		return told, err
	}
	if waiver, found := waivers[w.user.ID]; found {
		overruled := overruledJSON{waiver.Connection, waiver.Status, waiver.AccessFrom, waiver.AccessUntil, waiver.Since}
		told.Sentences = append(told.Sentences, fmt.Sprintf(
			"An administrator let them in on %s although the source says %s; that holds until the source says something else.",
			showTime(waiver.Since), overruled.what()))
	}
	runs, err := lastRuns(ctx, a, connection.ID)
	if err != nil {
		return told, err
	}
	if len(runs) == 0 {
		told.Sentences = append(told.Sentences, "It has never imported anybody.")
	}
	for _, run := range runs {
		sentences, err := w.inRun(ctx, a, run, told.SourceIDs)
		if err != nil {
			return told, err
		}
		told.Sentences = append(told.Sentences, sentences...)
	}
	return told, nil
}

func describeRecord(p users.Person) string {
	text := fmt.Sprintf("Remembers source id %s with status %s.", p.SourceID, p.Status)
	if p.Status == users.PersonStatusGone {
		text = fmt.Sprintf("Remembers source id %s, which the source no longer knows.", p.SourceID)
	}
	if p.User == "" {
		text += " Nobody was created for it."
	}
	return text
}

// lastRuns returns the newest run over everybody and, unless it is among them, the
// newest that a safeguard holds and the newest that was applied, down to the
// latter; and those over some people since.
func lastRuns(ctx context.Context, a *app, connection users.ApplicationID) ([]users.Run, error) {
	full, err := lastFullRuns(ctx, a, connection)
	if err != nil {
		return nil, err
	}
	var since time.Time
	if len(full) > 0 {
		since = full[len(full)-1].StartedAt
	}
	runs, err := a.Directory.Read().RunsSince(ctx, connection, since)
	if err != nil {
		return nil, err
	}
	runs = slices.DeleteFunc(runs, func(run users.Run) bool { return run.Scope == users.ScopeFull })
	runs = append(runs, full...)
	slices.SortFunc(runs, func(a, b users.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return runs, nil
}

func lastFullRuns(ctx context.Context, a *app, connection users.ApplicationID) ([]users.Run, error) {
	runs, err := a.Directory.Read().RunsOver(ctx, connection, users.ScopeFull, 1)
	if err != nil || len(runs) == 0 {
		return runs, err
	}
	for _, state := range []users.RunState{users.RunDone, users.RunHeld} {
		run, err := a.Directory.Read().LastRun(ctx, connection, users.ScopeFull, state)
		if errors.Is(err, users.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		last := runs[len(runs)-1]
		if run.ID != runs[0].ID && (last.State != users.RunDone || run.StartedAt.After(last.StartedAt)) {
			runs = append(runs, run)
		}
	}
	slices.SortFunc(runs, func(a, b users.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return runs, nil
}

// inRun says what a run did, or would do, about the person.
func (w *why) inRun(ctx context.Context, a *app, run users.Run, sourceIDs []string) ([]string, error) {
	head := fmt.Sprintf("Import %s of %s (%s)", run.ID, showTime(run.StartedAt), run.State)
	switch {
	case run.State.Unfinished():
		return []string{head + " is under way: " + describeProgress(run, time.Now()) + "."}, nil
	case run.PlanHash == "" && run.Scope == users.ScopeFull:
		return []string{head + " changed nobody: " + importer.Say(web.English(), run.Error...)}, nil
	}
	planned, err := importer.ReadReport(ctx, a.Directory.Read(), run, web.English())
	if err != nil {
		return nil, err
	}
	var told []string
	for _, c := range planned.Changes {
		if w.concerns(c, sourceIDs) {
			told = append(told, head+": "+describeKind(c.Kind, run.State)+". "+describeChange(c))
		}
	}
	switch {
	case len(told) > 0 || run.Scope != users.ScopeFull: // that did not concern them
	case len(sourceIDs) > 0:
		told = append(told, head+" had nothing to change for them: they are as the source shows them, or as was decided before."+limits(run.Options))
	default:
		told = append(told, head+" did not see them: the source does not show anybody of this address or id."+limits(run.Options))
	}
	return told, nil
}

// limits says whom a run could not change, whatever the source shows.
func limits(options users.RunOptions) string {
	var text string
	if options.Mode != "" && options.Mode != users.ImportAll {
		text += fmt.Sprintf(" Its mode was %s.", options.Mode)
	}
	if options.Filter != "" {
		text += fmt.Sprintf(" It read only what its filter shows: %s.", options.Filter)
	}
	return text
}

func (w *why) concerns(c importer.ChangeReport, sourceIDs []string) bool {
	return c.SourceID != "" && (c.SourceID == w.Asked || slices.Contains(sourceIDs, c.SourceID)) ||
		c.User != "" && c.User == w.user.ID ||
		c.Email != "" && users.KeyOf(c.Email) == users.KeyOf(w.Asked)
}

// describeKind says what an import did to somebody, or would have done.
func describeKind(kind users.ChangeKind, state users.RunState) string {
	did := map[users.ChangeKind]string{
		users.ChangeCreate: "created them", users.ChangeUpdate: "changed them", users.ChangeLink: "took them over",
		users.ChangeSuspend: "suspended them", users.ChangeReactivate: "let them in again", users.ChangeRecord: "noted what the source says",
	}[kind]
	switch {
	case kind == users.ChangeQuarantine:
		return "nothing happens to them until somebody resolves it"
	case kind == users.ChangeSkip:
		return "they are left out"
	case state == users.RunHeld || state == users.RunPreviewed || state == users.RunStale:
		return "it would have " + did + ", but was not applied"
	}
	return "it " + did
}

func (w *why) write(out io.Writer) error {
	var b strings.Builder
	for _, sentence := range w.Sentences {
		fmt.Fprintln(&b, printable(sentence))
	}
	for _, connection := range w.Connections {
		fmt.Fprintf(&b, "\n%s\n", connection.Application)
		for _, sentence := range connection.Sentences {
			fmt.Fprintf(&b, "  %s\n", printable(sentence))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
