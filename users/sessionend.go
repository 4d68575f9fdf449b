package users

import (
	"context"
	"fmt"
)

// SessionEnd is the payload of EventSessionEnded: which session, and the
// applications that took part in it and have to be told.
type SessionEnd struct {
	SID          string          `json:"sid"`
	Applications []ApplicationID `json:"applications,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	IP           string          `json:"ip,omitempty"`
	Request      string          `json:"request_id,omitempty"`
}

// RecordSessionEnds writes that sessions of a person end. It comes before the
// sessions are deleted: whoever follows the log then tells their applications at
// least once, whatever happens in between.
func (d *Directory) RecordSessionEnds(ctx context.Context, actor Actor, id ID, ends []SessionEnd) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		for _, end := range ends {
			if err := appendEvent(tx, EventSessionEnded, actor, string(id), end); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end sessions of %s: %w", id, err)
	}
	return nil
}

// AccessCleaned is the payload of EventAccessCleaned.
type AccessCleaned struct {
	Event    int64 `json:"event"`    // number of the suspension's event
	Sessions int   `json:"sessions"` // ended just now
}

// RecordAccessCleaned writes that the sessions which the suspension e killed are
// gone from the store, whatever their number. It is repeated where a process died in between.
func (d *Directory) RecordAccessCleaned(ctx context.Context, e Event, sessions int) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		return appendEvent(tx, EventAccessCleaned, ActorSystem, e.Subject, AccessCleaned{Event: e.Seq, Sessions: sessions})
	})
	if err != nil {
		return fmt.Errorf("access of %s cleaned: %w", e.Subject, err)
	}
	return nil
}
