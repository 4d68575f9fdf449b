package users

import (
	"context"
	"fmt"
	"time"
)

// RunChangesKept returns the start of the oldest run whose rows are kept at now:
// twelve months back. The rows say what HR said of people, and nobody needs that
// for longer; the run itself, with its counts, and the event log stay.
func RunChangesKept(now time.Time) time.Time { return now.AddDate(-1, 0, 0) }

// forgetRows is how many rows one transaction removes, so that others who write
// need not wait for long.
const forgetRows = 1000

// ForgetRunChanges removes the rows of a connection's runs that are older than
// RunChangesKept, and returns how many those were.
func (d *Directory) ForgetRunChanges(ctx context.Context, lease Lease, connection ApplicationID) (int, error) {
	before, total := RunChangesKept(d.now()), 0
	for {
		var deleted int
		err := d.updateUnderLease(ctx, lease, func(tx Tx) error {
			var err error
			deleted, err = tx.DeleteRunChanges(ctx, connection, before, forgetRows)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("forget rows of runs: %w", err)
		}
		if total += deleted; deleted < forgetRows {
			return total, nil
		}
	}
}
