package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ImportLease is how long the process that imports may be silent before another may take over.
const ImportLease = time.Minute

// AcquireImportLease takes the right to import for a connection, or returns ErrLeaseHeld.
func (d *Directory) AcquireImportLease(ctx context.Context, connection ApplicationID, holder string) (Lease, error) {
	return d.store.AcquireLease(ctx, "import:"+string(connection), holder, d.now(), ImportLease)
}

// RenewImportLease moves the end of an import lease that is still held, else ErrLeaseLost.
func (d *Directory) RenewImportLease(ctx context.Context, lease Lease) (Lease, error) {
	return d.store.RenewLease(ctx, lease, d.now().Add(ImportLease))
}

// ReleaseLease gives a lease back.
func (d *Directory) ReleaseLease(ctx context.Context, lease Lease) error {
	return d.store.ReleaseLease(ctx, lease)
}

// updateUnderLease is Store.Update for work that only the holder of lease may do.
func (d *Directory) updateUnderLease(ctx context.Context, lease Lease, change func(Tx) error) error {
	return d.updateHolding(ctx, lease, ImportLease, change)
}

// updateHolding is Store.Update for the holder of lease, which lives on for life.
func (d *Directory) updateHolding(ctx context.Context, lease Lease, life time.Duration, change func(Tx) error) error {
	return d.store.Update(ctx, func(tx Tx) error {
		if err := tx.HoldLease(ctx, lease, d.now().Add(life)); err != nil {
			return err
		}
		return change(tx)
	})
}

// importStarted is the payload of EventImportStarted.
type importStarted struct {
	Connection ApplicationID `json:"connection"`
	Preview    bool          `json:"preview"`
	Options    RunOptions    `json:"options"`
}

// StartRun writes a new run, with an event if a person of the directory started it. Whoever holds the lease is alone, so a run of the
// connection that looks unfinished belonged to a process that died, however old
// the run is: an approval goes on with one of long ago.
func (d *Directory) StartRun(ctx context.Context, lease Lease, run Run) error {
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error {
		if err := d.interruptRuns(ctx, tx, run.Connection); err != nil {
			return err
		}
		if err := tx.InsertRun(ctx, run); err != nil {
			return err
		}
		if _, isPerson := run.Actor.User(); !isPerson {
			return nil // the run itself says that it was
		}
		started := importStarted{Connection: run.Connection, Preview: run.Preview, Options: run.Options}
		return appendEvent(tx, EventImportStarted, run.Actor, string(run.ID), started)
	})
	if err != nil {
		return fmt.Errorf("start run %s: %w", run.ID, err)
	}
	return nil
}

// StartRunBeside is StartRun while another run of the connection goes on under the
// same lease.
func (d *Directory) StartRunBeside(ctx context.Context, lease Lease, run Run) error {
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error { return tx.InsertRun(ctx, run) })
	if err != nil {
		return fmt.Errorf("start run %s: %w", run.ID, err)
	}
	return nil
}

// interruptRuns closes the runs of a connection that look unfinished.
func (d *Directory) interruptRuns(ctx context.Context, tx Tx, connection ApplicationID) error {
	for _, scope := range scopes {
		for _, state := range unfinished {
			if err := d.interruptIn(ctx, tx, connection, scope, state); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Directory) interruptIn(ctx context.Context, tx Tx, connection ApplicationID, scope RunScope, state RunState) error {
	for {
		r, err := tx.LastRun(ctx, connection, scope, state)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		r.State, r.FinishedAt = RunInterrupted, d.now()
		if err := tx.UpdateRun(ctx, r); err != nil {
			return err
		}
	}
}

// SavePlan adds rows to the plan of a run.
func (d *Directory) SavePlan(ctx context.Context, lease Lease, changes []RunChange) error {
	if len(changes) == 0 {
		return nil
	}
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error { return tx.InsertRunChanges(ctx, changes) })
	if err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	return nil
}

// SaveRun writes how far a run has come. A finished run that changed something,
// failed, was held or is to be mailed leaves an event with ImportFinished.
func (d *Directory) SaveRun(ctx context.Context, lease Lease, run Run) error {
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error {
		stored, err := tx.Run(ctx, run.ID)
		if err != nil {
			return err
		}
		finished, worth, err := d.news(ctx, tx, run)
		if err != nil {
			return err
		}
		if err := tx.UpdateRun(ctx, run); err != nil {
			return err
		}
		if stored.ApprovedBy == "" && run.ApprovedBy != "" {
			if err := appendEvent(tx, EventImportApproved, run.ApprovedBy, string(run.ID), run.Counts); err != nil {
				return err
			}
		}
		if !worth {
			return nil
		}
		return appendEvent(tx, EventImportFinished, run.Actor, string(run.ID), finished)
	})
	if err != nil {
		return fmt.Errorf("save run %s: %w", run.ID, err)
	}
	return nil
}

