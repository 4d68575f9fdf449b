package personio

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/outgoing"
)

// B-10, U-30: whatever a read of changes causes is counted in its tenth, further
// pages, employments and names too; and nothing that is read of single people is.
func TestAllRequestsOfAPurposeAreCountedAsItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		api  protocol
		open func(cfg Config) (importer.Several, *pace)
	}{
		{version1, func(cfg Config) (importer.Several, *pace) {
			s, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return s, s.pace
		}},
		{version2, func(cfg Config) (importer.Several, *pace) {
			s, err := NewV2(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return s, s.pace
		}},
	} {
		sim, err := personiotest.New(personiotest.Config{People: 120, Variants: []personiotest.Variant{personiotest.PagedDelta}})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(sim.Handler())
		t.Cleanup(server.Close)
		client, err := outgoing.New(outgoing.Config{AllowLoopback: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		id, secret := sim.Credentials()
		var ids []string
		for _, e := range sim.People() {
			ids = append(ids, strconv.FormatInt(e.ID, 10))
		}
		wanted := []string{"department", "email", "office", "status"}
		for _, read := range []struct {
			name    string
			purpose purpose
			pages   func(s importer.Several) iter.Seq2[importer.Page, error]
		}{
			{"everybody", ofEverybody, func(s importer.Several) iter.Seq2[importer.Page, error] {
				return s.Pages(t.Context(), importer.Query{Wanted: wanted})
			}},
			{"changes", ofChanges, func(s importer.Several) iter.Seq2[importer.Page, error] {
				return s.Changed(t.Context(), time.Time{}.AddDate(2000, 0, 0), wanted)
			}},
			{"some people", ofSomebody, func(s importer.Several) iter.Seq2[importer.Page, error] {
				return s.People(t.Context(), ids, time.Time{}.AddDate(2000, 0, 0), wanted)
			}},
		} {
			source, counted := c.open(Config{BaseURL: server.URL, ClientID: id, ClientSecret: secret, HTTP: client})
			plenty := []rate{{100_000, time.Millisecond}}
			counted.all.limits, counted.everybody.limits, counted.changes.limits = plenty, plenty, plenty
			before := len(sim.Requests())
			people := 0
			for page, err := range read.pages(source) {
				if err != nil {
					t.Fatal(err)
				}
				people += len(page.People)
			}
			requests := len(sim.Requests()) - before - 1 // the first asked for the token
			want := map[purpose]int{read.purpose: requests, ofSomebody: requests}
			got := map[purpose]int{ofSomebody: len(counted.all.sent)}
			if n := len(counted.everybody.sent); n > 0 {
				got[ofEverybody] = n
			}
			if n := len(counted.changes.sent); n > 0 {
				got[ofChanges] = n
			}
			if people < 120 || requests < 2 || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %d people by %d requests, counted by purpose %v, want %v", read.name, people, requests, got, want)
			}
		}
	}
}

// N-1: an import of everybody leaves room for leavers.
func TestSingleReadsAreNotHeldUpByAnImportOfEverybody(t *testing.T) {
	t.Parallel()
	for _, api := range []protocol{version1, version2} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(Config{}, api)
			go func() {
				ctx := withPurpose(t.Context(), ofEverybody)
				for ctx.Err() == nil && p.wait(ctx, "/list") == nil {
				}
			}()
			for range 20 { // one every 7 s
				time.Sleep(7 * time.Second)
				began := time.Now()
				if err := p.wait(t.Context(), "/one"); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("one person waited for %s", took)
				}
			}
		})
	}
}

// The gateway of version 2 says how many requests it would take at once.
func TestWhatPersonioSaysItWouldTakeIsSentAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(Config{}, version2)
		answer := func(endpoint string, status int, remaining string) {
			p.credit.begin(endpoint)
			p.credit.end(endpoint, status, http.Header{headerRemaining: {remaining}})
		}
		send := func(ctx context.Context, n int) time.Duration {
			began := time.Now()
			for range n {
				if err := p.wait(ctx, "/e"); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		answer("/e", http.StatusOK, "75")
		if took := send(t.Context(), 70); took != 0 {
			t.Errorf("70 requests of 75 that are welcome wait for %s", took)
		}
		if took := send(t.Context(), 26); took < time.Second {
			t.Errorf("26 more wait for %s, want a second: they are one too many for the limit", took)
		}
		time.Sleep(time.Minute)
		for _, c := range []struct{ name, remaining string }{
			{"none is left", "0"}, {"fewer than we leave to others", "5"}, {"nothing", ""}, {"nonsense", "many"}, {"a negative number", "-3"},
		} {
			answer("/e", http.StatusOK, c.remaining)
			if took := send(t.Context(), 26); took < time.Second {
				t.Errorf("said %s: 26 requests in %s", c.name, took)
			}
			time.Sleep(time.Minute)
		}
		answer("/e", http.StatusTooManyRequests, "90")
		answer("/other", http.StatusOK, "90")
		if took := send(t.Context(), 26); took < time.Second {
			t.Errorf("refused, or about another endpoint: 26 requests in %s", took)
		}
		time.Sleep(time.Minute)
		answer("/e", http.StatusOK, "100000")
		if took := send(t.Context(), 150); took < time.Second {
			t.Errorf("150 requests in %s, however many are said to be welcome", took)
		}
		time.Sleep(time.Minute)
		answer("/e", http.StatusOK, "90")
		if took := send(withPurpose(t.Context(), ofChanges), 31); took < 10*time.Second {
			t.Errorf("31 requests about changes in %s: they keep to a tenth, whatever is welcome", took)
		}
	})
}
