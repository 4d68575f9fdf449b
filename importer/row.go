package importer

import (
	"errors"
	"slices"

	"github.com/einlass/einlass/users"
)

// row returns a row about m and, where u has an id, about u. What it lets us
// remember of the manager stays as it was: PlanManagers changes it together with
// the user, so that a run killed in between is repaired by the next.
func (in PageInput) row(m Mapped, record users.Person, u users.User, kind users.ChangeKind, reason string) *users.RunChange {
	row := &users.RunChange{
		Phase: phasePeople, SourceID: m.ID, User: u.ID, Before: u.Version,
		Kind: kind, Reason: reason, Name: m.name(), Email: m.email(),
		Status: statusOf(m), ContentHash: m.Hash, ManagerSourceID: in.rememberedManager(record, u),
		Outcome: users.OutcomePlanned,
	}
	if row.Name == "" {
		row.Name = u.DisplayName()
	}
	if row.Email == "" {
		row.Email = u.Email
	}
	if _, parked := in.Feed.parked[u.ID]; parked {
		row.Before, row.Joins = users.BeforeFollows, true
	}
	return row
}

// rememberedManager is the source id of the manager that u really has. Where
// that id now stands for another user, or for none because u comes back under a
// new id, it is the manager's own id, which no source has: until a row of
// PlanManagers is applied, each run looks again.
func (in PageInput) rememberedManager(record users.Person, u users.User) string {
	now := in.ManagersNow[record.ManagerSourceID]
	if now == u.Manager || now == "" && record.ManagerSourceID != "" {
		return record.ManagerSourceID
	}
	return string(u.Manager)
}

// quarantine returns the plan of a person whom nothing happens to until somebody resolves why.
func (in PageInput) quarantine(m Mapped, u users.User, reason string, detail ...users.Note) personPlan {
	row := in.row(m, users.Person{}, u, users.ChangeQuarantine, reason)
	row.Detail = detail
	return personPlan{row: row, user: u}
}

// skip returns the plan of a new person who is not created.
func (in PageInput) skip(m Mapped, record users.Person, reason string, detail ...users.Note) personPlan {
	row := in.row(m, record, users.User{}, users.ChangeSkip, reason)
	row.Detail = detail
	return personPlan{row: row}
}

// movedOn plans the old id of a person who came back under a new one: it keeps
// its place among the remembered, but no longer stands for the user.
func (in PageInput) movedOn(m Mapped, record users.Person) personPlan {
	row := in.row(m, record, users.User{}, users.ChangeSkip, reasonRehireMoved)
	row.Phase = phaseRelease
	return personPlan{row: row}
}

