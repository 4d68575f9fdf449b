package personio

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/einlass/einlass/users"
)

// Bounds of what a delivery may say. One about more people says that much changed.
const (
	maxDeliveryDepth  = 32
	maxDeliveryPeople = 100
	maxIDDigits       = 19 // of the largest number that Personio's ids can be
)

// delivery is all that is looked at of the body of a webhook.
type delivery struct {
	company string
	people  []string // source ids, each once
	others  bool     // it is about something else, or about people whom it does not name
}

// parseDelivery reads a body. What is no JSON object, or can be read in two ways,
// is an error; an object of a shape that we do not know is a delivery that names nobody.
func parseDelivery(body []byte) (delivery, error) {
	if !utf8.Valid(body) {
		return delivery{}, errors.New("delivery is not UTF-8")
	}
	v, err := parse(body)
	if err != nil {
		return delivery{}, errors.New("delivery is not JSON")
	}
	if !v.isObject() {
		return delivery{}, errors.New("delivery is no JSON object")
	}
	if err := checkStrict(v, maxDeliveryDepth); err != nil {
		return delivery{}, err
	}
	d := delivery{company: v.member("company_id").text()}
	event, payload := v.member("event_name").text(), v.member("payload")
	if isPersonEvent(event) {
		if strings.HasPrefix(event, "person.") {
			d.person(payload.member("id"))
		}
		d.search(payload)
	}
	if len(d.people) > maxDeliveryPeople {
		d.people, d.others = nil, true
	}
	d.others = d.others || len(d.people) == 0
	return d, nil
}

// checkStrict refuses what is nested too deeply, and objects in which a name
// stands twice: whoever reads the last of them would read something else than we do.
func checkStrict(v value, depth int) error {
	if depth == 0 {
		return errors.New("delivery is nested too deeply")
	}
	names := map[string]bool{}
	for name, member := range v.members() {
		if names[name] {
			return errors.New("delivery has a name twice in one object")
		}
		names[name] = true
		if err := checkStrict(member, depth-1); err != nil {
			return err
		}
	}
	for element := range v.elements() {
		if err := checkStrict(element, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// isPersonEvent reports whether an event is about somebody whose access may
// follow from it. Leave is an absence, which no event of the employment shows.
func isPersonEvent(event string) bool {
	family, _, found := strings.Cut(event, ".")
	return found && slices.Contains([]string{"person", "employment", "absence", "absence_period"}, underscored(family))
}

// underscored writes a name the way Personio does in fact: its reference has hyphens.
func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// search collects the people that a payload names, wherever they stand in it.
func (d *delivery) search(v value) {
	for name, member := range v.members() {
		switch underscored(name) {
		case "person", "person_id", "persons", "person_ids", "employee", "employee_id":
			d.person(member)
		default:
			d.search(member)
		}
	}
	for element := range v.elements() {
		d.search(element)
	}
}

// person takes an id, an object with one, or a list of either.
func (d *delivery) person(v value) {
	switch {
	case v.isArray():
		for element := range v.elements() {
			d.person(element)
		}
	case v.isObject():
		d.person(v.member("id"))
	case v.isEmpty():
	case !isPersonID(v.text()):
		d.others = true
	case !slices.Contains(d.people, v.text()) && len(d.people) <= maxDeliveryPeople:
		d.people = append(d.people, v.text())
	}
}

// isPersonID reports whether text is an id as the list of people writes it.
func isPersonID(text string) bool {
	return isDecimal(text) && len(text) <= maxIDDigits
}

// work is what has to be done because of a delivery.
func (d delivery) work(connection users.ApplicationID, now time.Time) []users.Work {
	var work []users.Work
	for _, id := range d.people {
		work = append(work, users.Work{Kind: users.WorkPerson, Connection: connection, Subject: id, Noted: now})
	}
	if d.others {
		work = append(work, users.Work{Kind: users.WorkDelta, Connection: connection, Noted: now})
	}
	return work
}
