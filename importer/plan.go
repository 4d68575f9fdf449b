package importer

import (
	"time"

	"github.com/einlass/einlass/users"
)

// PageInput is everything that the plan of some people follows from.
type PageInput struct {
	People  []Mapped                       // without those whom the mode of the run leaves alone
	Known   map[string]users.Person        // what is remembered of them, by source id
	Users   map[users.ID]users.User        // the users of Known, with suspensions
	Waivers map[users.ID]users.Waiver      // of those users, for this connection
	Feed    *Feed                          // what the whole feed says, resolved
	NewID   func(sourceID string) users.ID // the id of a user to create; the same for the same source id
	Now     time.Time                      // says which access windows are open

	// Elsewhere holds what other connections remember of the users.
	Elsewhere map[users.ID][]users.Person

	// Bosses holds the users of managers who are here when these people are created,
	// by source id; may be nil. The manager of whoever reports to another is for PlanManagers.
	Bosses map[string]users.ID

	// ManagersNow holds the users of the managers that Known remembers, by source
	// id, as they are before any row is applied.
	ManagersNow map[string]users.ID
}

// PagePlan is what a run would do to some people.
type PagePlan struct {
	Changes      []users.RunChange // without Run and Seq
	LosingAccess int               // active people without a role who would be suspended, must enrol again, lose their address to somebody, or whose access window shuts within a day
	LosingLater  int               // likewise those whose access window shuts later

	losing map[users.ID]struct{} // who they are
	plans  []personPlan          // one for each of PageInput.People
}

// PlanPage plans people. It returns a row for everybody who would change, whose
// record would change, or who is quarantined, and none for the others. It reads
// no clock and no store: the same input gives the same rows, and the time plays no
// part in them but in what they say and whether they take access away.
func PlanPage(in PageInput) PagePlan {
	page := PagePlan{losing: map[users.ID]struct{}{}}
	for _, m := range in.People {
		p := in.plan(m)
		page.plans = append(page.plans, p)
		page.Changes = append(page.Changes, p.others...)
		if p.row == nil {
			continue
		}
		reportFailed(p.row, m)
		in.Feed.warnOfLookalike(p.row)
		in.describeWindow(p.row, m, p.user)
		page.Changes = append(page.Changes, *p.row)
		// Who comes back under a new id has to enrol again: of somebody who never left that is a loss. So is
		// an address that goes to somebody else, and with it what applications know its holder by.
		barred := p.row.Kind == users.ChangeSuspend || p.row.Reason == users.ReasonRehireKeep ||
			p.row.Reason == users.ReasonEmailHandedOver && in.Feed.verdicts[p.row.SourceID].givesUp
		switch loss := shuts(p.user, withWindow(p.user, p.row.Fields), in.Now); {
		case barred && p.user.StateAt(in.Now) == users.StateActive || loss == losesNow:
			page.losing[p.user.ID] = struct{}{}
		case loss == losesLater:
			page.LosingLater++
		}
	}
	page.LosingAccess = len(page.losing)
	return page
}

// personPlan is what a run would do because of one person.
type personPlan struct {
	row    *users.RunChange  // the person's own; nil: nothing to do
	others []users.RunChange // what must happen to others first
	user   users.User        // the person's user before the run; no ID: none
}

func (in PageInput) plan(m Mapped) personPlan {
	record := in.Known[m.ID]
	user := in.Users[record.User]
	s := m.standing()
	switch _, moved := in.Feed.moved[m.ID]; {
	case m.ID == "":
		return in.quarantine(m, user, reasonIDInvalid, told(noteIDUnusable)...)
	case in.Feed.entries[m.ID].duplicate:
		return in.quarantine(m, user, reasonDuplicateID, told(noteIDTwice)...)
	case moved:
		return in.movedOn(m, record)
	case m.Unshown:
		return in.quarantine(m, user, reasonNotShown, told(noteNotShown)...)
	case s == standingUnknown:
		return in.quarantine(m, user, reasonUnknownStatus, naming(noteStatusUnknown, "word", string(m.Status)))
	case user.ID == "":
		return in.stranger(m, record)
	}
	return in.colleague(m, record, user)
}

