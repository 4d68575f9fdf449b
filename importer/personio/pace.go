package personio

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// Personio allows 300 reads of employees a minute in bursts of 15 a second. We
// stay a little below, because requests are not counted when we send them.
const (
	perSecond = 14
	perMinute = 295

	deltaPerSecond = 1
	deltaPerMinute = 29
)

// pacer spreads requests so that none is refused for coming too fast.
type pacer struct {
	off       bool
	perSecond int
	perMinute int

	mu   sync.Mutex  // guards sent
	sent []time.Time // the latest perMinute requests, oldest first
}

// wait returns when the next request may be sent, and counts it.
func (p *pacer) wait(ctx context.Context) error {
	if p.off {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	at := now
	if n := len(p.sent); n >= p.perSecond {
		at = later(at, p.sent[n-p.perSecond].Add(time.Second))
	}
	if n := len(p.sent); n >= p.perMinute {
		at = later(at, p.sent[n-p.perMinute].Add(time.Minute))
		p.sent = p.sent[1:]
	}
	p.sent = append(p.sent, at)
	p.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleep waits for d, or less if ctx ends, which is its error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jitter returns a random part of limit, so that many who were refused at the
// same time do not come back at the same time.
func jitter(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return time.Duration(binary.NativeEndian.Uint64(b[:]) % uint64(limit))
}