// SaveProgress writes how far a run has come, and nothing else of it.
func (d *Directory) SaveProgress(ctx context.Context, lease Lease, id RunID, p RunProgress) error {
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error {
		run, err := tx.Run(ctx, id)
		if err != nil {
			return err
		}
		run.Progress = p
		return tx.UpdateRun(ctx, run)
	})
	if err != nil {
		return fmt.Errorf("save progress of run %s: %w", id, err)
	}
	return nil
}

// SaveRefusal writes why an approval of a run came to nothing, and how far the run
// had come before, and nothing else of it.
func (d *Directory) SaveRefusal(ctx context.Context, lease Lease, refused Run) error {
	err := d.updateUnderLease(ctx, lease, func(tx Tx) error {
		run, err := tx.Run(ctx, refused.ID)
		if err != nil {
			return err
		}
		run.ErrorCode, run.Error, run.Progress = refused.ErrorCode, refused.Error, refused.Progress
		return tx.UpdateRun(ctx, run)
	})
	if err != nil {
		return fmt.Errorf("save refusal of run %s: %w", refused.ID, err)
	}
	return nil
}

// ApplyChanges writes rows of a plan in one transaction, each with its event,
// and returns them with their outcome. A row whose person has moved on since
// the plan, or whose address was taken meanwhile, fails alone. A row that comes
// as failed or overtaken is only written as such.
func (d *Directory) ApplyChanges(ctx context.Context, lease Lease, run Run, changes []RunChange) ([]RunChange, error) {
	applied, err := d.applyBatch(ctx, lease, run, changes)
	if !errors.Is(err, ErrConflict) {
		return applied, err
	}
	if len(changes) == 1 {
		return d.failRow(ctx, lease, changes[0], Note{Code: NoteKeyTaken})
	}
	applied = applied[:0]
	for _, c := range changes {
		one, err := d.ApplyChanges(ctx, lease, run, []RunChange{c})
		if err != nil {
			return nil, err
		}
		applied = append(applied, one...)
	}
	return applied, nil
}

func (d *Directory) failRow(ctx context.Context, lease Lease, c RunChange, why Note) ([]RunChange, error) {
	c.Outcome, c.Error = OutcomeFailed, []Note{why}
	rows := []RunChange{c}
	return rows, d.updateUnderLease(ctx, lease, func(tx Tx) error { return tx.UpdateRunChanges(ctx, rows) })
}

func (d *Directory) applyBatch(ctx context.Context, lease Lease, run Run, changes []RunChange) ([]RunChange, error) {
	var applied []RunChange
	var err error
	for range staleRetries {
		err = d.updateUnderLease(ctx, lease, func(tx Tx) error {
			a := applier{d: d, tx: tx, run: run, now: d.now(), rows: slices.Clone(changes)}
			applied = a.rows
			return a.apply(ctx)
		})
		if !errors.Is(err, ErrStale) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("apply changes of run %s: %w", run.ID, err)
	}
	return applied, nil
}
