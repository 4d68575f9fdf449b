package importer

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// personioDates are the rules with which access windows are switched on.
func personioDates() *users.Access {
	return &users.Access{Opens: "hire_date", Closes: []string{"last_working_day", "termination_date", "contract_end_date"}}
}

// windowMapper maps people in Berlin with access windows.
func windowMapper(t *testing.T, i users.Import) mapper {
	t.Helper()
	m, err := newMapper(jumpCloud, "").withWindows(i, zone(t, "Europe/Berlin"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// dated is a person whose dates were all sent, empty but for those given by turns with their names.
func dated(pairs ...string) Person {
	p := person("1", StatusActive, "Ada")
	for _, name := range []string{"hire_date", "last_working_day", "termination_date", "contract_end_date"} {
		p.Attributes[name] = ""
	}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "absent" {
			delete(p.Attributes, pair[0])
			continue
		}
		p.Attributes[pair[0]] = pair[1]
	}
	return p
}

// N-3, N345, S-056: which dates become which bounds; absent is not empty.
func TestDatesBecomeBounds(t *testing.T) {
	t.Parallel()
	const absent = "absent"
	offices := map[string]string{"London": "Europe/London", "Wien": "Europe/Vienna", "Tokio": "Asia/Tokyo"}
	for _, c := range []struct {
		name        string
		change      func(i *users.Import)
		person      Person
		from, until string // "absent": not sent
		failed      string
	}{
		{"no dates", nil, dated(), "", "", ""},
		{"the first day", nil, dated("hire_date", "2026-12-01T00:00:00+01:00"), "2026-11-30T23:00:00Z", "", ""},
		{"the first day in another offset", nil, dated("hire_date", "2026-12-01T00:00:00-10:00"), "2026-11-30T23:00:00Z", "", ""},
		{"the first day in summer", nil, dated("hire_date", "2026-07-01"), "2026-06-30T22:00:00Z", "", ""},
		{"a lead over the change of clocks", func(i *users.Import) { i.Access.Lead = 7 }, dated("hire_date", "2026-10-28"), "2026-10-20T22:00:00Z", "", ""},
		{"a lead over a leap day", func(i *users.Import) { i.Access.Lead = 1 }, dated("hire_date", "2024-03-01"), "2024-02-28T23:00:00Z", "", ""},
		{"the last day", nil, dated("last_working_day", "2026-11-30"), "", "2026-11-30T23:00:00Z", ""},
		{"the last day and grace over the change of clocks", func(i *users.Import) { i.Access.Grace = 14 }, dated("last_working_day", "2026-10-20"), "", "2026-11-03T23:00:00Z", ""},
		{"a leap day is the last", nil, dated("last_working_day", "2024-02-29"), "", "2024-02-29T23:00:00Z", ""},
		{"the first that is filled counts", nil, dated("termination_date", "2026-12-31", "contract_end_date", "2027-06-30"), "", "2026-12-31T23:00:00Z", ""},
		{"the last working day before the end of the contract", nil, dated("last_working_day", "2026-11-30", "termination_date", "2026-12-31"), "", "2026-11-30T23:00:00Z", ""},
		{"without end", nil, dated("contract_end_date", "9999-12-31"), "", "", ""},
		{"the instant that is stored as none", func(i *users.Import) { i.Offices = map[string]string{"Oslo": "UTC"} }, with(dated("last_working_day", "1969-12-31"), "office", "Oslo"), "", "1969-12-31T23:59:59Z", ""},

		{"first day not sent", nil, dated("hire_date", absent, "last_working_day", "2026-11-30"), absent, "2026-11-30T23:00:00Z", ""},
		{"one that could be the last day not sent", nil, dated("last_working_day", absent, "termination_date", "2026-12-31"), "", absent, ""},
		{"one that plays no part not sent", nil, dated("last_working_day", "2026-11-30", "contract_end_date", absent), "", "2026-11-30T23:00:00Z", ""},
		{"the last of those that are empty not sent", nil, dated("contract_end_date", absent), "", absent, ""},
		{"no first day is asked for", func(i *users.Import) { i.Access.Opens = "" }, dated("hire_date", "2026-12-01"), "", "", ""},
		{"no last day is asked for", func(i *users.Import) { i.Access.Closes = nil }, dated("last_working_day", "2026-12-01"), "", "", ""},

		{"a first day that is none", nil, dated("hire_date", "01.12.2026", "last_working_day", "2026-11-30"), absent, "2026-11-30T23:00:00Z", "access_from"},
		{"both are none", nil, dated("hire_date", "2026-02-30", "last_working_day", "next week", "termination_date", "2026-12-31"), absent, absent, "access_from access_until"},

		{"an office elsewhere", func(i *users.Import) { i.Offices = offices }, with(dated("hire_date", "2026-12-01", "last_working_day", "2027-06-30"), "office", " London "), "2026-12-01T00:00:00Z", "2027-06-30T23:00:00Z", ""},
		{"an office far away", func(i *users.Import) { i.Offices = offices }, with(dated("hire_date", "2026-12-01"), "office", "Tokio"), "2026-11-30T15:00:00Z", "", ""},
		{"an office without a zone", func(i *users.Import) { i.Offices = offices }, with(dated("hire_date", "2026-12-01"), "office", "Linz"), "2026-11-30T23:00:00Z", "", ""},
		{"no office", func(i *users.Import) { i.Offices = offices }, with(dated("hire_date", "2026-12-01"), "office", ""), "2026-11-30T23:00:00Z", "", ""},
		{"an office that was not sent", func(i *users.Import) { i.Offices = offices }, dated("hire_date", "2026-12-01", "last_working_day", "2026-12-31"), "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z", ""},
	} {
		i := users.Import{Access: personioDates()}
		if c.change != nil {
			c.change(&i)
		}
		m := windowMapper(t, i).apply(c.person)
		for target, want := range map[string]string{users.AttributeAccessFrom: c.from, users.AttributeAccessUntil: c.until} {
			if got, sent := m.Values[target]; sent == (want == absent) || sent && got != want {
				t.Errorf("%s: %s is %q, sent %t; want %q", c.name, target, got, sent, want)
			}
		}
		if got := strings.Join(m.Failed, " "); got != c.failed {
			t.Errorf("%s: failed %q, want %q", c.name, got, c.failed)
		}
	}
}

// S-056, N-15: dates are asked for only where they are needed.
func TestDatesAreAskedForOnlyWhenSwitchedOn(t *testing.T) {
	t.Parallel()
	eleven := Wanted(jumpCloud)
	more := func(names ...string) []string {
		return slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(eleven), names...))))
	}
	withoutOffice := maps.Clone(jumpCloud)
	delete(withoutOffice, users.AttributeLocation)
	for _, c := range []struct {
		name    string
		i       users.Import
		mapping users.Mapping
		want    []string
	}{
		{"off", users.Import{Offices: map[string]string{"Wien": "Europe/Vienna"}}, jumpCloud, eleven},
		{"on", users.Import{Access: personioDates()}, jumpCloud, more("hire_date", "last_working_day", "termination_date", "contract_end_date")},
		{"only the end", users.Import{Access: &users.Access{Closes: []string{"dynamic_7"}}}, jumpCloud, more("dynamic_7")},
		{"offices", users.Import{Access: &users.Access{Opens: "hire_date"}, Offices: map[string]string{"Wien": "Europe/Vienna"}}, withoutOffice, more("hire_date")},
	} {
		if diff := cmp.Diff(c.want, WantedBy(c.i, c.mapping)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// An unchanged feed is looked at again when a date or what is made of it changes, and only then.
func TestTheContentHashCoversWindows(t *testing.T) {
	t.Parallel()
	plain := newMapper(jumpCloud, "")
	off := windowMapper(t, users.Import{})
	if plain.apply(dated()).Hash != off.apply(dated("hire_date", "2026-12-01")).Hash {
		t.Error("dates count although they are switched off")
	}
	seen := map[string]string{plain.apply(dated()).Hash: "switched off"}
	for name, m := range map[string]Mapped{
		"on":          windowMapper(t, users.Import{Access: personioDates()}).apply(dated()),
		"a date":      windowMapper(t, users.Import{Access: personioDates()}).apply(dated("hire_date", "2026-12-01")),
		"a bad date":  windowMapper(t, users.Import{Access: personioDates()}).apply(dated("hire_date", "soon")),
		"not sent":    windowMapper(t, users.Import{Access: personioDates()}).apply(dated("hire_date", "absent")),
		"a lead":      windowMapper(t, users.Import{Access: &users.Access{Opens: "hire_date", Lead: 1}}).apply(dated("hire_date", "2026-12-01")),
		"two of lead": windowMapper(t, users.Import{Access: &users.Access{Opens: "hire_date", Lead: 2}}).apply(dated("hire_date", "2026-12-01")),
	} {
		if other, twice := seen[m.Hash]; twice {
			t.Errorf("%s reads like %s", name, other)
		}
		seen[m.Hash] = name
	}
}

// N345
func TestBrokenRulesForWindowsAreRefused(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]users.Import{
		"opens":  {Access: &users.Access{Opens: "hire date"}},
		"closes": {Access: &users.Access{Closes: []string{"last_working_day", ""}}},
		"lead":   {Access: &users.Access{Lead: -1}},
		"grace":  {Access: &users.Access{Grace: 366}},
		"Wien":   {Access: &users.Access{}, Offices: map[string]string{"Wien": "Europe/Wien"}},
		"Here":   {Access: &users.Access{}, Offices: map[string]string{"Here": "Local"}},
		"Empty":  {Access: &users.Access{}, Offices: map[string]string{"Empty": ""}},
	} {
		if problems := checkWindows(i); len(problems) != 1 || problems[0].Target != want {
			t.Errorf("%s: problems %+v", want, problems)
		}
	}
	if problems := checkWindows(users.Import{Access: personioDates(), Offices: map[string]string{"Wien": "Europe/Vienna"}}); len(problems) != 0 {
		t.Errorf("problems %+v", problems)
	}
}

// bounds are the fields of a row that are about the access window, by target.
func bounds(rows []users.RunChange) map[string]string {
	found := map[string]string{}
	for _, row := range rows {
		for _, target := range windowTargets {
			if f, set := row.Fields[target]; set {
				found[target] = f.Before + " > " + f.After
			}
		}
	}
	return found
}

// noon is when the plans of these tests are made.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// windowWorld is a world with access windows at noon.
func windowWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.mapper = windowMapper(t, users.Import{Access: personioDates()})
	w.rules.Windows = true
	w.now = noon
	return w
}

