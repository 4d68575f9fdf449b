package importer

import (
	"slices"
	"testing"

	"github.com/einlass/einlass/users"
)

// N-3: an office that the source does not send keeps nobody from their first day and
// nobody in after their last; nor does it move by hours what an office has decided.
func TestDatesCountWithoutAnOffice(t *testing.T) {
	t.Parallel()
	const (
		berlin, tokyo = "2026-11-30T23:00:00Z", "2026-11-30T15:00:00Z" // the end of November
		earlier       = "2026-11-29T23:00:00Z"                         // of the day before, in Berlin
	)
	for _, c := range []struct {
		name   string
		before string // the bound that the person has
		person Person
		want   string // after the import
		says   bool   // that the office is not known
	}{
		{"no bound yet", "", dated("last_working_day", "2026-11-30"), berlin, true},
		{"the bound of an office, the same day", tokyo, dated("last_working_day", "2026-11-30"), tokyo, false},
		{"the bound of the organization, the same day", berlin, dated("last_working_day", "2026-11-30"), berlin, false},
		{"the bound of an office, a day sooner", tokyo, dated("last_working_day", "2026-11-29"), earlier, true},
		{"a bound of no zone", "2026-11-30T19:30:00Z", dated("last_working_day", "2026-11-30"), berlin, true},
		{"the day taken out", tokyo, dated("last_working_day", ""), "", true},
		{"the day not sent", tokyo, person("1", StatusActive, "Ada"), tokyo, false},
		{"the office sent", berlin, with(dated("last_working_day", "2026-11-30"), "office", "Tokio"), tokyo, false},
		{"an empty office sent", tokyo, with(dated("last_working_day", "2026-11-30"), "office", ""), berlin, false},
	} {
		w := windowWorld(t)
		w.mapper = windowMapper(t, users.Import{Access: personioDates(), Offices: map[string]string{"Tokio": "Asia/Tokyo", "Wien": "Europe/Vienna"}})
		id := w.hire(person("1", StatusActive, "Ada"))
		w.change(id, func(u *users.User) { u.SetAttribute(users.AttributeAccessUntil, c.before) })
		got, said := c.before, false
		for _, row := range w.plan(c.person) {
			if f, changed := row.Fields[users.AttributeAccessUntil]; changed {
				got = f.After
			}
			said = said || slices.ContainsFunc(row.Effect, func(n users.Note) bool { return n.Code == "office_unknown" })
		}
		if got != c.want {
			t.Errorf("%s: access until %q, want %q", c.name, got, c.want)
		}
		if says := c.says && c.want != ""; said != says {
			t.Errorf("%s: says that the office is not known: %t, want %t", c.name, said, says)
		}
	}
	w := windowWorld(t)
	w.mapper = windowMapper(t, users.Import{Access: personioDates(), Offices: map[string]string{"Tokio": "Asia/Tokyo"}})
	rows := w.plan(dated("hire_date", "2026-12-01"))
	if len(rows) != 1 || rows[0].Kind != users.ChangeCreate || rows[0].Fields[users.AttributeAccessFrom].After != berlin {
		t.Errorf("a newcomer without an office: %+v, want a first day in the zone of the organization", rows)
	}
}
