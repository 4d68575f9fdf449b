package providertest

import (
	"time"

	"github.com/einlass/einlass/users"
)

// Watch has the calls of an application recorded from now on.
func (b *Bench) Watch(id users.ApplicationID) users.Watch {
	b.T.Helper()
	w, err := b.Directory.Watch(b.T.Context(), "cli:bench", id, "bench", users.WatchLife)
	must(b.T, err)
	must(b.T, b.Registry.Refresh(b.T.Context()))
	return w
}

// Calls writes what was recorded and returns the calls of an application, oldest first.
func (b *Bench) Calls(id users.ApplicationID) []users.Call {
	b.T.Helper()
	must(b.T, b.Directory.Flush(b.T.Context()))
	calls, err := b.Directory.Read().Calls(b.T.Context(), id, b.Clock.Now().Add(-time.Hour), 1000)
	must(b.T, err)
	return calls
}
