package importer_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// N323: whatever a name holds, both engines keep it, and nobody's row is lost.
func TestAnyTextIsStoredOnEveryEngine(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"A\x00da":                            "Ada",
		"lone \xed\xa0\x80 surrogate":        "lone \uFFFD surrogate",
		"<b onclick=x>=1+1</b>":              "<b onclick=x>=1+1</b>",
		"\u202eadA\u2066":                    "adA",
		"Zoe\u0308":                          "Zoë",
		"Z" + strings.Repeat("\u0301", 5000): "",
		strings.Repeat("ü", 1<<16):           "",
	}
	eachEngine(t, func(t *testing.T, location func() sqlstore.Config) {
		b := newBenchOn(t, userstest.Open(t, location()), 0)
		for name := range names {
			id := string(rune('a' + len(b.company.people)))
			b.company.hire(id, importer.StatusActive, "P"+id)
			b.company.set(id, func(p *importer.Person) { p.Attributes["first_name"] = name })
		}
		if diff := cmp.Diff(users.Counts{Created: len(names)}, b.run().Counts); diff != "" {
			t.Fatalf("counts (-want +got):\n%s", diff)
		}
		for _, p := range b.company.people {
			got, want := b.user(p.Attributes["email"]).FirstName, names[p.Attributes["first_name"]]
			if (want != "" && got != want) || !utf8.ValidString(got) || got == "" || utf8.RuneCountInString(got) > importer.MaxValueRunes {
				t.Errorf("%.20q was stored as %.40q, want %q", p.Attributes["first_name"], got, want)
			}
		}
		if again := b.run().Counts; again.Unchanged != len(names) {
			t.Errorf("the same once more: %+v, want everybody unchanged", again)
		}
	})
}

// N306: a status that nobody knows decides nothing, for those who work here and
// for those who do not.
func TestAStatusNobodyKnowsChangesNobody(t *testing.T) {
	t.Parallel()
	for _, status := range []importer.Status{"", "paused", "Aktiv", "gone", "null"} {
		b := newBench(t, 40)
		b.company.setStatus("2", importer.StatusLeave)
		b.run()
		b.company.setStatus("1", status)
		b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
		b.company.setStatus("2", status)
		before := b.directoryContents()
		run := b.run()
		if run.Counts.Quarantined+run.Counts.Skipped != 2 || run.Counts.Changed() > 0 {
			t.Errorf("%q: %+v, want nobody changed", status, run.Counts)
		}
		if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
			t.Errorf("%q: the directory changed (-before +after):\n%s", status, diff)
		}
	}
}

// N302, N306: about whom the source only has errors nothing is decided, and nobody
// else waits for it: neither a leaver nor who is really gone.
func TestAPersonWithoutAnAnswerKeepsNobodyElse(t *testing.T) {
	t.Parallel()
	for _, broken := range []error{importer.ErrCorrupt, importer.ErrForbidden} {
		b := newBench(t, 60)
		b.run()
		b.company.hidden = map[string]bool{"1": true}
		b.company.broken = map[string]error{"1": broken}
		b.company.setStatus("2", importer.StatusInactive)
		b.company.remove("3")
		before := b.user("p1@acme.example")
		for again, want := range []users.Counts{{Suspended: 2, Unchanged: 57, Quarantined: 1}, {Unchanged: 58, Quarantined: 1}} {
			run, err := b.try(false)
			if err != nil {
				t.Fatalf("%v: %v", broken, err)
			}
			if diff := cmp.Diff(want, run.Counts); diff != "" {
				t.Errorf("%v, run %d: counts (-want +got):\n%s", broken, again+1, diff)
			}
			if reason := b.reasons(run)["1"]; reason != "quarantine:not_shown" {
				t.Errorf("%v, run %d: %q, want quarantine:not_shown", broken, again+1, reason)
			}
		}
		if diff := cmp.Diff(before, b.user("p1@acme.example")); diff != "" {
			t.Errorf("%v: the user changed (-before +after):\n%s", broken, diff)
		}
		b.company.broken = nil // they answer again: nothing to do
		if run := b.run(); run.Counts.Quarantined != 0 || run.Counts.Changed() != 0 {
			t.Errorf("%v: %+v after an answer, want nothing to do", broken, run.Counts)
		}
	}
}

