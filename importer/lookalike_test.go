package importer_test

import (
	"strings"
	"testing"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// N314: an address that is easily mistaken for another is a warning: nobody is
// kept out because of it, and whoever looks at the import is told.
func TestAddressesThatLookAlikeAreAWarning(t *testing.T) {
	t.Parallel()
	const cyrillic, greek = "\u0430da@acme.example", "\u03b1da@acme.example" // beside ada
	for _, c := range []struct {
		name   string
		before func(b *bench)
		email  string // of the newcomer
		warned int
		like   string
	}{
		{"somebody here", func(b *bench) { b.company.hire("99", importer.StatusActive, "Ada") }, cyrillic, 1, "ada@acme.example"},
		{"somebody without a source", func(b *bench) { b.local("ada@acme.example") }, cyrillic, 1, "ada@acme.example"},
		{"somebody else of the same feed", func(b *bench) {
			b.run()
			b.company.hire("99", importer.StatusActive, "Ada")
		}, cyrillic, 1, "ada@acme.example"},
		{"somebody else who looks alike, too", func(b *bench) {
			b.company.hire("99", importer.StatusActive, "Ada")
			b.write("99", "email", greek)
		}, cyrillic, 2, greek},
		{"nobody", func(*bench) {}, cyrillic, 0, ""},
		{"an umlaut", func(b *bench) { b.company.hire("99", importer.StatusActive, "Ada") }, "\u00e4da@acme.example", 0, ""},
		{"a domain of our own in punycode", func(b *bench) { b.company.hire("99", importer.StatusActive, "Ada") }, "ada@xn--cm-fka.example", 0, ""},
		{"a domain that looks like ours", func(b *bench) { b.company.hire("99", importer.StatusActive, "Ada") }, "ada@\u0430cme.example", 1, "ada@acme.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 30)
			c.before(b)
			if c.name != "somebody else of the same feed" {
				b.run()
			}
			b.company.hire("77", importer.StatusActive, "Newcomer")
			b.write("77", "email", c.email)
			run := b.run()
			if run.Stats.Lookalikes != c.warned || run.Counts.Quarantined != 0 {
				t.Errorf("%d look alike, want %d; %+v", run.Stats.Lookalikes, c.warned, run.Counts)
			}
			for _, row := range b.changes(run) {
				if row.SourceID != "77" || row.Kind != users.ChangeCreate {
					continue
				}
				if told := strings.Contains(importer.InEnglish(row.Detail), "looks like"); told != (c.warned > 0) || !strings.Contains(importer.InEnglish(row.Detail), c.like) {
					t.Errorf("the newcomer's row says %q, want to hear of %q", importer.InEnglish(row.Detail), c.like)
				}
			}
			warnings := strings.Join(importer.NewRunReport(web.English(), run).Warnings, " ")
			if told := strings.Contains(warnings, "look like another one"); told != (c.warned > 0) {
				t.Errorf("warnings %q", warnings)
			}
			// It stays worth a look, and nothing else happens.
			before := b.contents()
			if again := b.run(); again.Stats.Lookalikes != c.warned || again.Counts.Changed() != 0 {
				t.Errorf("again: %d look alike, %+v", again.Stats.Lookalikes, again.Counts)
			}
			if diff := differences(before, b.contents()); diff != "" {
				t.Errorf("the directory changed:\n%s", diff)
			}
			found := 0
			for _, f := range b.check().Findings {
				if f.Kind == importer.FindingLooks && !f.Fails {
					found++
				}
			}
			if found != c.warned {
				t.Errorf("the check names %d, want %d", found, c.warned)
			}
		})
	}
}

// Who changes to an address that looks like their own former one is mistaken for nobody.
func TestAnAddressThatLooksLikeOnesOwnIsNoWarning(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.company.hire("7", importer.StatusActive, "Ada")
	b.run()
	b.write("7", "email", "\u0430da@acme.example")
	if run := b.run(); run.Stats.Lookalikes != 0 || run.Counts.Updated != 1 {
		t.Errorf("%d look alike, %+v", run.Stats.Lookalikes, run.Counts)
	}
}
