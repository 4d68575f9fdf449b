package importertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// wanted is asked for by all tests: sorted, each once, with the status.
func wanted() []string {
	return []string{
		"cost_centers", "department", "email", "employment_type", "first_name", "last_name", "office", "position", "status", "subcompany", "supervisor",
	}
}

// ada has something of everything.
func ada() Profile {
	return Profile{
		"first_name": "Ada", "last_name": "Lovelace", "email": "ada@acme.example", "status": "active", "employment_type": "internal",
		"position": "Analyst", "department": "Forschung & Entwicklung", "office": "München", "subcompany": "Acme Österreich GmbH",
		"cost_centers": "4100 Engineering",
	}
}

// person is how a source shows a profile.
func person(id string, p Profile) importer.Person {
	attributes := map[string]string{}
	for _, name := range wanted() {
		if name != "supervisor" {
			attributes[name] = p[name]
		}
	}
	return importer.Person{
		ID: id, Status: importer.Status(p["status"]), Attributes: attributes, ManagerID: p["supervisor"], HasManager: true,
	}
}

// reading is what a source said until it ended.
type reading struct {
	people []importer.Person
	err    error
}

func read(pages iter.Seq2[importer.Page, error]) (r reading) {
	for page, err := range pages {
		if r.err != nil {
			r.err = errors.Join(r.err, errors.New("it went on after an error"))
			return r
		}
		r.people, r.err = append(r.people, page.People...), err
	}
	return r
}

func (h House) list(ctx context.Context, attributes ...string) reading {
	if attributes == nil {
		attributes = wanted()
	}
	return read(h.Source.Pages(ctx, importer.Query{Wanted: attributes}))
}

func (r reading) ids() map[string]int {
	ids := map[string]int{}
	for _, p := range r.people {
		ids[p.ID]++
	}
	return ids
}

// Run proves that what build makes keeps the contract of importer.Source.
func Run(t *testing.T, build Builder) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, build Builder)
	}{
		{"everybody is read once, as HR wrote them", everybody},
		{"an empty company is read", empty},
		{"text is read as written", text},
		{"ids are exact", bigIDs},
		{"nothing but what is wanted is kept", onlyWanted},
		{"what may not be read is absent, what is empty is empty", absent},
		{"a filter lets one person through", filter},
		{"a filter that cannot be used is refused before anything is asked", badFilter},
		{"one person is shown as in the list", single},
		{"who is removed is gone", gone},
		{"a changed name is shown at once", renamed},
		{"whoever changed is among those who did", changed},
		{"certain people are shown together", several},
		{"a list that moves is read to its end", moving},
		{"an outage that passes is waited for", passing},
		{"troubles are told apart", troubles},
		{"reading stops with its context", stopped},
		{"reading stops when nobody wants more", enough},
		{"what is granted is a list or unknown", granted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, build)
		})
	}
}

func everybody(t *testing.T, build Builder) {
	h := build(t, Options{})
	boss := h.Hire(ada())
	want := map[string]importer.Person{boss: person(boss, ada())}
	for i, status := range slices.Repeat([]string{"active", "onboarding", "leave", "inactive"}, 55) {
		p := ada()
		p["email"], p["status"], p["supervisor"] = fmt.Sprintf("p%d@acme.example", i), status, boss
		id := h.Hire(p)
		want[id] = person(id, p)
	}
	got := map[string]importer.Person{}
	r := h.list(t.Context())
	for _, p := range r.people {
		got[p.ID] = p
	}
	if diff := cmp.Diff(want, got); diff != "" || r.err != nil || len(r.people) != len(want) {
		t.Errorf("error %v, %d rows about %d people, difference (-HR +read):\n%s", r.err, len(r.people), len(got), diff)
	}
}

func empty(t *testing.T, build Builder) {
	if r := build(t, Options{}).list(t.Context()); r.err != nil || len(r.people) != 0 {
		t.Errorf("error %v, %d people; want none", r.err, len(r.people))
	}
}

func text(t *testing.T, build Builder) {
	h := build(t, Options{})
	p := ada()
	p["first_name"], p["last_name"], p["email"] = "Zoë-Łucja", `O'Brien "Ötzi" \ Nguyễn`, "Zoe.Grün@münchen.example"
	id := h.Hire(p)
	r := h.list(t.Context())
	if diff := cmp.Diff([]importer.Person{person(id, p)}, r.people); diff != "" || r.err != nil {
		t.Errorf("error %v, difference (-HR +read):\n%s", r.err, diff)
	}
}

