package personio_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
)

// N300, N302, N324, N326
func TestAnswersThatCannotBeAListEndTheReading(t *testing.T) {
	t.Parallel()
	cases := map[personiotest.FaultKind]int{ // people read before
		personiotest.Unsuccessful:  100,
		personiotest.HTML:          100,
		personiotest.WrongType:     100,
		personiotest.Truncated:     100,
		personiotest.RepeatedPage:  100,
		personiotest.OffsetIgnored: 100,
		personiotest.NotFound:      100,
	}
	for kind, before := range cases {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, personiotest.Config{People: 450, Faults: []personiotest.Fault{{Kind: kind, After: 1}}})
			r := readAll(t, newSource(t, sim, nil), wanted())
			if !errors.Is(r.err, importer.ErrCorrupt) || len(r.people) != before {
				t.Errorf("error %v after %d people, want ErrCorrupt after %d", r.err, len(r.people), before)
			}
		})
	}
}

// N302
func TestAnEndlessListEnds(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 150, Faults: []personiotest.Fault{{Kind: personiotest.Endless}}})
	r := readAll(t, newSource(t, sim, nil), wanted())
	if !errors.Is(r.err, importer.ErrCorrupt) || len(r.people) > 2000 {
		t.Errorf("error %v after %d people, want ErrCorrupt soon", r.err, len(r.people))
	}
}

