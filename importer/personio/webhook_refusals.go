package personio

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/einlass/einlass/users"
)

// reportEvery is how often refusals are written to the log.
const reportEvery = time.Minute

// refusals counts deliveries that were not taken, for one line a minute about
// each connection and cause: a flood of them does not flood the log.
type refusals struct {
	log *slog.Logger

	mu      sync.Mutex // guards counted
	counted map[refusal]int
}

type refusal struct {
	connection users.ApplicationID // empty: none of the name that was called
	result     string
}

func newRefusals(log *slog.Logger) *refusals {
	return &refusals{log: log, counted: map[refusal]int{}}
}

func (r *refusals) note(connection users.ApplicationID, result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counted[refusal{connection, result}]++
}

// run writes what was counted each minute until ctx ends, and what is left then.
func (r *refusals) run(ctx context.Context) {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.report(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
			r.report(ctx)
		}
	}
}

func (r *refusals) report(ctx context.Context) {
	r.mu.Lock()
	counted := r.counted
	r.counted = map[refusal]int{}
	r.mu.Unlock()
	for _, what := range slices.SortedFunc(maps.Keys(counted), compareRefusals) {
		r.log.WarnContext(ctx, "webhook deliveries not taken in the last minute",
			"connection", what.connection, "result", what.result, "count", counted[what])
	}
}

func compareRefusals(a, b refusal) int {
	return cmp.Or(cmp.Compare(a.connection, b.connection), cmp.Compare(a.result, b.result))
}
