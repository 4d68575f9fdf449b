package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// N-2, N303, S-075
// F-55
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
		"a newer plan that is another": func(b *bench) {
			b.company.setStatus("2", importer.StatusLeave)
			if _, err := b.try(true); err != nil {
				b.t.Fatal(err)
			}
			b.company.setStatus("2", importer.StatusActive)
		},
		"a newer run": func(b *bench) {
			b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Sales" })
			b.run()
			b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
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
			if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) {
				t.Errorf("second approval: %v, want ErrStale", err)
			}
			if diff := cmp.Diff(before["users"], b.contents()["users"]); diff != "" {
				t.Errorf("a stale plan changed somebody (-before +after):\n%s", diff)
			}
		})
	}
}

// A run that ends by an approval is told of like any other, however it ends.
func TestHowAnApprovalEndsIsLoggedAndCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		move  func(b *bench)                // before the approval
		meet  func(b *bench, cancel func()) // when the first rows have been applied
		is    error
		state users.RunState
		log   string
	}{
		{"applied", nil, nil, nil, users.RunDone, "import finished"},
		{"stale", func(b *bench) { b.company.setStatus("2", importer.StatusLeave) }, nil, importer.ErrStale, users.RunStale, "import stopped"},
		{"stopped", nil, func(_ *bench, cancel func()) { cancel() }, context.Canceled, users.RunInterrupted, "import stopped"},
		{"lost the lease", nil, func(b *bench, _ func()) { b.stealLease() }, users.ErrLeaseLost, users.RunFailed, "import stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			preview, err := b.try(true)
			if err != nil {
				t.Fatal(err)
			}
			if c.move != nil {
				c.move(b)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var finished []users.RunState
			var log bytes.Buffer
			engine := b.newEngineWith(func(cfg *importer.Config) {
				cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
				cfg.Finished = func(run users.Run) { finished = append(finished, run.State) }
				cfg.Progress = func(p importer.Progress) {
					if p.Phase == importer.ProgressApplying && c.meet != nil {
						c.meet(b, cancel)
					}
				}
			})
			run, err := engine.Approve(ctx, preview.ID, "cli:boss")
			if !errors.Is(err, c.is) || run.State != c.state {
				t.Errorf("approval: state %s, error %v; want %s and %v", run.State, err, c.state, c.is)
			}
			if !slices.Equal(finished, []users.RunState{c.state}) {
				t.Errorf("told of %v, want %s", finished, c.state)
			}
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("logged %s, want %q", log.String(), c.log)
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
	for range 25 { // a weekend's
		if _, err := b.try(false); !errors.Is(err, importer.ErrUnreachable) {
			t.Errorf("run: %v, want ErrUnreachable", err)
		}
	}
	b.company.failAt = 0
	if run, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); err != nil || run.Counts.Created != 5 {
		t.Errorf("approval once it is back: %d created, error %v; want 5", run.Counts.Created, err)
	}
}

func TestWhatIsNoPlanCannotBeApproved(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	if _, err := b.engine.Approve(t.Context(), "unknown", "cli:boss"); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("unknown run: %v, want ErrNotFound", err)
	}
	preview, err := b.try(true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.directory.AcquireImportLease(t.Context(), hr, "somebody else"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, users.ErrLeaseHeld) {
		t.Errorf("beside another run: %v, want ErrLeaseHeld", err)
	}
	b.clock.pass(2 * users.ImportLease)
	off := b.settings
	_, err = b.directory.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: hr, Label: "Personio", Disabled: true, Import: &off}, ImportSecret: "secret"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("of a disabled application: %v, want ErrInvalid", err)
	}
	if got := len(b.states()); got != 0 {
		t.Errorf("%d people were created", got)
	}
}
