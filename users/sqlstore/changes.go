package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectRunChanges = load("run_changes")
	selectChangesOf  = load("run_changes_of")
	selectRare       = load("run_changes_rare")
	selectFailed     = load("run_changes_failed")
	selectJoining    = loadBatch("run_changes_joining")
	selectQuarantine = load("quarantined")
	insertRunChanges = loadBatch("insert_run_changes")
	updateRunChanges = loadBatch("update_run_changes")
	deleteRunChanges = load("delete_run_changes")
)

// RunChanges implements users.Reader.
func (r reader) RunChanges(
	ctx context.Context, run users.RunID, outcome users.Outcome, afterPhase, afterSeq, limit int,
) ([]users.RunChange, error) {
	if outcome == users.OutcomeFailed {
		return r.runChanges(ctx, selectFailed, string(run), int64(afterPhase), int64(afterSeq), int64(limit))
	}
	return r.runChanges(ctx, selectRunChanges, string(run), string(outcome), int64(afterPhase), int64(afterSeq), int64(limit))
}

// RunChangesOf implements users.Reader.
func (r reader) RunChangesOf(
	ctx context.Context, run users.RunID, kind users.ChangeKind, afterPhase, afterSeq, limit int,
) ([]users.RunChange, error) {
	s := selectChangesOf
	switch kind {
	case users.ChangeSuspend, users.ChangeReactivate, users.ChangeLink, users.ChangeQuarantine:
		s = selectRare
	case users.ChangeCreate, users.ChangeUpdate, users.ChangeRecord, users.ChangeSkip:
	}
	return r.runChanges(ctx, s, string(run), string(kind), int64(afterPhase), int64(afterSeq), int64(limit))
}

// JoiningChanges implements users.Reader.
func (r reader) JoiningChanges(ctx context.Context, run users.RunID, sourceIDs []string) ([]users.RunChange, error) {
	var changes []users.RunChange
	err := r.conn.lookUp(ctx, selectJoining, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		changes = append(changes, c)
		return err
	}, sourceIDs, string(run))
	return changes, err
}

// Quarantined implements users.Reader.
func (r reader) Quarantined(ctx context.Context, run users.RunID) ([]users.RunChange, error) {
	return r.runChanges(ctx, selectQuarantine, string(run))
}

func (r reader) runChanges(ctx context.Context, s statement, args ...any) ([]users.RunChange, error) {
	var changes []users.RunChange
	err := r.conn.query(ctx, s, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		changes = append(changes, c)
		return err
	}, args...)
	return changes, err
}

func scanChange(rows *sql.Rows) (c users.RunChange, err error) {
	err = rows.Scan(&c.Run, &c.Seq, &c.Phase, &c.SourceID, &c.User, &c.Before, &c.Kind, &c.Reason, notes{&c.Detail},
		&c.Name, &c.Email, document{&c.Fields}, &c.Status, &c.ContentHash, &c.ManagerSourceID,
		&c.InitialState, &c.Outcome, notes{&c.Error}, notes{&c.Effect}, moment{&c.HeardAt}, &c.Joins)
	return c, err
}

// InsertRunChanges implements users.Tx.
func (t *tx) InsertRunChanges(ctx context.Context, changes []users.RunChange) error {
	rows := make([][]any, len(changes))
	for i, c := range changes {
		fields, err := jsonText(c.Fields)
		if err != nil {
			return fmt.Errorf("fields of change %d: %w", c.Seq, err)
		}
		told, err := notesTexts(c.Detail, c.Error, c.Effect)
		if err != nil {
			return fmt.Errorf("notes of change %d: %w", c.Seq, err)
		}
		rows[i] = []any{
			string(c.Run), int64(c.Seq), int64(c.Phase), c.SourceID, string(c.User), c.Before,
			string(c.Kind), c.Reason, told[0], c.Name, c.Email, fields,
			c.Status, c.ContentHash, c.ManagerSourceID, string(c.InitialState), string(c.Outcome), told[1], told[2],
			millis(c.HeardAt), flag(c.Joins),
		}
	}
	_, err := t.conn.execRows(ctx, insertRunChanges, rows)
	return err
}

// UpdateRunChanges implements users.Tx.
func (t *tx) UpdateRunChanges(ctx context.Context, changes []users.RunChange) error {
	rows := make([][]any, len(changes))
	for i, c := range changes {
		told, err := notesTexts(c.Error)
		if err != nil {
			return fmt.Errorf("why change %d failed: %w", c.Seq, err)
		}
		rows[i] = []any{string(c.Run), int64(c.Seq), int64(c.Phase), string(c.Outcome), told[0]}
	}
	_, err := t.conn.execRows(ctx, updateRunChanges, uniqueRows(rows, 2))
	return err
}

// DeleteRunChanges implements users.Tx.
func (t *tx) DeleteRunChanges(ctx context.Context, connection users.ApplicationID, before time.Time, limit int) (int, error) {
	deleted, err := t.conn.exec(ctx, deleteRunChanges, string(connection), millis(before), int64(limit))
	return int(deleted), err
}
