package importer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// Sessions is the part of the session store that says what a suspension ends.
type Sessions interface {
	// CountSessions returns how many sessions of each of the people still let them
	// in. Those without any are left out.
	CountSessions(ctx context.Context, people []users.User) (map[users.ID]int, error)
}

// consequences says of planned rows what follows for the person: which
// applications they gain or lose, and how many of their sessions end. It is what
// was known when the plan was made and no part of its digest, because sessions
// come and go without anybody changing the plan.
type consequences struct {
	directory  users.Reader
	sessions   Sessions // nil: nobody can tell
	log        *slog.Logger
	now        time.Time
	activates  bool // the opening of an access window makes staged people active
	connection users.ApplicationID

	loaded   bool
	labels   map[users.ApplicationID]string // of enabled applications that people use
	everyone []string                       // labels of those that need no membership
}

// consequences returns what says of the rows of a run that started now what they mean for people.
func (e *Engine) consequences(app users.Application, now time.Time) consequences {
	return consequences{
		directory: e.cfg.Directory.Read(), sessions: e.cfg.Sessions, log: e.log, connection: app.ID, now: now,
		activates: app.Import.Access != nil && app.Import.Access.Activate,
	}
}

// note puts the effect of rows before what movers says of them. Only people whose access or address changes are
// looked up, all of them together.
func (c *consequences) note(ctx context.Context, rows []users.RunChange) error {
	var ids []users.ID
	creates := false
	for _, row := range rows {
		creates = creates || row.Kind == users.ChangeCreate
		if concernsAccess(row) {
			ids = append(ids, row.User)
		}
	}
	if !creates && len(ids) == 0 {
		return nil
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	people, err := c.directory.UsersByID(ctx, ids)
	if err != nil {
		return fmt.Errorf("people of the plan: %w", err)
	}
	applications, err := c.directory.ApplicationsByUser(ctx, ids)
	if err != nil {
		return fmt.Errorf("applications of people: %w", err)
	}
	ending := c.endingSessions(ctx, rows, people)
	for i := range rows {
		row := &rows[i]
		switch {
		case row.Kind == users.ChangeCreate:
			row.Effect = append(c.arrival(*row), row.Effect...)
		case concernsAccess(*row):
			effect := c.effect(*row, people[row.User], c.labelsOf(applications[row.User]), ending[row.User])
			row.Effect = append(effect, row.Effect...)
		}
	}
	return nil
}

// concernsAccess reports whether a row changes what a person of the directory may use, or as whom.
func concernsAccess(row users.RunChange) bool {
	_, address := row.Fields[users.AttributeEmail]
	return row.Kind == users.ChangeSuspend || row.Kind == users.ChangeReactivate ||
		((address || row.SetsWindow()) && row.Kind != users.ChangeCreate) || endsSessions(row)
}

// endsSessions reports whether the row is one of those that users.Directory.ApplyChanges raises the epoch for.
func endsSessions(row users.RunChange) bool {
	return row.Kind == users.ChangeSuspend ||
		slices.Contains([]string{users.ReasonEmailParked, users.ReasonEmailHandedOver, users.ReasonRehireKeep}, row.Reason)
}

// load reads the applications, which are few.
func (c *consequences) load(ctx context.Context) error {
	if c.loaded {
		return nil
	}
	applications, err := c.directory.Applications(ctx)
	if err != nil {
		return fmt.Errorf("applications: %w", err)
	}
	c.labels = map[users.ApplicationID]string{}
	for _, a := range applications {
		if a.Disabled || (a.SignIn == nil && a.Launch == nil) {
			continue
		}
		c.labels[a.ID] = a.Label
		if slices.Contains(a.Groups, users.Everyone) {
			c.everyone = append(c.everyone, a.Label)
		}
	}
	slices.Sort(c.everyone)
	c.loaded = true
	return nil
}

func (c *consequences) labelsOf(ids []users.ApplicationID) []string {
	var labels []string
	for _, id := range ids {
		if label, used := c.labels[id]; used {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}

// endingSessions counts the sessions that the rows would end. That they cannot
// be counted is no reason not to import.
func (c *consequences) endingSessions(ctx context.Context, rows []users.RunChange, people map[users.ID]users.User) map[users.ID]int {
	if c.sessions == nil {
		return nil
	}
	var asked []users.User
	for _, row := range rows {
		u := people[row.User]
		ends := endsSessions(row) || withWindow(u, row.Fields).OutsideWindow(c.now) != ""
		if u.StateAt(c.now) == users.StateActive && ends {
			asked = append(asked, u)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	counts, err := c.sessions.CountSessions(ctx, asked)
	if err != nil {
		c.log.WarnContext(ctx, "sessions not counted; the plan does not say which will end", "connection", c.connection, "error", err)
		c.sessions = nil // nor for the rest of the plan
	}
	return counts
}

// effect is what follows for somebody who has a user here already.
func (c *consequences) effect(row users.RunChange, u users.User, applications []string, ending int) []users.Note {
	before, after := u.StateAt(c.now), c.stateAfter(row, u)
	opens := u.OutsideWindow(c.now) != "" && withWindow(u, row.Fields).OutsideWindow(c.now) == ""
	var enrol, address []users.Note
	if row.Reason == users.ReasonRehireKeep {
		enrol = told(noteEnrolAgain)
	}
	if _, changed := row.Fields[users.AttributeEmail]; changed {
		address = listing(noteNewAddress, "applications", applications)
	}
	switch {
	case before != users.StateActive && row.Kind != users.ChangeReactivate && row.Reason != users.ReasonRehireKeep && !opens:
		return nil // they have no access, before or after
	case before == users.StateActive && after != users.StateActive:
		return slices.Concat(listing(noteLoses, "applications", applications), sessionsEnd(ending))
	case before == users.StateActive:
		return slices.Concat(address, sessionsEnd(ending), enrol)
	case after == users.StateSuspended:
		return told(noteStaysSuspended)
	}
	return slices.Concat(gains(after, applications), enrol)
}

// arrival is what follows for somebody who is created. When their access opens
// is said beside it.
func (c *consequences) arrival(row users.RunChange) []users.Note {
	u := withFields(users.User{BaseState: row.InitialState}, row.Fields)
	if u.OutsideWindow(c.now) == users.ReasonAccessEnded {
		return nil
	}
	if c.activates && !u.AccessFrom.IsZero() {
		u.BaseState = users.StateActive
	}
	return gains(u.BaseState, c.everyone)
}

// stateAfter is the state of a person once the row is applied and the clock has
// followed it.
func (c *consequences) stateAfter(row users.RunChange, u users.User) users.State {
	if row.Kind == users.ChangeReactivate || row.Reason == users.ReasonRehireKeep {
		u.Suspensions = slices.DeleteFunc(slices.Clone(u.Suspensions), func(s users.Suspension) bool {
			return s.By == users.ByImport && s.Connection == c.connection
		})
	}
	if row.Kind == users.ChangeSuspend {
		return users.StateSuspended
	}
	u = withFields(u, row.Fields)
	if c.activates && row.SetsWindow() && !u.AccessFrom.IsZero() {
		u.BaseState = users.StateActive
	}
	return u.StateAt(c.now)
}

// gains says what somebody may use now, or as soon as they are active.
func gains(state users.State, applications []string) []users.Note {
	if state == users.StateStaged {
		return listing(noteGainsOnceHere, "applications", applications)
	}
	return listing(noteGains, "applications", applications)
}

func sessionsEnd(n int) []users.Note {
	if n == 0 {
		return nil
	}
	return []users.Note{{Code: noteSessionsEnd, Numbers: map[string]int{"count": n}}}
}
