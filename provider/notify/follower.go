package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/einlass/einlass/users"
)

// ErrGone is returned by a Handler when a delivery will never arrive, such as
// when its target has been unregistered: it is given up at once.
var ErrGone = errors.New("the target is gone")

// directory is the part of the directory that a follower needs.
type directory interface {
	Read() users.Reader
	AcquireFollowerLease(ctx context.Context, follower, holder string) (users.Lease, error)
	RenewFollowerLease(ctx context.Context, lease users.Lease) (users.Lease, error)
	ReleaseLease(ctx context.Context, lease users.Lease) error
	Advance(ctx context.Context, lease users.Lease, follower string, seq int64, deliveries []users.Delivery) error
	FinishDelivery(ctx context.Context, lease users.Lease, done users.Delivery, subject string) error
	PostponeDelivery(ctx context.Context, lease users.Lease, again users.Delivery) error
}

// Handler says what events cause and delivers it.
type Handler interface {
	// Targets returns who has to be reached because of e. It is asked again about
	// the same event when the process dies before the answer is written.
	Targets(ctx context.Context, e users.Event) ([]string, error)
	// Deliver makes one attempt to reach target because of e, within the time of ctx.
	Deliver(ctx context.Context, e users.Event, target string) error
}

// Config is what a Follower needs. Name, Directory, Handler and Holder are required.
type Config struct {
	Name      string // of its cursor, deliveries and lease
	Directory directory
	Handler   Handler
	Holder    string           // names this process in the lease
	Timeout   time.Duration    // of one attempt; zero means 5 seconds
	Wake      <-chan struct{}  // receives after commits of this process; nil: the log is looked at each second
	Now       func() time.Time // nil means time.Now
	Logger    *slog.Logger     // nil discards
}

// Follower follows the log for one handler.
type Follower struct {
	cfg  Config
	log  *slog.Logger
	slot chan struct{} // one for each attempt under way
	done chan struct{} // receives when attempts end, so that the next begin

	mu   sync.Mutex // guards busy
	busy map[key]bool
}

// key names a delivery of this follower.
type key struct {
	event  int64
	target string
}

// Bounds of a follower.
const (
	pageEvents = 500
	pollEvery  = time.Second
	renewEvery = users.FollowerLease / 3
	workers    = 16
	// perTarget is how many attempts run at once for one target: one that does
	// not answer holds up its own deliveries only.
	perTarget = 2
)

// New returns a Follower, to be started by Run.
func New(cfg Config) (*Follower, error) {
	if cfg.Name == "" || cfg.Directory == nil || cfg.Handler == nil || cfg.Holder == "" {
		return nil, errors.New("notify: name, directory, handler and holder are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = attemptTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Follower{
		cfg:  cfg,
		log:  cfg.Logger.With("follower", cfg.Name),
		slot: make(chan struct{}, workers),
		done: make(chan struct{}, 1),
		busy: map[key]bool{},
	}, nil
}

// Run follows the log until ctx ends, whenever this process has the lease.
// Attempts under way are then finished. It returns nil.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		lease, err := f.cfg.Directory.AcquireFollowerLease(ctx, f.cfg.Name, f.cfg.Holder)
		switch {
		case err == nil:
			f.lead(ctx, lease)
		case !errors.Is(err, users.ErrLeaseHeld) && ctx.Err() == nil:
			f.log.WarnContext(ctx, "lease not acquired; trying again", "error", err)
		}
		pause(ctx, pollEvery)
	}
	return nil
}

// lead works while this process has the lease, and waits for its attempts, for
// which it keeps the lease: another process would make them again.
func (f *Follower) lead(ctx context.Context, lease users.Lease) {
	held, giveUp := context.WithCancel(ctx)
	defer giveUp()
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { f.renew(renewing, giveUp, lease) })
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var attempts sync.WaitGroup
	for held.Err() == nil {
		more, err := f.work(held, lease, &attempts)
		if errors.Is(err, users.ErrLeaseLost) {
			giveUp()
		} else if err != nil && held.Err() == nil {
			f.log.WarnContext(ctx, "log not followed; trying again", "error", err)
		}
		if more {
			continue
		}
		select {
		case <-held.Done():
		case <-ticker.C:
		case <-f.cfg.Wake:
		case <-f.done:
		}
	}
	if ctx.Err() == nil {
		f.log.WarnContext(ctx, "lease lost; whoever has it follows the log")
	}
	attempts.Wait()
	stop()
	helpers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	if err := f.cfg.Directory.ReleaseLease(last, lease); err != nil {
		f.log.WarnContext(ctx, "lease not released; it ends by itself", "error", err)
	}
}

// renew moves the end of the lease while ctx lives. A database that does not
// answer is no reason to stop: writing under a lost lease fails by itself.
func (f *Follower) renew(ctx context.Context, giveUp context.CancelFunc, lease users.Lease) {
	for pause(ctx, renewEvery) {
		_, err := f.cfg.Directory.RenewFollowerLease(ctx, lease)
		if errors.Is(err, users.ErrLeaseLost) {
			giveUp()
			return
		}
		if err != nil && ctx.Err() == nil {
			f.log.WarnContext(ctx, "lease not renewed", "error", err)
		}
	}
}

// work takes one look at the log and at what is due. It reports whether there
// is more to read.
func (f *Follower) work(ctx context.Context, lease users.Lease, attempts *sync.WaitGroup) (more bool, err error) {
	more, err = f.read(ctx, lease)
	return more && err == nil, errors.Join(err, f.deliver(ctx, lease, attempts))
}

// read takes the next page of the log and notes what it causes.
func (f *Follower) read(ctx context.Context, lease users.Lease) (more bool, err error) {
	cursor, err := f.cfg.Directory.Read().Cursor(ctx, f.cfg.Name)
	if err != nil {
		return false, err
	}
	events, err := f.cfg.Directory.Read().Events(ctx, cursor, pageEvents)
	if err != nil || len(events) == 0 {
		return false, err
	}
	var caused []users.Delivery
	for _, e := range events {
		targets, err := f.cfg.Handler.Targets(ctx, e)
		if err != nil {
			return false, fmt.Errorf("event %d: %w", e.Seq, err)
		}
		for _, target := range targets {
			caused = append(caused, users.Delivery{
				Follower: f.cfg.Name, Event: e.Seq, Target: target, NextAt: f.cfg.Now(), State: users.DeliveryPending,
			})
		}
	}
	err = f.cfg.Directory.Advance(ctx, lease, f.cfg.Name, events[len(events)-1].Seq, caused)
	return len(events) == pageEvents, err
}

// pause waits for d and reports whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
