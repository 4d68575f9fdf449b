package personio_test

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/users"
)

// newSourceV2 connects to the simulation by version 2 of the API.
func newSourceV2(t *testing.T, sim *personiotest.Server, change func(cfg *personio.Config)) *personio.SourceV2 {
	t.Helper()
	id, secret := sim.Credentials()
	return newSourceV2At(t, sim.Handler(), func(cfg *personio.Config) {
		cfg.ClientID, cfg.ClientSecret = id, secret
		if change != nil {
			change(cfg)
		}
	})
}

func newSourceV2At(t *testing.T, handler http.Handler, change func(cfg *personio.Config)) *personio.SourceV2 {
	t.Helper()
	source, err := personio.NewV2(testConfig(t, handler, change))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// collect reads to the end of what a source yields.
func collect(pages iter.Seq2[importer.Page, error]) reading {
	var r reading
	for page, err := range pages {
		if err != nil {
			r.err = err
			break
		}
		r.people = append(r.people, page.People...)
		r.announced = page.Announced
		r.pages++
	}
	return r
}

func readV2(t *testing.T, source *personio.SourceV2, wanted []string) reading {
	t.Helper()
	return collect(source.Pages(t.Context(), importer.Query{Wanted: wanted}))
}

// atV2 is a fault of version 2.
func atV2(endpoint personiotest.Endpoint, kind personiotest.FaultKind, times, after int) personiotest.Fault {
	return personiotest.Fault{Kind: kind, Endpoint: endpoint, Times: times, After: after}
}

// U-31. What an import makes of a company does not depend on the version that
// it is read by.
func TestBothVersionsReadTheSameCompany(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 180, Seed: 4})
	must(t, sim.SetAttribute(sim.People()[5].Email, "contract_end_date", "2027-03-31"))
	v1 := readAll(t, newSource(t, sim, nil), wanted())
	v2 := readV2(t, newSourceV2(t, sim, nil), wanted())
	if diff := cmp.Diff(v1.people, v2.people); diff != "" || v1.err != nil || v2.err != nil {
		t.Fatalf("errors %v and %v, people differ (-v1 +v2):\n%s", v1.err, v2.err, diff)
	}
	if v2.announced != -1 {
		t.Errorf("%d people announced, want that nothing is said", v2.announced)
	}

	// By nature differ: what is left out for who has none (a team, a last day) is
	// not known to be empty before the first is seen who has one.
	all := append(everything(), "last_working_day", "contract_end_date", "weekly_working_hours")
	v1, v2 = readAll(t, newSource(t, sim, nil), all), readV2(t, newSourceV2(t, sim, nil), all)
	unseen := 0
	for i, p := range v1.people {
		for _, name := range []string{"team", "last_working_day", "termination_date"} {
			if _, sent := v2.people[i].Attributes[name]; !sent && p.Attributes[name] == "" {
				unseen++
				delete(p.Attributes, name)
			}
		}
	}
	if diff := cmp.Diff(v1.people, v2.people); diff != "" || v1.err != nil || v2.err != nil {
		t.Errorf("errors %v and %v, people differ (-v1 +v2):\n%s", v1.err, v2.err, diff)
	}
	if unseen > 60 {
		t.Errorf("%d values were not known to be empty, want that of the first page at most", unseen)
	}
}

