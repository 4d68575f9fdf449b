package personio

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// rate is how many requests may be sent within a span. We stay a little below
// what Personio allows, because requests are not counted when we send them.
type rate struct {
	requests int
	span     time.Duration
}

// pacer spreads requests so that none is refused for coming too fast.
type pacer struct {
	off    bool
	limits []rate

	mu   sync.Mutex  // guards sent
	sent []time.Time // the latest requests, oldest first, as many as the largest limit
}

// wait returns when the next request may be sent, and counts it.
func (p *pacer) wait(ctx context.Context) error {
	if p.off {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	at := now
	for _, limit := range p.limits {
		if n := len(p.sent); n >= limit.requests {
			if free := p.sent[n-limit.requests].Add(limit.span); free.After(at) {
				at = free
			}
		}
	}
	p.note(at)
	p.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}

// count counts a request that is sent without waiting. Those that follow it wait longer.
func (p *pacer) count() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(time.Now())
}

// note keeps when a request is sent, as far back as the limits reach. The caller holds the lock.
func (p *pacer) note(at time.Time) {
	kept := 0
	for _, limit := range p.limits {
		kept = max(kept, limit.requests)
	}
	i, _ := slices.BinarySearchFunc(p.sent, at, time.Time.Compare)
	p.sent = slices.Insert(p.sent, i, at)
	p.sent = p.sent[max(0, len(p.sent)-kept):]
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
