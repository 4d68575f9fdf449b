package personio_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
)

// N300, N302, N324, N326
func TestListsOfVersion2ThatCannotBeOneEndTheReading(t *testing.T) {
	t.Parallel()
	cases := map[personiotest.FaultKind]int{ // people read before
		personiotest.Unsuccessful:   100,
		personiotest.HTML:           100,
		personiotest.WrongType:      100,
		personiotest.Truncated:      100,
		personiotest.RepeatedPage:   100,
		personiotest.NotFound:       100,
		personiotest.NextSelf:       150,
		personiotest.NextForeign:    150,
		personiotest.CursorRepeated: 150, // the third page leads back to the second
	}
	for kind, before := range cases {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, personiotest.Config{People: 220, Faults: []personiotest.Fault{atV2(personiotest.EndpointPersons, kind, 0, 2)}})
			r := readV2(t, newSourceV2(t, sim, nil), []string{"email", "status"})
			if !errors.Is(r.err, importer.ErrCorrupt) || len(r.people) != before {
				t.Errorf("error %v after %d people, want ErrCorrupt after %d", r.err, len(r.people), before)
			}
		})
	}
}

// The token is sent to nobody but the source.
func TestAnotherServerIsNeverFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(foreign.Close)
	for _, next := range []string{
		foreign.URL + "/v2/persons?cursor=2", strings.TrimPrefix(foreign.URL, "http:") + "/v2/persons?cursor=2", "https://api.personio.de/v2/persons?cursor=2",
		"http://me@%s/v2/persons?cursor=2", "javascript:alert(1)", "http://[", "\\\\\\\\evil.example/",
	} {
		source := newSourceV2At(t, signedInV2(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(next, "%s") {
				next = fmt.Sprintf(next, r.Host)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"_data":[],"_meta":{"links":{"next":{"href":"%s"}}}}`, next)
		}), nil)
		if r := readV2(t, source, wanted()); !errors.Is(r.err, importer.ErrCorrupt) {
			t.Errorf("%s: error %v, want ErrCorrupt", next, r.err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("somebody else was asked %d times", n)
	}
}

// signedInV2 lets everybody in and serves the list of persons by list.
func signedInV2(list http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/auth/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"papi-token"}`))
	})
	mux.HandleFunc("GET /v2/persons", list)
	mux.HandleFunc("GET /v2/persons/", list)
	return mux
}

// N302
func TestEndlessListsOfVersion2End(t *testing.T) {
	t.Parallel()
	pages := 0
	endless := signedInV2(func(w http.ResponseWriter, _ *http.Request) {
		pages++
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"_data":[],"_meta":{"links":{"next":{"href":"/v2/persons?cursor=%d"}}}}`, pages)
	})
	if r := readV2(t, newSourceV2At(t, endless, nil), wanted()); !errors.Is(r.err, importer.ErrCorrupt) || pages > 5_000 {
		t.Errorf("error %v after %d pages, want ErrCorrupt", r.err, pages)
	}
	sim := newSimulation(t, personiotest.Config{People: 60, Faults: []personiotest.Fault{atV2(personiotest.EndpointPersons, personiotest.Truncated, 0, 1)}})
	if r := readV2(t, newSourceV2(t, sim, nil), wanted()); !errors.Is(r.err, importer.ErrCorrupt) || r.pages != 1 {
		t.Errorf("error %v after %d pages, want ErrCorrupt after 1", r.err, r.pages)
	}
}

// N239
func TestAPageOfVersion2HasNoMoreRowsThanACompany(t *testing.T) {
	t.Parallel()
	asked := 0
	flood := signedInV2(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"_data":[` + strings.Repeat("{},", 1_000_000) + `{}]}`))
	})
	if r := readV2(t, newSourceV2At(t, flood, nil), wanted()); !errors.Is(r.err, importer.ErrCorrupt) || len(r.people) > 0 || asked != 1 {
		t.Errorf("error %v, %d people after %d requests; want ErrCorrupt after one", r.err, len(r.people), asked)
	}
}

