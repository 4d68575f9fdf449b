package users_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// seen observes an event without a payload.
func (b bench) seen(kind users.EventKind, subject string) {
	b.t.Helper()
	e, err := users.NewEvent(kind, users.ActorSystem, subject, nil)
	b.must(err)
	b.Observe(e)
}

// Design section 10: strangers neither fill the log, which is never cut, nor crowd sign-ins out of it.
func TestAttemptsOfStrangersAreBounded(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		const flood, limit = 5000, 600
		kinds := []users.EventKind{users.EventSignInFailed, users.EventRequestMismatch, users.EventClientAuthFailed}
		for i := range flood {
			for _, kind := range kinds {
				b.seen(kind, fmt.Sprint("subject-", i))
			}
		}
		for i := range 2 * limit {
			b.seen(users.EventSignedIn, fmt.Sprint("person-", i))
		}
		if events := b.events(users.EventSignedIn); len(events) != 2*limit {
			t.Errorf("%d sign-ins in the log, want all %d that came behind the flood", len(events), 2*limit)
		}
		for _, kind := range kinds {
			if events := b.events(kind); len(events) != limit {
				t.Errorf("%d events %s, want %d", len(events), kind, limit)
			}
		}
		ended, end := context.WithCancel(t.Context())
		end()
		b.must(b.Run(ended)) // closes the minute
		for _, kind := range kinds {
			events := b.events(kind)
			if last := events[len(events)-1]; len(events) != limit+1 || last.Payload != fmt.Sprintf(`{"attempts":%d}`, flood-limit) {
				t.Errorf("%d events %s, the last says %s; want one more, that counts the others", len(events), kind, last.Payload)
			}
			b.seen(kind, "subject-0")
			if events := b.events(kind); events[len(events)-1].Subject != "subject-0" {
				t.Errorf("%s in the next minute: no event of its own", kind)
			}
		}
	})
}

// portions counts the events of each transaction, and fails the one after so many.
type portions struct {
	users.Store
	sizes     *[]int
	failAfter int
}

type countedTx struct {
	users.Tx
	n *int
}

func (c countedTx) Append(e users.Event) {
	*c.n++
	c.Tx.Append(e)
}

func (p portions) Update(ctx context.Context, change func(users.Tx) error) error {
	n := 0
	err := p.Store.Update(ctx, func(tx users.Tx) error {
		n = 0
		if err := change(countedTx{tx, &n}); err != nil {
			return err
		}
		if len(*p.sizes) == p.failAfter {
			return errors.New("the database is away")
		}
		return nil
	})
	*p.sizes = append(*p.sizes, n)
	return err
}

// Design section 10: at most 200 events a transaction. Those behind one that failed come later, and none twice.
func TestObservationsAreWrittenInPortions(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		var sizes []int
		d, err := users.New(users.Config{Store: portions{b.store, &sizes, 1}, Sealer: b.sealer})
		b.must(err)
		b.Directory = d
		var want []string
		for i := range 450 {
			want = append(want, fmt.Sprint("person-", i))
			b.seen(users.EventLaunched, want[i])
		}
		if err := d.Flush(t.Context()); err == nil {
			t.Fatal("written although the second transaction failed")
		}
		var got []string
		for _, e := range b.events(users.EventLaunched) {
			got = append(got, e.Subject)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{200, 200, 200, 50}, sizes); diff != "" {
			t.Errorf("events of each transaction (-want +got):\n%s", diff)
		}
	})
}
