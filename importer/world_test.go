package importer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// jumpCloud is the default mapping of Personio, as package personio exports it.
var jumpCloud = users.Mapping{
	users.AttributeEmail:        "email",
	users.AttributeUsername:     "email",
	users.AttributeFirstName:    "first_name",
	users.AttributeLastName:     "last_name",
	users.AttributeManager:      "supervisor",
	users.AttributeCompany:      "subcompany",
	users.AttributeCostCenter:   "cost_centers",
	users.AttributeDepartment:   "department",
	users.AttributeEmployeeType: "employment_type",
	users.AttributeJobTitle:     "position",
	users.AttributeLocation:     "office",
}

const hr = users.ApplicationID("personio")

// world is a directory and a feed in memory, enough to plan by.
type world struct {
	t       *testing.T
	rules   Rules
	mapper  mapper
	users   map[users.ID]users.User
	people  map[string]users.Person // of connection hr
	others  []users.Person          // of other connections
	waivers map[users.ID]users.Waiver
	now     time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t:       t,
		rules:   Rules{Connection: hr, Reactivation: true, Leave: users.LeaveSuspends},
		mapper:  newMapper(jumpCloud, ""),
		users:   map[users.ID]users.User{},
		people:  map[string]users.Person{},
		waivers: map[users.ID]users.Waiver{},
	}
}

// person is a row of a feed with an address and a name made from name.
func person(id string, status Status, name string) Person {
	return Person{ID: id, Status: status, HasManager: true, Attributes: map[string]string{
		"email":      strings.ToLower(name) + "@acme.example",
		"first_name": name, "last_name": "Example",
		"department": "Sales",
	}}
}

// with returns p with one attribute set.
func with(p Person, attribute, value string) Person {
	p.Attributes = cloneMap(p.Attributes)
	p.Attributes[attribute] = value
	return p
}

// without returns p as if attribute had not been sent.
func without(p Person, attribute string) Person {
	p.Attributes = cloneMap(p.Attributes)
	delete(p.Attributes, attribute)
	return p
}

func cloneMap(m map[string]string) map[string]string {
	clone := map[string]string{}
	for k, v := range m {
		clone[k] = v
	}
	return clone
}

// hire makes p known and a user, as an earlier run would have.
func (w *world) hire(p Person) users.ID {
	m := w.mapper.apply(p)
	id := users.ID("user-" + p.ID)
	u := users.User{ID: id, BaseState: users.StateActive, Version: 7, Role: users.RoleNone, Origin: users.OriginImport}
	for target, value := range m.Values {
		u.SetAttribute(target, value)
	}
	w.users[id] = u
	w.people[p.ID] = users.Person{
		Connection: hr, SourceID: p.ID, User: id, Status: string(m.Status), ContentHash: m.Hash, ManagerSourceID: m.Manager,
	}
	return id
}

// suspend adds a suspension to a user.
func (w *world) suspend(id users.ID, by users.SuspendedBy) {
	s := users.Suspension{User: id, By: by}
	if by == users.ByImport {
		s.Connection = hr
	}
	u := w.users[id]
	u.Suspensions = append(slices.Clone(u.Suspensions), s)
	w.users[id] = u
}

// change changes a user in place.
func (w *world) change(id users.ID, change func(u *users.User)) {
	u := w.users[id]
	change(&u)
	w.users[id] = u
}

// feed is what reading people, in this order, makes of them.
func (w *world) feed(people ...Person) (*Feed, []Mapped) {
	w.t.Helper()
	feed := NewFeed(w.rules)
	var waiting []Mapped
	for _, p := range people {
		place, _ := w.mapper.places.zoneOf(p)
		m := w.rules.decideLeave(w.mapper.apply(p), w.people[p.ID], w.now, place)
		if m.ID == "" {
			waiting = append(waiting, m)
			continue
		}
		sighting, err := feed.see(m)
		if err != nil {
			w.t.Fatal(err)
		}
		if sighting == sightedAgain {
			continue
		}
		if w.people[m.ID].User != "" {
			feed.hasUser(m.ID)
		}
		if feed.wait(m.ID) {
			waiting = append(waiting, m)
		}
		w.claim(feed, m)
	}
	return feed, waiting
}

