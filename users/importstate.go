package users

import (
	"context"
	"fmt"
	"time"
)

// ImportState is what a connection's imports have to know of the ones before,
// beside their runs.
type ImportState struct {
	Interval time.Duration `json:"interval,omitempty"` // the schedule by which the next full import was planned; 0: none was
	Cursor   time.Time     `json:"cursor,omitzero"`    // start of the last delta read to its end; zero: there was none

	// Why single people and changes are read no more for a time; a full import
	// that began later and is done puts an end to it.
	Failures  int       `json:"failures,omitempty"` // in a row
	FailedAt  time.Time `json:"failed_at,omitzero"` // the last of them
	RetryAt   time.Time `json:"retry_at,omitzero"`
	ErrorCode string    `json:"error_code,omitempty"` // as in Run
}

// Settlement is what has become of work that was in hand.
type Settlement struct {
	Done    []Work       // goes, unless it was noted again
	Delayed []Work       // with the new Due and Attempts, unless it was noted again
	Noted   []Work       // is to be done besides
	State   *ImportState // replaces that of the connection; nil: it stays
}

func importStateName(connection ApplicationID) string { return "import_state:" + string(connection) }

// ImportState returns the state of a connection's imports; the zero state where there is none.
func (d *Directory) ImportState(ctx context.Context, connection ApplicationID) (ImportState, error) {
	state, _, err := readSetting[ImportState](ctx, d.store, importStateName(connection))
	return state, err
}

// SettleWork writes what has become of a connection's work, in one transaction.
func (d *Directory) SettleWork(ctx context.Context, lease Lease, connection ApplicationID, s Settlement) error {
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error {
		if err := tx.FinishWork(ctx, s.Done); err != nil {
			return err
		}
		if err := tx.DelayWork(ctx, s.Delayed); err != nil {
			return err
		}
		if err := tx.PutWork(ctx, s.Noted); err != nil {
			return err
		}
		return putImportState(ctx, tx, connection, s.State)
	})
	if err != nil {
		return fmt.Errorf("settle work of %s: %w", connection, err)
	}
	return nil
}

func putImportState(ctx context.Context, tx Tx, connection ApplicationID, state *ImportState) error {
	if state == nil {
		return nil
	}
	_, version, err := readSetting[ImportState](ctx, tx, importStateName(connection))
	if err != nil {
		return err
	}
	return putSetting(ctx, tx, importStateName(connection), *state, version)
}
