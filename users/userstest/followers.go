package userstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var followerPromises = []promise{
	{"a cursor begins at 0 and never moves back", cursorMoves},
	{"a transaction that fails moves no cursor and delivers nothing", cursorAndDeliveries},
	{"a lost lease stops a follower", followerLosesLease},
	{"a delivery is due from its time on, until it has failed or arrived", deliveriesDue},
	{"a target with many deliveries does not hide the others", deliveriesPerTarget},
	{"a delivery written twice is there once", deliveryOnce},
	{"more deliveries than one statement takes go into one transaction", manyDeliveries},
}

const follower = "logout"

func delivery(event int64, target string) users.Delivery {
	return users.Delivery{Follower: follower, Event: event, Target: target, NextAt: noon, State: users.DeliveryPending}
}

func putDeliveries(t *testing.T, s users.Store, all ...users.Delivery) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.PutDeliveries(t.Context(), all) })
}

func due(t *testing.T, s users.Store, now time.Time, perTarget, limit int) []users.Delivery {
	t.Helper()
	all, err := s.DueDeliveries(t.Context(), follower, now, perTarget, limit)
	ok(t, "DueDeliveries", err)
	return all
}

func wantCursor(t *testing.T, s users.Store, want int64) {
	t.Helper()
	got, err := s.Cursor(t.Context(), follower)
	ok(t, "Cursor", err)
	if got != want {
		t.Errorf("cursor at %d, want %d", got, want)
	}
}

func cursorMoves(t *testing.T, s users.Store) {
	wantCursor(t, s, 0)
	for _, seq := range []int64{7, 12, 9} {
		update(t, s, func(tx users.Tx) error { return tx.MoveCursor(t.Context(), follower, seq) })
	}
	wantCursor(t, s, 12)
	other, err := s.Cursor(t.Context(), "mail")
	ok(t, "Cursor of another follower", err)
	same(t, "cursor of another follower", other, int64(0))
}

func cursorAndDeliveries(t *testing.T, s users.Store) {
	err := s.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.PutDeliveries(t.Context(), []users.Delivery{delivery(3, "wiki")}); err != nil {
			return err
		}
		if err := tx.MoveCursor(t.Context(), follower, 3); err != nil {
			return err
		}
		return users.ErrStale
	})
	refused(t, "Update", err, users.ErrStale)
	wantCursor(t, s, 0)
	same(t, "deliveries", due(t, s, noon, 10, 10), []users.Delivery{})
}

func followerLosesLease(t *testing.T, s users.Store) {
	old, err := s.AcquireLease(t.Context(), "follower:logout", "a", noon, life)
	ok(t, "AcquireLease", err)
	_, err = s.AcquireLease(t.Context(), "follower:logout", "b", noon.Add(life), life)
	ok(t, "AcquireLease by the next", err)
	err = s.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.HoldLease(t.Context(), old, noon.Add(2*life)); err != nil {
			return err
		}
		return tx.MoveCursor(t.Context(), follower, 5)
	})
	refused(t, "moving the cursor under the lost lease", err, users.ErrLeaseLost)
	wantCursor(t, s, 0)
}

func deliveriesDue(t *testing.T, s users.Store) {
	first, later := delivery(1, "wiki"), delivery(2, "vault")
	later.NextAt = noon.Add(time.Second)
	foreign := delivery(1, "wiki")
	foreign.Follower = "mail"
	putDeliveries(t, s, later, first, foreign)
	same(t, "due before its time", due(t, s, noon.Add(-time.Millisecond), 10, 10), []users.Delivery{})
	same(t, "due at its time", due(t, s, noon, 10, 10), []users.Delivery{first})
	same(t, "due later, most overdue first", due(t, s, noon.Add(time.Second), 10, 10), []users.Delivery{first, later})

	first.Attempt, first.LastError, first.NextAt = 1, "status 500", noon.Add(time.Minute)
	putDeliveries(t, s, first)
	same(t, "due after the first was postponed", due(t, s, noon.Add(time.Second), 10, 10), []users.Delivery{later})
	same(t, "due at its next time", due(t, s, noon.Add(time.Minute), 10, 10), []users.Delivery{later, first})

	first.State = users.DeliveryFailed
	putDeliveries(t, s, first)
	update(t, s, func(tx users.Tx) error { return tx.DeleteDeliveries(t.Context(), []users.Delivery{later}) })
	same(t, "due after one failed and one arrived", due(t, s, noon.Add(time.Hour), 10, 10), []users.Delivery{})
	of, err := s.DeliveriesOf(t.Context(), follower, 1)
	ok(t, "DeliveriesOf", err)
	same(t, "deliveries of event 1", of, []users.Delivery{first})
	counts, err := s.CountDeliveries(t.Context(), follower)
	ok(t, "CountDeliveries", err)
	same(t, "counts", counts, map[users.DeliveryState]int{users.DeliveryFailed: 1})
}

func deliveriesPerTarget(t *testing.T, s users.Store) {
	var all []users.Delivery
	for i := range 30 {
		all = append(all, delivery(int64(i+1), "dead"))
	}
	healthy := delivery(99, "healthy")
	healthy.NextAt = noon.Add(time.Millisecond) // the least overdue
	putDeliveries(t, s, append(all, healthy)...)
	same(t, "two of each target", due(t, s, noon.Add(time.Second), 2, 10), []users.Delivery{all[0], all[1], healthy})
	same(t, "two of each target, at most one", due(t, s, noon.Add(time.Second), 2, 1), []users.Delivery{all[0]})
}

func deliveryOnce(t *testing.T, s users.Store) {
	twice := delivery(1, "wiki")
	twice.Attempt = 3
	putDeliveries(t, s, delivery(1, "wiki"), twice)
	putDeliveries(t, s, twice)
	same(t, "deliveries", due(t, s, noon, 10, 10), []users.Delivery{twice})
}

func manyDeliveries(t *testing.T, s users.Store) {
	var all []users.Delivery
	for i := range 120 {
		all = append(all, delivery(1, fmt.Sprintf("application-%03d", i)))
	}
	putDeliveries(t, s, all...)
	of, err := s.DeliveriesOf(t.Context(), follower, 1)
	ok(t, "DeliveriesOf", err)
	same(t, "deliveries", of, all)
	update(t, s, func(tx users.Tx) error { return tx.DeleteDeliveries(t.Context(), all) })
	same(t, "deliveries after deleting", due(t, s, noon, 1, 500), []users.Delivery{})
}