// stranger plans somebody who has no user here.
func (in PageInput) stranger(m Mapped, record users.Person) personPlan {
	switch {
	case m.Gone && record.Status == users.PersonStatusGone:
		return personPlan{}
	case m.Gone:
		return personPlan{row: in.row(m, record, users.User{}, users.ChangeRecord, reasonPersonGone)}
	case in.Feed.rules.admits(m) && in.Feed.rules.creates():
		return in.arrival(m, record)
	case record.ContentHash == m.Hash:
		return personPlan{}
	case in.Feed.rules.admits(m):
		return in.skip(m, record, reasonNotInMode, told(noteNotInMode)...)
	}
	return in.skip(m, record, reasonInactiveStatus, ofStatus(noteNotCreated, statusOf(m)))
}

// arrival plans somebody who should have a user: a new one, or one who is here already.
func (in PageInput) arrival(m Mapped, record users.Person) personPlan {
	m.Values = m.arriving()
	if reason, detail := emailProblem(m); reason != "" {
		return in.quarantine(m, users.User{}, reason, detail...)
	}
	var v verdict
	if c, claims := in.Feed.rules.newClaim(m, users.User{}); claims {
		v = in.Feed.verdict(c)
	}
	switch v.reason {
	case "":
	case ReasonExists:
		return in.skip(m, record, v.reason, v.detail...)
	default:
		return in.quarantine(m, users.User{}, v.reason, v.detail...)
	}
	p := personPlan{others: in.firstOthers(v)}
	if v.link != nil {
		p.user = *v.link
		elsewhere := in.Feed.rules.elsewhere(v.records)
		m = in.Feed.rules.only(m, elsewhere)
		p.row = in.row(m, record, p.user, users.ChangeLink, v.linkReason)
		p.row.Fields = in.fields(m, p.user, true, place{linked: true, elsewhere: elsewhere})
		if v.linkReason == users.ReasonRehireSuspended {
			p.row.Detail = told(noteReactivationOff)
		}
		if v.linkReason == reasonLinkedAccount {
			p.row.Detail = listing(noteSameInAccounts, "connections", connectionsOf(elsewhere))
		}
	} else {
		p.row = in.row(m, record, users.User{}, users.ChangeCreate, reasonNewPerson)
		p.row.User, p.row.InitialState = in.NewID(m.ID), in.Feed.rules.initialState()
		p.row.Fields = in.fields(m, users.User{}, true, place{})
		if _, named := p.row.Fields[users.AttributeUsername]; !named { // the source's user names may not be read
			p.row.Fields[users.AttributeUsername] = users.FieldChange{After: m.Values[users.AttributeEmail]}
		}
		if len(v.parks) > 0 {
			p.row.Reason = reasonRehireNew
			p.row.Detail = told(noteAddressOfLeaver)
		}
	}
	p.row.Phase = phaseOf(v)
	in.reportsTo(p.row, m)
	return p
}

// reportsTo gives a person who is created the manager who is here by then. People
// of an earlier phase come before anybody else, and wait for PlanManagers.
func (in PageInput) reportsTo(row *users.RunChange, m Mapped) {
	boss, here := in.Bosses[m.Manager]
	if row.Kind != users.ChangeCreate || row.Phase != phasePeople || !m.HasManager || !here {
		return
	}
	row.Fields[users.AttributeManager] = users.FieldChange{After: string(boss)}
	row.ManagerSourceID = m.Manager
}

// colleague plans somebody who has a user here.
func (in PageInput) colleague(m Mapped, record users.Person, u users.User) personPlan {
	p := personPlan{user: u}
	var v verdict
	if c, claims := in.Feed.rules.newClaim(m, u); claims {
		v = in.Feed.verdict(c)
	}
	problem, detail := v.reason, v.detail
	if _, sent := m.Values[users.AttributeEmail]; sent && m.standing() != standingLeft && problem == "" {
		problem, detail = emailProblem(m)
	}
	if problem != "" {
		p.row = in.troubled(m, record, u, problem, detail)
	} else {
		p.row = in.change(m, record, u, v)
		p.others = in.firstOthers(v)
	}
	if privileged(u) && (p.row != nil || record.ContentHash != m.Hash) {
		return in.quarantine(m, u, reasonPrivilegedUser, ofStatus(notePrivileged, statusOf(m)))
	}
	return p
}

// troubled plans somebody whose address cannot be used. They stay as they are,
// but a leaver with a broken address is a leaver: the status and the dates
// are honoured where they take access away. The content is not remembered, so that the next run
// looks again.
func (in PageInput) troubled(m Mapped, record users.Person, u users.User, problem string, detail []users.Note) *users.RunChange {
	window := in.windowFields(m, u, in.standsIn(u))
	var row *users.RunChange
	switch {
	case in.mustSuspend(m, u):
		row = in.row(m, record, u, users.ChangeSuspend, users.StatusReason(statusOf(m)))
	case shuts(u, withFields(u, window), in.Now) != losesNothing:
		row = in.row(m, record, u, users.ChangeUpdate, reasonWindowChanged)
		row.Fields = window
	default:
		return in.quarantine(m, u, problem, detail...).row
	}
	row.Detail = append(told(noteAttributesStay), detail...)
	row.ContentHash = ""
	return row
}

