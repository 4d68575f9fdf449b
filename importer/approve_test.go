package importer_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// N-2, N303, S-075
func TestAPreviewChangesNobodyAndIsAppliedExactly(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusLeave)
	b.company.set("2", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	b.company.hire("11", importer.StatusActive, "Eve")
	before := b.contents()

	preview, err := b.try(true)
	if err != nil || preview.State != users.RunPreviewed {
		t.Fatalf("preview: state %s, error %v", preview.State, err)
	}
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("a preview changed the directory (-before +after):\n%s", diff)
	}
	planned := b.changes(preview)

	approved, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss")
	if err != nil {
		t.Fatal(err)
	}
	want := users.Counts{Created: 1, Updated: 1, Suspended: 1, Unchanged: 8}
	if diff := cmp.Diff(want, approved.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if approved.State != users.RunDone || approved.ApprovedBy != "cli:boss" || approved.ApprovedAt.IsZero() {
		t.Errorf("approved run: state %s by %q at %v", approved.State, approved.ApprovedBy, approved.ApprovedAt)
	}
	applied := b.changes(approved)
	for i := range planned {
		planned[i].Outcome = users.OutcomeApplied
	}
	if diff := cmp.Diff(planned, applied); diff != "" {
		t.Errorf("what was applied is not what was shown (-shown +applied):\n%s", diff)
	}
	if got := b.user("eve@acme.example").ID; got != planned[slices.IndexFunc(planned, func(c users.RunChange) bool { return c.SourceID == "11" })].User {
		t.Errorf("created user %s, not the one of the plan", got)
	}
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("second approval: %v, want ErrInvalid", err)
	}
}

// N-2, N342
func TestAStalePlanIsRefused(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(b *bench){
		"the source changed": func(b *bench) { b.company.setStatus("2", importer.StatusLeave) },
		"somebody new":       func(b *bench) { b.company.hire("11", importer.StatusActive, "Eve") },
		"the person changed here": func(b *bench) {
			if _, err := b.directory.Suspend(b.t.Context(), "cli:test", b.user("p1@acme.example").ID, "by hand"); err != nil {
				b.t.Fatal(err)
			}
		},
		"a newer plan": func(b *bench) {
			if _, err := b.try(true); err != nil {
				b.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 10)
			b.run()
			b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
			preview, err := b.try(true)
			if err != nil {
				t.Fatal(err)
			}
			move(b)
			before := b.contents()
			if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) {
				t.Errorf("approval: %v, want ErrStale", err)
			}
			if diff := cmp.Diff(before["users"], b.contents()["users"]); diff != "" {
				t.Errorf("a stale plan changed somebody (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAPlanStaysApprovableWhileTheSourceIsAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	preview, err := b.try(true)
	if err != nil {
		t.Fatal(err)
	}
	b.company.failAt, b.company.err = 1, fmt.Errorf("%w: connection refused", importer.ErrUnreachable)
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrUnreachable) {
		t.Errorf("approval: %v, want ErrUnreachable", err)
	}
	if _, err := b.try(false); !errors.Is(err, importer.ErrUnreachable) {
		t.Errorf("run: %v, want ErrUnreachable", err)
	}
	b.company.failAt = 0
	if run, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); err != nil || run.Counts.Created != 5 {
		t.Errorf("approval once it is back: %d created, error %v; want 5", run.Counts.Created, err)
	}
}
