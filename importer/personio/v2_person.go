package personio

import (
	"strings"
	"sync"

	"github.com/einlass/einlass/importer"
)

// unspecified is how version 2 writes that it does not say.
const unspecified = "UNSPECIFIED"

// profile is a person of version 2 whose attributes are put together from their
// row, their employment and the names of units.
type profile struct {
	row        value
	employment value // nil: not known
	wanted     []string
	seen       *sightings
	name       func(kind unitKind, id string) (name string, readable bool, err error)
	unreadable map[string]bool // is told what came in a shape we do not know
}

// person returns the wanted attributes under the names of version 1. What was not
// sent, and what we cannot read, is absent.
func (p profile) person() (importer.Person, error) {
	person := importer.Person{Attributes: make(map[string]string, len(p.wanted))}
	if id := p.row.member(attributeID).text(); isDecimal(id) {
		person.ID = id
	} else {
		p.unreadable[attributeID] = true
	}
	for _, name := range p.wanted {
		if name == attributeSupervisor {
			person.ManagerID, person.HasManager = p.supervisor()
			continue
		}
		text, sent, err := p.attribute(name)
		if err != nil {
			return importer.Person{}, err
		}
		if sent {
			person.Attributes[name] = text
		}
	}
	person.Status = importer.Status(person.Attributes[attributeStatus])
	return person, nil
}

// ofPerson are the attributes that version 2 tells of the person, and ofEmployment
// those of their employment that need no more than another name.
var (
	ofPerson     = map[string]bool{"first_name": true, "last_name": true, "preferred_name": true, "email": true}
	ofEmployment = map[string]string{
		"hire_date": "employment_start_date", "contract_end_date": "contract_end_date",
		"probation_period_end": "probation_end_date", "weekly_working_hours": "weekly_working_hours",
	}
)

// attribute returns one wanted attribute, if it was sent.
func (p profile) attribute(name string) (text string, sent bool, err error) {
	switch {
	case ofPerson[name]:
		text, sent = p.text(name, p.row.member(name))
	case strings.HasPrefix(name, "dynamic_"):
		text, sent = p.text(name, customAttribute(p.row.member("custom_attributes"), name))
	case ofEmployment[name] != "":
		text, sent = p.text(name, p.employment.member(ofEmployment[name]))
	case name == attributeStatus:
		text, sent = p.word(name, p.employment.member("status"))
	case name == "employment_type":
		text, sent = p.word(name, p.employment.member("type"))
	case name == "position":
		text, sent = p.position()
	case name == attributeTerminationDate || name == attributeLastWorkingDay:
		text, sent = p.termination(name)
	default:
		return p.unit(name)
	}
	return text, sent, nil
}

// text takes a value as it is, like one of version 1.
func (p profile) text(name string, v value) (text string, sent bool) {
	if v == nil {
		return "", false
	}
	text, sent = attribute{value: v}.flatten()
	if !sent {
		p.unreadable[name] = true
	}
	return text, sent
}

// word takes one of a list of words, which version 1 writes in lower case.
func (p profile) word(name string, v value) (text string, sent bool) {
	if text, sent = p.text(name, v); text == unspecified {
		return "", false
	}
	return strings.ToLower(text), sent
}

// statusV2 is the status of an employment in the words of version 1.
func statusV2(v value) importer.Status { return importer.Status(strings.ToLower(v.text())) }

// position is a title within an object, which may be empty altogether.
func (p profile) position() (text string, sent bool) {
	position := p.employment.member("position")
	if position == nil || position.isEmpty() {
		return "", position != nil
	}
	return p.text("position", position.member("title"))
}

// supervisor is somebody's id within an object; nobody is written as null.
func (p profile) supervisor() (id string, sent bool) {
	boss := p.employment.member(attributeSupervisor)
	if boss == nil {
		return "", false
	}
	id, sent = supervisor(boss)
	if !sent {
		p.unreadable[attributeSupervisor] = true
	}
	return id, sent
}

// customAttribute finds one by the name that version 1 gives it, which is its id,
// or dynamic_5 for the id dynamic_<something>.5 that some accounts show. Two of the
// latter that end alike are none.
func customAttribute(list value, name string) (found value) {
	number, similar := strings.TrimPrefix(name, "dynamic_"), 0
	for a := range list.elements() {
		id := a.member(attributeID).text()
		if id == name {
			return a.member("value")
		}
		if strings.HasPrefix(id, "dynamic_") && strings.HasSuffix(id, "."+number) {
			found = a.member("value")
			similar++
		}
	}
	if similar != 1 {
		return nil
	}
	return found
}

// termination reads the end of an employment. An account that tells of it tells of
// nobody else that there is none; so that is known once it was told of somebody.
//
// An end before the beginning is that of an earlier employment: Personio's own
// example shows one at somebody who is active.
func (p profile) termination(name string) (text string, sent bool) {
	termination := p.employment.member("termination")
	ended, began := termination.member("termination_date"), p.employment.member("employment_start_date")
	if !ended.isEmpty() && !began.isEmpty() && ended.text() < began.text() {
		termination = nil
	}
	end := termination.member(name)
	if end == nil && name == attributeLastWorkingDay {
		end = termination.member("last_working_date") // as in the example
	}
	if end == nil && name == attributeTerminationDate {
		end = p.employment.member("employment_end_date")
	}
	if end == nil && p.employment != nil {
		return "", p.seen.has(name)
	}
	return p.text(name, end)
}

// sightings remembers which attributes a source has shown of anybody. Those
// within lists and objects that are left out for whoever has none are known to be
// empty, and not withheld, only then.
type sightings struct {
	mu    sync.Mutex // guards names
	names map[string]bool
}

// forget begins anew: what is absent may be withheld until it is shown again.
func (s *sightings) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = nil
}

// note looks through an employment.
func (s *sightings) note(employment value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = map[string]bool{}
	}
	for unit := range employment.member("org_units").elements() {
		s.names[strings.ToLower(unit.member("type").text())] = true
	}
	if !employment.member(attributeCostCenters).isEmpty() {
		s.names[attributeCostCenters] = true
	}
	termination := employment.member("termination")
	for name, keys := range map[string][]string{
		attributeTerminationDate: {"termination_date"}, attributeLastWorkingDay: {"last_working_day", "last_working_date"},
	} {
		for _, key := range keys {
			if !termination.member(key).isEmpty() {
				s.names[name] = true
			}
		}
	}
}

func (s *sightings) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name]
}