// change plans the state and the attributes of a colleague.
func (in PageInput) change(m Mapped, record users.Person, u users.User, v verdict) *users.RunChange {
	rules := in.Feed.rules
	fields := in.fields(m, u, m.standing() != standingLeft, in.standsIn(u))
	elsewhere := in.atWorkElsewhere(m, u)
	lift := (rules.admits(m) || elsewhere != "") && suspendedBy(u, rules.Connection)
	undecided := lift && !rules.Reactivation && record.Status != statusOf(m)
	row := in.row(m, record, u, users.ChangeUpdate, reasonAttributesChanged)
	row.Fields, row.Phase = fields, phaseOf(v)
	switch {
	case in.mustSuspend(m, u):
		row.Kind, row.Reason = users.ChangeSuspend, users.StatusReason(statusOf(m))
	case lift && rules.Reactivation:
		row.Kind, row.Reason = users.ChangeReactivate, users.StatusReason(statusOf(m))
		row.Detail = otherSuspensions(u, rules.Connection)
		if elsewhere != "" {
			row.Reason, row.Detail = reasonAtWorkElsewhere, append(workElsewhere(elsewhere), row.Detail...)
		}
	case elsewhere != "" && !lift && record.Status != statusOf(m):
		// An update of its own, so that it fails beside an import of the other connection that ends their work there.
		row.Reason, row.Detail = reasonAtWorkElsewhere, workElsewhere(elsewhere)
	case undecided:
		row.Reason = reasonNeedsDecision
		row.Detail = told(noteReactivationOff)
		if len(fields) == 0 {
			row.Kind = users.ChangeRecord
		}
	case len(fields) > 0 && v.handOver:
		row.Reason = users.ReasonEmailHandedOver
	case onlyWindow(fields):
		row.Reason = reasonWindowChanged
	case onlyConfinement(fields):
		row.Reason = users.StatusReason(statusOf(m))
	case len(fields) > 0:
	case asRemembered(m, record) && (record.StatusSince.IsZero() && !m.LeaveUntil.IsZero()):
		row.Kind, row.Reason = users.ChangeRecord, reasonContentChanged // so that days of leave are counted
	case asRemembered(m, record):
		return nil
	case m.HasManager && m.Manager != record.ManagerSourceID:
		return nil // PlanManagers writes a row for them in any case
	case m.Gone:
		row.Kind, row.Reason = users.ChangeRecord, reasonPersonGone
	default:
		row.Kind, row.Reason = users.ChangeRecord, reasonContentChanged
	}
	if rules.Repairs && row.Reason != users.ReasonEmailHandedOver && asRemembered(m, record) && len(in.Elsewhere[u.ID]) == 0 {
		row.Reason = users.ReasonRepaired
		row.Detail = append(told(noteDiffered), row.Detail...)
	}
	return row
}

// asRemembered reports whether the source shows a person as the last import that
// changed them left them here.
func asRemembered(m Mapped, record users.Person) bool {
	return record.ContentHash == m.Hash && record.Status == statusOf(m)
}

// mustSuspend reports whether the status takes access away that nothing has
// taken away yet. It looks at how things are, not at what changed, so that a
// missed transition is repaired by the next run.
func (in PageInput) mustSuspend(m Mapped, u users.User) bool {
	w, waived := in.Waivers[u.ID]
	if waived && string(Status(w.Status).normal()) == statusOf(m) {
		return false
	}
	rules := in.Feed.rules
	return rules.suspends(m) && !suspendedBy(u, rules.Connection) && in.atWorkElsewhere(m, u) == ""
}

// atWorkElsewhere returns another connection that shows a person at work whom
// this one would suspend; empty: none does.
func (in PageInput) atWorkElsewhere(m Mapped, u users.User) users.ApplicationID {
	if !in.Feed.rules.suspends(m) {
		return ""
	}
	return in.Feed.rules.Accounts.atWork(in.Elsewhere[u.ID])
}

func workElsewhere(connection users.ApplicationID) []users.Note {
	return []users.Note{naming(noteElsewhere, "connection", string(connection))}
}
