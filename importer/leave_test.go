package importer

import (
	"fmt"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// leaver is a person on leave of a kind and type; "absent" was not sent.
func leaver(kind, employeeType string) Person {
	p := person("1", StatusLeave, "Ada")
	for name, value := range map[string]string{"dynamic_9": kind, "employment_type": employeeType} {
		if value != "absent" {
			p.Attributes[name] = value
		}
	}
	return p
}

// leaveWorld is a world with rules for leave at noon, in Berlin.
func leaveWorld(t *testing.T, preset users.LeavePolicy, rules ...users.LeaveRule) *world {
	t.Helper()
	w := newWorld(t)
	i := users.Import{LeaveKind: "dynamic_9", LeaveRules: rules}
	m, err := newMapper(jumpCloud, "").withWindows(i, zone(t, "Europe/Berlin"))
	if err != nil {
		t.Fatal(err)
	}
	w.mapper, w.rules.Leave, w.rules.LeaveRules, w.now = m.withLeave(i), preset, rules, noon
	return w
}

// N-6, S-045, S-046, S-049, B-11: every kind of leave, type of employee, access,
// number of days and state before. What is wanted follows from the words of the
// requirement alone: after n days the access of the rule, until then what they
// had, and the preset for whom no rule names.
func TestTheLeaveMatrix(t *testing.T) {
	t.Parallel()
	ruled := map[bool]users.LeaveAccess{}
	for _, kind := range []string{"Parental", "sick", "", "absent"} {
		for _, employee := range []string{"internal", "external", "absent"} {
			for _, access := range []users.LeaveAccess{users.AccessKeep, users.AccessApplication, users.AccessSuspend} {
				for _, after := range []users.Days{0, 42} {
					for _, days := range []int{-1, 0, 41, 42, 100} { // on leave; -1: not yet
						for _, preset := range []users.LeavePolicy{users.LeaveSuspends, users.LeaveKeeps} {
							for _, before := range []string{"active", "confined", "suspended", "waived"} {
								name := fmt.Sprint(kind, " ", employee, " ", access, " after ", after, ", day ", days, ", else ", preset, ", ", before)
								w := leaveWorld(t, preset, users.LeaveRule{Kind: []string{"parental"}, EmployeeType: "internal", Access: access, After: after})
								id := w.hire(leaver(kind, employee))
								record := w.people["1"]
								if days < 0 {
									record.Status = "active"
								} else {
									record.StatusSince = time.Date(2026, 11, 2-days, 9, 0, 0, 0, time.UTC)
								}
								w.people["1"] = record
								w.change(id, func(u *users.User) {
									if before == "confined" {
										u.ConfinedTo = hr
									}
								})
								switch before {
								case "suspended":
									w.suspend(id, users.ByImport)
								case "waived":
									w.waivers[id] = users.Waiver{User: id, Connection: hr, Status: "leave"}
								}

								want := map[users.LeavePolicy]users.LeaveAccess{users.LeaveSuspends: users.AccessSuspend, users.LeaveKeeps: users.AccessKeep}[preset]
								undecided := kind == "absent" && employee != "external" || kind == "Parental" && employee == "absent"
								if matches := kind == "Parental" && employee == "internal"; matches {
									if want = access; days < int(after) && after > 0 {
										want = users.AccessKeep
									}
									ruled[true] = access
								}
								if undecided {
									want = leaveUndecided
								}
								rows := w.plan(leaver(kind, employee))
								got := stateAfterRows(w.users[id], rows)
								if expected := stateWanted(want, before); got != expected {
									t.Errorf("%s: %s, want %s (%s); rows %+v", name, got, expected, want, rows)
								}
							}
						}
					}
				}
			}
		}
	}
	if len(ruled) == 0 {
		t.Error("no rule ever matched")
	}
}

// stateWanted is what becomes of somebody in a state before, by what is left to people on leave.
func stateWanted(access users.LeaveAccess, before string) string {
	switch {
	case access == leaveUndecided && before == "waived":
		return "active"
	case access == leaveUndecided:
		return before
	case before == "waived":
		return "active"
	case access == users.AccessSuspend && before == "confined":
		return "suspended confined" // on return both go
	case access == users.AccessSuspend:
		return "suspended"
	case access == users.AccessApplication:
		return "confined"
	}
	return "active"
}

// stateAfterRows is the state that rows leave somebody in.
func stateAfterRows(u users.User, rows []users.RunChange) string {
	suspended := len(u.Suspensions) > 0
	for _, row := range rows {
		suspended = (suspended || row.Kind == users.ChangeSuspend) && row.Kind != users.ChangeReactivate
		u = withFields(u, row.Fields)
	}
	state := map[bool]string{true: "suspended", false: ""}[suspended]
	if u.ConfinedTo != "" {
		state += " confined"
	}
	switch state {
	case "":
		return "active"
	case " confined":
		return "confined"
	}
	return state
}

// N-6: the first rule that matches counts, in the office's days, and days are counted from midnight.
func TestTheFirstRuleForLeaveCounts(t *testing.T) {
	t.Parallel()
	rules := []users.LeaveRule{
		{Kind: []string{"Elternzeit", "Sabbatical"}, Access: users.AccessApplication},
		{EmployeeType: "external", Access: users.AccessSuspend},
		{Kind: []string{"sick"}, Access: users.AccessSuspend, After: 42},
		{Access: users.AccessKeep},
	}
	w := leaveWorld(t, users.LeaveSuspends, rules...)
	berlin := zone(t, "Europe/Berlin")
	since := time.Date(2026, 10, 20, 23, 30, 0, 0, berlin)
	record := users.Person{Status: "leave", StatusSince: since}
	deadline := time.Date(2026, 12, 1, 0, 0, 0, 0, berlin)
	for _, c := range []struct {
		kind, employee string
		now            time.Time
		want           users.LeaveAccess
		until          time.Time
	}{
		{"elternzeit", "external", noon, users.AccessApplication, time.Time{}},
		{"sick", "external", noon, users.AccessSuspend, time.Time{}},
		{"absent", "external", noon, leaveUndecided, time.Time{}},
		{"sick", "internal", deadline.Add(-time.Millisecond), users.AccessKeep, deadline},
		{"sick", "internal", deadline, users.AccessSuspend, time.Time{}},
		{"garden", "internal", noon, users.AccessKeep, time.Time{}},
	} {
		p := leaver(c.kind, c.employee)
		m := w.rules.decideLeave(w.mapper.apply(p), record, c.now, berlin)
		if m.Leave != c.want || !m.LeaveUntil.Equal(c.until) {
			t.Errorf("%s %s at %s: %s until %s, want %s until %s", c.kind, c.employee, c.now, m.Leave, m.LeaveUntil, c.want, c.until)
		}
	}
	for _, status := range []Status{StatusActive, StatusOnboarding, StatusInactive, "foo"} {
		m := w.rules.decideLeave(w.mapper.apply(withStatus(leaver("sick", "internal"), status)), record, noon, berlin)
		if m.Leave != "" || m.HasLeaveKind {
			t.Errorf("%s: %s, and the kind is remembered: %t", status, m.Leave, m.HasLeaveKind)
		}
	}
}

// N-6, S-050: whoever is back has everything back, and an import lifts only its own.
func TestReturningFromLeaveLiftsConfinement(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		confined users.ApplicationID
		status   Status
		want     users.ApplicationID
	}{
		{"back", hr, StatusActive, ""},
		{"of another connection", "other", StatusActive, "other"},
		{"left", hr, StatusInactive, hr},
		{"an unknown status", hr, "foo", hr},
	} {
		w := leaveWorld(t, users.LeaveSuspends, users.LeaveRule{Access: users.AccessApplication})
		id := w.hire(leaver("", "internal"))
		w.change(id, func(u *users.User) { u.ConfinedTo = c.confined })
		u := w.users[id]
		for _, row := range w.plan(withStatus(leaver("", "internal"), c.status)) {
			u = withFields(u, row.Fields)
		}
		if u.ConfinedTo != c.want {
			t.Errorf("%s: confined to %q, want %q", c.name, u.ConfinedTo, c.want)
		}
	}
	w := leaveWorld(t, users.LeaveSuspends, users.LeaveRule{Access: users.AccessApplication})
	w.hire(person("1", StatusActive, "Ada"))
	feed, people := w.feed(leaver("", "internal"))
	feed.resolve()
	page := PlanPage(w.input(feed, people))
	if row := page.Changes[0]; page.LosingAccess != 1 || row.Reason != "attributes_changed" && row.Reason != "status_leave" ||
		inEnglish(row.Effect) != "Keeps only what people on leave keep." {
		t.Errorf("%d lose access, row %+v; want one who counts", page.LosingAccess, page.Changes[0])
	}
}