// U-31, N333. The same facts, in every shape that version 2 is known to have.
func TestShapesOfVersion2DoNotChangeWhatIsRead(t *testing.T) {
	t.Parallel()
	all := append(wanted(), "preferred_name", "hire_date", "dynamic_7124100", "dynamic_7123994", "dynamic_42", "last_working_day")
	read := func(variants ...personiotest.Variant) reading {
		sim := newSimulation(t, personiotest.Config{People: 3, Variants: variants})
		if _, err := sim.Add(personiotest.Employee{
			FirstName: "Zoë", Email: "zoe@acme.example", SupervisorID: personiotest.FirstID, Department: "Sales", Office: "Köln",
			Subcompany: "Acme GmbH", CostCenters: []string{"7"}, LastWorkingDay: "2026-12-31", TerminationDate: "2026-12-31",
			Custom: map[string]string{"dynamic_42": "42"},
		}); err != nil {
			t.Fatal(err)
		}
		source := newSourceV2(t, sim, nil)
		r := readV2(t, source, all)
		one, err := source.Person(t.Context(), "1000004", all)
		if diff := cmp.Diff(r.people[3], one); diff != "" || err != nil {
			t.Errorf("%v: error %v, one person differs from the list (-list +one):\n%s", variants, err, diff)
		}
		return r
	}
	plain := read()
	for _, v := range []personiotest.Variant{
		personiotest.LongAttributeIDs, personiotest.TypedCustomValues, personiotest.MisspeltLastDay, personiotest.WrappedSinglePerson,
	} {
		if diff := cmp.Diff(plain.people, read(v).people); diff != "" {
			t.Errorf("%s: people differ (-plain +variant):\n%s", v, diff)
		}
	}
}

// U-31. What is merely absent blanks nothing.
func TestWhatVersion2LeavesOutIsAbsent(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{Variants: []personiotest.Variant{personiotest.OmittedEmpty}})
	if _, err := sim.Add(personiotest.Employee{Email: "ada@acme.example", FirstName: "Ada"}); err != nil {
		t.Fatal(err)
	}
	r := readV2(t, newSourceV2(t, sim, nil), wanted())
	want := []importer.Person{{ID: "1000001", Status: importer.StatusActive, Attributes: map[string]string{
		"email": "ada@acme.example", "first_name": "Ada", "status": "active", "employment_type": "internal", "position": "",
	}}}
	if diff := cmp.Diff(want, r.people); diff != "" || r.err != nil {
		t.Errorf("error %v, people differ (-want +got):\n%s", r.err, diff)
	}
}

// B-15, S-005
func TestWhatVersion2MayNotReadIsAbsent(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{Granted: []string{"email", "status", "team"}})
	for _, e := range []personiotest.Employee{
		{Email: "ada@acme.example", FirstName: "Ada", Team: "Blue", Department: "Sales", CostCenters: []string{"7"}, LastWorkingDay: "2026-12-31"},
		{Email: "bob@acme.example", FirstName: "Bob", Department: "Sales"},
	} {
		if _, err := sim.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	r := readV2(t, newSourceV2(t, sim, nil), append(everything(), "last_working_day"))
	want := []importer.Person{
		{ID: "1000001", Status: "active", Attributes: map[string]string{"email": "ada@acme.example", "status": "active", "team": "Blue"}},
		{ID: "1000002", Status: "active", Attributes: map[string]string{"email": "bob@acme.example", "status": "active", "team": ""}},
	}
	if diff := cmp.Diff(want, r.people); diff != "" || r.err != nil {
		t.Errorf("error %v, people differ (-want +got):\n%s", r.err, diff)
	}
	sim.SetGranted("weekly_working_hours") // next to nothing
	r = readV2(t, newSourceV2(t, sim, nil), everything())
	want = []importer.Person{{ID: "1000001", Attributes: map[string]string{}}, {ID: "1000002", Attributes: map[string]string{}}}
	if diff := cmp.Diff(want, r.people); diff != "" || r.err != nil {
		t.Errorf("with next to nothing granted: error %v, people differ (-want +got):\n%s", r.err, diff)
	}
}

