package personio

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/einlass/einlass/users"
)

// Bounds of the queue. Deliveries wait together for one transaction.
const (
	flushEvery     = 20 * time.Millisecond
	flushTimeout   = 2 * time.Second
	maxWaiting     = 1000 // deliveries
	maxWaitingWork = 2000 // different things to do
)

// errQueueFull: more deliveries wait than the database takes.
var errQueueFull = errors.New("too many webhook deliveries wait")

// workQueue writes what many deliveries ask for in one transaction at a time.
type workQueue struct {
	note func(ctx context.Context, work ...users.Work) error
	wake chan struct{} // receives when somebody waits

	mu   sync.Mutex // guards next
	next *batch
}

// batch is what one transaction writes, and who waits for it.
type batch struct {
	work    map[workKey]users.Work
	waiting int
	done    chan struct{} // closed when err is known
	err     error
}

// workKey is what two requests for the same have in common.
type workKey struct {
	kind       users.WorkKind
	connection users.ApplicationID
	subject    string
}

func newWorkQueue(note func(ctx context.Context, work ...users.Work) error) *workQueue {
	return &workQueue{note: note, wake: make(chan struct{}, 1), next: newBatch()}
}

func newBatch() *batch { return &batch{work: map[workKey]users.Work{}, done: make(chan struct{})} }

// add returns when work is in the database, or why it may not be. It returns
// errQueueFull at once when too many wait.
func (q *workQueue) add(ctx context.Context, work []users.Work) error {
	b, err := q.join(work)
	if err != nil {
		return err
	}
	select {
	case q.wake <- struct{}{}:
	default: // somebody has said so
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join adds work to the batch that is written next.
func (q *workQueue) join(work []users.Work) (*batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.next
	if b.waiting >= maxWaiting || len(b.work)+len(work) > maxWaitingWork {
		return nil, errQueueFull
	}
	b.waiting++
	for _, w := range work {
		key := workKey{w.Kind, w.Connection, w.Subject}
		if _, found := b.work[key]; !found { // the first was heard of first
			b.work[key] = w
		}
	}
	return b, nil
}

// run writes batches until ctx ends, and what waits then.
func (q *workQueue) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			q.flush(ctx)
			return
		case <-q.wake:
		}
		q.flush(ctx)
		pause := time.NewTimer(flushEvery) // while the next batch fills
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// flush writes the batch that waits. It is finished although ctx ends: those who
// wait for it are about to be answered.
func (q *workQueue) flush(ctx context.Context) {
	q.mu.Lock()
	b := q.next
	q.next = newBatch()
	q.mu.Unlock()
	if b.waiting == 0 {
		return
	}
	work := make([]users.Work, 0, len(b.work))
	for _, w := range b.work {
		work = append(work, w)
	}
	// In one order, so that two replicas with the same people do not wait for each other.
	slices.SortFunc(work, compareWork)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	b.err = q.note(ctx, work...)
	close(b.done)
}

func compareWork(a, b users.Work) int {
	return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
}
