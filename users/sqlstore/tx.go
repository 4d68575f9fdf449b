package sqlstore

import (
	"context"
	"time"

	"github.com/einlass/einlass/users"
)

var _ users.Tx = (*tx)(nil)

// tx is one transaction.
type tx struct {
	reader
	events []users.Event // written as its last step
	err    error         // of the first statement that failed
	noted  bool          // work was put

	holdRules statement // see engine
	lockUsers batch     // see engine
}

func (t *tx) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// Append implements users.Tx.
func (t *tx) Append(e users.Event) { t.events = append(t.events, e) }

// HoldLease implements users.Tx.
func (t *tx) HoldLease(ctx context.Context, lease users.Lease, until time.Time) error {
	return holdLease(ctx, t.conn, lease, until)
}