// B-13. The status of the person, and the filter by it, know no leave.
func TestTheStatusIsThatOfTheEmployment(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{})
	for _, e := range []personiotest.Employee{
		{Email: "a@acme.example", Status: personiotest.Leave},
		{Email: "b@acme.example", Status: personiotest.Onboarding},
		{Email: "c@acme.example", Status: personiotest.Inactive},
		{Email: "d@acme.example", Status: "unspecified"},
		{Email: "e@acme.example", Status: "sabbatical"},
		{Email: "f@acme.example", Status: personiotest.Active, Former: []personiotest.Employment{{Status: personiotest.Inactive}}},
		{Email: "g@acme.example", Status: personiotest.Inactive, Former: []personiotest.Employment{{Status: personiotest.Active}}},
		{Email: "h@acme.example", Status: personiotest.Onboarding, Former: []personiotest.Employment{{Status: personiotest.Inactive}, {Status: personiotest.Leave}}},
	} {
		if _, err := sim.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	source := newSourceV2(t, sim, nil)
	statuses := func(filter string) (got []importer.Status) {
		r := collect(source.Pages(t.Context(), importer.Query{Wanted: []string{"email", "status"}, Filter: filter}))
		if r.err != nil {
			t.Fatal(r.err)
		}
		for _, p := range r.people {
			got = append(got, p.Status)
		}
		return got
	}
	want := []importer.Status{"leave", "onboarding", "inactive", "", "sabbatical", "active", "inactive", "leave"}
	if got := statuses(""); !slices.Equal(got, want) {
		t.Errorf("statuses %q, want %q", got, want)
	}
	if got, want := statuses("status=ACTIVE"), []importer.Status{"leave", "onboarding", "", "sabbatical", "active", "leave"}; !slices.Equal(got, want) {
		t.Errorf("statuses of those filtered as active %q, want %q", got, want)
	}
}

// A name that may not be read is absent; an id never stands in for it.
func TestNamesThatMayNotBeReadAreAbsent(t *testing.T) {
	t.Parallel()
	lists := []personiotest.Endpoint{
		personiotest.EndpointLegalEntities, personiotest.EndpointOrgUnits, personiotest.EndpointCostCenters, personiotest.EndpointWorkplaces,
	}
	for _, kind := range []personiotest.FaultKind{personiotest.NotFound, personiotest.Forbidden, personiotest.Unauthorized} {
		sim := newSimulation(t, personiotest.Config{People: 20})
		for _, endpoint := range lists {
			must(t, sim.Inject(atV2(endpoint, kind, 0, 0)))
		}
		r := readV2(t, newSourceV2(t, sim, nil), wanted())
		if r.err != nil {
			t.Fatal(r.err)
		}
		for i, p := range r.people {
			for _, name := range []string{"office", "subcompany", "cost_centers"} {
				if value, sent := p.Attributes[name]; sent {
					t.Errorf("%s: %s is %q, want it absent", kind, name, value)
				}
			}
			if want := sim.People()[i].Department; p.Attributes["department"] != want { // asked for one by one
				t.Errorf("%s: department is %q, want %q", kind, p.Attributes["department"], want)
			}
		}
		must(t, sim.Inject(atV2(personiotest.EndpointOrgUnit, kind, 0, 0)))
		if r := readV2(t, newSourceV2(t, sim, nil), wanted()); r.err != nil || r.people[0].Attributes["department"] != "" {
			t.Errorf("%s: error %v, department %q; want it absent", kind, r.err, r.people[0].Attributes["department"])
		}
	}
}

// What passes is waited for, and what does not ends the reading: names are not
// taken for withheld when Personio is only in trouble.
func TestNamesInTroubleEndTheReading(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3, Faults: []personiotest.Fault{atV2(personiotest.EndpointWorkplaces, personiotest.BadGateway, 2, 0)}})
	if r := readV2(t, newSourceV2(t, sim, nil), wanted()); r.err != nil || r.people[0].Attributes["office"] == "" {
		t.Errorf("error %v, want the office after two refusals", r.err)
	}
	must(t, sim.Inject(atV2(personiotest.EndpointWorkplaces, personiotest.Truncated, 0, 0)))
	if r := readV2(t, newSourceV2(t, sim, nil), wanted()); !errors.Is(r.err, importer.ErrCorrupt) {
		t.Errorf("half a list of names: error %v, want ErrCorrupt", r.err)
	}
}