func TestEverybodyIsReadOverOddCursors(t *testing.T) {
	t.Parallel()
	for _, kind := range []personiotest.FaultKind{personiotest.NextRelative, personiotest.FiltersDropped, personiotest.ShortPage} {
		sim := newSimulation(t, personiotest.Config{People: 120, Faults: []personiotest.Fault{atV2(personiotest.EndpointPersons, kind, 0, 0)}})
		r := readV2(t, newSourceV2(t, sim, nil), []string{"email", "status"})
		if diff := cmp.Diff(idsOf(sim.People()), r.ids()); diff != "" || r.err != nil {
			t.Errorf("%s: error %v, difference (-there +read):\n%s", kind, r.err, diff)
		}
	}
}

// N329, N330
func TestFailuresOfVersion2ThatPassAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, kind := range []personiotest.FaultKind{
		personiotest.RateLimited, personiotest.ServerError, personiotest.BadGateway, personiotest.GatewayTimeout, personiotest.Reset,
	} {
		for _, endpoint := range []personiotest.Endpoint{personiotest.EndpointPersons, personiotest.EndpointEmployments, personiotest.EndpointToken} {
			t.Run(fmt.Sprint(kind, " at ", endpoint), func(t *testing.T) {
				t.Parallel()
				sim := newSimulation(t, personiotest.Config{People: 60, Faults: []personiotest.Fault{atV2(endpoint, kind, 2, 0)}})
				r := readV2(t, newSourceV2(t, sim, nil), wanted())
				if diff := cmp.Diff(idsOf(sim.People()), r.ids()); diff != "" || r.err != nil {
					t.Errorf("error %v, difference (-there +read):\n%s", r.err, diff)
				}
				for _, p := range r.people {
					if p.Status == "" {
						t.Errorf("%s has no status", p.ID)
					}
				}
			})
		}
	}
}

// A 404 at somebody's employments is often wrong, and never says that they are gone.
func TestNoEmploymentsAreNoReasonToBeGone(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 1, Faults: []personiotest.Fault{atV2(personiotest.EndpointEmployments, personiotest.NotFound, 2, 0)}})
	source := newSourceV2(t, sim, nil)
	if r := readV2(t, source, wanted()); r.err != nil || r.people[0].Status != importer.StatusActive {
		t.Errorf("after two wrong answers: error %v, people %v; want an active one", r.err, r.people)
	}
	must(t, sim.Inject(atV2(personiotest.EndpointEmployments, personiotest.NotFound, 0, 0)))
	want := []importer.Person{{ID: "1000001", Attributes: map[string]string{
		"first_name": sim.People()[0].FirstName, "last_name": sim.People()[0].LastName, "email": string(sim.People()[0].Email),
	}}}
	if r := readV2(t, source, wanted()); !cmp.Equal(want, r.people) || r.err != nil {
		t.Errorf("for ever: error %v, difference (-want +got):\n%s", r.err, cmp.Diff(want, r.people))
	}
	if p, err := source.Person(t.Context(), "1000001", wanted()); err != nil || p.Status != "" {
		t.Errorf("one person: error %v, status %q; want neither", err, p.Status)
	}
}

func TestEmploymentsOfSomebodyElseAreRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"somebody else's": `{"_data":[{"id":"x","status":"INACTIVE","person":{"id":"8"}}]}`,
		"no list":         `{"_data":{"status":"INACTIVE"}}`,
		"nothing":         `{}`,
		"a list alone":    `[]`,
	} {
		source := newSourceV2At(t, signedInV2(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if strings.HasSuffix(r.URL.Path, "/employments") {
				_, _ = w.Write([]byte(body))
				return
			}
			_, _ = w.Write([]byte(`{"_data":[{"id":"7"}]}`))
		}), nil)
		if r := readV2(t, source, wanted()); !errors.Is(r.err, importer.ErrCorrupt) {
			t.Errorf("%s: error %v, want ErrCorrupt", name, r.err)
		}
	}
}

