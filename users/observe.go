package users

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// MaxObservations is how many observations wait to be written before further
// ones are only counted: a sign-in is never held up by its log line.
const MaxObservations = 4096

const (
	maxAttempts  = 600 // of one kind in a minute and replica
	flushPortion = 200 // events of one transaction: all others who append wait for it
	observeEvery = time.Second
	attemptEvery = time.Minute
	flushTimeout = 5 * time.Second
)

// observations queues what happened without changing the directory.
type observations struct {
	mu       sync.Mutex // guards the fields below
	waiting  []Event
	dropped  int
	attempts map[EventKind]int // that are only counted, per minute
	written  map[EventKind]int // of those that anybody can cause, in this minute
	calls    []Call            // at applications that are watched
	leftOut  map[ApplicationID]int
	recorded uint64 // calls
}

func newObservations() *observations {
	return &observations{attempts: map[EventKind]int{}, written: map[EventKind]int{}, leftOut: map[ApplicationID]int{}}
}

// Observe queues an event that is no change: a sign-in, a denial, a launch. It
// never blocks. Attempts by people we do not know (no subject) are only counted
// and written once a minute, and so are those that are more than 600 a minute of what
// anybody can cause: a flood of them neither floods the log, which is never
// cut, nor takes the place of a sign-in in the queue.
func (d *Directory) Observe(e Event) {
	if e.At.IsZero() {
		e.At = d.now()
	}
	d.observed(e)
	o := d.observations
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case e.Subject == "" || o.written[e.Kind] >= maxAttempts:
		o.attempts[e.Kind]++
	case len(o.waiting) >= MaxObservations:
		o.dropped++
	default:
		if isAttempt(e.Kind) {
			o.written[e.Kind]++
		}
		o.waiting = append(o.waiting, e)
	}
}

// isAttempt reports whether strangers can cause an event, from as many networks
// as they have, so that no throttle of a network bounds it.
func isAttempt(kind EventKind) bool {
	switch kind {
	case EventSignInFailed, EventRequestMismatch, EventClientAuthFailed:
		return true
	}
	return false
}

// Run writes queued observations once a second until ctx ends, and what is left
// then. It returns nil.
func (d *Directory) Run(ctx context.Context) error {
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	counted := d.now()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			d.queueAttempts()
			_ = d.Flush(last) // logged, and the process ends
			return nil
		case <-ticker.C:
			if d.now().Sub(counted) >= attemptEvery {
				counted = d.now()
				d.queueAttempts()
			}
			_ = d.Flush(ctx) // logged, and tried again in a second
		}
	}
}

// queueAttempts turns the counters of the minute into one event each.
func (d *Directory) queueAttempts() {
	o := d.observations
	o.mu.Lock()
	defer o.mu.Unlock()
	for kind, n := range o.attempts {
		e, err := NewEvent(kind, ActorSystem, "unknown", map[string]int{"attempts": n})
		if err != nil {
			continue // a map of one number always marshals
		}
		e.At = d.now()
		o.waiting = append(o.waiting, e)
	}
	clear(o.attempts)
	clear(o.written)
}

// Flush writes what waits, watched calls among it. What fails goes back to the queue.
func (d *Directory) Flush(ctx context.Context) error {
	o := d.observations
	o.mu.Lock()
	events, dropped, calls := o.waiting, o.dropped, o.takeCalls(d.now())
	o.waiting, o.dropped = nil, 0
	o.mu.Unlock()
	if dropped > 0 {
		d.log.WarnContext(ctx, "observations dropped", "count", dropped)
	}
	for len(events) > 0 || len(calls) > 0 {
		n := min(len(events), flushPortion)
		if err := d.write(ctx, events[:n], calls); err != nil {
			d.log.WarnContext(ctx, "observations not written; trying again", "count", len(events), "error", err)
			o.putBack(events, calls)
			return fmt.Errorf("observations: %w", err)
		}
		events, calls = events[n:], nil
	}
	return nil
}

// write writes observations and calls in one transaction.
func (d *Directory) write(ctx context.Context, events []Event, calls []Call) error {
	return d.store.Update(ctx, func(tx Tx) error {
		for _, e := range events {
			tx.Append(e)
		}
		if err := putCalls(ctx, tx, calls); err != nil {
			return err
		}
		return tx.TouchSignIns(ctx, signIns(events))
	})
}

// putBack queues again what could not be written.
func (o *observations) putBack(events []Event, calls []Call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.giveBack(calls)
	keep := max(min(len(events), MaxObservations-len(o.waiting)), 0)
	o.waiting = append(events[:keep:keep], o.waiting...)
	o.dropped += len(events) - keep
}

// signIns returns the last sign-in of each person among events.
func signIns(events []Event) map[ID]time.Time {
	last := map[ID]time.Time{}
	for _, e := range events {
		if e.Kind == EventSignedIn {
			last[ID(e.Subject)] = e.At
		}
	}
	return last
}

// verifyPage is how many events are read at once when the log is checked.
const verifyPage = 1000

// VerifyLog checks the whole event log: numbers without gaps, every event
// unaltered, the last one where the head says. It returns how many events are
// in order, and an error that names the first one that is not.
func (d *Directory) VerifyLog(ctx context.Context) (events int64, err error) {
	return d.WalkLog(ctx, func(Event) {})
}

// WalkLog is VerifyLog, and shows each event that is in order to visit.
func (d *Directory) WalkLog(ctx context.Context, visit func(e Event)) (events int64, err error) {
	headSeq, headHash, err := d.store.EventHead(ctx)
	if err != nil {
		return 0, fmt.Errorf("verify log: %w", err)
	}
	previous, seq := ChainStart(), int64(0)
	for seq < headSeq {
		page, err := d.store.Events(ctx, seq, verifyPage)
		if err != nil {
			return seq, fmt.Errorf("verify log: %w", err)
		}
		if len(page) == 0 {
			return seq, fmt.Errorf("event log broken: event %d is missing", seq+1)
		}
		for _, e := range page {
			if seq == headSeq { // the rest was written while we read
				break
			}
			if e.Seq != seq+1 {
				return seq, fmt.Errorf("event log broken: event %d is missing", seq+1)
			}
			if !e.Verify(previous) {
				return seq, fmt.Errorf("event log broken: event %d was altered", e.Seq)
			}
			seq, previous = e.Seq, e.Hash
			visit(e)
		}
	}
	if string(previous) != string(headHash) {
		return seq, fmt.Errorf("event log broken: its head does not match event %d", seq)
	}
	return seq, nil
}
