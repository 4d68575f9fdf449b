package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"time"

	"github.com/einlass/einlass/users"
)

// A delivery is tried maxAttempts times within about a day: after 5, 20 and 80
// seconds, and then further apart, up to maxWait.
const (
	maxAttempts    = 10
	firstWait      = 5 * time.Second
	maxWait        = 6 * time.Hour
	attemptTimeout = 5 * time.Second
	finishTimeout  = 10 * time.Second
)

// deliver starts attempts for what is due, as far as workers are free. What is
// under way is due, too, and counts against the bound of its target.
func (f *Follower) deliver(ctx context.Context, lease users.Lease, attempts *sync.WaitGroup) error {
	underWay := f.underWay() // before the look: what ends meanwhile may still be in the answer
	due, err := f.cfg.Directory.Read().DueDeliveries(ctx, f.cfg.Name, f.cfg.Now(), perTarget, pageEvents)
	if err != nil {
		return err
	}
	for _, d := range due {
		if underWay[keyOf(d)] {
			continue
		}
		select {
		case f.slot <- struct{}{}:
		default: // all workers are busy; the first that is done wakes us
			return nil
		}
		f.begin(d)
		// An attempt that has begun is finished, also when the process stops.
		attempts.Go(func() {
			defer func() {
				f.end(d)
				<-f.slot
				select {
				case f.done <- struct{}{}:
				default: // somebody has said so
				}
			}()
			f.attempt(context.WithoutCancel(ctx), lease, d)
		})
	}
	return nil
}

func keyOf(d users.Delivery) key { return key{d.Event, d.Target} }

// underWay returns which deliveries are being attempted.
func (f *Follower) underWay() map[key]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.busy)
}

func (f *Follower) begin(d users.Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy[keyOf(d)] = true
}

func (f *Follower) end(d users.Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, keyOf(d))
}

// attempt tries one delivery and notes what became of it. A note that cannot be
// written leaves the delivery due.
func (f *Follower) attempt(ctx context.Context, lease users.Lease, d users.Delivery) {
	e, err := f.event(ctx, d.Event)
	if err == nil {
		err = f.try(ctx, e, d.Target)
	}
	d.Attempt++
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	log := f.log.With("event", d.Event, "target", d.Target, "attempt", d.Attempt)
	var noteErr error
	switch {
	case err == nil:
		log.InfoContext(ctx, "delivered")
		d.LastError = ""
		noteErr = f.cfg.Directory.FinishDelivery(ctx, lease, d, e.Subject)
	case d.Attempt >= maxAttempts || errors.Is(err, ErrGone):
		log.ErrorContext(ctx, "delivery given up", "error", err)
		d.State, d.LastError = users.DeliveryFailed, err.Error()
		noteErr = f.cfg.Directory.FinishDelivery(ctx, lease, d, e.Subject)
	default:
		d.NextAt, d.LastError = f.cfg.Now().Add(waitAfter(d.Attempt)), err.Error()
		log.WarnContext(ctx, "delivery failed; trying again", "next_at", d.NextAt, "error", err)
		noteErr = f.cfg.Directory.PostponeDelivery(ctx, lease, d)
	}
	if noteErr != nil {
		log.WarnContext(ctx, "outcome of a delivery not noted", "error", noteErr)
	}
}

func (f *Follower) try(ctx context.Context, e users.Event, target string) error {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Timeout)
	defer cancel()
	return f.cfg.Handler.Deliver(ctx, e, target)
}

// event returns one event of the log.
func (f *Follower) event(ctx context.Context, seq int64) (users.Event, error) {
	events, err := f.cfg.Directory.Read().Events(ctx, seq-1, 1)
	if err != nil {
		return users.Event{}, err
	}
	if len(events) == 0 || events[0].Seq != seq {
		return users.Event{}, fmt.Errorf("%w: event %d is not in the log", ErrGone, seq)
	}
	return events[0], nil
}

// waitAfter returns how long to wait after a number of attempts: four times
// longer each time, and up to a quarter more, so that many that failed together
// do not come back together.
func waitAfter(attempts int) time.Duration {
	wait := firstWait
	for range attempts - 1 {
		wait = min(4*wait, maxWait)
	}
	extra, err := rand.Int(rand.Reader, big.NewInt(int64(wait/4)))
	if err != nil { // never since Go 1.24
		return wait
	}
	return wait + time.Duration(extra.Int64())
}