// N302, N239. Without a number that is announced, too.
func TestAnEndlessListOfUnannouncedPeopleEnds(t *testing.T) {
	t.Parallel()
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/auth" {
			_, _ = w.Write([]byte(`{"success":true,"data":{"token":"papi-token"}}`))
			return
		}
		offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
		if err != nil {
			t.Errorf("offset: %v", err)
		}
		rows := make([]string, 100)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"attributes":{"id":%d}}`, 1+offset+i)
		}
		_, _ = fmt.Fprintf(w, `{"success":true,"data":[%s]}`, strings.Join(rows, ","))
	})
	if r := readAll(t, newSourceAt(t, endless, nil), []string{"email"}); !errors.Is(r.err, importer.ErrCorrupt) || len(r.people) != 100_000 {
		t.Errorf("error %v after %d people, want ErrCorrupt after 100,000", r.err, len(r.people))
	}
}

// N302
func TestPeopleMissingInTheMiddleAreNoticed(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 450, Faults: []personiotest.Fault{{Kind: personiotest.EmptyPage, After: 1, Times: 1}}})
	r := readAll(t, newSource(t, sim, nil), wanted())
	if !errors.Is(r.err, importer.ErrCorrupt) || len(r.people) != 100 {
		t.Errorf("error %v after %d people, want ErrCorrupt after 100", r.err, len(r.people))
	}
}

// A list that stops early is told by its announcement: the guard compares.
func TestAListCutShortSaysHowManyWereAnnounced(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 450, Faults: []personiotest.Fault{{Kind: personiotest.EmptyPage, After: 2}}})
	r := readAll(t, newSource(t, sim, nil), wanted())
	if r.err != nil || len(r.people) != 200 || r.announced != 450 {
		t.Errorf("error %v, %d people of %d announced; want 200 of 450", r.err, len(r.people), r.announced)
	}
}

// N302. What totals say never decides how far is read.
func TestWrongTotalsHideNobody(t *testing.T) {
	t.Parallel()
	cases := map[personiotest.FaultKind]int{ // announced by the last page
		personiotest.TotalsHigh:     470,
		personiotest.TotalsLow:      225,
		personiotest.TotalsChanging: 496,
		personiotest.TotalsMissing:  -1,
		personiotest.ShortPage:      450,
	}
	for kind, announced := range cases {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, personiotest.Config{People: 450, Faults: []personiotest.Fault{{Kind: kind}}})
			r := readAll(t, newSource(t, sim, nil), wanted())
			if diff := cmp.Diff(idsOf(sim.People()), r.ids()); diff != "" || r.err != nil {
				t.Errorf("error %v, difference (-there +read):\n%s", r.err, diff)
			}
			if r.announced != announced {
				t.Errorf("%d people announced, want %d", r.announced, announced)
			}
		})
	}
}

// A company whose number is a multiple of the page size, and an empty one.
func TestTheEndIsFoundWhateverTheNumber(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100, 101, 200} {
		for _, missing := range []bool{false, true} {
			cfg := personiotest.Config{People: n}
			if missing {
				cfg.Faults = []personiotest.Fault{{Kind: personiotest.TotalsMissing}}
			}
			sim := newSimulation(t, cfg)
			r := readAll(t, newSource(t, sim, nil), wanted())
			if r.err != nil || len(r.people) != n {
				t.Errorf("%d people (no totals: %t): error %v, %d read", n, missing, r.err, len(r.people))
			}
		}
	}
}

// Page drift: identical repeats are harmless, and who slipped through is for the
// importer to look up.
func TestAMovingListIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for kind, want := range map[personiotest.FaultKind]struct{ rows, people int }{
		personiotest.DriftInsert: {251, 250}, // one person twice; the new one came too late
		personiotest.DriftRemove: {249, 249}, // the one after the gap was not seen
	} {
		sim := newSimulation(t, personiotest.Config{People: 250, Faults: []personiotest.Fault{{Kind: kind, After: 1, Times: 1}}})
		r := readAll(t, newSource(t, sim, nil), wanted())
		people := slices.Compact(slices.Sorted(slices.Values(r.ids())))
		if r.err != nil || len(r.people) != want.rows || len(people) != want.people {
			t.Errorf("%s: error %v, %d rows about %d people; want %+v", kind, r.err, len(r.people), len(people), want)
		}
	}
}

// N329, N330
func TestFailuresThatPassAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, kind := range []personiotest.FaultKind{
		personiotest.RateLimited, personiotest.ServerError, personiotest.BadGateway, personiotest.GatewayTimeout, personiotest.Reset,
	} {
		for _, endpoint := range []personiotest.Endpoint{personiotest.EndpointEmployees, personiotest.EndpointAuth} {
			t.Run(fmt.Sprint(kind, " at ", endpoint), func(t *testing.T) {
				t.Parallel()
				fault := personiotest.Fault{Kind: kind, Endpoint: endpoint, Times: 2}
				sim := newSimulation(t, personiotest.Config{People: 250, Faults: []personiotest.Fault{fault}})
				r := readAll(t, newSource(t, sim, nil), wanted())
				if diff := cmp.Diff(idsOf(sim.People()), r.ids()); diff != "" || r.err != nil {
					t.Errorf("error %v, difference (-there +read):\n%s", r.err, diff)
				}
			})
		}
	}
}

// impatient gives up within a fraction of a second.
func impatient(cfg *personio.Config) {
	cfg.RequestTimeout, cfg.Patience, cfg.Backoff = time.Second, 3*time.Second, time.Millisecond
}

// N329, N330
func TestASourceThatOnlyRefusesIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, kind := range []personiotest.FaultKind{
		personiotest.RateLimited, personiotest.ServerError, personiotest.BadGateway, personiotest.Reset,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, personiotest.Config{Faults: []personiotest.Fault{{Kind: kind}}})
			began := time.Now()
			r := readAll(t, newSource(t, sim, impatient), wanted())
			if !errors.Is(r.err, importer.ErrUnreachable) || errors.Is(r.err, context.DeadlineExceeded) {
				t.Errorf("error %v, want ErrUnreachable and no timeout", r.err)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("given up after %s", took)
			}
		})
	}
}

// N330. A wait longer than our patience is not begun, and none is shortened.
func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	fault := personiotest.Fault{Kind: personiotest.RateLimited, RetryAfter: "3600", Times: 1}
	sim := newSimulation(t, personiotest.Config{People: 3, Faults: []personiotest.Fault{fault}})
	began := time.Now()
	r := readAll(t, newSource(t, sim, nil), wanted())
	if !errors.Is(r.err, importer.ErrUnreachable) || time.Since(began) > 5*time.Second {
		t.Errorf("error %v after %s, want ErrUnreachable at once", r.err, time.Since(began))
	}
	if got := len(sim.Requests()); got != 2 {
		t.Errorf("%d requests, want authentication and one refused read", got)
	}
}

// N330
func TestRetryAfterBetweenPagesIsWaitedOut(t *testing.T) {
	t.Parallel()
	fault := personiotest.Fault{Kind: personiotest.RateLimited, RetryAfter: "3", Times: 1}
	sim := newSimulation(t, personiotest.Config{People: 3, Faults: []personiotest.Fault{fault}})
	source := newSource(t, sim, func(cfg *personio.Config) { cfg.RequestTimeout = 2 * time.Second })
	r := readAll(t, source, wanted())
	requests := sim.Requests()
	if r.err != nil || len(r.people) != 3 || len(requests) != 3 {
		t.Fatalf("error %v, %d people, %d requests; want 3 people by 3 requests", r.err, len(r.people), len(requests))
	}
	if waited := requests[2].At.Sub(requests[1].At); waited < 3*time.Second {
		t.Errorf("asked again after %s, want 3 s at least", waited)
	}
}

// S-105, S-106
func TestATimeoutNamesTheRemedy(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 250, Faults: []personiotest.Fault{{Kind: personiotest.Slow}}})
	r := readAll(t, newSource(t, sim, impatient), wanted())
	if !errors.Is(r.err, importer.ErrUnreachable) || !errors.Is(r.err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want ErrUnreachable and DeadlineExceeded", r.err)
	}
	if !strings.Contains(r.err.Error(), "fewer attributes") {
		t.Errorf("error %q names no remedy", r.err)
	}
}

// S-105
func TestAfterATimeoutFewerPeopleAreAskedFor(t *testing.T) {
	t.Parallel()
	slow := []personiotest.Fault{
		{Kind: personiotest.Slow, After: 1, Times: 1},
		{Kind: personiotest.GatewayTimeout, After: 2, Times: 1},
	}
	sim := newSimulation(t, personiotest.Config{People: 250, Faults: slow})
	source := newSource(t, sim, func(cfg *personio.Config) { cfg.RequestTimeout = 300 * time.Millisecond })
	r := readAll(t, source, wanted())
	if diff := cmp.Diff(idsOf(sim.People()), r.ids()); diff != "" || r.err != nil {
		t.Fatalf("error %v, difference (-there +read):\n%s", r.err, diff)
	}
	var limits []string
	for _, q := range sim.Requests() {
		limits = append(limits, q.Query.Get("limit"))
	}
	// The size that was answered is remembered for the rest of the run.
	if at := slices.Index(limits, "50"); at < 0 || slices.Contains(limits[at:], "100") {
		t.Errorf("limits asked for: %v, want smaller ones from the timeout on", limits)
	}
}

func TestReadingStopsWithItsContext(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3, Faults: []personiotest.Fault{{Kind: personiotest.Slow}}})
	source := newSource(t, sim, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	for _, err := range source.Pages(ctx, importer.Query{Wanted: wanted()}) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	}
	if took := time.Since(began); took > 30*time.Second { // the answer would take a minute
		t.Errorf("stopped after %s", took)
	}
}

func TestReadingStopsWhenNobodyWantsMore(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 450})
	for range newSource(t, sim, nil).Pages(t.Context(), importer.Query{Wanted: wanted()}) {
		break
	}
	if got := len(sim.Requests()); got != 2 {
		t.Errorf("%d requests, want authentication and one page", got)
	}
}

// N327
func TestCompressionBombsAreRefused(t *testing.T) {
	t.Parallel()
	bomb := authenticated(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = zip.Write([]byte(`{"success":true,"data":[`))
		for range 4 {
			if _, err := zip.Write([]byte(strings.Repeat(" ", 1<<20))); err != nil {
				return // the client has seen enough
			}
		}
		_ = zip.Close()
	})
	if r := readAll(t, newSourceAt(t, bomb, nil), wanted()); !errors.Is(r.err, importer.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", r.err)
	}
}

// N302. Metadata that contradicts itself is no reason to believe it.
func TestImpossibleMetadataIsRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"success":true,"metadata":{"total_elements":-1},"data":[]}`:  importer.ErrCorrupt,
		`{"success":true,"metadata":{"total_elements":"1"},"data":[]}`: importer.ErrCorrupt,
		`{"success":true,"metadata":{"total_elements":1e3},"data":[]}`: importer.ErrCorrupt,
		`{"success":true,"data":{}}`:                                   importer.ErrCorrupt,
		`{"success":true}`:                                             importer.ErrCorrupt,
		`{"data":[]}`:                                                  importer.ErrCorrupt,
		`[]`:                                                           importer.ErrCorrupt,
		``:                                                             importer.ErrCorrupt,
		`{"success":true,"metadata":[],"data":[]}`:                     nil,
		`{"success":true,"metadata":{"total_elements":null},"data":[]}`:   nil,
		`{"success":false,"error":{"code":"?","message":"Oh"},"data":[]}`: importer.ErrCorrupt,
	} {
		source := newSourceAt(t, authenticated(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write([]byte(body))
		}), nil)
		if r := readAll(t, source, wanted()); !errors.Is(r.err, want) {
			t.Errorf("%s: error %v, want %v", body, r.err, want)
		}
	}
}