func TestNamesAreReadAnewByEachFullReading(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	sim := newSimulation(t, personiotest.Config{})
	if _, err := sim.Add(personiotest.Employee{Email: "ada@acme.example", Office: "Köln"}); err != nil {
		t.Fatal(err)
	}
	source := newSourceV2(t, sim, func(cfg *personio.Config) { cfg.Now = func() time.Time { return now } })
	lists := func() (n int) {
		for _, r := range sim.Requests() {
			if r.Path == "/v2/workplaces" {
				n++
			}
		}
		return n
	}
	one := func() string {
		p, err := source.Person(t.Context(), "1000001", []string{"office", "status"})
		if err != nil {
			t.Fatal(err)
		}
		return p.Attributes["office"]
	}
	for range 2 {
		if office := one(); office != "Köln" || lists() != 1 {
			t.Errorf("office %q after names were read %d times, want once for all", office, lists())
		}
	}
	must(t, sim.SetAttribute("ada@acme.example", "office", "Bonn"))
	if r := readV2(t, source, []string{"office", "status"}); r.err != nil || r.people[0].Attributes["office"] != "Bonn" || lists() != 2 {
		t.Errorf("error %v, office %q after %d lists; want Bonn after 2", r.err, r.people[0].Attributes["office"], lists())
	}
	now = now.Add(5 * time.Minute)
	if one(); lists() != 3 {
		t.Errorf("names were read %d times, want anew after 5 minutes", lists())
	}
}

// S-020, S-015, S-019
func TestVersion2SendsNothingButReadsAndTheAuthentication(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 60})
	source := newSourceV2(t, sim, nil)
	readV2(t, source, wanted())
	if _, known, err := source.Granted(t.Context()); known || err != nil {
		t.Errorf("granted: known %t, error %v; version 2 cannot be asked", known, err)
	}
	if _, err := source.Person(t.Context(), "1000001", wanted()); err != nil {
		t.Fatal(err)
	}
	collect(source.Changed(t.Context(), time.Now(), wanted()))
	authentications := 0
	for _, r := range sim.Requests() {
		if r.AppID != "EINLASS" || strings.HasPrefix(r.Path, "/v2/webhooks") || strings.HasPrefix(r.Path, "/v1/") {
			t.Errorf("%s %s with application id %q was sent", r.Method, r.Path, r.AppID)
		}
		if r.Method == http.MethodGet && r.Authorized && !r.Query.Has("client_secret") {
			continue
		}
		authentications++
		if r.Method != http.MethodPost || r.Path != "/v2/auth/token" || len(r.Query) > 0 || r.Authorized {
			t.Errorf("%s %s?%s was sent", r.Method, r.Path, r.Query.Encode())
		}
	}
	if authentications != 1 {
		t.Errorf("%d authentications, want one for all", authentications)
	}
}

func TestPagesOfVersion2AreAsLargeAsAllowed(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 120})
	readV2(t, newSourceV2(t, sim, nil), wanted())
	lists, singles := 0, 0
	for _, r := range sim.Requests() {
		switch {
		case r.Path == "/v2/persons":
			lists++
			if r.Query.Get("limit") != "50" {
				t.Errorf("limit %q, want 50", r.Query.Get("limit"))
			}
		case strings.HasSuffix(r.Path, "/employments"):
			singles++
		}
	}
	if lists != 3 || singles != 120 {
		t.Errorf("%d lists and %d requests for employments, want 3 and 120", lists, singles)
	}
}

