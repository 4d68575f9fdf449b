package personiotest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/keys"
)

// receiver is somebody's webhook.
type receiver struct {
	url string

	mu       sync.Mutex // guards what follows
	statuses []int      // of the next answers; then 202
	got      []received
}

type received struct {
	header http.Header
	body   string
	event  personiotest.EventName
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	rec := &receiver{}
	server := httptest.NewServer(rec)
	t.Cleanup(server.Close)
	rec.url = server.URL + "/hooks/personio/personio"
	return rec
}

func (rec *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is cut short is no JSON
	var envelope struct {
		Event personiotest.EventName `json:"event_name"`
	}
	_ = json.Unmarshal(body, &envelope) // as above
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.got = append(rec.got, received{r.Header.Clone(), string(body), envelope.Event})
	status := http.StatusAccepted
	if len(rec.statuses) > 0 {
		status, rec.statuses = rec.statuses[0], rec.statuses[1:]
	}
	if status >= 300 && status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

// take returns what came since the last call.
func (rec *receiver) take() []received {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	got := rec.got
	rec.got = nil
	return got
}

func (rec *receiver) events() []personiotest.EventName {
	events := []personiotest.EventName{}
	for _, r := range rec.take() {
		events = append(events, r.event)
	}
	return events
}

// B-09: which change gives rise to which event.
func TestChangesAreDeliveredAsPersonioDoes(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t)
	s := newServer(t, personiotest.Config{Webhooks: []personiotest.Webhook{{URL: rec.url, Description: "test", Token: "s3cret"}}})
	var ada personiotest.Employee
	steps := []struct {
		name string
		do   func() error
		want []personiotest.EventName
	}{
		{"hired", func() (err error) {
			ada, err = s.Add(personiotest.Employee{Email: "ada@acme.example", Status: personiotest.Onboarding})
			return err
		}, []personiotest.EventName{"person.created", "employment.created"}},
		{"first day", func() error { return s.StartEmployment("ada@acme.example") }, []personiotest.EventName{"employment.started"}},
		{"married", func() error { return s.Rename("ada@acme.example", "Ada", "Lovelace") }, []personiotest.EventName{"person.updated"}},
		{"moved", func() error { return s.SetAttribute("ada@acme.example", "department", "Sales") }, []personiotest.EventName{"employment.updated"}},
		{"another cost center", func() error { return s.SetAttribute("ada@acme.example", "cost_centers", "7") }, []personiotest.EventName{"employment.updated.cost-centers"}},
		{"a custom attribute", func() error { return s.SetAttribute("ada@acme.example", "dynamic_9", "x") }, []personiotest.EventName{"person.updated"}},
		{"nothing", func() error { return s.SetStatus("ada@acme.example", personiotest.Active) }, []personiotest.EventName{}},
		{"on leave", func() error { return s.SetStatus("ada@acme.example", personiotest.Leave) }, []personiotest.EventName{"employment.updated"}},
		{"last day", func() error { return s.EndEmployment("ada@acme.example") }, []personiotest.EventName{"employment.terminated"}},
		{"deleted", func() error { return s.Remove(ada.ID) }, []personiotest.EventName{"employment.deleted", "person.deleted"}},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		s.DeliverDue(t.Context())
		if diff := cmp.Diff(step.want, rec.events()); diff != "" {
			t.Errorf("%s: events differ (-want +got):\n%s", step.name, diff)
		}
	}
	if err := s.EndEmployment("nobody@acme.example"); err == nil {
		t.Error("the employment of nobody was ended")
	}
}

