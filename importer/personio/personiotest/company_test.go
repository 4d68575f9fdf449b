package personiotest_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// today is the day on which the companies of these tests are invented.
var today = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func newServer(t *testing.T, cfg personiotest.Config) *personiotest.Server {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return today }
	}
	server, err := personiotest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestSameSeedInventsTheSameCompany(t *testing.T) {
	t.Parallel()
	one := newServer(t, personiotest.Config{People: 300, Seed: 7}).People()
	two := newServer(t, personiotest.Config{People: 300, Seed: 7}).People()
	other := newServer(t, personiotest.Config{People: 300, Seed: 8}).People()
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("two companies of one seed differ (-one +two):\n%s", diff)
	}
	if cmp.Equal(one, other) {
		t.Error("another seed invented the same company")
	}
}

func TestInventedCompanyIsBelievable(t *testing.T) {
	t.Parallel()
	people := newServer(t, personiotest.Config{People: 1200, Seed: 1}).People()
	byID := map[int64]personiotest.Employee{}
	emails := map[personiotest.Email]bool{}
	statuses := map[personiotest.Status]int{}
	umlauts := 0
	for i, e := range people {
		if want := personiotest.FirstID + int64(i); e.ID != want {
			t.Fatalf("person %d has id %d, want %d", i, e.ID, want)
		}
		if emails[e.Email] || !strings.HasSuffix(string(e.Email), "@acme.example") || strings.ContainsFunc(string(e.Email), func(r rune) bool { return r > 127 }) {
			t.Errorf("address %q is used twice or no plain address of the company", e.Email)
		}
		if e.FirstName == "" || e.LastName == "" || e.Department == "" || e.Office == "" || e.Subcompany == "" || len(e.CostCenters) == 0 || e.Position == "" {
			t.Errorf("person %d lacks something: %+v", e.ID, e)
		}
		if strings.ContainsAny(e.Name(), "äöüßÄÖÜ") {
			umlauts++
		}
		emails[e.Email], byID[e.ID] = true, e
		statuses[e.Status]++
	}
	for status, want := range map[personiotest.Status][2]int{
		personiotest.Inactive: {20, 55}, personiotest.Leave: {10, 40}, personiotest.Onboarding: {4, 25}, personiotest.Active: {1080, 1166},
	} {
		if got := statuses[status]; got < want[0] || got > want[1] {
			t.Errorf("%d of 1200 people are %s, want %d to %d", got, status, want[0], want[1])
		}
	}
	if umlauts < 100 {
		t.Errorf("%d names with umlauts, want at least 100", umlauts)
	}
	for _, e := range people {
		steps := 0
		for boss := e; boss.SupervisorID != 0; steps++ {
			if boss = byID[boss.SupervisorID]; boss.ID == 0 || steps > 10 {
				t.Fatalf("supervisors of %d do not lead to the head of the company", e.ID)
			}
		}
		if (steps == 0) != (e.ID == personiotest.FirstID) {
			t.Errorf("person %d is %d steps below the head of the company", e.ID, steps)
		}
	}
}

func TestSmallCompaniesAreInventedToo(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 5, 12} {
		if got := len(newServer(t, personiotest.Config{People: n}).People()); got != n {
			t.Errorf("a company of %d people has %d", n, got)
		}
	}
}

func TestHRChangesPeople(t *testing.T) {
	t.Parallel()
	now := today
	s := newServer(t, personiotest.Config{People: 20, Now: func() time.Time { return now }})
	now = today.Add(time.Hour)
	ada, err := s.Add(personiotest.Employee{FirstName: "Ada", LastName: "Byron", Email: "ada@acme.example"})
	if err != nil {
		t.Fatal(err)
	}
	steps := []error{
		s.Rename("ada@acme.example", "Ada", "Lovelace"),
		s.SetStatus("ADA@acme.example", personiotest.Leave),
		s.SetAttribute("ada@acme.example", "department", "Analytics"),
		s.SetAttribute("ada@acme.example", "cost_centers", "B,A"),
		s.SetAttribute("ada@acme.example", "supervisor", "1000001"),
		s.SetAttribute("ada@acme.example", "dynamic_5", "Countess"),
		s.SetEmail(ada.ID, "ada.lovelace@acme.example"),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	got, err := s.ByEmail("ada.lovelace@acme.example")
	want := personiotest.Employee{
		ID: personiotest.FirstID + 20, FirstName: "Ada", LastName: "Lovelace", Email: "ada.lovelace@acme.example",
		Status: personiotest.Leave, EmploymentType: "internal", Department: "Analytics", CostCenters: []string{"B", "A"},
		SupervisorID: personiotest.FirstID, Custom: map[string]string{"dynamic_5": "Countess"}, CreatedAt: now, LastModifiedAt: now, PersonUpdatedAt: now,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("person after the changes: error %v, difference (-want +got):\n%s", err, diff)
	}
	if err := s.Remove(ada.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ByEmail("ada.lovelace@acme.example"); !errors.Is(err, personiotest.ErrUnknownPerson) {
		t.Errorf("removed person: error %v, want ErrUnknownPerson", err)
	}
}

func TestChangesOfNobodyAndNothingAreRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, personiotest.Config{People: 3})
	head := s.People()[0]
	if err := s.SetStatus("nobody@acme.example", personiotest.Leave); !errors.Is(err, personiotest.ErrUnknownPerson) {
		t.Errorf("status of nobody: error %v, want ErrUnknownPerson", err)
	}
	if err := s.Remove(1); !errors.Is(err, personiotest.ErrUnknownPerson) {
		t.Errorf("remove nobody: error %v, want ErrUnknownPerson", err)
	}
	if err := s.SetAttribute(head.Email, "shoe_size", "43"); !errors.Is(err, personiotest.ErrUnknownAttribute) {
		t.Errorf("set an unknown attribute: error %v, want ErrUnknownAttribute", err)
	}
	if _, err := s.Add(personiotest.Employee{ID: head.ID}); err == nil {
		t.Error("an id in use was given away")
	}
}

func TestAddressOfALeaverMeansWhoWorksHere(t *testing.T) {
	t.Parallel()
	s := newServer(t, personiotest.Config{})
	for _, status := range []personiotest.Status{personiotest.Inactive, personiotest.Active} {
		if _, err := s.Add(personiotest.Employee{Email: "sam@acme.example", Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.ByEmail("sam@acme.example"); err != nil || got.Status != personiotest.Active {
		t.Errorf("shared address means %+v (error %v), want the active person", got, err)
	}
}

func TestCompanyIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := newServer(t, personiotest.Config{People: 50})
	head := s.People()[0]
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			added, err := s.Add(personiotest.Employee{Email: "new@acme.example"})
			if err != nil {
				t.Error(err)
			}
			if err := s.SetStatus(head.Email, personiotest.Leave); err != nil {
				t.Error(err)
			}
			s.People()
			if err := s.Remove(added.ID); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := len(s.People()); got != 50 {
		t.Errorf("%d people after hiring and leaving in equal numbers, want 50", got)
	}
}
