package personio_test

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/users"
)

func readFiltered(t *testing.T, source *personio.Source, filter string) reading {
	t.Helper()
	var r reading
	for page, err := range source.Pages(t.Context(), importer.Query{Wanted: []string{"email"}, Filter: filter}) {
		if err != nil {
			r.err = err
			break
		}
		r.people = append(r.people, page.People...)
		r.announced = page.Announced
	}
	return r
}

// S-084
func TestWhatIsOursCannotBeFiltered(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3})
	source := newSource(t, sim, nil)
	for _, filter := range []string{
		"limit=1", "offset=1", "LIMIT=1", "limit[]=1", "limit%5B0%5D=1", "l%69mit=1", "attributes=email", "attributes[]=salary",
		"attributes%5B%5D=salary", "page=2", "cursor=x", "client_id=papi-1", "client_secret=s", "client.id=papi-1", "access_token=t",
		"email=ada@acme.example&limit=1",
		"email", "=x", "&", "email=a&&office=b", "a=1;limit=1", "email=ada+hr@acme.example", "email=%zz", "email=%2", "e%20mail=x", "limit[=1", "?email=x",
	} {
		if err := personio.CheckFilter(filter); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("check of %q: %v, want ErrInvalid", filter, err)
		}
		if r := readFiltered(t, source, filter); !errors.Is(r.err, users.ErrInvalid) {
			t.Errorf("reading by %q: %v, want ErrInvalid", filter, r.err)
		}
	}
	if requests := sim.Requests(); len(requests) > 0 {
		t.Errorf("%d requests were sent, want none", len(requests))
	}
	if err := personio.CheckFilter("mail=jane.doe@acme.example&x"); err == nil || strings.Contains(err.Error(), "jane") {
		t.Errorf("error %v: want one without anybody's address", err)
	}
}

// S-084
func TestAFilterIsMergedIntoTheRequestAsItIs(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]url.Values{
		"":                                     {},
		"email=ada@acme.example":               {"email": {"ada@acme.example"}},
		"email=ada%2Bhr%40acme.example":        {"email": {"ada+hr@acme.example"}},
		"office=Köln&team=R%26D #1":            {"office": {"Köln"}, "team": {"R&D #1"}},
		"office=Wien&office=Graz&a[]=1&a[]=2":  {"office": {"Wien", "Graz"}, "a[]": {"1", "2"}},
		"position=Head%20of%20HR&gender=":      {"position": {"Head of HR"}, "gender": {""}},
		"expression=a=b%3D%3Dc%3B":             {"expression": {"a=b==c;"}},
		"department=%E2%82%AC%25&dynamic_12=x": {"department": {"€%"}, "dynamic_12": {"x"}},
	} {
		sim := newSimulation(t, personiotest.Config{People: 120})
		if r := readFiltered(t, newSource(t, sim, nil), filter); r.err != nil {
			t.Fatalf("%q: %v", filter, r.err)
		}
		lists := 0
		for _, r := range sim.Requests() {
			if r.Path != "/v1/company/employees" {
				continue
			}
			lists++
			got := url.Values{}
			for name, values := range r.Query {
				if !slices.Contains([]string{"limit", "offset", "attributes[]"}, name) {
					got[name] = values
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", filter, diff)
			}
			if !slices.Equal(r.Attributes, []string{"email"}) || r.Query.Get("limit") != "100" {
				t.Errorf("%q: asked for %v by %s", filter, r.Attributes, r.Query.Get("limit"))
			}
		}
		if lists == 0 {
			t.Errorf("%q: nothing was read", filter)
		}
	}
}

// S-084
func TestPersoniosOwnFilters(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	now := start
	sim := newSimulation(t, personiotest.Config{People: 250, Now: func() time.Time { return now }})
	source := newSource(t, sim, nil)
	ada := sim.People()[7]
	if r := readFiltered(t, source, "email="+strings.ToUpper(string(ada.Email))); r.err != nil || r.announced != 1 || !slices.Equal(r.ids(), idsOf([]personiotest.Employee{ada})) {
		t.Errorf("by address: %v, %d announced, error %v", r.ids(), r.announced, r.err)
	}
	now = start.Add(time.Hour)
	var changed []string
	for _, n := range []int{1, 99, 100} { // people changed: fewer than a page, a page but one, a page
		for len(changed) < n {
			e := sim.People()[len(changed)]
			if err := sim.Update(e.ID, func(e *personiotest.Employee) { e.Position = "Director" }); err != nil {
				t.Fatal(err)
			}
			changed = append(changed, strconv.FormatInt(e.ID, 10))
		}
		r := readFiltered(t, source, "updated_since=2026-11-02T08:30:00")
		if r.err != nil || !slices.Equal(r.ids(), changed) {
			t.Errorf("%d changed: read %d, error %v", n, len(r.people), r.err)
		}
	}
}
