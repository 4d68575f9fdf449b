package importer

import (
	"context"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// midnight returns when the local day of now began, which is not 24 hours ago
// where clocks were changed.
func (e *Engine) midnight(now time.Time) time.Time {
	year, month, day := now.In(e.cfg.Zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, e.cfg.Zone)
}

// reconciliationDue reports whether nobody has compared everybody of a connection
// with the directory since the local day began. One that was held found what
// there is to find.
func (e *Engine) reconciliationDue(ctx context.Context, connection users.ApplicationID) bool {
	runs, err := e.cfg.Directory.Read().RunsSince(ctx, connection, e.midnight(e.now()))
	if err != nil {
		return false // which shows in the run itself
	}
	return !slices.ContainsFunc(runs, func(run users.Run) bool {
		return run.Options.Reconcile && (run.State == users.RunDone || (run.State == users.RunHeld && !run.Preview))
	})
}

// reviewGroups puts memberships by rule right that no import and no rule has
// brought about. The next reconciliation tries again.
func (e *Engine) reviewGroups(ctx context.Context, connection users.ApplicationID) {
	if err := e.cfg.Directory.ReviewGroups(ctx); err != nil {
		e.log.Warn("memberships by rule not reviewed; the next reconciliation tries again", "connection", connection, "error", err)
	}
}

// forgetOld removes the rows of runs that are kept no longer. The next day tries
// again, so a failure is no reason to call the run failed.
func (e *Engine) forgetOld(ctx context.Context, lease users.Lease, connection users.ApplicationID) {
	rows, err := e.cfg.Directory.ForgetRunChanges(ctx, lease, connection)
	if err != nil {
		e.log.Warn("rows of old imports not removed; the next day tries again", "connection", connection, "error", err)
		return
	}
	if rows > 0 {
		e.log.Info("rows of old imports removed", "connection", connection, "rows", rows)
	}
}
