package users

import (
	"context"
	"slices"
	"time"
)

// overruleSources leaves a waiver for every source that keeps u out now, or from
// some applications, by its status or by its dates, and takes away what does so.
func (d *Directory) overruleSources(ctx context.Context, tx Tx, u *User) error {
	now := d.now()
	records, err := tx.PeopleOf(ctx, []ID{u.ID})
	if err != nil {
		return err
	}
	for _, p := range records[u.ID] {
		waivers, err := tx.Waivers(ctx, p.Connection, []ID{u.ID})
		if err != nil {
			return err
		}
		if w, more := waivers[u.ID].overruling(*u, p, now); more {
			if err := tx.PutWaiver(ctx, w); err != nil {
				return err
			}
		}
	}
	if u.OutsideWindow(now) == ReasonAccessEnded {
		u.AccessUntil = time.Time{}
	}
	if u.OutsideWindow(now) == ReasonAccessNotOpen {
		u.AccessFrom = time.Time{}
	}
	u.ConfinedTo = ""
	return nil
}

// overruling returns the waiver together with what the source of p keeps u out
// by, and whether that is more. Dates that are overruled already stay as the
// source has them: the person's own window lacks some of them.
func (w Waiver) overruling(u User, p Person, now time.Time) (Waiver, bool) {
	confined := u.ConfinedTo == p.Connection
	suspended := slices.ContainsFunc(u.Suspensions, func(s Suspension) bool { return s.By == ByImport && s.Connection == p.Connection })
	outside := u.OutsideWindow(now) != ""
	if suspended || confined {
		w.Status = p.Status
	}
	if outside && !w.OverrulesWindow() {
		w.AccessFrom, w.AccessUntil = u.AccessFrom, u.AccessUntil
	}
	w.User, w.Connection, w.Since = u.ID, p.Connection, now
	return w, suspended || confined || outside
}

// after returns what is left of the waiver once the source shows p, with another
// window if so, and whether anything is.
func (w Waiver) after(p Person, window bool) (Waiver, bool) {
	if w.Status != p.Status {
		w.Status = ""
	}
	if window {
		w.AccessFrom, w.AccessUntil = time.Time{}, time.Time{}
	}
	return w, w.Status != "" || w.OverrulesWindow()
}
