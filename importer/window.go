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

// accessSources are the source attributes that decide about access beside the status.
func accessSources(i users.Import) []string {
	var sources []string
	if i.Access != nil {
		sources = append(slices.Clone(i.Access.Closes), i.Access.Opens)
	}
	if len(i.LeaveRules) > 0 {
		sources = append(sources, i.LeaveKind)
	}
	if len(i.Offices) > 0 && (i.Access != nil || len(i.LeaveRules) > 0) {
		sources = append(sources, sourceOffice)
	}
	return sources
}

// windows makes access windows of the dates of a connection's people.
type windows struct {
	access users.Access
	places places
}

// places says where people work.
type places struct {
	offices map[string]*time.Location // zones by name
	zone    *time.Location            // of all other offices
}

// newPlaces returns the offices of a connection.
func newPlaces(i users.Import, zone *time.Location) (places, error) {
	p := places{offices: map[string]*time.Location{}, zone: zone}
	for office, name := range i.Offices {
		there, err := loadZone(name)
		if err != nil {
			return p, fmt.Errorf("%w zone of office %s: %w", users.ErrInvalid, office, err)
		}
		p.offices[normalize(office)] = there
	}
	return p, nil
}

// withWindows returns the mapper with the access windows of a connection that has them.
func (p mapper) withWindows(i users.Import, zone *time.Location) (mapper, error) {
	var err error
	if p.places, err = newPlaces(i, zone); err != nil || i.Access == nil {
		return p, err
	}
	settings, err := json.Marshal([]any{i.Access, i.Offices, zone.String()})
	if err != nil {
		return p, fmt.Errorf("access settings: %w", err)
	}
	p.windows = &windows{access: *i.Access, places: p.places}
	p.digest = digestOf(p.digest, string(settings))
	return p, nil
}

// apply sets the bounds of a person's access window among the values. A bound of
// which a date was not sent is not sent; one of a date that is none has failed. An
// office that was not sent is taken for one without a zone of its own: nobody waits
// for their first day, or stays after their last, because of that.
func (w windows) apply(m *Mapped, person Person) {
	zone, sent := w.places.zoneOf(person)
	m.Zone = zone.String()
	if first, dated := dateOf(person, w.access.Opens); dated {
		w.set(m, users.AttributeAccessFrom, first, zone, sent)
	}
	if last, dated := w.lastDay(person); dated {
		w.set(m, users.AttributeAccessUntil, last, zone, sent)
	}
}

func (w windows) set(m *Mapped, target, text string, zone *time.Location, known bool) {
	if text == "" {
		m.Values[target] = ""
		return
	}
	day, ok := parseDate(text)
	if !ok {
		m.Failed = append(m.Failed, target)
		return
	}
	m.Values[target] = w.bound(target, day, zone)
	if known {
		return
	}
	for _, office := range slices.Sorted(maps.Keys(w.places.offices)) {
		if m.Nearby == nil {
			m.Nearby = map[string][]string{}
		}
		m.Nearby[target] = append(m.Nearby[target], w.bound(target, day, w.places.offices[office]))
	}
}

// bound returns a bound of the window by a date in a zone.
func (w windows) bound(target string, day date, zone *time.Location) string {
	at := day.plus(-w.access.Lead).begins(zone)
	if target == users.AttributeAccessUntil {
		at = atLeastSomething(day.plus(1 + w.access.Grace).begins(zone))
	}
	var u users.User
	if at.Year() <= lastYear { // beyond, it is without end
		u.AccessFrom = at
	}
	return u.Attribute(users.AttributeAccessFrom)
}

// zoneOf returns the zone of a person's office. What office that is may not have been sent.
func (p places) zoneOf(person Person) (zone *time.Location, sent bool) {
	if len(p.offices) == 0 {
		return p.zone, true
	}
	office, sent := person.Attributes[sourceOffice]
	if zone, known := p.offices[normalize(office)]; known {
		return zone, sent
	}
	return p.zone, sent
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