// Where there are only errors it is not about the people, and they are asked again the next time.
func TestErrorsAboutEverybodyAreAskedForAFewTimes(t *testing.T) {
	t.Parallel()
	b := newBench(t, 100)
	b.run()
	b.company.hidden, b.company.personErr = map[string]bool{}, importer.ErrForbidden
	for i := range 8 {
		b.company.hidden[strconv.Itoa(i+1)] = true
	}
	before := b.states()
	asked := map[string]bool{}
	for range 3 {
		b.company.singles = nil
		if run := b.run(); run.Counts.Quarantined != 3 && run.Counts.Quarantined != 2 || run.Counts.Changed() != 0 {
			t.Errorf("%+v, want at most three in quarantine and nobody changed", run.Counts)
		}
		if n := len(b.company.singles); n != 3 {
			t.Errorf("%d people were asked for, want 3", n)
		}
		for _, id := range b.company.singles {
			asked[id] = true
		}
	}
	if len(asked) != 8 {
		t.Errorf("%d of 8 people were asked for in three runs, want all in turn", len(asked))
	}
	if diff := cmp.Diff(before, b.states()); diff != "" {
		t.Errorf("states (-before +after):\n%s", diff)
	}
}

// N308: the status decides. Dates may say what they like.
func TestDatesDoNotDecideAboutAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.settings.Mapping = users.Mapping{"email": "email", "hire_date": "hire_date", "last_day": "termination_date"}
	b.connect()
	b.company.set("1", func(p *importer.Person) { p.Attributes["termination_date"] = "2001-01-01" })
	b.company.set("2", func(p *importer.Person) {
		p.Status, p.Attributes["hire_date"] = importer.StatusOnboarding, "2099-01-01"
	})
	b.company.set("3", func(p *importer.Person) {
		p.Status, p.Attributes["termination_date"] = importer.StatusInactive, "2099-01-01"
	})
	b.run()
	states := b.states()
	if states["p1@acme.example"] != users.StateActive || states["p2@acme.example"] != users.StateActive || states["p3@acme.example"] != "" {
		t.Errorf("past last day %q, later first day %q, inactive %q; want active, active, nobody",
			states["p1@acme.example"], states["p2@acme.example"], states["p3@acme.example"])
	}
}

// N347: what the source says is never a role, a seal or a state, whatever it is mapped to.
func TestNoMappingGivesARole(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.settings.Mapping = users.Mapping{"email": "email", "role": "department", "sealed": "department", "base_state": "department", "origin": "department"}
	b.connect()
	for _, value := range []string{"owner", "administrator", "Admins", "true", "1"} {
		b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = value })
		b.run()
		if u := b.user("p1@acme.example"); u.Role != users.RoleNone || u.Sealed || u.BaseState != users.StateActive || u.Origin != users.OriginImport {
			t.Errorf("department %q: role %q, sealed %t, %s, origin %q", value, u.Role, u.Sealed, u.BaseState, u.Origin)
		}
	}
	b.settings.Mapping["state"] = "department"
	b.connect()
	if _, err := b.try(false); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("a mapped state: error %v, want ErrInvalid", err)
	}
}

// N348: who was imported has no way to sign in until somebody gives them one.
func TestStagedPeopleHaveNoWayIn(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.settings.InitialState = users.StateStaged
	b.connect()
	b.run()
	for email, state := range b.states() {
		if state != users.StateStaged {
			t.Errorf("%s is %s, want staged", email, state)
		}
		if _, err := b.directory.Authenticate(t.Context(), email, ""); !errors.Is(err, users.ErrBadCredentials) {
			t.Errorf("%s without a password: %v, want ErrBadCredentials", email, err)
		}
		if _, err := b.store.Credential(t.Context(), b.user(email).ID, users.CredentialPassword); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("%s has a password: error %v, want ErrNotFound", email, err)
		}
	}
}
