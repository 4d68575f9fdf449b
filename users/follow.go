package users

import (
	"context"
	"fmt"
	"time"
)

// FollowerLease is how long the process that follows the log may be silent
// before another takes over: people who sign out wait for it after a crash.
const FollowerLease = 15 * time.Second

// Followers whose deliveries are evidence.
const (
	FollowerLogout = "logout" // tells applications of the end of sessions
	FollowerMail   = "mail"   // mails people
)

// DeliveryState is what has become of a delivery. What arrived has no row any
// more; that it did is in the event log.
type DeliveryState string

// The states.
const (
	DeliveryPending DeliveryState = "pending" // to be tried at NextAt
	DeliveryFailed  DeliveryState = "failed"  // given up
)

// Delivery is something that has to reach a target because of an event, such
// as the news of a sign-out an application. There is at most one for each
// follower, event and target.
type Delivery struct {
	Follower  string
	Event     int64  // its number in the log
	Target    string // such as an application's id
	Attempt   int    // made so far
	NextAt    time.Time
	State     DeliveryState
	LastError string // of the last attempt; empty: none failed
}

// AcquireFollowerLease takes the right to follow the log as follower, or returns ErrLeaseHeld.
func (d *Directory) AcquireFollowerLease(ctx context.Context, follower, holder string) (Lease, error) {
	return d.store.AcquireLease(ctx, "follower:"+follower, holder, d.now(), FollowerLease)
}

// RenewFollowerLease moves the end of a follower's lease that is still held, else ErrLeaseLost.
func (d *Directory) RenewFollowerLease(ctx context.Context, lease Lease) (Lease, error) {
	return d.store.RenewLease(ctx, lease, d.now().Add(FollowerLease))
}

// Advance notes that follower has seen the log up to the event seq, together
// with what has to be delivered because of it: both or neither.
func (d *Directory) Advance(ctx context.Context, lease Lease, follower string, seq int64, deliveries []Delivery) error {
	err := d.updateHolding(ctx, lease, FollowerLease, func(tx Tx) error {
		if err := tx.PutDeliveries(ctx, deliveries); err != nil {
			return err
		}
		return tx.MoveCursor(ctx, follower, seq)
	})
	if err != nil {
		return fmt.Errorf("follower %s: %w", follower, err)
	}
	return nil
}

// deliveryPayload is the payload of EventDeliveryMade and EventDeliveryFailed.
type deliveryPayload struct {
	Follower string `json:"follower"`
	Target   string `json:"target"`
	Event    int64  `json:"event"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitempty"`
}

// FinishDelivery notes that a delivery about subject has arrived or, if
// d.State is DeliveryFailed, was given up, with an event that proves it.
func (d *Directory) FinishDelivery(ctx context.Context, lease Lease, done Delivery, subject string) error {
	kind := EventDeliveryMade
	if done.State == DeliveryFailed {
		kind = EventDeliveryFailed
	}
	err := d.updateHolding(ctx, lease, FollowerLease, func(tx Tx) error {
		rows := []Delivery{done}
		change := tx.DeleteDeliveries
		if done.State == DeliveryFailed {
			change = tx.PutDeliveries
		}
		if err := change(ctx, rows); err != nil {
			return err
		}
		return appendEvent(tx, kind, ActorSystem, subject, deliveryPayload{
			Follower: done.Follower, Target: done.Target, Event: done.Event, Attempts: done.Attempt, Error: done.LastError,
		})
	})
	if err != nil {
		return fmt.Errorf("finish delivery to %s: %w", done.Target, err)
	}
	return nil
}

// PostponeDelivery notes an attempt that failed, and when the next one is.
func (d *Directory) PostponeDelivery(ctx context.Context, lease Lease, again Delivery) error {
	err := d.updateHolding(ctx, lease, FollowerLease, func(tx Tx) error { return tx.PutDeliveries(ctx, []Delivery{again}) })
	if err != nil {
		return fmt.Errorf("postpone delivery to %s: %w", again.Target, err)
	}
	return nil
}