func TestDeliveriesCarryIDsAndTheValueThatWasRegistered(t *testing.T) {
	t.Parallel()
	byToken, byHeaders := newReceiver(t), newReceiver(t)
	s := newServer(t, personiotest.Config{CompanyID: "42", Webhooks: []personiotest.Webhook{
		{URL: byToken.url, Description: "token", Token: "s3cret"},
		{URL: byHeaders.url, Description: "headers", CustomHeaders: map[string]keys.Secret{"X-Hook-Key": "k3y"}},
	}})
	if _, err := s.Add(personiotest.Employee{Email: "ada@acme.example"}); err != nil {
		t.Fatal(err)
	}
	s.DeliverDue(t.Context())
	got := byToken.take()
	if len(got) != 2 || got[0].header.Get("Authorization") != "s3cret" {
		t.Fatalf("deliveries %v, want two with the token as it is", got)
	}
	want := `{"company_id":"42","event_name":"employment.created","meta":{},"occurred_at":"2026-11-20T09:00:00Z",` +
		`"payload":{"employment":{"id":"5b7f0a6e-0000-4c5e-9d10-000001000001"},"person":{"id":"1000001"}}}`
	if got[1].body != want || strings.Contains(got[0].body, "ada@") {
		t.Errorf("payload %s, want %s", got[1].body, want)
	}
	other := byHeaders.take()
	if len(other) != 2 || other[0].header.Get("X-Hook-Key") != "k3y" || other[0].header.Get("Authorization") != "" {
		t.Errorf("deliveries %v, want two with the custom header", other)
	}
}

// Only silence and errors of the server are repeated; a refusal is final.
func TestDeliveriesAreRepeatedForThreeDays(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{500: 14, 502: 14, 501: 1, 401: 1, 404: 1, 302: 1, 429: 1, 200: 1, 202: 1} {
		now := today
		rec := newReceiver(t)
		rec.statuses = slices.Repeat([]int{status}, 50)
		s := newServer(t, personiotest.Config{Now: func() time.Time { return now }, Webhooks: []personiotest.Webhook{
			{URL: rec.url, Description: "test", Token: "t", Events: []personiotest.EventName{personiotest.EventPersonCreated}},
		}})
		if _, err := s.Add(personiotest.Employee{}); err != nil {
			t.Fatal(err)
		}
		requests := 0
		for range 5 * 24 {
			requests += s.DeliverDue(t.Context())
			now = now.Add(time.Hour)
		}
		if requests != want || len(rec.take()) != want || len(s.Deliveries()) != want || s.Waiting() != 0 {
			t.Errorf("status %d: %d requests, %d waiting; want %d", status, requests, s.Waiting(), want)
		}
		if last := s.Deliveries()[want-1]; last.At.Sub(today) > 72*time.Hour || last.Status != status {
			t.Errorf("status %d: last delivery %+v, want it within 3 days", status, last)
		}
	}
}

func TestDeliveriesAreSentWhileTheyRun(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Header.Get("Authorization") }))
	t.Cleanup(server.Close)
	s := newServer(t, personiotest.Config{Webhooks: []personiotest.Webhook{{URL: server.URL, Description: "test", Token: "t"}}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.RunDeliveries(ctx) })
	for range 2 {
		if _, err := s.Add(personiotest.Employee{}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := <-arrived; got != "t" {
				t.Errorf("delivery with %q, want the token", got)
			}
		}
	}
	cancel()
	running.Wait()
}

func TestDeliveriesGoWrongWhenTold(t *testing.T) {
	t.Parallel()
	for kind, want := range map[personiotest.FaultKind][]personiotest.EventName{
		personiotest.Duplicate:    {"person.created", "person.created", "employment.created"},
		personiotest.OutOfOrder:   {"employment.created", "person.created"},
		personiotest.UnknownEvent: {"person.created", "person.teleported", "employment.created"},
		personiotest.Lost:         {"employment.created"},
	} {
		rec := newReceiver(t)
		s := newServer(t, personiotest.Config{Webhooks: []personiotest.Webhook{{URL: rec.url, Description: "test", Token: "t"}}})
		fault := personiotest.Fault{Kind: kind, Endpoint: personiotest.EndpointDeliveries, Times: 1}
		if kind == personiotest.OutOfOrder {
			fault.After = 1
		}
		if err := s.Inject(fault); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(personiotest.Employee{}); err != nil {
			t.Fatal(err)
		}
		s.DeliverDue(t.Context())
		if diff := cmp.Diff(want, rec.events()); diff != "" {
			t.Errorf("%s: events differ (-want +got):\n%s", kind, diff)
		}
	}
}

