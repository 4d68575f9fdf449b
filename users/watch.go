package users

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// How watched calls are bounded: in number by replica and second, in number by
// application, and in time.
const (
	MaxCallsWaiting = 256
	MaxCallsKept    = 500
	CallsKept       = time.Hour
)

// WatchLife is how long a watch lasts that is renewed: longer than clocks of replicas differ.
const WatchLife = 3 * time.Minute

// LongestWatch bounds a watch that nobody renews.
const LongestWatch = 30 * time.Minute

// WatchLearned is after how long every replica records the calls of an application
// that is watched: each looks once a second.
const WatchLearned = 1500 * time.Millisecond

// Watch has the calls of an application recorded for a while. Beginning to look at what people do leaves an event.
func (d *Directory) Watch(ctx context.Context, actor Actor, application ApplicationID, holder string, life time.Duration) (Watch, error) {
	w := Watch{Application: application, Holder: holder, Until: d.now().Add(min(life, LongestWatch))}
	err := d.store.Update(ctx, func(tx Tx) error {
		if _, err := tx.Application(ctx, application); err != nil {
			return err
		}
		if err := tx.PutWatch(ctx, w); err != nil {
			return err
		}
		return appendEvent(tx, EventApplicationWatched, actor, string(application), nil)
	})
	if err != nil {
		return Watch{}, fmt.Errorf("watch %s: %w", application, err)
	}
	return w, nil
}

// RenewWatch moves the end of a watch by its holder.
func (d *Directory) RenewWatch(ctx context.Context, w Watch, life time.Duration) (Watch, error) {
	w.Until = d.now().Add(min(life, LongestWatch))
	if err := d.store.Update(ctx, func(tx Tx) error { return tx.PutWatch(ctx, w) }); err != nil {
		return Watch{}, fmt.Errorf("watch %s: %w", w.Application, err)
	}
	return w, nil
}

// EndWatch ends a watch. That it has ended already is no error.
func (d *Directory) EndWatch(ctx context.Context, w Watch) error {
	err := d.store.Update(ctx, func(tx Tx) error { return tx.DeleteWatch(ctx, w.Application, w.Holder) })
	if err != nil {
		return fmt.Errorf("end the watch of %s: %w", w.Application, err)
	}
	return nil
}

// ForgetCalls removes the calls that are older than CallsKept, and watches that have ended.
func (d *Directory) ForgetCalls(ctx context.Context) error {
	now := d.now()
	err := d.store.Update(ctx, func(tx Tx) error { return tx.DeleteOldCalls(ctx, now.Add(-CallsKept), now) })
	if err != nil {
		return fmt.Errorf("forget calls: %w", err)
	}
	return nil
}

// RecordCall queues a call at an application that is watched. It never blocks;
// what is too much for a second is only counted.
func (d *Directory) RecordCall(c Call) {
	if c.At.IsZero() {
		c.At = d.now()
	}
	c.At = c.At.UTC().Truncate(time.Millisecond)
	o := d.observations
	o.mu.Lock()
	defer o.mu.Unlock()
	c.ID = o.callID()
	if len(o.calls) >= MaxCallsWaiting {
		n := 1
		if c.Reason == CallsLeftOut {
			n, _ = strconv.Atoi(c.Facts[FactCount]) // ours
		}
		o.leftOut[c.Application] += n
		return
	}
	o.calls = append(o.calls, c)
}

// callID returns a new id that sorts behind those before it, so that calls of
// one instant keep their order. o.mu is held.
func (o *observations) callID() string {
	o.recorded++
	return fmt.Sprintf("%016x-%s", o.recorded, NewID())
}

// takeCalls empties the queue of calls. o.mu is held.
func (o *observations) takeCalls(now time.Time) []Call {
	calls := o.calls
	for application, n := range o.leftOut {
		calls = append(calls, Call{
			ID: o.callID(), Application: application, At: now.UTC().Truncate(time.Millisecond), Outcome: CallFailed,
			Reason: CallsLeftOut, Facts: map[string]string{FactCount: strconv.Itoa(n)}, Stray: true,
		})
	}
	o.calls = nil
	clear(o.leftOut)
	return calls
}

// giveBack queues calls again that could not be written. o.mu is held.
func (o *observations) giveBack(calls []Call) {
	all := append(calls, o.calls...)
	for _, c := range all[min(len(all), MaxCallsWaiting):] {
		o.leftOut[c.Application]++
	}
	o.calls = all[:min(len(all), MaxCallsWaiting)]
}

// putCalls writes calls and keeps the number of each application bounded.
func putCalls(ctx context.Context, tx Tx, calls []Call) error {
	if len(calls) == 0 {
		return nil
	}
	if err := tx.PutCalls(ctx, calls); err != nil {
		return err
	}
	seen := map[ApplicationID]bool{}
	for _, c := range calls {
		if seen[c.Application] {
			continue
		}
		seen[c.Application] = true
		if err := tx.TrimCalls(ctx, c.Application, MaxCallsKept); err != nil {
			return err
		}
	}
	return nil
}
