package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

const name = "test"

// world is a directory with a clock that the test moves.
type world struct {
	t         *testing.T
	store     users.Store
	directory *users.Directory
	wake      chan struct{}

	mu  sync.Mutex // guards what follows
	now time.Time
	log strings.Builder
}

// Write adds to the process log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logs(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(w.log.String(), text)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	sealer, err := keys.CreateMasterKey(t.TempDir() + "/master.key")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: userstest.SQLite(t), wake: make(chan struct{}), now: time.Now().UTC().Truncate(time.Second)}
	w.directory, err = users.New(users.Config{Store: w.store, Sealer: sealer, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// follow starts a follower and returns how to stop it.
func (w *world) follow(holder string, h notify.Handler) (stop func()) {
	w.t.Helper()
	f, err := notify.New(notify.Config{
		Name: name, Directory: w.directory, Handler: h, Holder: holder, Wake: w.wake, Now: w.Now,
		Logger: slog.New(slog.NewTextHandler(w, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = f.Run(ctx) }) // returns nil
	stop = func() {
		cancel()
		done.Wait()
	}
	w.t.Cleanup(stop)
	return stop
}

// look makes a follower that leads look at the log, and waits until it has: it
// takes the second signal only after the first look.
func (w *world) look() {
	w.wake <- struct{}{}
	w.wake <- struct{}{}
}

// happen adds an event that concerns the targets in its subject.
func (w *world) happen(subject string) {
	w.t.Helper()
	if err := w.directory.RecordSessionEnds(w.t.Context(), users.ActorSystem, users.ID(subject), []users.SessionEnd{{SID: "s"}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) counts() map[users.DeliveryState]int {
	w.t.Helper()
	counts, err := w.directory.Read().CountDeliveries(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return counts
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	deadline, again := time.After(2*time.Minute), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			w.t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// recorder notes attempts and answers as the test says.
type recorder struct {
	targets func(e users.Event) []string
	deliver func(ctx context.Context, target string) error

	mu       sync.Mutex // guards attempts
	attempts map[string]int
}

func (r *recorder) Targets(_ context.Context, e users.Event) ([]string, error) {
	if e.Kind != users.EventSessionEnded {
		return nil, nil
	}
	return r.targets(e), nil
}

func (r *recorder) Deliver(ctx context.Context, e users.Event, target string) error {
	r.mu.Lock()
	if r.attempts == nil {
		r.attempts = map[string]int{}
	}
	r.attempts[fmt.Sprint(e.Seq, " ", target)]++
	r.mu.Unlock()
	return r.deliver(ctx, target)
}

func (r *recorder) made() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	made := map[string]int{}
	for k, n := range r.attempts {
		made[k] = n
	}
	return made
}

func one(target string) func(users.Event) []string {
	return func(users.Event) []string { return []string{target} }
}

func TestADeliveryIsTriedTenTimesWithinADayAndThenGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := &recorder{targets: one("dead"), deliver: func(context.Context, string) error { return errors.New("connection refused") }}
	w.happen("ada")
	start := w.Now()
	w.follow("a", r)
	tried := func() int { return r.made()["1 dead"] }
	for attempt := 1; attempt <= 10; attempt++ {
		w.eventually(fmt.Sprintf("attempt %d", attempt), func() bool { return tried() == attempt })
		if attempt == 10 {
			break
		}
		var waiting []users.Delivery
		w.eventually("it is postponed", func() bool {
			waiting, _ = w.directory.Read().DeliveriesOf(t.Context(), name, 1)
			return len(waiting) == 1 && waiting[0].Attempt == attempt
		})
		w.advance(waiting[0].NextAt.Sub(w.Now()) - time.Millisecond)
		w.look()
		if tried() != attempt {
			t.Fatalf("attempt %d came before its time", attempt+1)
		}
		w.advance(time.Millisecond)
		w.look()
	}
	w.eventually("it is given up", func() bool { return w.counts()[users.DeliveryFailed] == 1 })
	if took := w.Now().Sub(start); took < 12*time.Hour || took > 30*time.Hour {
		t.Errorf("given up after %s, want about a day", took)
	}
	events, err := w.directory.Read().EventsAbout(t.Context(), "ada", 5)
	if err != nil || events[0].Kind != users.EventDeliveryFailed {
		t.Errorf("newest event %+v, %v; want that it was given up", events[0], err)
	}
}

// A target that never answers holds up its own deliveries only.
func TestADeadTargetDoesNotDelayTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	over := make(chan struct{})
	defer close(over)
	r := &recorder{
		targets: func(users.Event) []string { return []string{"dead", "healthy"} },
		deliver: func(_ context.Context, target string) error {
			if target == "dead" {
				<-over
			}
			return nil
		},
	}
	const people = 60
	for i := range people {
		w.happen(fmt.Sprint("person", i))
	}
	w.follow("a", r)
	w.eventually("the healthy target has everything", func() bool {
		made := r.made()
		for i := range people {
			if made[fmt.Sprint(i+1, " healthy")] == 0 {
				return false
			}
		}
		return true
	})
	for k, n := range r.made() {
		if n != 1 {
			t.Errorf("%s: %d attempts, want 1", k, n)
		}
	}
}

// Of two processes one follows; when it is gone the other takes over, and
// nothing is lost or delivered twice.
func TestTheNextProcessTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := &recorder{targets: one("wiki"), deliver: func(context.Context, string) error { return nil }}
	second := &recorder{targets: one("wiki"), deliver: func(context.Context, string) error { return nil }}
	w.happen("ada")
	stop := w.follow("a", first)
	w.eventually("the first delivers", func() bool { return first.made()["1 wiki"] == 1 && len(w.counts()) == 0 })
	w.follow("b", second)
	w.happen("bob")
	w.eventually("the first delivers again", func() bool { return len(first.made()) == 2 && len(w.counts()) == 0 })
	if len(second.made()) != 0 {
		t.Errorf("the second delivered %v while the first has the lease", second.made())
	}
	stop()
	w.happen("eve")
	w.eventually("the second takes over", func() bool { return len(second.made()) == 1 && len(w.counts()) == 0 })
	if n := len(first.made()); n != 2 {
		t.Errorf("the first delivered %d, want 2", n)
	}
}

// Who looks into why nothing is delivered finds that somebody else has to.
func TestALostLeaseIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := &recorder{targets: one("wiki"), deliver: func(context.Context, string) error { return nil }}
	w.happen("ada")
	stop := w.follow("a", r)
	w.eventually("it leads", func() bool { return len(r.made()) == 1 && len(w.counts()) == 0 })
	w.eventually("another process takes the lease", func() bool { // each look of the first moves its end
		w.advance(users.FollowerLease)
		_, err := w.directory.AcquireFollowerLease(t.Context(), name, "b")
		return err == nil
	})
	w.happen("bob")
	w.eventually("the loss is logged", func() bool { return w.logs("lease lost") })
	stop()
	if n := len(r.made()); n != 1 {
		t.Errorf("%d deliveries, want 1 from before", n)
	}
	if w.logs("level=WARN msg=\"log not followed") {
		t.Error("the loss is reported as a failure of the log, too")
	}
}

// A process that was suspended so long that it lost the lease cannot write.
func TestAProcessWithoutTheLeaseMovesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, err := w.directory.AcquireFollowerLease(t.Context(), name, "a")
	if err != nil {
		t.Fatal(err)
	}
	w.advance(users.FollowerLease)
	if _, err := w.directory.AcquireFollowerLease(t.Context(), name, "b"); err != nil {
		t.Fatal(err)
	}
	d := users.Delivery{Follower: name, Event: 1, Target: "wiki", State: users.DeliveryPending}
	for what, err := range map[string]error{
		"advance":  w.directory.Advance(t.Context(), old, name, 9, []users.Delivery{d}),
		"finish":   w.directory.FinishDelivery(t.Context(), old, d, "ada"),
		"postpone": w.directory.PostponeDelivery(t.Context(), old, d),
	} {
		if !errors.Is(err, users.ErrLeaseLost) {
			t.Errorf("%s: %v, want ErrLeaseLost", what, err)
		}
	}
	if cursor, err := w.directory.Read().Cursor(t.Context(), name); err != nil || cursor != 0 || len(w.counts()) != 0 {
		t.Errorf("cursor %d, %v, deliveries %v", cursor, err, w.counts())
	}
}

// What the handler cannot answer now is asked again, and nothing is skipped.
func TestAnEventThatCannotBeHandledIsNotSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.happen("ada")
	f := &failing{recorder: recorder{targets: one("wiki"), deliver: func(context.Context, string) error { return nil }}, failures: 2}
	w.follow("a", f)
	w.eventually("it is delivered after all", func() bool { return f.made()["1 wiki"] == 1 })
}

// failing cannot say who has to be reached for the first few times.
type failing struct {
	recorder
	failures int
}

func (f *failing) Targets(ctx context.Context, e users.Event) ([]string, error) {
	if f.failures > 0 {
		f.failures--
		return nil, errors.New("the session store does not answer")
	}
	return f.recorder.Targets(ctx, e)
}
