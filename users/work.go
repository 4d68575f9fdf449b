package users

import (
	"context"
	"fmt"
	"time"
)

// WorkKind is what has to be done.
type WorkKind string

// The kinds.
const (
	WorkPerson WorkKind = "person" // read one person of a source again
	WorkDelta  WorkKind = "delta"  // read what has changed at a source
	WorkFull   WorkKind = "full"   // the scheduled import
	WorkWindow WorkKind = "window" // a person's access window opens or closes
)

// Work is something to do from a time on. There is one for each kind, connection
// and subject, however often it was noted.
type Work struct {
	Kind       WorkKind
	Connection ApplicationID // empty for WorkWindow
	Subject    string        // source id for WorkPerson, user id for WorkWindow, else empty
	Due        time.Time     // zero: at once
	Noted      time.Time     // when it was first heard of
	Generation int64         // another one each time it is noted, so that what comes while it is done is not lost
	Attempts   int           // made in vain so far
}

// NoteWork says what has to be done, in one transaction. Work without Noted was heard of now.
func (d *Directory) NoteWork(ctx context.Context, work ...Work) error {
	if len(work) == 0 {
		return nil
	}
	noted := make([]Work, len(work))
	for i, w := range work {
		if w.Noted.IsZero() {
			w.Noted = d.now()
		}
		if w.Due.IsZero() {
			w.Due = w.Noted
		}
		noted[i] = w
	}
	if err := d.store.Update(ctx, func(tx Tx) error { return tx.PutWork(ctx, noted) }); err != nil {
		return fmt.Errorf("note work: %w", err)
	}
	return nil
}