// A server with smaller pages than we ask for says so, and nobody is missed.
func TestSmallerPagesThanAskedForAreFollowed(t *testing.T) {
	t.Parallel()
	capped := authenticated(func(w http.ResponseWriter, r *http.Request) {
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		var rows []string
		for id := offset + 1; id <= min(offset+20, 70); id++ {
			rows = append(rows, fmt.Sprintf(`{"attributes":{"id":{"value":%d}}}`, id))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"success":true,"limit":20,"data":[%s]}`, strings.Join(rows, ","))
	})
	if r := readAll(t, newSourceAt(t, capped, nil), wanted()); r.err != nil || len(r.people) != 70 {
		t.Errorf("error %v, %d people; want 70", r.err, len(r.people))
	}
}

// The whole list in one answer, as of a server that knows no pages.
func TestAServerWithoutPagesIsRead(t *testing.T) {
	t.Parallel()
	whole := authenticated(func(w http.ResponseWriter, _ *http.Request) {
		var rows []string
		for id := 1; id <= 250; id++ {
			rows = append(rows, fmt.Sprintf(`{"attributes":{"id":%d}}`, id))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"success":true,"metadata":{"total_elements":250},"data":[%s]}`, strings.Join(rows, ","))
	})
	if r := readAll(t, newSourceAt(t, whole, nil), wanted()); r.err != nil || len(r.people) != 250 {
		t.Errorf("error %v, %d people; want 250", r.err, len(r.people))
	}
}