func bigIDs(t *testing.T, build Builder) {
	h := build(t, Options{BigIDs: true})
	first, second := h.Hire(ada()), h.Hire(Profile{"email": "b@acme.example", "status": "active"})
	h.Change(second, "supervisor", first)
	r := h.list(t.Context())
	if len(r.people) != 2 || r.err != nil || len(first) < 17 {
		t.Fatalf("error %v, %d people, the first with the id %s", r.err, len(r.people), first)
	}
	if r.people[0].ID != first || r.people[1].ID != second || r.people[1].ManagerID != first {
		t.Errorf("read %s and %s, who reports to %s; want %s and %s", r.people[0].ID, r.people[1].ID, r.people[1].ManagerID, first, second)
	}
	one, err := h.Source.Person(t.Context(), second, wanted())
	if diff := cmp.Diff(r.people[1], one); diff != "" || err != nil {
		t.Errorf("error %v, one person differs from the list (-list +one):\n%s", err, diff)
	}
}

func onlyWanted(t *testing.T, build Builder) {
	h := build(t, Options{})
	id := h.Hire(ada())
	want := importer.Person{ID: id, Status: "active", Attributes: map[string]string{"email": "ada@acme.example", "status": "active"}}
	r := h.list(t.Context(), "email", "status")
	if diff := cmp.Diff([]importer.Person{want}, r.people); diff != "" || r.err != nil {
		t.Errorf("list: error %v, difference (-want +got):\n%s", r.err, diff)
	}
	one, err := h.Source.Person(t.Context(), id, []string{"email", "status"})
	if diff := cmp.Diff(want, one); diff != "" || err != nil {
		t.Errorf("one person: error %v, difference (-want +got):\n%s", err, diff)
	}
}

// B-15, S-005
func absent(t *testing.T, build Builder) {
	h := build(t, Options{})
	id := h.Hire(Profile{"email": "a@acme.example", "status": "active", "employment_type": "internal", "cost_centers": "7"})
	h.Grant("email", "office", "last_name", "supervisor")
	want := importer.Person{ID: id, Attributes: map[string]string{"email": "a@acme.example", "office": "", "last_name": ""}, HasManager: true}
	r := h.list(t.Context())
	if diff := cmp.Diff([]importer.Person{want}, r.people); diff != "" || r.err != nil {
		t.Errorf("list: error %v, difference (-want +got):\n%s", r.err, diff)
	}
	one, err := h.Source.Person(t.Context(), id, wanted())
	if diff := cmp.Diff(want, one); diff != "" || err != nil {
		t.Errorf("one person: error %v, difference (-want +got):\n%s", err, diff)
	}
}

// S-084
func filter(t *testing.T, build Builder) {
	h := build(t, Options{})
	id := h.Hire(ada())
	h.Hire(Profile{"email": "b@acme.example", "status": "active"})
	for address, want := range map[string]map[string]int{"ada@acme.example": {id: 1}, "nobody@acme.example": {}} {
		r := read(h.Source.Pages(t.Context(), importer.Query{Wanted: wanted(), Filter: fmt.Sprintf(h.Filter, address)}))
		if r.err != nil || !maps.Equal(r.ids(), want) {
			t.Errorf("%s: error %v, people %v; want %v", address, r.err, r.ids(), want)
		}
	}
}

// S-084
func badFilter(t *testing.T, build Builder) {
	h := build(t, Options{})
	h.list(t.Context())
	before := h.Requests()
	for _, filter := range []string{"limit=1", "offset=1", "cursor=x", "access_token=x", "x", "a=b+c", "=x", "email=%zz"} {
		r := read(h.Source.Pages(t.Context(), importer.Query{Wanted: wanted(), Filter: filter}))
		if !errors.Is(r.err, users.ErrInvalid) || h.Requests() != before {
			t.Errorf("%s: error %v after %d requests, want ErrInvalid at once", filter, r.err, h.Requests()-before)
		}
	}
}

func single(t *testing.T, build Builder) {
	h := build(t, Options{})
	boss := h.Hire(ada())
	p := ada()
	p["email"], p["supervisor"], p["status"] = "b@acme.example", boss, "leave"
	id := h.Hire(p)
	one, err := h.Source.Person(t.Context(), id, wanted())
	if diff := cmp.Diff(person(id, p), one); diff != "" || err != nil {
		t.Errorf("error %v, difference (-HR +read):\n%s", err, diff)
	}
}

