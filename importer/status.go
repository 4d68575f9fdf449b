package importer

import (
	"strings"

	"github.com/einlass/einlass/users"
)

// normal is the status in the form in which statuses are compared and remembered.
func (s Status) normal() Status {
	return Status(strings.ToLower(strings.TrimSpace(string(s))))
}

// standing is what a status means for employment, before any rule.
type standing uint8

const (
	standingUnknown standing = iota // no word we know: nothing may follow from it
	standingPresent                 // onboarding or active
	standingOnLeave                 // employed, but away; keeps the address in any case
	standingLeft                    // inactive or gone: others may have the address
)

func standingOf(s Status) standing {
	switch s.normal() {
	case StatusOnboarding, StatusActive:
		return standingPresent
	case StatusLeave:
		return standingOnLeave
	case StatusInactive:
		return standingLeft
	}
	return standingUnknown
}

// rememberedStanding is standingOf for what a people row says.
func rememberedStanding(status string) standing {
	if status == users.PersonStatusGone {
		return standingLeft
	}
	return standingOf(Status(status))
}

// Rules are what a connection decides for everybody it imports.
type Rules struct {
	Connection   users.ApplicationID
	InitialState users.State // of people the import creates; empty means active
	Reactivation bool        // an import lifts its own suspension when the source is active again
	Leave        users.LeavePolicy
	LeaveRules   []users.LeaveRule // before Leave
	Windows      bool              // access opens and closes by dates
	Mode         users.ImportMode  // empty means all
	Reconcile    bool              // nobody is left out because the source shows them as remembered
	Repairs      bool              // whoever is as remembered, and yet differs, was changed by somebody else
	Accounts     Accounts          // this connection and the others
}

// changesPeopleHere reports whether a run changes people who have a user.
func (r Rules) changesPeopleHere() bool {
	return r.Mode != users.ImportNew && r.Mode != users.ImportSelected
}

// creates reports whether a run makes users of new people.
func (r Rules) creates() bool { return r.Mode != users.ImportUpdates }

// admits reports whether a person has access by the source's word, if only to
// the connection's own applications.
func (r Rules) admits(m Mapped) bool {
	s, leave := m.standing(), r.leaveOf(m)
	return s == standingPresent || (s == standingOnLeave && (leave == users.AccessKeep || leave == users.AccessApplication))
}

// suspends reports whether a person loses access. An unknown standing neither
// admits nor suspends.
func (r Rules) suspends(m Mapped) bool {
	s := m.standing()
	return s == standingLeft || (s == standingOnLeave && r.leaveOf(m) == users.AccessSuspend)
}

// leaveOf is what is left to a person while on leave.
func (r Rules) leaveOf(m Mapped) users.LeaveAccess {
	if m.Leave == "" {
		return r.presetLeave()
	}
	return m.Leave
}

func (r Rules) initialState() users.State {
	if r.InitialState == "" {
		return users.StateActive
	}
	return r.InitialState
}

// Employed reports whether a remembered status, as in users.Person, is that of
// somebody who works there, present or on leave.
func Employed(status string) bool {
	s := rememberedStanding(status)
	return s == standingPresent || s == standingOnLeave
}
