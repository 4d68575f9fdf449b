package users

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Reasons of a change that ApplyChanges treats in a way of their own.
const (
	ReasonEmailParked = "email_parked" // the person keeps the text of the address, but no longer its use
	ReasonRehireKeep  = "rehire_keep"  // the same person is back: sign-in methods must be enrolled again
	ReasonRepaired    = "repaired"     // the person differed from what was remembered of them
	// ReasonRehireSuspended is ReasonRehireKeep of somebody whom an administrator has to activate.
	ReasonRehireSuspended = "rehire_suspended"
	// ReasonEmailHandedOver: an address goes from one person to another, and the sessions of both end.
	ReasonEmailHandedOver = "email_handed_over"
)

// StatusReason is the reason of a change of state that a source status brings,
// such as status_leave.
func StatusReason(status string) string {
	if status == PersonStatusGone {
		return "person_gone"
	}
	return "status_" + status
}

// BeforeFollows as RunChange.Before means: an earlier row of the same run
// changes this person, so the version cannot be known when planning.
const BeforeFollows = -1

// applier writes one batch of a plan within one transaction.
type applier struct {
	d    *Directory
	tx   Tx
	run  Run
	now  time.Time
	rows []RunChange // outcome and error are set here

	insert      []User
	update      []User
	release     []ID // whose address may change hands in this batch
	suspend     []Suspension
	reactivate  []ID
	unenrol     []ID
	records     []Person
	lastWaivers map[ID]Waiver
	lost        map[ID]accessLost // of those who are suspended

	activates bool // the opening of an access window makes staged people active
	turns     []clockTurn
	windows   []User // whose access window is new
}

func (a *applier) apply(ctx context.Context) error {
	groups, err := a.d.regrouper(ctx, a.tx, ActorImport(a.run.Connection))
	if err != nil {
		return err
	}
	groups.run = a.run.ID
	if err := a.collect(ctx); err != nil {
		return err
	}
	if err := a.write(ctx); err != nil {
		return err
	}
	if err := groups.written(ctx, slices.Concat(a.insert, a.update)...); err != nil {
		return err
	}
	return a.tx.UpdateRunChanges(ctx, a.rows)
}

// collect turns the rows into what has to be written and notes which cannot be.
func (a *applier) collect(ctx context.Context) error {
	var ids []ID
	for _, c := range a.rows {
		if c.Kind != ChangeCreate && c.User != "" {
			ids = append(ids, c.User)
		}
	}
	current, err := a.tx.UsersByID(ctx, ids)
	if err != nil {
		return err
	}
	if a.lastWaivers, err = a.tx.Waivers(ctx, a.run.Connection, ids); err != nil {
		return err
	}
	app, err := a.tx.Application(ctx, a.run.Connection)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	a.activates = app.activates()
	var suspended []User // as they were before, by status or by dates
	for i := range a.rows {
		c := &a.rows[i]
		if c.Outcome == OutcomeFailed || c.Outcome == OutcomeOvertaken {
			continue
		}
		if c.Kind == ChangeCreate {
			u := a.created(*c)
			a.followClock(&u, *c)
			a.insert = append(a.insert, u)
		} else if c.changesUser() {
			u, found := current[c.User]
			if why := c.refused(u, found); why != "" {
				c.Outcome, c.Error = OutcomeFailed, []Note{{Code: why}}
				continue
			}
			a.change(u, *c)
			if after := a.update[len(a.update)-1]; c.Kind == ChangeSuspend || after.OutsideWindow(a.now) != "" {
				suspended = append(suspended, u)
			}
		}
		c.Outcome, c.Error = OutcomeApplied, nil
		a.record(*c)
	}
	a.lost, err = losing(ctx, a.tx, suspended...)
	return err
}

// refused returns the code of why a planned row must not be applied to the person as they are now; empty: it may be.
func (c RunChange) refused(u User, found bool) string {
	switch {
	case !found || (c.Before != BeforeFollows && u.Version != c.Before):
		return NoteMovedOn
	case u.Sealed:
		return NoteSealed
	case u.Role != RoleNone:
		return NoteHasRole
	}
	return ""
}

// changesUser reports whether the row changes the person and not only what is remembered of the source.
func (c RunChange) changesUser() bool {
	_, changes := changeEvents[c.Kind]
	return changes
}

func (a *applier) created(c RunChange) User {
	u := a.d.newUser(OriginImport, c.InitialState)
	u.ID = c.User
	u.SetFields(c.Fields)
	return u
}

// change notes what one row does to the person as they are now.
func (a *applier) change(u User, c RunChange) {
	u.SetFields(c.Fields)
	_, email := c.Fields[AttributeEmail]
	_, username := c.Fields[AttributeUsername]
	if email || username {
		a.release = append(a.release, u.ID)
	}
	switch c.Reason {
	case ReasonEmailParked:
		a.release = append(a.release, u.ID)
		u.EmailKey, u.UsernameKey = "", ""
		u.Epoch++
	case ReasonEmailHandedOver:
		u.Epoch++
	}
	switch c.Kind {
	case ChangeSuspend:
		u.Epoch++
		a.suspend = append(a.suspend, Suspension{
			User: u.ID, By: ByImport, Connection: a.run.Connection, Reason: c.suspensionReason(), Since: a.now,
		})
	case ChangeReactivate:
		a.reactivate = append(a.reactivate, u.ID)
	case ChangeLink:
		u.Origin = OriginImport
		if c.Reason == ReasonRehireKeep || c.Reason == ReasonRehireSuspended {
			u.Epoch++
			a.unenrol = append(a.unenrol, u.ID)
		}
		if c.Reason == ReasonRehireKeep {
			a.reactivate = append(a.reactivate, u.ID)
		}
	case ChangeCreate, ChangeUpdate, ChangeRecord, ChangeSkip, ChangeQuarantine:
	}
	a.followClock(&u, c)
	u.UpdatedAt = a.now
	a.update = append(a.update, u)
}

