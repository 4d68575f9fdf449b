package personio_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
)

// changedIDs reads whom a source shows as changed since a time, each once.
func changedIDs(t *testing.T, source *personio.Source, since time.Time) []string {
	t.Helper()
	var ids []string
	for page, err := range source.Changed(t.Context(), since, []string{"email", "status"}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.People {
			if p.Status == "" || slices.Contains(ids, p.ID) {
				t.Errorf("person %s: status %q, or came twice", p.ID, p.Status)
			}
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// facts 1.3 (c): the answer is one page, or several.
func TestChangedPeopleAreReadInOnePageOrSeveral(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	for _, variants := range [][]personiotest.Variant{nil, {personiotest.PagedDelta}} {
		now := start
		sim := newSimulation(t, personiotest.Config{People: 350, Now: func() time.Time { return now }, Variants: variants})
		source := newSource(t, sim, nil)
		now = start.Add(time.Hour)
		if ids := changedIDs(t, source, now); len(ids) != 0 {
			t.Errorf("%v: nobody changed, read %v", variants, ids)
		}
		var changed []string
		for _, n := range []int{1, 99, 100, 101, 200, 201, 350} {
			for len(changed) < n {
				e := sim.People()[len(changed)]
				if err := sim.Update(e.ID, func(e *personiotest.Employee) { e.Position = "Director" }); err != nil {
					t.Fatal(err)
				}
				changed = append(changed, strconv.FormatInt(e.ID, 10))
			}
			if ids := changedIDs(t, source, now.Add(-time.Minute)); !slices.Equal(ids, changed) {
				t.Errorf("%v: %d changed, read %d", variants, n, len(ids))
			}
		}
	}
}

// facts 1.3 (c): whatever the totals say, the first page again is the end.
func TestATotalThatIsWrongIsNoReasonToDoubtWhoChanged(t *testing.T) {
	t.Parallel()
	for _, kind := range []personiotest.FaultKind{personiotest.TotalsHigh, personiotest.TotalsLow, personiotest.TotalsMissing} {
		sim := newSimulation(t, personiotest.Config{People: 100})
		source := newSource(t, sim, nil)
		if err := sim.Inject(personiotest.Fault{Endpoint: personiotest.EndpointEmployees, Kind: kind}); err != nil {
			t.Fatal(err)
		}
		if ids := changedIDs(t, source, time.Unix(1, 0)); len(ids) != 100 {
			t.Errorf("%s: read %d people, want 100", kind, len(ids))
		}
	}
}

// B-13: all wanted attributes are asked for, the status among them, because
// Personio shows a person as changed only if one of those has. The time is UTC in
// a form without a zone.
func TestWhatChangedPeopleAreAskedFor(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3})
	source := newSource(t, sim, nil)
	berlin := time.FixedZone("CET", 3600)
	before := len(sim.Requests())
	changedIDs(t, source, time.Date(2026, 11, 2, 9, 30, 0, 0, berlin))
	var lists []personiotest.Request
	for _, r := range sim.Requests()[before:] {
		if r.Method == http.MethodGet {
			lists = append(lists, r)
		}
	}
	if len(lists) != 1 {
		t.Fatalf("%d requests, want one", len(lists))
	}
	q := lists[0].Query
	if got := q.Get("updated_since"); got != "2026-11-02T08:30:00" || !slices.Contains(q["attributes[]"], "status") {
		t.Errorf("asked for %v, want the status since 08:30 in UTC", q)
	}
	if strings.ContainsAny(q.Get("updated_since"), "Z+") {
		t.Error("the time names a zone")
	}
}

// facts 1.3 (d): whether a time without a zone is read in UTC or in Berlin, in summer or
// in winter, in the hour that comes twice and around the one that is left out: whoever
// changed since then is shown, and nobody who changed three hours before.
func TestNoChangeIsMissedByTheZoneOfATime(t *testing.T) {
	t.Parallel()
	for _, variants := range [][]personiotest.Variant{nil, {personiotest.LocalSince}} {
		for _, at := range []string{
			"2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z",
			"2026-10-25T00:10:00Z", "2026-10-25T00:50:00Z", "2026-10-25T01:10:00Z", "2026-10-25T02:10:00Z",
			"2026-03-29T00:50:00Z", "2026-03-29T01:10:00Z", "2026-03-29T02:30:00Z",
		} {
			since, err := time.Parse(time.RFC3339, at)
			must(t, err)
			now := since.Add(-3*time.Hour - time.Minute)
			sim := newSimulation(t, personiotest.Config{People: 5, Now: func() time.Time { return now }, Variants: variants})
			source := newSource(t, sim, nil)
			people := sim.People()
			change := func(i int, when time.Time) string {
				now = when
				must(t, sim.Update(people[i].ID, func(e *personiotest.Employee) { e.Position = "Director" }))
				return strconv.FormatInt(people[i].ID, 10)
			}
			change(0, since.Add(-3*time.Hour-time.Minute))
			want := []string{change(1, since), change(2, since.Add(time.Second)), change(3, since.Add(40*time.Minute))}
			ids := changedIDs(t, source, since)
			for _, id := range want {
				if !slices.Contains(ids, id) {
					t.Errorf("%v since %s: %v are shown, %s is missing", variants, at, ids, id)
				}
			}
			if old := strconv.FormatInt(people[0].ID, 10); slices.Contains(ids, old) {
				t.Errorf("%v since %s: %s is shown, who changed three hours before", variants, at, old)
			}
		}
	}
}