// Only Personio's own word makes a person gone.
func TestOnlyPersonioCanSayByVersion2ThatAPersonIsGone(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 1})
	source := newSourceV2(t, sim, nil)
	for _, id := range []string{"1000009", "", "../1000001", "1e6", "0", "1000001/employments"} {
		if _, err := source.Person(t.Context(), id, wanted()); !errors.Is(err, importer.ErrGone) {
			t.Errorf("person %q: error %v, want ErrGone", id, err)
		}
	}
	answers := map[string]struct {
		status            int
		contentType, body string
		want              error
	}{
		"a gateway's page":     {404, "text/html", "<h1>404</h1>", importer.ErrCorrupt},
		"a gateway's JSON":     {404, "application/json", `{"message":"no Route matched"}`, importer.ErrCorrupt},
		"a router's text":      {404, "text/plain", "404 page not found", importer.ErrCorrupt},
		"a proxy's refusal":    {403, "text/html", "<h1>blocked</h1>", importer.ErrCorrupt},
		"a refusal in a 200":   {200, "application/json", `{"errors":[{"title":"Not found"}]}`, importer.ErrCorrupt},
		"a missing right":      {401, "application/json", `{"error":{"message":"Unauthorized Request"}}`, importer.ErrForbidden},
		"a missing scope":      {403, "application/problem+json", `{"errors":[{"title":"Insufficient access scope"}]}`, importer.ErrForbidden},
		"a redirect elsewhere": {302, "text/html", "", importer.ErrCorrupt},
		"not found":            {404, "application/problem+json", `{"errors":[{"title":"Resource not found"}]}`, importer.ErrGone},
	}
	for name, answer := range answers {
		source := newSourceV2At(t, signedInV2(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/persons" { // the list, which does not show them either
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"_data":[]}`))
				return
			}
			w.Header().Set("Content-Type", answer.contentType)
			w.WriteHeader(answer.status)
			_, _ = w.Write([]byte(answer.body))
		}), nil)
		if _, err := source.Person(t.Context(), "7", wanted()); !errors.Is(err, answer.want) {
			t.Errorf("%s: error %v, want %v", name, err, answer.want)
		}
	}
}

// S-003, S-010, N300
func TestRefusalsOfVersion2AreToldApart(t *testing.T) {
	t.Parallel()
	tokens := map[string]error{
		"invalid_client": importer.ErrCredentials, "unauthorized_client": importer.ErrCredentials,
		"invalid_grant": importer.ErrCredentials, "access_denied": importer.ErrCredentials,
		"invalid_request": importer.ErrCorrupt, "unsupported_grant_type": importer.ErrCorrupt, "invalid_scope": importer.ErrCorrupt,
		"unsupported_response_type": importer.ErrCorrupt, "": importer.ErrCorrupt,
		"server_error": importer.ErrUnreachable, "temporarily_unavailable": importer.ErrUnreachable,
	}
	for code, want := range tokens {
		source := newSourceV2At(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":%q,"trace_id":"trace-1"}`, code)
		}), func(cfg *personio.Config) { cfg.Patience = 100 * time.Millisecond })
		r := readV2(t, source, wanted())
		if !errors.Is(r.err, want) {
			t.Errorf("token refused with %q: error %v, want %v", code, r.err, want)
		}
		if want == importer.ErrCorrupt && !strings.Contains(r.err.Error(), "trace-1") {
			t.Errorf("token refused with %q: error %v names no trace id", code, r.err)
		}
	}
	cases := []struct {
		name   string
		fault  personiotest.Fault
		change func(cfg *personio.Config)
		want   error
	}{
		{"wrong credentials", personiotest.Fault{}, func(cfg *personio.Config) { cfg.ClientSecret = "wrong" }, importer.ErrCredentials},
		{"credentials revoked during the run", atV2(personiotest.EndpointPersons, personiotest.Revoke, 0, 1), nil, importer.ErrRevoked},
		{"a missing right", atV2(personiotest.EndpointPersons, personiotest.Unauthorized, 0, 0), nil, importer.ErrForbidden},
		{"a missing scope", atV2(personiotest.EndpointPersons, personiotest.Forbidden, 0, 0), nil, importer.ErrForbidden},
		{"a missing right to employments", atV2(personiotest.EndpointEmployments, personiotest.Unauthorized, 0, 0), nil, importer.ErrForbidden},
		{"a login page at the token", atV2(personiotest.EndpointToken, personiotest.HTML, 0, 0), nil, importer.ErrCorrupt},
		{"no such token endpoint", atV2(personiotest.EndpointToken, personiotest.NotFound, 0, 0), nil, importer.ErrCorrupt},
	}
	for _, c := range cases {
		sim := newSimulation(t, personiotest.Config{People: 60})
		if c.fault.Kind != "" {
			must(t, sim.Inject(c.fault))
		}
		if r := readV2(t, newSourceV2(t, sim, c.change), []string{"email", "status"}); !errors.Is(r.err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, r.err, c.want)
		}
		if authentications := count(sim, "/v2/auth/token"); authentications > 5 {
			t.Errorf("%s: %d authentications", c.name, authentications)
		}
	}
}

