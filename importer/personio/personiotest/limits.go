package personiotest

import (
	"strconv"
	"sync"
	"time"
)

// Limits of version 2: so many requests a second and endpoint, after a burst;
// authentications have a limit of their own.
const (
	replenishRate = 30
	burstCapacity = 100
)

// limits counts requests as Personio does. Version 1: 60 authentications a
// minute, then a minute of silence; 300 reads of employees a minute, in bursts of
// 15 a second. Version 2: a bucket for each endpoint; 150 authentications a minute,
// then one a second.
type limits struct {
	on  bool
	now func() time.Time

	mu        sync.Mutex // guards what follows
	auth      window
	authUntil time.Time // end of the silence
	minute    window
	second    window
	token     window // of version 2
	tokenSlow window
	buckets   map[Endpoint]bucket
}

// window remembers when the requests of its span came.
type window struct{ times []time.Time }

// allow counts a request at now unless limit were made within span before it.
func (w *window) allow(now time.Time, limit int, span time.Duration) bool {
	for len(w.times) > 0 && now.Sub(w.times[0]) >= span {
		w.times = w.times[1:]
	}
	if len(w.times) >= limit {
		return false
	}
	w.times = append(w.times, now)
	return true
}

// bucket is what is left of a burst.
type bucket struct {
	left float64
	at   time.Time
}

// budget is what an answer of version 2 tells about the bucket; zero: nothing.
type budget struct {
	told bool
	left int
}

// mark adds the headers that every answer of version 2 has.
func (b budget) mark(a answer) answer {
	if !b.told {
		return a
	}
	return a.with("X-Ratelimit-Replenish-Rate", strconv.Itoa(replenishRate)).
		with("X-Ratelimit-Burst-Capacity", strconv.Itoa(burstCapacity)).
		with("X-Ratelimit-Requested-Tokens", "1").
		with("X-Ratelimit-Remaining", strconv.Itoa(b.left))
}

// allow reports whether a request to the endpoint is within the limits.
func (l *limits) allow(endpoint Endpoint) (allowed bool, b budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if endpoint.version() == version2 && !endpoint.isOpen() {
		allowed, b = l.draw(endpoint, now)
		return allowed || !l.on, b
	}
	if !l.on {
		return true, budget{}
	}
	switch endpoint {
	case EndpointAuth:
		return l.allowAuth(now), budget{}
	case EndpointToken:
		return l.token.allow(now, 150, time.Minute) || l.tokenSlow.allow(now, 1, time.Second), budget{}
	case EndpointRevoke:
		return true, budget{}
	}
	return l.second.allow(now, 15, time.Second) && l.minute.allow(now, 300, time.Minute), budget{}
}

func (l *limits) allowAuth(now time.Time) bool {
	if now.Before(l.authUntil) {
		return false
	}
	if !l.auth.allow(now, 60, time.Minute) {
		l.authUntil = now.Add(time.Minute)
		return false
	}
	return true
}

// draw takes one request out of the bucket of an endpoint.
func (l *limits) draw(endpoint Endpoint, now time.Time) (bool, budget) {
	if l.buckets == nil {
		l.buckets = map[Endpoint]bucket{}
	}
	b, known := l.buckets[endpoint]
	if !known {
		b = bucket{left: burstCapacity, at: now}
	}
	b.left = min(burstCapacity, b.left+replenishRate*now.Sub(b.at).Seconds())
	b.at = now
	enough := b.left >= 1
	if enough {
		b.left--
	}
	l.buckets[endpoint] = b
	return enough, budget{told: true, left: int(b.left)}
}