func TestWebhooksAreManagedThroughTheAPI(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t)
	a := newAPI(t, personiotest.Config{}).signInV2()
	body := `{"url":"` + rec.url + `","description":"Einlass","enabled_events":["person.created"],"token":"t1"}`
	created := a.post("/v2/webhooks", "application/json", body)
	var hook struct{ ID, Status string }
	if err := json.Unmarshal([]byte(created.text), &hook); err != nil || created.status != http.StatusCreated || hook.Status != "DISABLED" {
		t.Fatalf("registration: status %d, %s; want 201, switched off", created.status, created.text)
	}
	if strings.Contains(created.text, "t1") {
		t.Errorf("the answer repeats the token: %s", created.text)
	}
	hire := func() []personiotest.EventName {
		if _, err := a.sim.Add(personiotest.Employee{}); err != nil {
			t.Fatal(err)
		}
		a.sim.DeliverDue(t.Context())
		return rec.events()
	}
	if got := hire(); len(got) != 0 {
		t.Errorf("a webhook that is off got %v", got)
	}
	if r := a.send(http.MethodPatch, "/v2/webhooks/"+hook.ID, `{"status":"ENABLED","enabled_events":["employment.created"]}`); r.status != http.StatusOK {
		t.Fatalf("change: status %d, %s", r.status, r.text)
	}
	if got := hire(); !slices.Equal(got, []personiotest.EventName{"employment.created"}) {
		t.Errorf("a webhook that was switched on got %v", got)
	}
	if p := a.get("/v2/webhooks").page(t); !slices.Equal(p.ids(), []string{hook.ID}) {
		t.Errorf("webhooks %v, want the one", p.ids())
	}
	if r := a.post("/v2/webhooks", "application/json", body); r.status != http.StatusConflict {
		t.Errorf("the same address again: status %d, want 409", r.status)
	}
	if r := a.send(http.MethodDelete, "/v2/webhooks/"+hook.ID, ""); r.status != http.StatusNoContent {
		t.Errorf("deletion: status %d, want 204", r.status)
	}
	if got := hire(); len(got) != 0 {
		t.Errorf("a deleted webhook got %v", got)
	}
	for _, r := range []reply{
		a.get("/v2/webhooks/" + hook.ID), a.send(http.MethodPatch, "/v2/webhooks/"+hook.ID, "{}"), a.send(http.MethodDelete, "/v2/webhooks/"+hook.ID, ""),
	} {
		if r.status != http.StatusNotFound {
			t.Errorf("after the deletion: status %d, want 404", r.status)
		}
	}
}

// send makes a call with a JSON body.
func (a *api) send(method, path, body string) reply {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.root+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return a.do(req)
}

func TestWebhooksThatCannotBeDeliveredToAreRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{}).signInV2()
	const start = `{"url":"https://sso.acme.example/hook","description":"Einlass","enabled_events":["person.created"],`
	for name, body := range map[string]string{
		"no https":            `{"url":"http://sso.acme.example/hook","description":"x","enabled_events":["person.created"],"token":"t"}`,
		"no description":      `{"url":"https://sso.acme.example/hook","enabled_events":["person.created"],"token":"t"}`,
		"no events":           `{"url":"https://sso.acme.example/hook","description":"x","token":"t"}`,
		"an unknown event":    `{"url":"https://sso.acme.example/hook","description":"x","enabled_events":["person.teleported"],"token":"t"}`,
		"no token":            start + `"status":"ENABLED"}`,
		"an unknown status":   start + `"status":"ON","token":"t"}`,
		"unknown auth":        start + `"auth_type":"HMAC","token":"t"}`,
		"headers by token":    start + `"token":"t","custom_headers":{"X-A":"1"}}`,
		"a forbidden header":  start + `"auth_type":"CUSTOM","custom_headers":{"host":"1"}}`,
		"too many headers":    start + `"auth_type":"CUSTOM","custom_headers":{"X-A":"1","X-B":"1","X-C":"1","X-D":"1"}}`,
		"headers without any": start + `"auth_type":"CUSTOM"}`,
	} {
		if r := a.send(http.MethodPost, "/v2/webhooks", body); r.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d, %s; want 422", name, r.status, r.text)
		}
	}
	if r := a.send(http.MethodPost, "/v2/webhooks", "{"); r.status != http.StatusBadRequest {
		t.Errorf("half a body: status %d, want 400", r.status)
	}
	if _, err := personiotest.New(personiotest.Config{Webhooks: []personiotest.Webhook{{URL: "nowhere", Token: "t"}}}); err == nil {
		t.Error("a simulation with a webhook to nowhere was made")
	}
}