func gone(t *testing.T, build Builder) {
	h := build(t, Options{})
	h.Hire(ada())
	id := h.Hire(Profile{"email": "b@acme.example", "status": "active"})
	h.Remove(id)
	for _, id := range []string{id, "999999999999999999", "", "0", "-1", "1e6", "ada", "../1"} {
		if _, err := h.Source.Person(t.Context(), id, wanted()); !errors.Is(err, importer.ErrGone) {
			t.Errorf("person %q: error %v, want ErrGone", id, err)
		}
	}
	if r := h.list(t.Context()); r.err != nil || r.ids()[id] != 0 || len(r.people) != 1 {
		t.Errorf("error %v, people %v; want the other one", r.err, r.ids())
	}
}

// several may show others, and need not show everybody; whom it shows is as they
// are. Of whoever has gone it says nothing.
func several(t *testing.T, build Builder) {
	h := build(t, Options{})
	source, can := h.Source.(importer.Several)
	if !can {
		t.Skip("the source shows people one by one")
	}
	ids := crowd(h)
	since := time.Now()
	var asked []string
	for _, id := range ids[100:180] {
		h.Change(id, "last_name", "King")
		asked = append(asked, id)
	}
	h.Remove(ids[179])
	asked = append(asked, "999999999999999999", "", "ada", "1e6")
	before := h.Requests()
	r := read(source.People(t.Context(), asked, since, wanted()))
	if r.err != nil || h.Requests()-before >= len(asked)*2-5 {
		t.Errorf("error %v after %d requests for %d people", r.err, h.Requests()-before, len(asked))
	}
	for _, id := range ids[100:179] {
		if r.ids()[id] != 1 {
			t.Errorf("%s was shown %d times, want once", id, r.ids()[id])
		}
	}
	if r.ids()[ids[179]] != 0 {
		t.Errorf("shown although gone: %s", ids[179])
	}
	for _, p := range r.people {
		if slices.Contains(asked, p.ID) && (p.Attributes["last_name"] != "King" || p.Status != "active") {
			t.Errorf("shown as %v, want the new name", p)
		}
	}
}

// changed may repeat people, and show some who did not change; a change of a
// person's name is never missed.
func changed(t *testing.T, build Builder) {
	h := build(t, Options{})
	ids := crowd(h)
	since := time.Now()
	h.Change(ids[150], "last_name", "King")
	r := read(h.Source.Changed(t.Context(), since, wanted()))
	if r.err != nil || r.ids()[ids[150]] == 0 {
		t.Fatalf("error %v, people %v; want %s among them", r.err, r.ids(), ids[150])
	}
	for _, p := range r.people {
		if p.ID == ids[150] && (p.Attributes["last_name"] != "King" || p.Status != "active") {
			t.Errorf("shown as %v, want the new name", p)
		}
	}
	h.Remove(ids[150])
	if r := read(h.Source.Changed(t.Context(), since, wanted())); r.err != nil || r.ids()[ids[150]] != 0 {
		t.Errorf("error %v; whoever has gone is among those who changed: %v", r.err, r.ids())
	}
	if r := read(h.Source.Changed(t.Context(), time.Now().Add(48*time.Hour), wanted())); r.err != nil || len(r.people) != 0 {
		t.Errorf("error %v, %d people changed the day after tomorrow", r.err, len(r.people))
	}
}

func renamed(t *testing.T, build Builder) {
	h := build(t, Options{})
	p := ada()
	id := h.Hire(p)
	if r := h.list(t.Context()); r.err != nil || len(r.people) != 1 {
		t.Fatalf("error %v, %d people", r.err, len(r.people))
	}
	for name, value := range map[string]string{"last_name": "King", "office": "Köln", "status": "inactive", "department": "Vertrieb"} {
		h.Change(id, name, value)
		p[name] = value
	}
	r := h.list(t.Context())
	if diff := cmp.Diff([]importer.Person{person(id, p)}, r.people); diff != "" || r.err != nil {
		t.Errorf("list: error %v, difference (-HR +read):\n%s", r.err, diff)
	}
	one, err := h.Source.Person(t.Context(), id, wanted())
	if diff := cmp.Diff(person(id, p), one); diff != "" || err != nil {
		t.Errorf("one person: error %v, difference (-HR +read):\n%s", err, diff)
	}
}
