package personio

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	headerRemaining = "X-Ratelimit-Remaining"
	// creditLeft is how many of the requests that Personio would still take we leave to others.
	creditLeft = 5
	// creditMost is how many we believe in.
	creditMost = 100
)

// credit is how many requests to each endpoint Personio would take at once, by its
// own word in version 2: it allows 30 a second, and bursts after a pause. Nothing
// documents how many, so that without its word there are none.
type credit struct {
	mu    sync.Mutex // guards what follows
	spare map[string]int
	under map[string]int // requests under way, which that word may not have counted
}

// take reports whether one more request may be sent at once.
func (c *credit) take(endpoint string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spare[endpoint] <= 0 {
		return false
	}
	c.spare[endpoint]--
	return true
}

// begin notes that a request is under way.
func (c *credit) begin(endpoint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under == nil {
		c.spare, c.under = map[string]int{}, map[string]int{}
	}
	c.under[endpoint]++
}

// end takes over what the answer to a request says, which is empty where there was none.
func (c *credit) end(endpoint string, status int, answer http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.under[endpoint]--
	remaining, err := strconv.Atoi(answer.Get(headerRemaining))
	if err != nil || status == http.StatusTooManyRequests {
		remaining = 0
	}
	c.spare[endpoint] = min(remaining, creditMost) - c.under[endpoint] - creditLeft
}

// endpoint returns what is asked, whomever it is about: numbers in the path are ids.
func (ask request) endpoint() string {
	parts := strings.Split(ask.path, "/")
	for i, part := range parts {
		if isDecimal(part) {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}
