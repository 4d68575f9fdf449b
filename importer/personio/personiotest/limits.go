package personiotest

import (
	"sync"
	"time"
)

// limits counts requests as Personio does: 60 authentications a minute, then a
// minute of silence; 300 reads of employees a minute, in bursts of 15 a second.
type limits struct {
	on  bool
	now func() time.Time

	mu        sync.Mutex // guards what follows
	auth      window
	authUntil time.Time // end of the silence
	minute    window
	second    window
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

// allow reports whether a request to the endpoint is within the limits.
func (l *limits) allow(endpoint Endpoint) bool {
	if !l.on {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if endpoint != EndpointAuth {
		return l.second.allow(now, 15, time.Second) && l.minute.allow(now, 300, time.Minute)
	}
	if now.Before(l.authUntil) {
		return false
	}
	if !l.auth.allow(now, 60, time.Minute) {
		l.authUntil = now.Add(time.Minute)
		return false
	}
	return true
}