// Whatever the number of people, few requests are under way at a time.
func TestEmploymentsAreAskedForFewAtATime(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 50})
	var mu sync.Mutex
	now, most := 0, 0
	busy := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/employments") {
			mu.Lock()
			now++
			most = max(most, now)
			if now == 8 && most == 8 {
				select {
				case <-busy:
				default:
					close(busy) // eight are here: whoever comes now is one too many
				}
			}
			mu.Unlock()
			<-busy
			defer func() { mu.Lock(); now--; mu.Unlock() }()
		}
		sim.Handler().ServeHTTP(w, r)
	})
	id, secret := sim.Credentials()
	source := newSourceV2At(t, handler, func(cfg *personio.Config) { cfg.ClientID, cfg.ClientSecret = id, secret })
	if r := readV2(t, source, wanted()); r.err != nil || len(r.people) != 50 || most != 8 {
		t.Errorf("error %v, %d people, %d requests at a time; want 50 and 8", r.err, len(r.people), most)
	}
}

func TestChangesAreReadSinceATime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	sim := newSimulation(t, personiotest.Config{People: 120, Now: func() time.Time { return now }})
	now = now.Add(time.Hour)
	changed := sim.People()[77]
	must(t, sim.Rename(changed.Email, "Ada", "Lovelace"))
	source := newSourceV2(t, sim, nil)
	for since, want := range map[time.Time][]string{
		now: {"1000078"}, now.Add(-time.Minute): {"1000078"}, now.Add(500 * time.Millisecond): {"1000078"}, now.Add(time.Second): nil,
	} {
		if r := collect(source.Changed(t.Context(), since, wanted())); r.err != nil || !slices.Equal(r.ids(), want) {
			t.Errorf("since %s: error %v, people %v, want %v", since, r.err, r.ids(), want)
		}
	}
	sim.ForgetRequests()
	collect(source.Changed(t.Context(), now.Add(time.Hour), wanted()))
	if n := len(sim.Requests()); n != 1 {
		t.Errorf("%d requests when nothing changed, want 1", n)
	}
	// Whoever is served everybody keeps to those who changed.
	must(t, sim.Inject(atV2(personiotest.EndpointPersons, personiotest.FiltersDropped, 0, 0)))
	for i := range 60 {
		must(t, sim.Rename(sim.People()[i].Email, "Ada", fmt.Sprint("Lovelace ", i)))
	}
	if r := collect(source.Changed(t.Context(), now, wanted())); r.err != nil || len(r.people) != 61 {
		t.Errorf("error %v, %d people, want the 61 who changed", r.err, len(r.people))
	}
}

func TestFiltersOfVersion2(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 200})
	source := newSourceV2(t, sim, nil)
	read := func(filter string) reading {
		return collect(source.Pages(t.Context(), importer.Query{Wanted: []string{"email", "status"}, Filter: filter}))
	}
	for _, filter := range []string{"office=Berlin", "updated_since=2026-01-01", "attributes[]=email", "limit=1", "cursor=x", "employee_email=x"} {
		if r := read(filter); !errors.Is(r.err, users.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", filter, r.err)
		}
	}
	if n := len(sim.Requests()); n != 0 {
		t.Errorf("%d requests were sent for filters that cannot be used", n)
	}
	must(t, personio.CheckFilter("created_at.gt=2020-01-01T00:00:00Z"))
	// Filters hold on every page, also where the cursor does not remember them.
	must(t, sim.Inject(atV2(personiotest.EndpointPersons, personiotest.FiltersDropped, 0, 0)))
	active := 0
	for _, e := range sim.People() {
		if e.Status != personiotest.Inactive {
			active++
		}
	}
	if r := read("status=ACTIVE"); r.err != nil || len(r.people) != active {
		t.Errorf("error %v, %d people, want the %d who are active", r.err, len(r.people), active)
	}
	if r := readFiltered(t, newSource(t, sim, nil), "created_at.gt=2020-01-01T00:00:00Z"); !errors.Is(r.err, users.ErrInvalid) {
		t.Errorf("a filter of version 2 at version 1: error %v, want ErrInvalid", r.err)
	}
}
