package importer_test

import (
	"fmt"
	"slices"

	"github.com/einlass/einlass/importer"
)

// choose returns a number below n, for a purpose that a failing test shows.
type choose func(what string, n int) int

// personnel is what HR does to a company, and who its rows are about: after a
// return under another id two rows are about one human being.
type personnel struct {
	*company
	heads  int            // human beings so far
	humans map[string]int // source id → human being
}

func newPersonnel(c *company) *personnel {
	p := &personnel{company: c, humans: map[string]int{}}
	for _, row := range c.people {
		p.heads++
		p.humans[row.ID] = p.heads
	}
	return p
}

// hrActs are the ways in which HR changes one row, by name.
var hrActs = []struct {
	name string
	do   func(p *personnel, pick choose, id string)
}{
	{"hires", func(p *personnel, pick choose, _ string) {
		status := []importer.Status{importer.StatusActive, importer.StatusActive, importer.StatusOnboarding}[pick("status", 3)]
		p.newcomer(status, fmt.Sprintf("N%d", p.heads+1))
	}},
	{"lets go", func(p *personnel, _ choose, id string) { p.setStatus(id, importer.StatusInactive) }},
	{"sends on leave", func(p *personnel, _ choose, id string) { p.setStatus(id, importer.StatusLeave) }},
	{"takes back", func(p *personnel, _ choose, id string) { p.setStatus(id, importer.StatusActive) }},
	{"takes back", func(p *personnel, _ choose, id string) { p.setStatus(id, importer.StatusActive) }},
	{"deletes", func(p *personnel, _ choose, id string) { p.remove(id) }},
	{"renames", func(p *personnel, pick choose, id string) {
		p.write(id, "last_name", fmt.Sprintf("Example-%d", pick("name", 9)))
	}},
	{"moves", func(p *personnel, pick choose, id string) {
		p.write(id, "department", []string{"Sales", "Ops", "IT"}[pick("department", 3)])
	}},
	{"gives a manager", func(p *personnel, pick choose, id string) {
		manager := []string{"", "1", "2", p.rowOf(pick), "999"}[pick("manager", 5)]
		p.set(id, func(row *importer.Person) { row.ManagerID = manager })
	}},
	{"gives an address", func(p *personnel, pick choose, id string) {
		p.write(id, "email", fmt.Sprintf("m%d@acme.example", pick("address", 99)))
	}},
	{"hands an address on", func(p *personnel, pick choose, id string) {
		address := p.row(id).Attributes["email"]
		p.write(id, "email", fmt.Sprintf("old%d-%s@acme.example", pick("address", 99), id))
		p.write(p.newcomer(importer.StatusActive, fmt.Sprintf("N%d", p.heads+1)), "email", address)
	}},
	{"gives a leaver's address away", func(p *personnel, _ choose, id string) {
		p.setStatus(id, importer.StatusInactive)
		p.write(p.newcomer(importer.StatusActive, fmt.Sprintf("N%d", p.heads+1)), "email", p.row(id).Attributes["email"])
	}},
	{"hires a leaver again", func(p *personnel, _ choose, id string) {
		p.setStatus(id, importer.StatusInactive)
		old := p.row(id)
		again := p.newcomer(importer.StatusActive, old.Attributes["first_name"])
		p.heads-- // nobody new
		p.humans[again] = p.humans[id]
		p.write(again, "email", old.Attributes["email"])
		p.write(again, "last_name", old.Attributes["last_name"])
	}},
}

// act lets HR do something, and returns what.
func (p *personnel) act(pick choose) string {
	act := hrActs[pick("act", len(hrActs))]
	id := p.rowOf(pick)
	act.do(p, pick, id)
	return fmt.Sprintf("HR %s %s", act.name, id)
}

// newcomer adds a row about somebody new and returns its id.
func (p *personnel) newcomer(status importer.Status, name string) string {
	p.heads++
	id := fmt.Sprint(len(p.humans) + 1)
	p.humans[id] = p.heads
	p.hire(id, status, name)
	return id
}

// rowOf returns the id of any row.
func (p *personnel) rowOf(pick choose) string {
	if len(p.company.people) == 0 {
		return p.newcomer(importer.StatusActive, fmt.Sprintf("N%d", p.heads+1))
	}
	return p.company.people[pick("row", len(p.company.people))].ID
}

// row returns the row with an id; one that was deleted is empty.
func (p *personnel) row(id string) importer.Person {
	i := slices.IndexFunc(p.company.people, func(row importer.Person) bool { return row.ID == id })
	if i < 0 {
		return importer.Person{}
	}
	return p.company.people[i]
}

func (p *personnel) write(id, attribute, value string) {
	p.set(id, func(row *importer.Person) { row.Attributes[attribute] = value })
}
