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

// GrantEnd is the payload of EventGrantRevoked: what an application could use while the
// person is away.
type GrantEnd struct {
	Application ApplicationID `json:"application"`
	Family      string        `json:"family"`
	IP          string        `json:"ip,omitempty"`
	Request     string        `json:"request_id,omitempty"`
}

// RecordGrantEnd writes that a person ends what an application could use while they are away. It
// comes before the grant is revoked: nothing ends without a trace, whatever happens in between.
func (d *Directory) RecordGrantEnd(ctx context.Context, actor Actor, id ID, end GrantEnd) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		return appendEvent(tx, EventGrantRevoked, actor, string(id), end)
	})
	if err != nil {
		return fmt.Errorf("end access of %s for %s: %w", end.Application, id, err)
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
