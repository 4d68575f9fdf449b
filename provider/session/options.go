package session

import (
	"log/slog"
	"time"
)

// Options are what every store takes. The zero value works.
type Options struct {
	Logger *slog.Logger // nil discards
	// Observe is told how long each operation took, waiting for a connection
	// included, e.g. ("take_code", 310µs). It must be quick and safe for concurrent use.
	Observe func(op string, d time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration) {}
	}
	return o
}

// observe is deferred at the start of an operation.
func (o Options) observe(op string, start time.Time) {
	o.Observe(op, time.Since(start))
}