// N-3, S-043: what a source says of dates becomes a change, unless an
// administrator overruled exactly that.
func TestWindowsArePlanned(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		t.Helper()
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	const (
		november, december = "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z" // the ends of those months in Berlin
	)
	for _, c := range []struct {
		name        string
		from, until string // of the person's window; empty: none
		waived      [2]string
		off         bool // windows are switched off
		person      Person
		want        map[string]string
	}{
		{"nothing changes", "", november, [2]string{}, false, dated("last_working_day", "2026-11-30"), nil},
		{"a last day appears", "", "", [2]string{}, false, dated("last_working_day", "2026-11-30"), map[string]string{"access_until": " > " + november}},
		{"it moves", "", november, [2]string{}, false, dated("last_working_day", "2026-12-31"), map[string]string{"access_until": november + " > " + december}},
		{"it is withdrawn", "", november, [2]string{}, false, dated(), map[string]string{"access_until": november + " > "}},
		{"it is not sent", "", november, [2]string{}, false, dated("last_working_day", "absent"), nil},
		{"it is no date", "", november, [2]string{}, false, dated("last_working_day", "31.12.2026"), nil},
		{"nothing is sent", december, november, [2]string{}, false, person("1", StatusActive, "Ada"), nil},
		{"switched off", november, december, [2]string{}, true, person("1", StatusActive, "Ada"), map[string]string{"access_from": november + " > ", "access_until": december + " > "}},

		{"overruled", "", "", [2]string{"", november}, false, dated("last_working_day", "2026-11-30"), nil},
		{"overruled, and not sent", "", "", [2]string{"", november}, false, dated("last_working_day", "absent"), nil},
		{"overruled, and another date", "", "", [2]string{"", november}, false, dated("last_working_day", "2026-12-31"), map[string]string{"access_until": " > " + december}},
		{"the opening overruled, and a last day", "", "", [2]string{november, ""}, false, dated("hire_date", "2026-12-01", "last_working_day", "2026-12-31"),
			map[string]string{"access_from": " > " + november, "access_until": " > " + december}},
		{"the opening overruled, and a last day of two that are sent", "", "", [2]string{november, ""}, false, dated("hire_date", "absent", "last_working_day", "2026-12-31"),
			map[string]string{"access_from": " > " + november, "access_until": " > " + december}},
	} {
		w := windowWorld(t)
		id := w.hire(person("1", StatusActive, "Ada"))
		w.change(id, func(u *users.User) {
			u.SetAttribute(users.AttributeAccessFrom, c.from)
			u.SetAttribute(users.AttributeAccessUntil, c.until)
		})
		if c.waived != [2]string{} {
			waiver := users.Waiver{User: id, Connection: hr}
			if c.waived[0] != "" {
				waiver.AccessFrom = at(c.waived[0])
			}
			if c.waived[1] != "" {
				waiver.AccessUntil = at(c.waived[1])
			}
			w.waivers[id] = waiver
		}
		if c.off {
			w.mapper, w.rules.Windows = newMapper(jumpCloud, ""), false
		}
		if c.want == nil {
			c.want = map[string]string{}
		}
		if diff := cmp.Diff(c.want, bounds(w.plan(c.person))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// N-3, U-20, B-14: the row says when access opens or ends, where that is, and
// what the source contradicts itself in.
func TestRowsSayWhatBecomesOfAccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		person         Person
		reason         string
		effect, detail string
	}{
		{"a last day", dated("last_working_day", "2026-11-30"), "access_window_changed", "Access ends 2026-12-01 00:00 Europe/Berlin.", ""},
		{"a first day", dated("hire_date", "2026-12-01"), "access_window_changed", "Access opens 2026-12-01 00:00 Europe/Berlin.", ""},
		{"a first day that is past", dated("hire_date", "2020-01-01"), "access_window_changed", "Access is open since 2020-01-01 00:00 Europe/Berlin.", ""},
		{"both, and a new department", with(dated("hire_date", "2020-01-01", "last_working_day", "2026-11-30"), "department", "Ops"), "attributes_changed",
			"Access is open since 2020-01-01 00:00 Europe/Berlin. Access ends 2026-12-01 00:00 Europe/Berlin.", ""},
		{"active after the last day", dated("last_working_day", "2026-10-31"), "access_window_changed", "Access ended 2026-11-01 00:00 Europe/Berlin.",
			"The source says active, although the last day of access is over."},
		{"inactive before the last day", withStatus(dated("last_working_day", "2026-11-30"), StatusInactive), "status_inactive",
			"Access ends 2026-12-01 00:00 Europe/Berlin.", "The source says inactive, although the last day of access is still to come."},
		{"a date that is none", dated("last_working_day", "soon"), "mapping_failed", "", "What the source says for access_until is no date, so it stays as it was."},
	} {
		w := windowWorld(t)
		w.hire(person("1", StatusActive, "Ada"))
		rows := w.plan(c.person)
		if len(rows) != 1 || rows[0].Reason != c.reason || inEnglish(rows[0].Effect) != c.effect || inEnglish(rows[0].Detail) != c.detail {
			t.Errorf("%s: rows %+v", c.name, rows)
		}
	}
}

func withStatus(p Person, status Status) Person {
	p.Status = status
	return p
}

// N-3, N-4, invariant 5: dates that take access within a day count as losing it, and
// later ones apart, however far ahead.
func TestDatesThatShutCount(t *testing.T) {
	t.Parallel()
	end := func(days int) time.Time { return noon.AddDate(0, 0, days) }
	for _, c := range []struct {
		name          string
		before, after users.User
		want          loss
	}{
		{"no dates", users.User{}, users.User{}, losesNothing},
		{"a new end today", users.User{}, users.User{AccessUntil: end(0)}, losesNow},
		{"a new end in the past", users.User{}, users.User{AccessUntil: end(-900)}, losesNow},
		{"a new end in a day", users.User{}, users.User{AccessUntil: end(1)}, losesNow},
		{"a new end a moment after a day", users.User{}, users.User{AccessUntil: end(1).Add(1)}, losesLater},
		{"a new end in two years", users.User{}, users.User{AccessUntil: end(730)}, losesLater},
		{"an end that stays", users.User{AccessUntil: end(5)}, users.User{AccessUntil: end(5)}, losesNothing},
		{"an end that comes sooner", users.User{AccessUntil: end(100)}, users.User{AccessUntil: end(10)}, losesLater},
		{"an end that comes sooner still", users.User{AccessUntil: end(10)}, users.User{AccessUntil: end(9)}, losesLater},
		{"an end that comes to be today", users.User{AccessUntil: end(10)}, users.User{AccessUntil: end(1)}, losesNow},
		{"an end that comes later", users.User{AccessUntil: end(5)}, users.User{AccessUntil: end(10)}, losesNothing},
		{"an end withdrawn", users.User{AccessUntil: end(5)}, users.User{}, losesNothing},
		{"an opening that is past", users.User{}, users.User{AccessFrom: end(-5)}, losesNothing},
		{"an opening to come", users.User{}, users.User{AccessFrom: end(1)}, losesNow},
		{"an opening that moves into the future", users.User{AccessFrom: end(-5)}, users.User{AccessFrom: end(400)}, losesNow},
		{"who is not in yet", users.User{AccessFrom: end(1)}, users.User{AccessFrom: end(2)}, losesNothing},
		{"who is out already", users.User{AccessUntil: end(-1)}, users.User{AccessUntil: end(-2)}, losesNothing},
		{"who is suspended", users.User{Suspensions: []users.Suspension{{By: users.ByAdmin}}}, users.User{AccessUntil: end(1)}, losesNothing},
		{"who is staged", users.User{BaseState: users.StateStaged}, users.User{AccessUntil: end(1)}, losesNothing},
	} {
		if c.before.BaseState == "" {
			c.before.BaseState = users.StateActive
		}
		if got := shuts(c.before, c.after, noon); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	w := windowWorld(t)
	w.hire(person("1", StatusActive, "Ada"))
	for _, last := range []string{"2026-11-01", "2027-11-01"} {
		feed, people := w.feed(withStatus(dated("last_working_day", last), StatusInactive))
		feed.resolve()
		if page := PlanPage(w.input(feed, people)); page.LosingAccess != 1 || page.LosingLater != 0 {
			t.Errorf("%d lose access by status and the date %s, and %d later; want 1", page.LosingAccess, last, page.LosingLater)
		}
	}
}

// A leaver whose address is broken is a leaver by dates, too; and nobody gets in because of one.
func TestABrokenAddressHoldsNoEndBack(t *testing.T) {
	t.Parallel()
	w := windowWorld(t)
	w.hire(person("1", StatusActive, "Ada"))
	rows := w.plan(with(dated("last_working_day", "2026-11-01"), "email", "no address"))
	if want := map[string]string{"access_until": " > 2026-11-01T23:00:00Z"}; len(rows) != 1 || rows[0].Kind != users.ChangeUpdate ||
		len(rows[0].Fields) != 1 || !maps.Equal(bounds(rows), want) || rows[0].ContentHash != "" {
		t.Errorf("rows %+v", rows)
	}
	w = windowWorld(t)
	id := w.hire(person("1", StatusActive, "Ada"))
	w.change(id, func(u *users.User) { u.AccessUntil = noon.Add(-time.Hour) })
	rows = w.plan(with(dated(), "email", "no address"))
	if len(rows) != 1 || rows[0].Kind != users.ChangeQuarantine {
		t.Errorf("rows %+v", rows)
	}
}

// N-3: with a new record the window is that record's.
func TestARehireBringsTheWindowOfTheNewRecord(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]Person{
		"with another first day": dated("hire_date", "2026-11-01"), "without dates": dated(),
		"with dates that are not sent": person("1", StatusActive, "Ada"),
	} {
		w := windowWorld(t)
		id := w.hire(withStatus(person("1", StatusActive, "Ada"), StatusInactive))
		w.suspend(id, users.ByImport)
		w.change(id, func(u *users.User) { u.AccessUntil = noon.Add(-time.Hour) })
		again.ID = "2"
		rows := w.plan(withStatus(person("1", StatusActive, "Ada"), StatusInactive), again)
		var link users.RunChange
		for _, row := range rows {
			if row.Kind == users.ChangeLink {
				link = row
			}
		}
		if f := link.Fields[users.AttributeAccessUntil]; f.Before == "" || f.After != "" {
			t.Errorf("%s: rows %+v", name, rows)
		}
	}
}

// Dates of one employment do not end another.
func TestSomebodyAtWorkInTwoAccountsHasNoWindow(t *testing.T) {
	t.Parallel()
	w := windowWorld(t)
	id := w.hire(person("1", StatusActive, "Ada"))
	w.rules.Accounts = Accounts{hr: account{links: true, rank: 1}, "other": account{links: true, rank: 2}}
	w.change(id, func(u *users.User) { u.AccessUntil = noon.Add(time.Hour) })
	end := dated("last_working_day", "2026-11-30")
	for status, want := range map[string]map[string]string{
		"active":   {"access_until": "2026-11-02T13:00:00Z > "},
		"inactive": {"access_until": "2026-11-02T13:00:00Z > 2026-11-30T23:00:00Z"},
	} {
		w.others = []users.Person{{Connection: "other", SourceID: "9", User: id, Status: status}}
		if diff := cmp.Diff(want, bounds(w.plan(end))); diff != "" {
			t.Errorf("%s elsewhere (-want +got):\n%s", status, diff)
		}
	}
}

// An account that a person has left takes no window away which the one where they work has set.
func TestALeftAccountHasNoSayInTheWindowOfAnother(t *testing.T) {
	t.Parallel()
	w := windowWorld(t)
	id := w.hire(person("1", StatusActive, "Ada"))
	w.rules.Accounts = Accounts{hr: account{links: true, rank: 1}, "other": account{links: true, rank: 2}}
	w.change(id, func(u *users.User) { u.AccessUntil = noon.Add(-time.Hour) })
	w.others = []users.Person{{Connection: "other", SourceID: "9", User: id, Status: "active"}}
	if got := bounds(w.plan(person("1", StatusInactive, "Ada"))); len(got) != 0 {
		t.Errorf("the account that was left changes the window: %v", got)
	}
}
