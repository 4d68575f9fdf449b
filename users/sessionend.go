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
