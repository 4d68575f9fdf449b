package personio

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/einlass/einlass/importer"
)

// list is one page, decoded.
type list struct {
	people     []importer.Person
	unreadable []string          // attributes that came in a shape we do not know, each once
	limit      int               // people per page that the source admits to; MaxInt: it does not say
	total      int               // people announced; -1: none
	ids        [sha256.Size]byte // fingerprint of who is on it, in order
}

// maxRows is more than a page of maximal size holds of real people, also where it
// is as long as the source likes. Rows of next to nothing take far more memory
// decoded than they do as text.
const maxRows = 20_000

// decodeList reads a page. A row of a shape we do not know becomes a person
// without an id; a page of such a shape is an error.
func decodeList(page value, wanted []string) (list, error) {
	data := page.member("data")
	if !data.isArray() {
		return list{}, fmt.Errorf("a page without a list of people: %w", importer.ErrCorrupt)
	}
	l := list{total: -1, limit: math.MaxInt}
	if announced := page.member("metadata").member("total_elements"); !announced.isEmpty() {
		total, err := strconv.Atoi(string(announced))
		if err != nil || total < 0 {
			return list{}, fmt.Errorf("total_elements is no number of people: %w", importer.ErrCorrupt)
		}
		l.total = total
	}
	if limit, err := strconv.Atoi(string(page.member("limit"))); err == nil && limit > 0 {
		l.limit = limit
	}
	ids := sha256.New()
	unreadable := map[string]bool{}
	for row := range data.elements() {
		if len(l.people) == maxRows {
			return list{}, errTooManyRows
		}
		person := decodePerson(row, wanted, unreadable)
		_, _ = ids.Write([]byte(person.ID + "\n")) // a hash does not fail
		l.people = append(l.people, person)
	}
	ids.Sum(l.ids[:0])
	l.unreadable = slices.Sorted(maps.Keys(unreadable))
	return l, nil
}

var errTooManyRows = fmt.Errorf("more than %d rows on one page: %w", maxRows, importer.ErrCorrupt)

// decodePerson reduces a row to the wanted attributes. Those of a shape we do
// not know count as not sent, so that nothing follows from them; their names are
// added to unreadable.
func decodePerson(row value, wanted []string, unreadable map[string]bool) importer.Person {
	sent := make(map[string]value, len(wanted)+1)
	for name, attribute := range row.member("attributes").members() {
		if name == attributeID || slices.Contains(wanted, name) {
			sent[name] = attribute
		}
	}
	p := importer.Person{Attributes: make(map[string]string, len(wanted))}
	if id := unlabel(sent[attributeID]).value; isDecimal(id.text()) {
		p.ID = id.text()
	} else {
		unreadable[attributeID] = true
	}
	for _, name := range wanted {
		raw, ok := sent[name]
		if !ok {
			continue
		}
		a := unlabel(raw)
		var readable bool
		if name == attributeSupervisor {
			p.ManagerID, readable = supervisor(a.value)
			p.HasManager = readable
		} else if text, known := a.flatten(); known {
			p.Attributes[name], readable = text, true
		}
		if !readable {
			unreadable[name] = true
		}
	}
	p.Status = importer.Status(p.Attributes[attributeStatus])
	return p
}

// attribute is a value with the type that the source gives it, if any.
type attribute struct {
	value value
	kind  string
}

// unlabel takes the value out of {label, value, type, universal_id}. Values that
// come without a label are taken as they are.
func unlabel(raw value) attribute {
	a := attribute{value: raw}
	for name, member := range raw.members() {
		switch name {
		case "value":
			a.value = member
		case "type":
			a.kind = member.text()
		}
	}
	return a
}

// flatten makes text of a value: of a unit its name, of tags a list with commas,
// of several cost centers the first, of a point in time the date as written. It
// reports false for a shape it does not know, and for text in another encoding
// than UTF-8 (RFC 8259 section 8.1), of which only a guess would be left.
func (a attribute) flatten() (string, bool) {
	switch {
	case !utf8.Valid(a.value):
		return "", false
	case a.value.isEmpty():
		return "", true
	case a.value.isObject():
		return unitName(a.value)
	case a.value.isArray():
		return flattenList(a.value)
	}
	text := a.value.text()
	if a.kind == "tags" && strings.HasPrefix(text, "[") {
		if tags, err := parse([]byte(text)); err == nil {
			return flattenList(tags)
		}
	}
	return datePart(text), true
}

// flattenList makes text of a list of units, of which the first counts, or of
// plain values, which all do.
func flattenList(list value) (string, bool) {
	var texts []string
	for member := range list.elements() {
		if member.isObject() {
			return unitName(member)
		}
		if member.isArray() {
			return "", false
		}
		texts = append(texts, member.text())
	}
	return strings.Join(texts, ","), true
}

// inner returns the object that {type, attributes} is wrapped around, and
// one without such a wrapping as it is.
func inner(object value) value {
	if wrapped := object.member("attributes"); wrapped != nil {
		return wrapped
	}
	return object
}

// unitName returns the name of a department and its like; empty if the object is.
func unitName(object value) (string, bool) {
	fields := inner(object)
	if fields.isEmpty() || string(fields) == "{}" {
		return "", true
	}
	name := unlabel(fields.member("name")).value
	if name == nil || name.isObject() || name.isArray() {
		return "", false
	}
	return attribute{value: name}.flatten()
}

// supervisor returns the id of the person in the object, of which nothing else
// can be relied on; empty if there is none.
func supervisor(boss value) (id string, readable bool) {
	if boss.isEmpty() {
		return "", true
	}
	if boss.isObject() {
		fields := inner(boss)
		if fields.isEmpty() || string(fields) == "{}" {
			return "", true
		}
		boss = unlabel(fields.member(attributeID)).value
	}
	if id := boss.text(); isDecimal(id) {
		return id, true
	}
	return "", false
}

// isDecimal reports whether text is an id: the digits of an integer. Anything
// that a float may have passed through could be another person's id.
func isDecimal(text string) bool {
	if text == "" || text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		return false
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// datePart cuts a point in time down to its date, which is meant in the
// company's zone: converted to UTC it would be the day before.
func datePart(text string) string {
	if len(text) <= len(time.DateOnly) || text[len(time.DateOnly)] != 'T' {
		return text
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if _, err := time.Parse(layout, text); err == nil {
			return text[:len(time.DateOnly)]
		}
	}
	return text
}
