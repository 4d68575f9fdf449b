package importer_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// W-12, F-57, S-005, S-009: constants and expressions, for every import and for creation.
func TestARunMapsByExpression(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.settings.Mapping = maps.Clone(mapping)
	b.settings.Mapping["company"] = `"Acme"`
	b.settings.Mapping["initials"] = `split(first_name, "")[0] + split(nickname, "")[0]`
	b.settings.MappingOnCreate = users.Mapping{"first_department": "department"}
	b.connect()
	for id, nickname := range map[string]string{"1": "One", "2": "", "3": "Three"} {
		b.company.set(id, func(p *importer.Person) { p.Attributes["nickname"] = nickname })
	}
	run := b.run()
	if want := []string{"department", "email", "first_name", "last_name", "nickname", "status", "supervisor"}; !slices.Equal(b.company.wanted, want) {
		t.Errorf("asked for %v, want %v", b.company.wanted, want)
	}
	if diff := cmp.Diff(map[string]int{"initials": 1}, run.Stats.MappingFailed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	attributes := func(email string) map[string]string { return b.user(email).Attributes }
	want := map[string]string{"company": "Acme", "department": "Sales", "first_department": "Sales", "initials": "PO"}
	if diff := cmp.Diff(want, attributes("p1@acme.example")); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if got := attributes("p2@acme.example")["initials"]; got != "" {
		t.Errorf("initials of somebody for whom the expression fails: %q, want none", got)
	}

	b.company.set("1", func(p *importer.Person) {
		p.Attributes["nickname"], p.Attributes["department"] = "Uno", "Finance"
	})
	b.company.set("3", func(p *importer.Person) { p.Attributes["nickname"] = "" })
	b.run()
	want["initials"], want["department"] = "PU", "Finance"
	if diff := cmp.Diff(want, attributes("p1@acme.example")); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if got := attributes("p3@acme.example")["initials"]; got != "PT" {
		t.Errorf("initials after the expression failed: %q, want those from before", got)
	}

	b.company.granted = []string{"email", "status", "first_name", "last_name", "supervisor", "department"}
	run = b.run()
	if diff := cmp.Diff(want, attributes("p1@acme.example")); diff != "" || !slices.Equal(run.Stats.Missing, []string{"nickname"}) {
		t.Errorf("without an attribute that an expression reads: missing %v (-want +got):\n%s", run.Stats.Missing, diff)
	}
	before := b.contents()
	b.run()
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("a run without changes wrote (-before +after):\n%s", diff)
	}
}