// firstOthers returns the rows about others that a granted claim brings: old ids
// lose their user, and people who left lose an address.
func (in PageInput) firstOthers(v verdict) []users.RunChange {
	var rows []users.RunChange
	for _, p := range v.unlinked {
		if in.Feed.entries[p.SourceID].changed {
			continue // planned as a person of this feed, see movedOn
		}
		rows = append(rows, users.RunChange{
			Phase: phaseRelease, SourceID: p.SourceID, Kind: users.ChangeRecord, Reason: reasonRehireMoved,
			Name: v.link.DisplayName(), Email: v.link.Email,
			Status: p.Status, ContentHash: p.ContentHash, ManagerSourceID: p.ManagerSourceID,
			Outcome: users.OutcomePlanned,
		})
	}
	for _, h := range v.parks {
		row := users.RunChange{
			Phase: phaseRelease, User: h.holder.ID, Before: h.holder.Version,
			Kind: users.ChangeUpdate, Reason: users.ReasonEmailParked,
			Detail: told(noteAddressPasses),
			Name:   h.holder.DisplayName(), Email: h.holder.Email,
			Outcome: users.OutcomePlanned,
		}
		for _, p := range h.records {
			if p.Connection == in.Feed.rules.Connection {
				row.SourceID = p.SourceID // no status: what we remember of them stays
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// phaseOf returns the phase of a row that follows a verdict.
func phaseOf(v verdict) int {
	if v.phase == 0 {
		return phasePeople
	}
	return v.phase
}

// changedFields compares what the source sent with the user. What it did not
// send stays; what it sent empty is emptied. Somebody who left takes no address.
func changedFields(m Mapped, u users.User, addresses bool) map[string]users.FieldChange {
	var fields map[string]users.FieldChange
	for target, after := range m.Values {
		if users.IsAccessAttribute(target) {
			continue // see windowFields
		}
		before, parked := u.Attribute(target), false
		switch target {
		case users.AttributeEmail:
			parked = after != "" && u.EmailKey == ""
		case users.AttributeUsername:
			parked = after != "" && u.UsernameKey == ""
		}
		isAddress := target == users.AttributeEmail || target == users.AttributeUsername
		if (before == after && !parked) || (isAddress && (!addresses || after == "")) {
			continue
		}
		if parked {
			before = "" // the text was kept, but not its use
		}
		if fields == nil {
			fields = map[string]users.FieldChange{}
		}
		fields[target] = users.FieldChange{Before: before, After: after}
	}
	return fields
}

// reportFailed adds to a row that follows from m which expressions and dates failed for the person.
func reportFailed(row *users.RunChange, m Mapped) {
	if len(m.Failed) == 0 || row.Kind == users.ChangeQuarantine || row.Kind == users.ChangeSkip {
		return
	}
	if row.Reason == reasonContentChanged {
		row.Reason = reasonMappingFailed
	}
	var expressions, dates []string
	for _, target := range m.Failed {
		if users.IsAccessAttribute(target) {
			dates = append(dates, target)
			continue
		}
		expressions = append(expressions, target)
	}
	row.Detail = append(row.Detail, listing(noteMappingFailed, "attributes", expressions)...)
	row.Detail = append(row.Detail, listing(noteDatesFailed, "attributes", dates)...)
}

// emailProblem returns why a person's address cannot be used, or an empty reason.
func emailProblem(m Mapped) (reason string, detail []users.Note) {
	email := m.Values[users.AttributeEmail]
	if email == "" {
		return reasonEmailMissing, told(noteEmailMissing)
	}
	err := checkEmail(email)
	if err == nil {
		return "", nil
	}
	fault, _ := errors.AsType[*users.AddressError](err)
	return reasonEmailInvalid, told(faultNotes[fault.Fault])
}

// faultNotes tell what is wrong with an address.
var faultNotes = map[users.AddressFault]string{
	users.AddressEmpty: noteEmailEmpty, users.AddressLong: noteEmailLong, users.AddressNotUTF8: noteEmailUTF8, users.AddressSpace: noteEmailSpace,
	users.AddressAt: noteEmailAt, users.AddressForm: noteEmailForm, users.AddressDomain: noteEmailDomain,
}

// statusOf is the status as it is remembered.
func statusOf(m Mapped) string {
	if m.Gone {
		return users.PersonStatusGone
	}
	return string(m.Status)
}

// suspendedBy reports whether this connection's imports suspended the user.
func suspendedBy(u users.User, connection users.ApplicationID) bool {
	return slices.ContainsFunc(u.Suspensions, func(s users.Suspension) bool {
		return s.By == users.ByImport && s.Connection == connection
	})
}

// staysBy tell who keeps somebody suspended.
var staysBy = map[users.SuspendedBy]string{
	users.ByImport: noteStaysByImport, users.ByAdmin: noteStaysByAdmin, users.ByWindow: noteStaysByWindow, users.ByConfig: noteStaysByConfig,
}

// otherSuspensions says who else keeps a person suspended whom this import reactivates.
func otherSuspensions(u users.User, connection users.ApplicationID) []users.Note {
	var by []string
	for _, s := range u.Suspensions {
		if s.By != users.ByImport || s.Connection != connection {
			by = append(by, staysBy[s.By])
		}
	}
	slices.Sort(by)
	var notes []users.Note
	for _, code := range slices.Compact(by) {
		notes = append(notes, users.Note{Code: code})
	}
	return notes
}