func (w *world) claim(feed *Feed, m Mapped) {
	c, wants := w.rules.newClaim(m, w.users[w.people[m.ID].User])
	if !wants {
		return
	}
	for _, key := range c.keys {
		for _, u := range w.users {
			if (u.EmailKey == key || u.UsernameKey == key) && u.ID != c.user {
				c.held = append(c.held, holding{key: key, holder: u, records: w.recordsOf(u.ID), waived: w.waivers[u.ID].Status})
			}
		}
	}
	feed.claim(c)
}

func (w *world) recordsOf(id users.ID) []users.Person {
	var records []users.Person
	for _, p := range w.people {
		if p.User == id {
			records = append(records, p)
		}
	}
	for _, p := range w.others {
		if p.User == id {
			records = append(records, p)
		}
	}
	return records
}

// input is the input of PlanPage for people of a resolved feed.
func (w *world) input(feed *Feed, people []Mapped) PageInput {
	now := map[string]users.ID{}
	for _, p := range w.people {
		now[p.ManagerSourceID] = w.people[p.ManagerSourceID].User
	}
	elsewhere := map[users.ID][]users.Person{}
	for id := range w.users {
		elsewhere[id] = w.rules.elsewhere(w.recordsOf(id))
	}
	return PageInput{
		People: people, Known: w.people, ManagersNow: now, Users: w.users, Waivers: w.waivers, Feed: feed, Now: w.now, Elsewhere: elsewhere,
		NewID: func(sourceID string) users.ID { return users.ID("new-" + sourceID) },
	}
}

// plan returns the rows that a feed of people leads to, in pages of size.
func (w *world) planPages(size int, people ...Person) []users.RunChange {
	w.t.Helper()
	feed, waiting := w.feed(people...)
	return w.planFeed(feed, waiting, size)
}

func (w *world) planFeed(feed *Feed, waiting []Mapped, size int) []users.RunChange {
	feed.resolve()
	managers := map[string]users.ID{}
	for id, p := range w.people {
		if _, moved := feed.moved[id]; p.User != "" && !moved {
			managers[id] = p.User
		}
	}
	var rows []users.RunChange
	var plans [][]personPlan
	for chunk := range slices.Chunk(waiting, size) {
		page := PlanPage(w.input(feed, chunk))
		for _, c := range page.Changes {
			if c.Kind == users.ChangeCreate || c.Kind == users.ChangeLink {
				managers[c.SourceID] = c.User
			}
		}
		rows, plans = append(rows, page.Changes...), append(plans, page.plans)
	}
	for chunk := range slices.Chunk(waiting, size) {
		in := ManagersInput{PageInput: w.input(feed, chunk), Managers: managers}
		alone := PlanManagers(in)
		in.plans, plans = plans[0], plans[1:]
		if diff := cmp.Diff(alone, PlanManagers(in)); diff != "" {
			w.t.Errorf("managers planned alone, and with their people (-alone +with):\n%s", diff)
		}
		rows = append(rows, alone...)
	}
	return rows
}

// plan returns the rows that a feed of people leads to.
func (w *world) plan(people ...Person) []users.RunChange {
	w.t.Helper()
	return w.planPages(500, people...)
}

// effect is what a test compares of a row.
type effect struct {
	ID     string
	Kind   users.ChangeKind
	Reason string
}

func effectsOf(rows []users.RunChange) []effect {
	var effects []effect
	for _, c := range rows {
		effects = append(effects, effect{c.SourceID, c.Kind, c.Reason})
	}
	return effects
}

// want compares rows with effects, in order.
func want(t *testing.T, rows []users.RunChange, want ...effect) {
	t.Helper()
	if diff := cmp.Diff(want, effectsOf(rows)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}
