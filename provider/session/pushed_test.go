package session_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

// N097: of concurrent browsers with one reference one gets the request, and no
// other client, however it spells the two, gets it or takes it away.
func TestAPushedRequestIsTakenOnceByItsClient(t *testing.T) {
	t.Parallel()
	m, err := session.NewManager(session.Config{Store: sessiontest.SQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	reference, _, err := m.Push(t.Context(), "crm", session.Params{ClientID: "a b", State: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	for client, tried := range map[string]string{
		"b": reference.Reveal() + " a", "a": reference.Reveal(), "a b": reference.Reveal() + "x", "": reference.Reveal() + " a b",
	} {
		if _, err := m.TakePushed(t.Context(), client, tried); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("client %q with %q: %v, want ErrNotFound", client, tried, err)
		}
	}
	var taken atomic.Int32
	var browsers sync.WaitGroup
	for range 16 {
		browsers.Go(func() {
			p, err := m.TakePushed(t.Context(), "a b", reference.Reveal())
			switch {
			case err == nil && p.State == "kept":
				taken.Add(1)
			case !errors.Is(err, session.ErrNotFound):
				t.Errorf("take: %v", err)
			}
		})
	}
	browsers.Wait()
	if taken.Load() != 1 {
		t.Errorf("%d got the request, want 1", taken.Load())
	}
}
