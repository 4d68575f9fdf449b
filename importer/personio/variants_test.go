package personio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio/personiotest"
)

// everything is asked for by tests of shapes.
func everything() []string {
	return append(wanted(), "preferred_name", "team", "hire_date", "termination_date", "dynamic_7124100", "dynamic_7123994")
}

// N333. The same facts, in every shape they have been seen in.
func TestShapesDoNotChangeWhatIsRead(t *testing.T) {
	t.Parallel()
	plain := readAll(t, newSource(t, newSimulation(t, personiotest.Config{People: 60}), nil), everything())
	if plain.err != nil {
		t.Fatal(plain.err)
	}
	variants := []personiotest.Variant{
		personiotest.SupervisorIDOnly, personiotest.NoTypes, personiotest.EmptyStrings, personiotest.EmptyLists,
		personiotest.CompactOffsets, personiotest.BareDates, personiotest.IDsAsStrings, personiotest.RenamedLabels, personiotest.TagsAsJSON,
	}
	for _, language := range []string{"en", "de"} {
		for _, variant := range variants {
			t.Run(fmt.Sprint(variant, " ", language), func(t *testing.T) {
				t.Parallel()
				sim := newSimulation(t, personiotest.Config{People: 60, Language: language, Variants: []personiotest.Variant{variant}})
				r := readAll(t, newSource(t, sim, nil), everything())
				if diff := cmp.Diff(plain.people, r.people); diff != "" || r.err != nil {
					t.Errorf("error %v, difference (-plain +variant):\n%s", r.err, diff)
				}
			})
		}
	}
}

// S-109, N306, N320: what some people's rows say is handed on as it is, for the
// importer to judge.
func TestOddRowsAreHandedOn(t *testing.T) {
	t.Parallel()
	third := func(r reading) importer.Person { return r.people[2] } // one of those concerned
	cases := []struct {
		variant personiotest.Variant
		got     func(r reading) string
		want    string
	}{
		{personiotest.BigIDs, func(r reading) string { return third(r).ID + " " + third(r).ManagerID }, "1067807102795000003 1067807102795000001"},
		{personiotest.UpperCaseEmails, func(r reading) string { return third(r).Attributes["email"] }, "ADA@ACME.EXAMPLE"},
		{personiotest.DuplicateEmails, func(r reading) string { return third(r).Attributes["email"] }, "second@acme.example"},
		{personiotest.NullEmails, func(r reading) string { return fmt.Sprintf("%q", third(r).Attributes) }, `"email":""`},
		{personiotest.EmptyEmails, func(r reading) string { return fmt.Sprintf("%q", third(r).Attributes) }, `"email":""`},
		{personiotest.UnknownStatuses, func(r reading) string { return string(third(r).Status) }, "sabbatical"},
		{personiotest.NoStatus, func(r reading) string { return fmt.Sprintf("%q %q", third(r).Status, third(r).Attributes) }, `"" map["email":"ada@acme.example"]`},
		{personiotest.UnknownSupervisors, func(r reading) string { return third(r).ManagerID }, "1000000"},
		{personiotest.SupervisorCycle, func(r reading) string { return r.people[0].ManagerID }, "1000002"},
	}
	for _, c := range cases {
		sim := newSimulation(t, personiotest.Config{Variants: []personiotest.Variant{c.variant}})
		for _, email := range []personiotest.Email{"first@acme.example", "second@acme.example", "ada@acme.example"} {
			if _, err := sim.Add(personiotest.Employee{Email: email, SupervisorID: personiotest.FirstID}); err != nil {
				t.Fatal(err)
			}
		}
		r := readAll(t, newSource(t, sim, nil), []string{"email", "status", "supervisor"})
		if r.err != nil || len(r.people) != 3 {
			t.Fatalf("%s: error %v, %d people", c.variant, r.err, len(r.people))
		}
		if got := c.got(r); !strings.Contains(got, c.want) {
			t.Errorf("%s: read %s, want %s", c.variant, got, c.want)
		}
	}
}
