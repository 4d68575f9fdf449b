package personio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/einlass/einlass/users"
)

// slowDirectory takes work when it is let.
type slowDirectory struct {
	users.Reader // nil: nothing is read
	open         chan struct{}

	mu      sync.Mutex // guards written
	written [][]users.Work
}

func (d *slowDirectory) note(ctx context.Context, work ...users.Work) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-d.open:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written = append(d.written, work)
	return nil
}

func personWork(id int) []users.Work {
	return []users.Work{{Kind: users.WorkPerson, Connection: "personio", Subject: fmt.Sprint(id)}}
}

// startQueue runs a queue on a directory that takes nothing until open is closed.
func startQueue(t *testing.T) (*workQueue, *slowDirectory, func()) {
	d := &slowDirectory{open: make(chan struct{})}
	q := newWorkQueue(d.note)
	ctx, stop := context.WithCancel(t.Context())
	go q.run(ctx)
	return q, d, stop
}

// N248: beyond the queue a delivery is refused at once, and those that wait are kept.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d, stop := startQueue(t)
		defer stop()
		answers := make(chan error, 2*maxWaiting)
		add := func(id int) { go func() { answers <- q.add(t.Context(), personWork(id)) }() }
		add(0)
		synctest.Wait() // it is being written, which takes for ever
		for id := range maxWaiting {
			add(id + 1)
		}
		synctest.Wait()
		if len(answers) != 0 {
			t.Fatalf("%d were answered before anything was written", len(answers))
		}
		if err := q.add(t.Context(), personWork(0)); !errors.Is(err, errQueueFull) {
			t.Fatalf("one too many: %v, want errQueueFull", err)
		}
		close(d.open)
		for range maxWaiting + 1 {
			if err := <-answers; err != nil {
				t.Fatalf("one that waited: %v", err)
			}
		}
		if len(d.written) != 2 || len(d.written[0]) != 1 || len(d.written[1]) != maxWaiting {
			t.Errorf("%d transactions, want one of 1 and one of %d rows", len(d.written), maxWaiting)
		}
		if err := q.add(t.Context(), personWork(1)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// N248: few deliveries about very many people do not fill the memory either.
func TestQueueBoundsWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d, stop := startQueue(t)
		defer stop()
		go func() { _ = q.add(t.Context(), personWork(0)) }() // answered when the test is over
		synctest.Wait()
		refused := 0
		for delivery := range 2*maxWaitingWork/maxDeliveryPeople + 1 {
			var work []users.Work
			for i := range maxDeliveryPeople {
				work = append(work, personWork(delivery*maxDeliveryPeople+i+1)...)
			}
			if _, err := q.join(work); errors.Is(err, errQueueFull) {
				refused++
			}
		}
		if refused != maxWaitingWork/maxDeliveryPeople+1 || len(q.next.work) != maxWaitingWork {
			t.Errorf("%d refused, %d wait", refused, len(q.next.work))
		}
		close(d.open)
	})
}

// B-08: while the database does not answer, Personio gets an error before it gives up, and tries again.
func TestQueueGivesUpInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, _, stop := startQueue(t)
		defer stop()
		started := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), deliveryPatience)
		defer cancel()
		if err := q.add(ctx, personWork(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want a deadline", err)
		}
		if took := time.Since(started); took >= 3*time.Second {
			t.Errorf("answered after %s, later than Personio waits", took)
		}
	})
}

// B-08: the first delivery waits for nobody; what comes within 20 ms of it is one transaction.
func TestQueueWritesTheFirstAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d, stop := startQueue(t)
		defer stop()
		close(d.open)
		started := time.Now()
		if err := q.add(t.Context(), personWork(1)); err != nil || time.Since(started) != 0 {
			t.Errorf("the first after %s, %v", time.Since(started), err)
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if err := q.add(t.Context(), personWork(i%3)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(started); took != flushEvery {
			t.Errorf("the others after %s, want %s", took, flushEvery)
		}
		if len(d.written) != 2 || len(d.written[1]) != 3 {
			t.Errorf("transactions %v", d.written)
		}
	})
}

// Who waits when the server stops is answered by what is written last.
func TestQueueWritesWhatWaitsAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d, stop := startQueue(t)
		close(d.open)
		if err := q.add(t.Context(), personWork(1)); err != nil {
			t.Fatal(err)
		}
		late, err := q.join(personWork(2))
		if err != nil {
			t.Fatal(err)
		}
		stop()
		<-late.done
		if late.err != nil || len(d.written) != 2 {
			t.Errorf("%d transactions, %v", len(d.written), late.err)
		}
	})
}

// A transaction that fails is an error to everybody who waited for it, and to nobody else.
func TestQueueReportsFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk full")
		failing := true
		q := newWorkQueue(func(context.Context, ...users.Work) error {
			if failing {
				return broken
			}
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go q.run(ctx)
		if err := q.add(t.Context(), personWork(1)); !errors.Is(err, broken) {
			t.Errorf("%v, want the failure", err)
		}
		failing = false
		if err := q.add(t.Context(), personWork(1)); err != nil {
			t.Errorf("tried again: %v", err)
		}
	})
}
