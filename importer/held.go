package importer

import (
	"context"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// HeldRuns returns the runs of a connection whose plan the guard held and that
// still wait for a decision, newest first: of runs over everybody the last one, if
// it was held; of those over some people each plan of the last day once, unless a
// run over everybody has been applied since.
func HeldRuns(ctx context.Context, r users.Reader, connection users.ApplicationID, now time.Time) ([]users.Run, error) {
	full, err := r.RunsOver(ctx, connection, users.ScopeFull, recentRuns)
	if err != nil {
		return nil, err
	}
	var held []users.Run
	i := slices.IndexFunc(full, func(run users.Run) bool { return run.PlanHash != "" }) // what failed while reading has planned nothing
	if i >= 0 && full[i].State == users.RunHeld {
		held = append(held, full[i])
	}
	last, err := lastFull(ctx, r, connection)
	if err != nil {
		return nil, err
	}
	since, err := r.RunsSince(ctx, connection, now.Add(-guardWindow))
	if err != nil {
		return nil, err
	}
	plans := map[string]bool{}
	for _, run := range slices.Backward(since) {
		if run.Scope == users.ScopeFull || run.State != users.RunHeld || plans[run.PlanHash] || run.StartedAt.Before(last.StartedAt) {
			continue
		}
		plans[run.PlanHash] = true
		held = append(held, run)
	}
	slices.SortStableFunc(held, func(a, b users.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return held, nil
}
