package importer

import (
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

// EmployeeTypes are the values of the attribute employee_type that rules for leave know.
var EmployeeTypes = []string{"internal", "external"}

// leaveUndecided is what is left to somebody on leave of whom the source did not
// send what the rules ask about: what they have now.
const leaveUndecided users.LeaveAccess = "undecided"

// withLeave returns the mapper with what the rules for leave ask about.
func (p mapper) withLeave(i users.Import) mapper {
	if len(i.LeaveRules) == 0 {
		return p
	}
	p.leaveKind = i.LeaveKind
	p.digest = digestOf(p.digest, "leave rules")
	return p
}

// applyLeave notes the kind of leave of somebody who is on leave.
func (p mapper) applyLeave(m *Mapped, person Person) {
	if p.leaveKind == "" || m.standing() != standingOnLeave {
		return
	}
	kind, sent := person.Attributes[p.leaveKind]
	m.LeaveKind, m.HasLeaveKind = normalize(kind), sent
}

// decideLeave says what is left to a person on leave, by the first rule that
// matches. Days count from the one on which the status was first remembered, in
// the zone of the office; who has just gone on leave is at the first.
func (r Rules) decideLeave(m Mapped, record users.Person, now time.Time, zone *time.Location) Mapped {
	if m.standing() != standingOnLeave || len(r.LeaveRules) == 0 {
		return m
	}
	since := now
	if rememberedStanding(record.Status) == standingOnLeave && !record.StatusSince.IsZero() {
		since = record.StatusSince
	}
	m.Leave, m.LeaveUntil = r.presetLeave(), time.Time{}
	for _, rule := range r.LeaveRules {
		matches, known := len(rule.Kind) == 0, true
		if !matches {
			known = m.HasLeaveKind
			matches = containsFold(rule.Kind, m.LeaveKind)
		}
		if rule.EmployeeType != "" && (matches || !known) {
			kind, sent := m.Values[users.AttributeEmployeeType]
			known = known && sent
			matches = matches && strings.EqualFold(kind, rule.EmployeeType)
			if sent && !strings.EqualFold(kind, rule.EmployeeType) {
				known = true // whatever the kind of leave is
			}
		}
		if !known {
			m.Leave = leaveUndecided
			return m
		}
		if !matches {
			continue
		}
		if due := dateAt(since.In(zone)).plus(rule.After).begins(zone); rule.After > 0 && now.Before(due) {
			m.Leave, m.LeaveUntil = users.AccessKeep, due
			return m
		}
		m.Leave = rule.Access
		return m
	}
	return m
}

func (r Rules) presetLeave() users.LeaveAccess {
	if r.Leave == users.LeaveKeeps {
		return users.AccessKeep
	}
	return users.AccessSuspend
}

func containsFold(texts []string, text string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.EqualFold(t, text) })
}

// confinement returns to which connection a person is confined, and whether this
// one has a say in it. It lifts its own alone.
func (in PageInput) confinement(m Mapped, u users.User, at place) (to users.ApplicationID, counts bool) {
	rules := in.Feed.rules
	if !rules.admits(m) {
		return "", false // they have no access, or nobody knows better
	}
	waived := string(Status(at.waiver.Status).normal()) == statusOf(m)
	if m.standing() == standingOnLeave && m.Leave == users.AccessApplication && !waived && rules.Accounts.atWork(at.elsewhere) == "" {
		return rules.Connection, u.ConfinedTo == ""
	}
	return "", u.ConfinedTo == rules.Connection
}

// deadline returns the work of reading a person again when a rule for leave takes
// access from them.
func (m Mapped) deadline(connection users.ApplicationID, now time.Time) (users.Work, bool) {
	return users.Work{Kind: users.WorkPerson, Connection: connection, Subject: m.ID, Due: m.LeaveUntil, Noted: now}, !m.LeaveUntil.IsZero()
}
