package importer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// Accounts are the connections that import here. Somebody whom several of them
// know has one source for each attribute, and access as long as one of them
// shows them at work. The zero value knows no other connection than the own.
type Accounts map[users.ApplicationID]account

// account is what the others need to know of a connection.
type account struct {
	links         bool // means the same people as the others that link
	leave         users.LeavePolicy
	leaveRules    bool // which decide for people on leave
	rank          int
	authoritative []string            // attributes it is the source of whatever its rank
	fills         map[string]struct{} // attributes of ours
}

// readAccounts returns the connections that are switched on.
func (e *Engine) readAccounts(ctx context.Context) (Accounts, error) {
	applications, err := e.cfg.Directory.Read().Applications(ctx)
	if err != nil {
		return nil, fmt.Errorf("connections: %w", err)
	}
	accounts := Accounts{}
	for _, app := range applications {
		if app.Import == nil || app.Disabled {
			continue
		}
		accounts[app.ID] = account{
			links: app.Import.Conflict == users.ConflictLinks, leave: app.Import.Leave, leaveRules: len(app.Import.LeaveRules) > 0,
			rank: max(app.Import.Rank, 1), authoritative: app.Import.Authoritative,
			fills: newMapper(mappingOf(e.cfg.Mappings, app), e.cfg.Organization).creating(app.Import.MappingOnCreate).fills(),
		}
		if app.Import.Access != nil {
			for _, target := range windowTargets {
				accounts[app.ID].fills[target] = struct{}{}
			}
		}
	}
	return accounts, nil
}

// fills returns the attributes of ours that the mapper has a value for.
func (p mapper) fills() map[string]struct{} {
	fills := map[string]struct{}{}
	for _, target := range p.targets {
		fills[target] = struct{}{}
	}
	for target := range maps.Keys(p.onCreate) {
		fills[target] = struct{}{}
	}
	if p.manager {
		fills[users.AttributeManager] = struct{}{}
	}
	if p.organization != "" {
		fills[attributeOrganization] = struct{}{}
	}
	return fills
}

// elsewhere returns those records of a person that are of other connections
// which still import: the word of one that does not is old.
func (r Rules) elsewhere(records []users.Person) []users.Person {
	var others []users.Person
	for _, p := range records {
		if _, imports := r.Accounts[p.Connection]; imports && p.Connection != r.Connection {
			others = append(others, p)
		}
	}
	return others
}

// shows reports whether the connection of a record admits the person. What its
// rules leave to somebody on leave is its own business: no other suspends them.
func (a Accounts) shows(p users.Person) bool {
	if a[p.Connection].leaveRules && rememberedStanding(p.Status) == standingOnLeave {
		return true
	}
	return Rules{Leave: a[p.Connection].leave}.admits(Mapped{Status: Status(p.Status), Gone: p.Status == users.PersonStatusGone})
}

// atWork returns a connection whose record admits the person; empty: none does.
func (a Accounts) atWork(records []users.Person) users.ApplicationID {
	for _, p := range records {
		if a.shows(p) {
			return p.Connection
		}
	}
	return ""
}

// withWindows reports whether the connection of one of the records makes access windows.
func (a Accounts) withWindows(records []users.Person) bool {
	return slices.ContainsFunc(records, func(p users.Person) bool {
		_, fills := a[p.Connection].fills[users.AttributeAccessUntil]
		return fills
	})
}

// only returns what of m this connection is the source of, for a person of whom
// others have records, too. Whoever shows them at work goes before who does not;
// then the one that is authoritative for the attribute, then the lowest rank.
func (r Rules) only(m Mapped, others []users.Person) Mapped {
	if len(others) == 0 {
		return m
	}
	admitted := r.admits(m)
	if r.Accounts.atWork(others) != "" {
		others = slices.DeleteFunc(slices.Clone(others), func(p users.Person) bool { return !r.Accounts.shows(p) })
		if !admitted {
			m.Values, m.OnCreate, m.Manager, m.HasManager = nil, nil, "", false
			return m
		}
	} else if admitted {
		return m
	}
	foreign := func(target, _ string) bool {
		return slices.ContainsFunc(others, func(p users.Person) bool {
			return r.Accounts.before(target, p.Connection, r.Connection)
		})
	}
	m.Values, m.OnCreate = maps.Clone(m.Values), maps.Clone(m.OnCreate)
	maps.DeleteFunc(m.Values, foreign)
	maps.DeleteFunc(m.OnCreate, foreign)
	if foreign(users.AttributeManager, "") {
		m.Manager, m.HasManager = "", false
	}
	return m
}

// before reports whether a goes before b as the source of an attribute.
func (a Accounts) before(target string, first, second users.ApplicationID) bool {
	x, y := a[first], a[second]
	if _, fills := x.fills[target]; !fills {
		return false
	}
	switch inX, inY := slices.Contains(x.authoritative, target), slices.Contains(y.authoritative, target); {
	case inX != inY:
		return inX
	case x.rank != y.rank:
		return x.rank < y.rank
	}
	return cmp.Less(first, second)
}

// link reports whether the connection and all others that have a record of
// somebody are declared to mean the same people.
func (r Rules) link(records []users.Person) bool {
	others := 0
	for _, p := range records {
		if p.Connection == r.Connection {
			continue
		}
		others++
		if !r.Accounts[p.Connection].links {
			return false
		}
	}
	return others > 0 && r.Accounts[r.Connection].links
}

// otherConnection returns the connection of a record that is not of own; empty: all are.
func otherConnection(records []users.Person, own users.ApplicationID) users.ApplicationID {
	for _, p := range records {
		if p.Connection != own {
			return p.Connection
		}
	}
	return ""
}

// explainConflict says who of another connection has the address and what to do about it.
func (f *Feed) explainConflict(c claim, h holding, other users.ApplicationID) []users.Note {
	n := users.Note{Code: noteOtherRow, Texts: map[string]string{"name": h.holder.DisplayName(), "connection": string(other)}}
	switch {
	case c.user != "":
		n.Code = noteOtherUser
	case !f.rules.link(h.records):
		n.Code = noteOtherUndeclared
	case c.proof(h.holder) == proofConflict:
		n.Code = noteOtherProof
	case c.proof(h.holder) == proofNone:
		n.Code = noteOtherNames
	}
	return []users.Note{n}
}

// connectionsOf names the connections of records.
func connectionsOf(records []users.Person) []string {
	var names []string
	for _, p := range records {
		names = append(names, string(p.Connection))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// otherRecords returns what other connections remember of people. It is read
// after the people: whoever changes afterwards has moved on from what was planned.
func (r *reading) otherRecords(ctx context.Context, known map[users.ID]users.User) (map[users.ID][]users.Person, error) {
	if len(r.rules.Accounts) < 2 || len(known) == 0 {
		return nil, nil
	}
	records, err := r.directory.PeopleOf(ctx, slices.Collect(maps.Keys(known)))
	if err != nil {
		return nil, fmt.Errorf("records of other connections: %w", err)
	}
	for id, all := range records {
		records[id] = r.rules.elsewhere(all)
	}
	return records, nil
}

// onlyOurs returns people with what the connection is the source of.
func (r *reading) onlyOurs(people []Mapped, others map[users.ID][]users.Person) []Mapped {
	if len(others) == 0 {
		return people
	}
	ours := slices.Clone(people)
	for i, m := range ours {
		ours[i] = r.rules.only(m, others[r.memory.people[m.ID].user])
	}
	return ours
}
