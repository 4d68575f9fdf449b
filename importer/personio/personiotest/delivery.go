package personiotest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"
)

// How deliveries are sent: each within deliveryTimeout, at once and a second
// time, then again after each of the pauses, so that 14 requests over 3 days are
// the most that one event causes.
const (
	deliveryTimeout  = 3 * time.Second
	requestsPerRound = 2
	maxDelivered     = 20_000 // remembered
)

var deliveryPauses = []time.Duration{
	time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 36 * time.Hour,
}

// Delivery is one request that was sent to a webhook.
type Delivery struct {
	At     time.Time
	URL    string
	Event  EventName
	Person int64
	Status int // of the answer; 0: none in time
}

// delivery is an event on its way to one webhook.
type delivery struct {
	webhook string
	name    EventName
	person  int64
	body    []byte
	due     time.Time
	round   int
}

// queue is told of what happened and addresses it to the webhooks that want to
// know.
func (s *Server) queue(events []event) {
	w := s.writer()
	for _, e := range events {
		faulty := s.takeFaults(EndpointDeliveries)
		s.hooks.enqueue(e, s.payload(w, e, e.name), faulty)
		if faulty.has(UnknownEvent) {
			const name EventName = "person.teleported"
			s.hooks.enqueue(event{name: name, person: e.person, at: e.at}, s.payload(w, e, name), faultySet{})
		}
	}
}

// payload names ids alone. What it looks like inside is not documented.
func (s *Server) payload(w *writer, e event, name EventName) []byte {
	inside := map[string]any{"person": idOnly{w.idText(e.person)}}
	if name.concernsEmployment() {
		inside["employment"] = idOnly{employmentID(e.person, 0)}
	}
	return success(map[string]any{
		"company_id": s.cfg.CompanyID, "event_name": name, "occurred_at": e.at.UTC().Format(time.RFC3339Nano),
		"payload": inside, "meta": map[string]any{},
	}).body
}

// enqueue addresses an event. One of an unknown name goes to everybody.
func (h *webhooks) enqueue(e event, body []byte, faulty faultySet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if faulty.has(Lost) {
		return
	}
	known := slices.Contains(EventNames(), e.name)
	for _, w := range h.sorted() {
		if w.status != hookEnabled || (known && !slices.Contains(w.events, e.name)) {
			continue
		}
		d := delivery{webhook: w.id, name: e.name, person: e.person, body: body, due: e.at}
		at := len(h.waiting)
		if faulty.has(OutOfOrder) {
			at = 0
		}
		h.waiting = slices.Insert(h.waiting, at, d)
		if faulty.has(Duplicate) {
			h.waiting = append(h.waiting, d)
		}
	}
	if h.wake != nil {
		select {
		case h.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// take returns the next delivery that is due, with its address. Those to a
// webhook that is gone or switched off are dropped.
func (h *webhooks) take() (delivery, webhook, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	for i := 0; i < len(h.waiting); {
		d := h.waiting[i]
		if d.due.After(now) {
			i++
			continue
		}
		h.waiting = slices.Delete(h.waiting, i, i+1)
		if w := h.registered[d.webhook]; w.status == hookEnabled {
			return d, w, true
		}
	}
	return delivery{}, webhook{}, false
}

// DeliverDue sends what is due and returns when all of it was answered, or put
// off. It returns the number of requests.
func (s *Server) DeliverDue(ctx context.Context) int {
	requests := 0
	for ctx.Err() == nil {
		d, w, found := s.hooks.take()
		if !found {
			break
		}
		requests += s.deliver(ctx, d, w)
	}
	return requests
}

// deliver makes one round of requests. What is refused for good is forgotten.
func (s *Server) deliver(ctx context.Context, d delivery, w webhook) int {
	for i := range requestsPerRound {
		status := s.send(ctx, d, w)
		s.hooks.record(Delivery{At: s.cfg.Now(), URL: w.url, Event: d.name, Person: d.person, Status: status})
		if !repeats(status) {
			return i + 1
		}
	}
	s.hooks.putOff(d)
	return requestsPerRound
}

// repeats reports whether a delivery with this answer is sent again.
func repeats(status int) bool {
	return status == 0 || (status >= 500 && status != http.StatusNotImplemented)
}

func (h *webhooks) record(d Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.done) >= maxDelivered {
		h.done = slices.Delete(h.done, 0, maxDelivered/2)
	}
	h.done = append(h.done, d)
}

func (h *webhooks) putOff(d delivery) {
	if d.round >= len(deliveryPauses) {
		return
	}
	d.due = h.now().Add(deliveryPauses[d.round])
	d.round++
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = append(h.waiting, d)
}

// send makes one request and returns the status of the answer, 0 without one.
func (s *Server) send(ctx context.Context, d delivery, w webhook) int {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(d.body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	switch w.authType {
	case authToken:
		req.Header.Set("Authorization", w.token) // as it is: there is no "Bearer" before it, and no signature
	case authCustom:
		for name, value := range w.headers {
			req.Header.Set(name, value)
		}
	}
	client := *s.cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close() // nobody reads it
	return resp.StatusCode
}

// RunDeliveries sends what happens to webhooks as it happens, until ctx ends.
func (s *Server) RunDeliveries(ctx context.Context) {
	wake := make(chan struct{}, 1)
	s.hooks.mu.Lock()
	s.hooks.wake = wake
	s.hooks.mu.Unlock()
	ticker := time.NewTicker(time.Second) // for what was put off
	defer ticker.Stop()
	for {
		s.DeliverDue(ctx)
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-ticker.C:
		}
	}
}

// Deliveries returns the requests that were sent, in order.
func (s *Server) Deliveries() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return slices.Clone(s.hooks.done)
}

// Waiting returns how many deliveries have not come to an end.
func (s *Server) Waiting() int {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return len(s.hooks.waiting)
}
