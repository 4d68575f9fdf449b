package users

import (
	"slices"
	"time"
)

// Reasons of a suspension by ByWindow.
const (
	ReasonAccessNotOpen = "access_not_open"
	ReasonAccessEnded   = "access_ended"
)

// IsAccessAttribute reports whether name stands for something that decides about
// access, which no mapping, rule or claim may use.
func IsAccessAttribute(name string) bool {
	return name == AttributeAccessFrom || name == AttributeAccessUntil || name == AttributeConfinedTo
}

// OutsideWindow says why the person has no access at now whatever else is said
// of them: ReasonAccessNotOpen, ReasonAccessEnded, or nothing. The end itself is
// outside.
func (u User) OutsideWindow(now time.Time) string {
	switch {
	case !u.AccessUntil.IsZero() && !now.Before(u.AccessUntil):
		return ReasonAccessEnded
	case now.Before(u.AccessFrom):
		return ReasonAccessNotOpen
	}
	return ""
}

// StateAt is State with the access window as it is at now, even while the clock
// has not got round to write down that it has opened or shut.
func (u User) StateAt(now time.Time) State {
	byOthers := slices.ContainsFunc(u.Suspensions, func(s Suspension) bool { return s.By != ByWindow })
	if byOthers || u.OutsideWindow(now) != "" {
		return StateSuspended
	}
	return u.BaseState
}

// NextBoundary returns when the access window opens or closes next, after now.
func (u User) NextBoundary(now time.Time) (at time.Time, found bool) {
	for _, bound := range []time.Time{u.AccessFrom, u.AccessUntil} {
		if bound.After(now) && (at.IsZero() || bound.Before(at)) {
			at = bound
		}
	}
	return at, !at.IsZero()
}

func boundText(bound time.Time) string {
	if bound.IsZero() {
		return ""
	}
	return bound.UTC().Format(time.RFC3339)
}

// setBound sets a bound of an access window to what boundText wrote; any other text leaves it as it is.
func setBound(bound *time.Time, text string) {
	if text == "" {
		*bound = time.Time{}
		return
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		*bound = at.UTC()
	}
}
