package importer

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// Pages of what is read from the directory before a feed is compared with it.
const (
	peoplePage = 1000
	usersPage  = 500 // the most FindUsers gives
)

// memory is what the directory remembers of a connection, packed: a feed of
// 100,000 people is compared with it one by one.
type memory struct {
	connection users.ApplicationID
	people     map[string]remembered
	suspended  map[users.ID]struct{} // by imports of this connection
	shared     map[users.ID]struct{} // whom other connections know, too
}

// remembered is a users.Person without what is the same for all.
type remembered struct {
	user    users.ID
	hash    [32]byte
	status  string
	manager string
	since   int64 // StatusSince in Unix milliseconds; 0: none
}

func newMemory(connection users.ApplicationID) *memory {
	return &memory{
		connection: connection, people: map[string]remembered{},
		suspended: map[users.ID]struct{}{}, shared: map[users.ID]struct{}{},
	}
}

// remember reads everything that is remembered of a connection.
func remember(ctx context.Context, r users.Reader, connection users.ApplicationID) (*memory, error) {
	m := newMemory(connection)
	statuses := map[string]string{} // one copy of each text
	for after := ""; ; {
		page, err := r.PeopleAfter(ctx, connection, after, peoplePage)
		if err != nil {
			return nil, fmt.Errorf("remembered people: %w", err)
		}
		for _, p := range page {
			if _, known := statuses[p.Status]; !known {
				statuses[p.Status] = p.Status
			}
			m.add(p, statuses[p.Status])
			after = p.SourceID
		}
		if len(page) < peoplePage {
			break
		}
	}
	return m, m.readSuspended(ctx, r)
}

// readShared reads whom other connections know, too.
func (m *memory) readShared(ctx context.Context, r users.Reader) error {
	shared, err := r.SharedUsers(ctx, m.connection)
	if err != nil {
		return fmt.Errorf("people of several connections: %w", err)
	}
	for _, id := range shared {
		m.shared[id] = struct{}{}
	}
	return nil
}

func (m *memory) readSuspended(ctx context.Context, r users.Reader) error {
	query := users.UserQuery{State: users.StateSuspended, Limit: usersPage}
	for {
		page, err := r.FindUsers(ctx, query)
		if err != nil {
			return fmt.Errorf("suspended people: %w", err)
		}
		for _, u := range page {
			if suspendedBy(u, m.connection) {
				m.suspended[u.ID] = struct{}{}
			}
			query.After = u.ListKey()
		}
		if len(page) < usersPage {
			return nil
		}
	}
}

// recall adds what the directory remembers of people and of the managers they
// name or had, so that a read of some people costs the same in any directory. It
// returns the users of those whom it did not know before.
func (m *memory) recall(ctx context.Context, r users.Reader, people []Person) ([]users.ID, error) {
	var named []string
	for _, p := range people {
		named = append(named, p.ID, p.ManagerID)
	}
	known, err := m.recallIDs(ctx, r, named)
	if err != nil {
		return nil, err
	}
	var managers []string
	var ids []users.ID
	for _, p := range known {
		managers = append(managers, p.ManagerSourceID)
		if p.User != "" {
			ids = append(ids, p.User)
		}
	}
	if _, err := m.recallIDs(ctx, r, managers); err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := r.UsersByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("users of people: %w", err)
	}
	for id, u := range found {
		if suspendedBy(u, m.connection) {
			m.suspended[id] = struct{}{}
		}
	}
	return ids, nil
}

// recallIDs adds what is remembered of people who were not asked about before, and returns it.
func (m *memory) recallIDs(ctx context.Context, r users.Reader, ids []string) (map[string]users.Person, error) {
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool {
		_, known := m.people[id]
		return id == "" || known
	})
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := r.People(ctx, m.connection, ids)
	if err != nil {
		return nil, fmt.Errorf("remembered people: %w", err)
	}
	for _, p := range known {
		m.add(p, p.Status)
	}
	return known, nil
}

// add keeps what is remembered of one person. status is the text to keep, which many may share.
func (m *memory) add(p users.Person, status string) {
	m.people[p.SourceID] = remembered{
		user: p.User, hash: packHash(p.ContentHash), status: status, manager: p.ManagerSourceID,
	}
	if !p.StatusSince.IsZero() {
		r := m.people[p.SourceID]
		r.since = p.StatusSince.UnixMilli()
		m.people[p.SourceID] = r
	}
}

// packHash turns a content hash into bytes; what is none becomes zeros, which no content has.
func packHash(text string) (packed [32]byte) {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(packed) {
		copy(packed[:], raw)
	}
	return packed
}

// person returns what is remembered of one person.
func (m *memory) person(id string) (users.Person, bool) {
	k, known := m.people[id]
	if !known {
		return users.Person{}, false
	}
	p := users.Person{
		Connection: m.connection, SourceID: id, User: k.user, Status: k.status, ManagerSourceID: k.manager,
	}
	if k.since != 0 {
		p.StatusSince = time.UnixMilli(k.since).UTC()
	}
	if k.hash != [32]byte{} {
		p.ContentHash = hex.EncodeToString(k.hash[:])
	}
	return p, true
}

// living counts the people of whom the source has not said that they are gone.
func (m *memory) living() int {
	n := 0
	for _, k := range m.people {
		if k.status != users.PersonStatusGone {
			n++
		}
	}
	return n
}

// settled reports whether a person is as remembered and their state fits the
// rules, so that nothing has to be planned. In doubt it says no.
func (m *memory) settled(p Mapped, rules Rules) bool {
	k, known := m.people[p.ID]
	if !known || k.hash != packHash(p.Hash) || (rules.Reconcile && k.user != "") {
		return false
	}
	if _, shared := m.shared[k.user]; shared { // depends on what the others say
		return false
	}
	s := p.standing()
	_, suspended := m.suspended[k.user]
	switch {
	case k.user == "":
		return s != standingUnknown && !rules.admits(p)
	case s == standingOnLeave && len(rules.LeaveRules) > 0:
		return false // what is left to them is no matter of being suspended alone
	case rules.suspends(p):
		return suspended
	case rules.admits(p):
		return !suspended || !rules.Reactivation
	}
	return false
}
