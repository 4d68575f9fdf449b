package importer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// sourceOffice is the source attribute that names the office whose days count.
const sourceOffice = "office"

// maxShift bounds how far an access window may differ from the dates of the source.
const maxShift users.Days = 365

// CheckAccess returns everything that is wrong with the rules of a connection's access windows.
func CheckAccess(a users.Access) []MappingProblem {
	var problems []MappingProblem
	for _, name := range a.Closes {
		if !users.IsAttributeName(name) {
			problems = append(problems, MappingProblem{Target: "closes", Text: fmt.Sprintf("want source attributes, found %q", name)})
		}
	}
	if a.Opens != "" && !users.IsAttributeName(a.Opens) {
		problems = append(problems, MappingProblem{Target: "opens", Text: fmt.Sprintf("want a source attribute, found %q", a.Opens)})
	}
	for _, days := range []struct {
		target string
		n      users.Days
	}{{"grace", a.Grace}, {"lead", a.Lead}} {
		if days.n < 0 || days.n > maxShift {
			problems = append(problems, MappingProblem{Target: days.target, Text: fmt.Sprintf("want 0 to %d days, found %d", maxShift, days.n)})
		}
	}
	return problems
}

// CheckOffices returns which offices have no zone, sorted.
func CheckOffices(offices map[string]string) []MappingProblem {
	var problems []MappingProblem
	for _, office := range slices.Sorted(maps.Keys(offices)) {
		if _, err := loadZone(offices[office]); err != nil {
			problems = append(problems, MappingProblem{Target: office, Text: fmt.Sprintf("want the IANA name of a zone such as Europe/Vienna, found %q", offices[office])})
		}
	}
	return problems
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no zone of anywhere", name)
	}
	return time.LoadLocation(name)
}

func checkWindows(i users.Import) []MappingProblem {
	if i.Access == nil {
		return nil
	}
	return append(CheckAccess(*i.Access), CheckOffices(i.Offices)...)
}

// windowSources are the source attributes that access windows follow from.
func windowSources(i users.Import) []string {
	if i.Access == nil {
		return nil
	}
	sources := slices.Clone(i.Access.Closes)
	if i.Access.Opens != "" {
		sources = append(sources, i.Access.Opens)
	}
	if len(i.Offices) > 0 {
		sources = append(sources, sourceOffice)
	}
	return sources
}

// windows makes access windows of the dates of a connection's people.
type windows struct {
	access  users.Access
	offices map[string]*time.Location
	zone    *time.Location // of all other offices
}

// withWindows returns the mapper with the access windows of a connection that has them.
func (p mapper) withWindows(i users.Import, zone *time.Location) (mapper, error) {
	if i.Access == nil {
		return p, nil
	}
	w := windows{access: *i.Access, offices: map[string]*time.Location{}, zone: zone}
	for office, name := range i.Offices {
		there, err := loadZone(name)
		if err != nil {
			return p, fmt.Errorf("%w zone of office %s: %w", users.ErrInvalid, office, err)
		}
		w.offices[normalize(office)] = there
	}
	settings, err := json.Marshal([]any{i.Access, i.Offices, zone.String()})
	if err != nil {
		return p, fmt.Errorf("access settings: %w", err)
	}
	p.windows = &w
	p.digest = digestOf(p.digest, string(settings))
	return p, nil
}

// apply sets the bounds of a person's access window among the values. A bound of
// which a date was not sent is not sent; one of a date that is none has failed.
func (w windows) apply(m *Mapped, person Person) {
	zone, sent := w.zoneOf(person)
	if !sent {
		return
	}
	m.Zone = zone.String()
	if first, sent := dateOf(person, w.access.Opens); sent {
		w.set(m, users.AttributeAccessFrom, first, func(d date) time.Time { return d.plus(-w.access.Lead).begins(zone) })
	}
	if last, sent := w.lastDay(person); sent {
		w.set(m, users.AttributeAccessUntil, last, func(d date) time.Time { return atLeastSomething(d.plus(1 + w.access.Grace).begins(zone)) })
	}
}

func (w windows) set(m *Mapped, target, text string, bound func(d date) time.Time) {
	if text == "" {
		m.Values[target] = ""
		return
	}
	day, ok := parseDate(text)
	if !ok {
		m.Failed = append(m.Failed, target)
		return
	}
	var u users.User
	if at := bound(day); at.Year() <= lastYear { // beyond, it is without end
		u.AccessFrom = at
	}
	m.Values[target] = u.Attribute(users.AttributeAccessFrom)
}

// zoneOf returns the zone of a person's office. What office that is may not have been sent.
func (w windows) zoneOf(person Person) (zone *time.Location, sent bool) {
	if len(w.offices) == 0 {
		return w.zone, true
	}
	office, sent := person.Attributes[sourceOffice]
	if zone, known := w.offices[normalize(office)]; known {
		return zone, sent
	}
	return w.zone, sent
}

// lastDay returns the first last day that is filled. One that was not sent could be it.
func (w windows) lastDay(person Person) (text string, sent bool) {
	for _, name := range w.access.Closes {
		text, sent = dateOf(person, name)
		if !sent || text != "" {
			return text, sent
		}
	}
	return "", true
}

// dateOf returns the text of a date; no attribute is an empty one.
func dateOf(person Person, attribute string) (text string, sent bool) {
	if attribute == "" {
		return "", true
	}
	text, sent = person.Attributes[attribute]
	return normalize(text), sent
}
