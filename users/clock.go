package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// reasonAccessOpen is the reason of what the opening of an access window brings.
const reasonAccessOpen = "access_open"

// clockTurn is what the clock changes about a person beside their row.
type clockTurn struct {
	user      ID
	suspend   string // reason of the suspension to put; empty: none
	lift      bool   // the suspension by ByWindow goes
	activated bool
}

// none reports whether the person is in step with the clock.
func (t clockTurn) none() bool { return t.suspend == "" && !t.lift && !t.activated }

// followClock brings the row of a person in step with their access window and
// returns what else has to be written. The window lifts its own suspension alone.
// Once it has opened, a staged person becomes active where activates says so.
func (u *User) followClock(now time.Time, activates bool) clockTurn {
	t := clockTurn{user: u.ID}
	is, should := "", u.OutsideWindow(now)
	for _, s := range u.Suspensions {
		if s.By == ByWindow {
			is = s.Reason
		}
	}
	if is != should {
		t.suspend, t.lift = should, is != ""
	}
	if is == "" && should != "" {
		u.Epoch++
	}
	if should == "" && activates && !u.AccessFrom.IsZero() && u.BaseState == StateStaged {
		u.BaseState = StateActive
		t.activated = true
	}
	return t
}

// clockPayload is the payload of an event that an access window brings.
type clockPayload struct {
	Reason      string    `json:"reason"`
	AccessFrom  time.Time `json:"access_from,omitzero"`
	AccessUntil time.Time `json:"access_until,omitzero"`
	Run         RunID     `json:"run,omitempty"` // of the import that set the window; empty: the clock alone
	accessLost
}

// writeTurns writes what the clock changes about people whose rows are written.
// lost is what those lose whom it suspends.
func writeTurns(ctx context.Context, tx Tx, actor Actor, run RunID, now time.Time, turns []clockTurn, people map[ID]User, lost map[ID]accessLost) error {
	var lift []ID
	var suspend []Suspension
	for _, t := range turns {
		if t.lift {
			lift = append(lift, t.user)
		}
		if t.suspend != "" {
			suspend = append(suspend, Suspension{User: t.user, By: ByWindow, Reason: t.suspend, Since: now})
		}
	}
	if err := tx.DeleteSuspensions(ctx, lift, ByWindow, ""); err != nil {
		return err
	}
	if err := tx.PutSuspensions(ctx, suspend); err != nil {
		return err
	}
	for _, t := range turns {
		u := people[t.user]
		payload := clockPayload{Reason: reasonAccessOpen, AccessFrom: u.AccessFrom, AccessUntil: u.AccessUntil, Run: run}
		var kinds []EventKind
		switch {
		case t.suspend != "":
			payload.Reason, payload.accessLost = t.suspend, lost[t.user]
			kinds = append(kinds, EventUserSuspended)
		case t.lift:
			kinds = append(kinds, EventUserReactivated)
		}
		if t.activated {
			kinds = append(kinds, EventUserActivated)
		}
		for _, kind := range kinds {
			if err := appendEvent(tx, kind, actor, string(t.user), payload); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundaries returns the work of looking at people when their access windows open or close next.
func boundaries(people []User, now time.Time) []Work {
	var work []Work
	for _, u := range people {
		if at, found := u.NextBoundary(now); found {
			work = append(work, Work{Kind: WorkWindow, Subject: string(u.ID), Due: at, Noted: now})
		}
	}
	return work
}

// clockPeople is how many people one transaction brings in step with the clock:
// two events each are as many as a transaction may have.
const clockPeople = 100

// ApplyWindows does work of kind WorkWindow: it writes down of the people named
// whether their access window is open now, with an event that followers act on,
// and notes when it has to look at them again. Decisions have kept to the window
// before. It may be called at any time, for anybody, any number of times.
func (d *Directory) ApplyWindows(ctx context.Context, work []Work) error {
	for portion := range slices.Chunk(work, clockPeople) {
		err := ErrStale
		for range staleRetries {
			err = d.store.Update(ctx, func(tx Tx) error { return d.applyWindows(ctx, tx, portion) })
			if !errors.Is(err, ErrStale) {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("access windows: %w", err)
		}
	}
	return nil
}

func (d *Directory) applyWindows(ctx context.Context, tx Tx, work []Work) error {
	now := d.now()
	ids := make([]ID, len(work))
	for i, w := range work {
		ids[i] = ID(w.Subject)
	}
	people, err := tx.UsersByID(ctx, ids)
	if err != nil {
		return err
	}
	activates, err := activatedByWindow(ctx, tx, people)
	if err != nil {
		return err
	}
	var turns []clockTurn
	var all, changed, shut []User
	for _, before := range people {
		u := before
		t := u.followClock(now, activates[u.ID])
		all = append(all, u)
		people[u.ID] = u
		if !t.none() {
			u.UpdatedAt = now
			turns, changed = append(turns, t), append(changed, u)
		}
		if t.suspend != "" {
			shut = append(shut, before)
		}
	}
	stale, err := tx.UpdateUsers(ctx, changed)
	if err == nil && len(stale) > 0 {
		err = ErrStale
	}
	if err != nil {
		return err
	}
	lost, err := losing(ctx, tx, shut...)
	if err != nil {
		return err
	}
	if err := writeTurns(ctx, tx, ActorSystem, "", now, turns, people, lost); err != nil {
		return err
	}
	if err := tx.FinishWork(ctx, work); err != nil {
		return err
	}
	return tx.PutWork(ctx, boundaries(all, now))
}

// activatedByWindow returns the staged people of a connection that makes people active when their window opens.
func activatedByWindow(ctx context.Context, tx Tx, people map[ID]User) (map[ID]bool, error) {
	var staged []ID
	for _, u := range people {
		if u.BaseState == StateStaged {
			staged = append(staged, u.ID)
		}
	}
	if len(staged) == 0 {
		return nil, nil
	}
	records, err := tx.PeopleOf(ctx, staged)
	if err != nil {
		return nil, err
	}
	applications, err := tx.Applications(ctx)
	if err != nil {
		return nil, err
	}
	activates := map[ID]bool{}
	for _, a := range applications {
		for id, known := range records {
			if a.activates() && slices.ContainsFunc(known, func(p Person) bool { return p.Connection == a.ID }) {
				activates[id] = true
			}
		}
	}
	return activates, nil
}

// activates reports whether the opening of an access window makes staged people of the connection active.
func (a Application) activates() bool {
	return a.Import != nil && a.Import.Access != nil && a.Import.Access.Activate
}
