package users_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// Progress is all that is written, and by nobody who lost the lease.
func TestProgressIsWrittenUnderTheLease(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		run, lease := b.startRun()
		progress := users.RunProgress{Phase: "reading", Done: 3, Total: 9, Since: time.UnixMilli(1).UTC(), At: time.UnixMilli(2).UTC()}
		other := lease
		other.Token++
		if err := b.SaveProgress(b.t.Context(), other, run.ID, progress); !errors.Is(err, users.ErrLeaseLost) {
			t.Errorf("under another lease: %v, want ErrLeaseLost", err)
		}
		if err := b.SaveProgress(b.t.Context(), lease, "nothing", progress); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("of an unknown run: %v, want ErrNotFound", err)
		}
		before, err := b.Read().Run(t.Context(), run.ID)
		b.must(err)
		b.must(b.SaveProgress(b.t.Context(), lease, run.ID, progress))
		after, err := b.Read().Run(t.Context(), run.ID)
		b.must(err)
		before.Progress = progress
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("run (-want +got):\n%s", diff)
		}
	})
}
