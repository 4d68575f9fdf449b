package importer

import (
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// loss is when a change of dates takes access from somebody who has it.
type loss uint8

// The losses. What takes access within the window of the guard counts with those
// who are suspended; what does so later counts apart, because whoever leaves today
// must not wait behind dates of next year.
const (
	losesNothing loss = iota
	losesNow
	losesLater
)

// windowTargets are the bounds of an access window.
var windowTargets = []string{users.AttributeAccessFrom, users.AttributeAccessUntil}

// place is how the connection comes to plan a person.
type place struct {
	linked    bool           // by this very row: the window of the record before is not theirs any more
	elsewhere []users.Person // what other connections remember of the person
	waiver    users.Waiver
}

// standsIn is the place of somebody who has a user here.
func (in PageInput) standsIn(u users.User) place {
	return place{elsewhere: in.Elsewhere[u.ID], waiver: in.Waivers[u.ID]}
}

// fields returns everything about u that the source wants otherwise. Somebody who
// left takes no address.
func (in PageInput) fields(m Mapped, u users.User, addresses bool, at place) map[string]users.FieldChange {
	fields := changedFields(m, u, addresses)
	if fields == nil {
		fields = map[string]users.FieldChange{}
	}
	maps.Copy(fields, in.windowFields(m, u, at))
	if to, counts := in.confinement(m, u, at); counts {
		fields[users.AttributeConfinedTo] = users.FieldChange{Before: string(u.ConfinedTo), After: string(to)}
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// windowFields compares the access window by the source's dates with the
// person's. What was not sent stays, and so does what an administrator has
// overruled until the source says something else.
func (in PageInput) windowFields(m Mapped, u users.User, at place) map[string]users.FieldChange {
	now, counts := in.window(m, u, at)
	if !counts {
		return nil
	}
	var fields map[string]users.FieldChange
	for _, target := range windowTargets {
		if before := u.Attribute(target); before != now[target] {
			if fields == nil {
				fields = map[string]users.FieldChange{}
			}
			fields[target] = users.FieldChange{Before: before, After: now[target]}
		}
	}
	return fields
}

// window returns the bounds of access by this source, and whether they count.
// Somebody whom two connections show at work has none, because the end of one
// employment is not that of the other; nor has anybody without dates.
func (in PageInput) window(m Mapped, u users.User, at place) (bounds map[string]string, counts bool) {
	rules := in.Feed.rules
	switch others := rules.Accounts.withWindows(at.elsewhere); {
	case m.Gone:
		return nil, false
	case rules.Accounts.atWork(at.elsewhere) != "":
		return map[string]string{}, rules.admits(m) // an account that they have left has no say
	case !rules.Windows:
		return map[string]string{}, rules.admits(m) || !others
	case at.linked && !others:
		return m.Values, true
	}
	before := u
	if at.waiver.OverrulesWindow() {
		before.AccessFrom, before.AccessUntil = at.waiver.AccessFrom, at.waiver.AccessUntil
	}
	bounds, changed := map[string]string{}, false
	for _, target := range windowTargets {
		value, sent := m.Values[target]
		if !sent || slices.Contains(m.Nearby[target], before.Attribute(target)) { // the same day, in the zone of an office
			value = before.Attribute(target)
		}
		bounds[target] = value
		changed = changed || value != before.Attribute(target)
	}
	return bounds, changed
}

// onlyWindow reports whether nothing but the access window changes.
func onlyWindow(fields map[string]users.FieldChange) bool {
	for target := range fields {
		if !slices.Contains(windowTargets, target) {
			return false
		}
	}
	return len(fields) > 0
}

// onlyConfinement reports whether nothing but the applications that are left changes.
func onlyConfinement(fields map[string]users.FieldChange) bool {
	_, changed := fields[users.AttributeConfinedTo]
	return changed && len(fields) == 1
}

// withFields returns the person as a row leaves them.
func withFields(u users.User, fields map[string]users.FieldChange) users.User {
	u.SetFields(fields)
	return u
}

// withWindow returns the person with no other fields of a row than those that say
// when, and to which applications, they have access.
func withWindow(u users.User, fields map[string]users.FieldChange) users.User {
	of := map[string]users.FieldChange{}
	for target, f := range fields {
		if users.IsAccessAttribute(target) {
			of[target] = f
		}
	}
	if len(of) == 0 {
		return u
	}
	return withFields(u, of)
}

// shuts says when a change of the access window, or of the applications that are
// left, takes access from somebody who has it.
func shuts(before, after users.User, now time.Time) loss {
	if before.StateAt(now) != users.StateActive {
		return losesNothing
	}
	sooner := !after.AccessUntil.IsZero() && (before.AccessUntil.IsZero() || after.AccessUntil.Before(before.AccessUntil))
	switch {
	case before.ConfinedTo == "" && after.ConfinedTo != "", after.AccessFrom.After(now):
		return losesNow
	case sooner && !after.AccessUntil.After(now.Add(guardWindow)):
		return losesNow
	case sooner:
		return losesLater
	}
	return losesNothing
}

// describeWindow says in a row what becomes of the access window, and where the
// source contradicts itself.
func (in PageInput) describeWindow(row *users.RunChange, m Mapped, u users.User) {
	if row.Kind == users.ChangeQuarantine || row.Kind == users.ChangeSkip || row.Kind == users.ChangeRecord {
		return
	}
	after := withWindow(u, row.Fields)
	_, from := row.Fields[users.AttributeAccessFrom]
	_, until := row.Fields[users.AttributeAccessUntil]
	if from {
		row.Effect = append(row.Effect, bound(after.AccessFrom, in.Now, m.Zone, noteOpensNever, noteOpens, noteOpened))
	}
	if until {
		row.Effect = append(row.Effect, bound(after.AccessUntil, in.Now, m.Zone, noteEndsNever, noteEnds, noteEnded))
	}
	if f, changed := row.Fields[users.AttributeConfinedTo]; changed {
		code := noteConfinedNoMore
		if f.After != "" {
			code = noteConfined
		}
		row.Effect = append(row.Effect, users.Note{Code: code})
	}
	if (from || until) && len(m.Nearby) > 0 { // a bound was made of a day
		row.Effect = append(row.Effect, users.Note{Code: noteOfficeUnknown})
	}
	row.Detail = append(row.Detail, Contradiction(after, statusOf(m), in.Now)...)
}

// bound says when access opens or ends, where the person works: by the code for
// a time that is not set, still to come, or over.
func bound(at, now time.Time, zone, unset, later, before string) users.Note {
	code := before
	switch {
	case at.IsZero():
		return users.Note{Code: unset}
	case at.After(now):
		code = later
	}
	return users.Note{Code: code, Times: map[string]users.LocalTime{"at": {At: at, Zone: zone}}}
}

// Contradiction says where the status of a person, as in users.Person, and the
// dates of their access window disagree; none: nowhere. The window decides when
// access opens and closes, and the status can only take it away.
func Contradiction(u users.User, status string, now time.Time) []users.Note {
	switch s := rememberedStanding(status); {
	case s == standingPresent && u.OutsideWindow(now) == users.ReasonAccessEnded:
		return []users.Note{ofStatus(noteOverButPresent, status)}
	case status == string(StatusInactive) && u.AccessUntil.After(now):
		return told(noteInactiveTooEarly)
	}
	return nil
}