func count(sim *personiotest.Server, path string) int {
	return len(slices.DeleteFunc(sim.Requests(), func(r personiotest.Request) bool { return r.Path != path }))
}

// N332
func TestTokensOfVersion2AreRenewedWhenTheyEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	sim := newSimulation(t, personiotest.Config{People: 60, TokenTTL: time.Hour, Now: func() time.Time { return now }})
	source := newSourceV2(t, sim, func(cfg *personio.Config) { cfg.Now = func() time.Time { return now } })
	if _, err := newSourceV2(t, sim, nil).Person(t.Context(), "1000001", wanted()); err != nil { // somebody else's use of the credentials
		t.Fatal(err)
	}
	now = now.Add(40 * time.Minute)
	if r := readV2(t, source, wanted()); r.err != nil {
		t.Fatal(r.err)
	}
	sim.ForgetRequests()
	now = now.Add(30 * time.Minute) // 20 minutes remained
	if r := readV2(t, source, wanted()); r.err != nil || len(r.people) != 60 {
		t.Fatalf("error %v, %d people", r.err, len(r.people))
	}
	for _, r := range sim.Requests() {
		if r.Status == http.StatusUnauthorized {
			t.Errorf("%s was asked for with a token that had ended", r.Path)
		}
	}
	must(t, sim.Inject(atV2(personiotest.EndpointEmployments, personiotest.ExpireToken, 1, 20)))
	if r := readV2(t, source, wanted()); r.err != nil || len(r.people) != 60 {
		t.Errorf("over a lost token: error %v, %d people", r.err, len(r.people))
	}
}

func TestNoSecretOfVersion2IsLoggedOrReported(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	sim := newSimulation(t, personiotest.Config{People: 3, ClientSecret: "very-secret-indeed", Faults: []personiotest.Fault{
		atV2(personiotest.EndpointEmployments, personiotest.ServerError, 0, 0), atV2(personiotest.EndpointToken, personiotest.ServerError, 1, 0),
	}})
	source := newSourceV2(t, sim, func(cfg *personio.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		cfg.RequestTimeout, cfg.Patience = 50*time.Millisecond, 200*time.Millisecond
	})
	r := readV2(t, source, wanted())
	if !errors.Is(r.err, importer.ErrUnreachable) || log.Len() == 0 {
		t.Fatalf("error %v, log %q; want ErrUnreachable and a log", r.err, log.String())
	}
	for _, text := range []string{log.String(), r.err.Error()} {
		if strings.Contains(text, "very-secret") || strings.Contains(text, "papi-") {
			t.Errorf("a secret in %q", text)
		}
	}
}