// followClock brings somebody whom a row writes in step with their access window,
// which the row may have set.
func (a *applier) followClock(u *User, c RunChange) {
	twice := slices.ContainsFunc(a.turns, func(t clockTurn) bool { return t.user == u.ID }) // by a row that frees an address
	if t := u.followClock(a.now, a.activates && c.SetsWindow()); !t.none() && !twice {
		a.turns = append(a.turns, t)
	}
	if c.SetsWindow() {
		a.windows = append(a.windows, *u)
	}
}

// SetsWindow reports whether the row changes the access window of its person.
func (c RunChange) SetsWindow() bool {
	_, from := c.Fields[AttributeAccessFrom]
	_, until := c.Fields[AttributeAccessUntil]
	return from || until
}

// suspensionReason says why the person is suspended; that they should have been
// before is the row's reason only.
func (c RunChange) suspensionReason() string {
	if c.Reason == ReasonRepaired {
		return StatusReason(c.Status)
	}
	return c.Reason
}

// record notes what to remember of the person at the source.
func (a *applier) record(c RunChange) {
	if c.SourceID == "" || c.Status == "" || c.Kind == ChangeQuarantine {
		return
	}
	a.records = append(a.records, Person{
		Connection: a.run.Connection, SourceID: c.SourceID, User: c.User, Status: c.Status,
		ContentHash: c.ContentHash, ManagerSourceID: c.ManagerSourceID, SeenRun: a.run.ID,
		StatusSince: a.now,
	})
}

// write writes what was collected, addresses freed before they are claimed.
func (a *applier) write(ctx context.Context) error {
	if err := a.tx.ReleaseKeys(ctx, a.release); err != nil {
		return err
	}
	stale, err := a.tx.UpdateUsers(ctx, a.update)
	if err != nil {
		return err
	}
	if len(stale) > 0 { // moved between our read and our write: start again on the new rows
		return ErrStale
	}
	steps := []func() error{
		func() error { return a.tx.InsertUsers(ctx, a.insert) },
		func() error { return a.tx.PutSuspensions(ctx, a.suspend) },
		func() error { return a.tx.DeleteSuspensions(ctx, a.reactivate, ByImport, a.run.Connection) },
		func() error { return a.tx.DeleteCredentials(ctx, a.unenrol) },
		func() error { return a.endWaivers(ctx) },
		func() error { return a.tx.PutPeople(ctx, a.records) },
		func() error { return a.tx.PutWork(ctx, boundaries(a.windows, a.now)) },
		a.appendEvents,
		func() error { return a.writeTurns(ctx) },
		func() error { return a.appendQuarantined(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// endWaivers ends what an administrator overruled and the source no longer says.
func (a *applier) endWaivers(ctx context.Context) error {
	windows := map[ID]bool{}
	for _, u := range a.windows {
		windows[u.ID] = true
	}
	var ended []ID
	for _, p := range a.records {
		w, found := a.lastWaivers[p.User]
		if !found {
			continue
		}
		left, any := w.after(p, windows[p.User])
		if !any {
			ended = append(ended, p.User)
		} else if left != w {
			if err := a.tx.PutWaiver(ctx, left); err != nil {
				return err
			}
		}
	}
	return a.tx.DeleteWaivers(ctx, a.run.Connection, ended)
}

// writeTurns writes what the clock changes about the people whom the rows write.
func (a *applier) writeTurns(ctx context.Context) error {
	people := make(map[ID]User, len(a.turns))
	for _, u := range slices.Concat(a.insert, a.update) {
		people[u.ID] = u
	}
	return writeTurns(ctx, a.tx, ActorImport(a.run.Connection), a.run.ID, a.now, a.turns, people, a.lost)
}

// changeEvents holds the event of each kind of change that changes the person.
var changeEvents = map[ChangeKind]EventKind{
	ChangeCreate:     EventUserCreated,
	ChangeUpdate:     EventUserUpdated,
	ChangeLink:       EventUserLinked,
	ChangeSuspend:    EventUserSuspended,
	ChangeReactivate: EventUserReactivated,
}

// changePayload is the payload of an event made by an import.
type changePayload struct {
	Run      RunID                  `json:"run"`
	SourceID string                 `json:"source_id"`
	Reason   string                 `json:"reason,omitempty"`
	Fields   map[string]FieldChange `json:"fields,omitempty"`
	HeardAt  time.Time              `json:"heard_at,omitzero"` // see RunChange
	accessLost
}

func (a *applier) appendEvents() error {
	for _, c := range a.rows {
		kind, found := changeEvents[c.Kind]
		if !found || c.Outcome != OutcomeApplied {
			continue
		}
		payload := changePayload{Run: a.run.ID, SourceID: c.SourceID, Reason: c.Reason, Fields: c.Fields, HeardAt: c.HeardAt}
		if kind == EventUserSuspended {
			payload.accessLost = a.lost[c.User]
		}
		if err := appendEvent(a.tx, kind, ActorImport(a.run.Connection), string(c.User), payload); err != nil {
			return err
		}
	}
	return nil
}

// ChangedFields returns the names of the changed attributes, sorted.
func (c RunChange) ChangedFields() []string {
	return slices.Sorted(maps.Keys(c.Fields))
}
