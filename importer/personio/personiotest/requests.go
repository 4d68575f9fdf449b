package personiotest

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxLoggedRequests bounds the log of a demo that runs for weeks.
const maxLoggedRequests = 20_000

// Request is one call of the API, as a test wants to see it.
type Request struct {
	At         time.Time
	Method     string
	Path       string
	Query      url.Values
	Attributes []string // the values of attributes[], in order
	Authorized bool     // an Authorization header was sent; its value is not kept
	AppID      string   // X-Personio-App-ID
	Status     int      // of the answer; 0: the connection was dropped
}

// requestLog keeps the latest requests.
type requestLog struct {
	now func() time.Time

	mu       sync.Mutex // guards requests
	requests []Request
}

func (l *requestLog) add(r *http.Request, status int) {
	query := r.URL.Query()
	entry := Request{
		At: l.now(), Method: r.Method, Path: r.URL.Path, Query: query, Attributes: query["attributes[]"],
		Authorized: r.Header.Get("Authorization") != "", AppID: r.Header.Get("X-Personio-App-ID"), Status: status,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.requests) >= maxLoggedRequests {
		l.requests = slices.Delete(l.requests, 0, maxLoggedRequests/2)
	}
	l.requests = append(l.requests, entry)
}

// Requests returns the calls of the API since the start or ForgetRequests.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.requests)
}

// ForgetRequests empties the log.
func (s *Server) ForgetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.requests = nil
}
