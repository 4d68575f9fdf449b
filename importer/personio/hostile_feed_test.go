package personio_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// row is one person as the API writes them.
type row struct {
	Attributes map[string]any `json:"attributes"`
	text       []byte         // the same as JSON; nil: changed since
}

// value returns what is inside the label of an attribute.
func (r row) value(name string) any { return bare(r.Attributes[name]) }

// bare takes a value out of its label, if it has one.
func bare(v any) any {
	if labelled, ok := v.(map[string]any); ok {
		return labelled["value"]
	}
	return v
}

func (r *row) set(name string, value any) {
	r.Attributes[name] = map[string]any{"value": value}
}

func (r *row) json() []byte {
	if r.text == nil {
		text, err := json.Marshal(r)
		if err != nil {
			panic(err) // what we have put in can be written
		}
		r.text = text
	}
	return r.text
}

// body is one answer of the list.
type body struct {
	status      int
	contentType string
	text        []byte
	refusals    int // so many times something else comes first
	refusal     int // status of that
}

// feed is a list of people with what is wrong with it.
type feed struct {
	dice  *rand.Rand
	rows  []row
	size  int // people per page
	total any
	gone  map[string]bool // not known when asked for singly
	wrong []string        // what was done, for the failing test

	pages []body
}

func (f *feed) pick(n int) int { return f.dice.IntN(n) }

// somebody returns any person to be changed.
func (f *feed) somebody() *row { return f.person(f.pick(len(f.rows))) }

// person returns the i-th person to be changed, apart from the valid list.
func (f *feed) person(i int) *row {
	r := &f.rows[i]
	r.Attributes, r.text = maps.Clone(r.Attributes), nil
	return r
}

// some returns the first few people to be changed.
func (f *feed) some() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for i := range f.pick(len(f.rows)) {
			if !yield(f.person(i)) {
				return
			}
		}
	}
}

// validFeed is the list of a company of some dozens of people.
func validFeed(t *testing.T) []row {
	t.Helper()
	sim := newSimulation(t, personiotest.Config{People: 30, Seed: 5})
	server := httptest.NewServer(sim.Handler())
	defer server.Close()
	id, secret := sim.Credentials()
	login, err := json.Marshal(map[string]string{"client_id": id, "client_secret": secret.Reveal()})
	if err != nil {
		t.Fatal(err)
	}
	var token struct{ Data struct{ Token string } }
	var list struct{ Data []row }
	call := func(method, path string, content []byte, into any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token.Data.Token)
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		decoder := json.NewDecoder(answer.Body)
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	call(http.MethodPost, "/v1/auth", login, &token)
	call(http.MethodGet, "/v1/company/employees?limit=100&attributes[]="+strings.Join(append(wanted(), "id"), "&attributes[]="), nil, &list)
	if len(list.Data) != 30 {
		t.Fatalf("%d people, want 30", len(list.Data))
	}
	for i := range list.Data {
		list.Data[i].json() // once for all feeds
	}
	return list.Data
}

// mutations of rows, before they become pages.
var mutations = []struct {
	name string
	do   func(f *feed)
}{
	{"status", func(f *feed) {
		for range 1 + f.pick(3) {
			f.somebody().set("status", []any{nil, "", "paused", "Aktiv", 7, true, "inactive", "leave", "INACTIVE ", []any{}, map[string]any{}}[f.pick(11)])
		}
	}},
	{"no status", func(f *feed) { delete(f.somebody().Attributes, "status") }},
	{"leaver", func(f *feed) { f.somebody().set("status", "inactive") }},
	{"many leavers", func(f *feed) {
		for r := range f.some() {
			r.set("status", "inactive")
		}
	}},
	{"swapped addresses", func(f *feed) {
		a, b := f.somebody(), f.somebody()
		one, other := a.value("email"), b.value("email")
		a.set("email", other)
		b.set("email", one)
	}},
	{"address", func(f *feed) {
		f.somebody().set("email", []any{nil, "", "a@@b", "new@acme.example", "=cmd@acme.example", f.somebody().value("email"), 7, []any{"x"},
			strings.Repeat("a", 1<<16) + "@acme.example"}[f.pick(9)])
	}},
	{"new domain", func(f *feed) {
		for r := range f.some() {
			r.set("email", strings.ReplaceAll(fmt.Sprint(r.value("email")), "acme", "other"))
		}
	}},
	{"emptied column", func(f *feed) {
		name := []string{"email", "status", "department", "last_name", "supervisor", "id"}[f.pick(6)]
		for i := range f.rows {
			r := f.person(i)
			if f.pick(4) == 0 {
				delete(r.Attributes, name)
				continue
			}
			r.set(name, nil)
		}
	}},
	{"id", func(f *feed) {
		f.somebody().set("id", []any{nil, "", "1000003", 1.5, "01", -7, json.Number("1e6"), json.Number("99999999999999999999"), []any{}}[f.pick(9)])
	}},
	{"repeated row", func(f *feed) { f.rows = append(f.rows, *f.somebody()) }},
	{"contradicting rows", func(f *feed) {
		for range 1 + f.pick(5) {
			again := *f.somebody()
			again.Attributes = maps.Clone(again.Attributes)
			again.set([]string{"email", "status", "last_name"}[f.pick(3)], []any{"inactive", "x@acme.example", "Other"}[f.pick(3)])
			f.rows = slices.Insert(f.rows, f.pick(len(f.rows)), again)
		}
	}},
	{"shape", func(f *feed) {
		name := []string{"status", "email", "department", "supervisor", "first_name", "id"}[f.pick(6)]
		f.somebody().Attributes[name] = []any{nil, 7, "text", []any{1, []any{2}}, map[string]any{"value": map[string]any{"attributes": 5}},
			nested(1 + f.pick(300)), strings.Repeat("ü", 1<<f.pick(16))}[f.pick(7)]
	}},
	{"missing rows", func(f *feed) {
		for range 1 + f.pick(6) {
			i := f.pick(len(f.rows))
			if f.pick(2) == 0 {
				f.gone[fmt.Sprint(f.rows[i].value("id"))] = true
			}
			f.rows = slices.Delete(f.rows, i, i+1)
		}
	}},
	{"missing page", func(f *feed) {
		from := f.pick(len(f.rows))
		f.rows = slices.Delete(f.rows, from, min(from+f.size, len(f.rows)))
	}},
	{"order", func(f *feed) {
		f.dice.Shuffle(len(f.rows), func(i, j int) { f.rows[i], f.rows[j] = f.rows[j], f.rows[i] })
	}},
	{"totals", func(f *feed) {
		f.total = []any{nil, 0, -1, 1 << 40, "45", 1.5, len(f.rows) + f.pick(60), f.pick(len(f.rows))}[f.pick(8)]
	}},
}

func nested(depth int) any {
	return json.RawMessage(strings.Repeat(`{"value":`, depth) + "1" + strings.Repeat("}", depth))
}

// damages of pages that are written already. Each makes the page one that no
// list can have, or one that comes after all.
var damages = []struct {
	name string
	do   func(f *feed, b *body)
}{
	{"cut off", func(f *feed, b *body) { b.text = b.text[:f.pick(len(b.text))] }},
	{"garbled", func(f *feed, b *body) { b.text[f.pick(len(b.text))] ^= byte(1 << f.pick(8)) }},
	{"too deep", func(_ *feed, b *body) {
		b.text = fmt.Appendf(nil, `{"success":true,"data":%s`, strings.Repeat("[", 100_000))
	}},
	{"web page", func(_ *feed, b *body) { b.contentType, b.text = "text/html", []byte("<h1>Sign in</h1>") }},
	{"declared as a web page", func(_ *feed, b *body) { b.contentType = "text/html" }},
	{"unsuccessful", func(_ *feed, b *body) { b.text = []byte(`{"success":false,"error":{"code":0,"message":"?"}}`) }},
	{"nothing", func(_ *feed, b *body) { b.text = nil }},
	{"refused", func(f *feed, b *body) { b.status = []int{401, 403, 404, 429, 500, 502, 503, 302, 204}[f.pick(9)] }},
	{"refused at first", func(f *feed, b *body) { b.refusals, b.refusal = 1, []int{401, 429, 500, 502, 503, 504}[f.pick(6)] }},
	{"too large", func(_ *feed, b *body) { b.text = append(bytes.Repeat([]byte(" "), 256<<10), b.text...) }},
}

// newFeed makes a list with one or more things wrong with it.
func newFeed(seed uint64, people []row) *feed {
	f := &feed{dice: rand.New(rand.NewPCG(seed, 11)), size: 5 + 5*int(seed%4), gone: map[string]bool{}, rows: slices.Clone(people)}
	for range f.pick(4) {
		if m := mutations[f.pick(len(mutations))]; len(f.rows) > 1 {
			m.do(f)
			f.wrong = append(f.wrong, m.name)
		}
	}
	if len(f.wrong) == 0 || f.pick(10) > 0 {
		if f.total == nil && !slices.Contains(f.wrong, "totals") {
			f.total = len(f.rows)
		}
	}
	f.write()
	if len(f.wrong) == 0 || f.pick(3) == 0 {
		d := damages[f.pick(len(damages))]
		if seed%3 == 0 {
			d = damages[0]
		}
		d.do(f, &f.pages[f.pick(len(f.pages))])
		f.wrong = append(f.wrong, d.name)
	}
	return f
}

// write makes pages of the rows, and an empty one where they end with a full one.
func (f *feed) write() {
	ending := []byte("]}")
	if f.total != nil {
		total, err := json.Marshal(f.total)
		if err != nil {
			panic(err) // what we have put in can be written
		}
		ending = fmt.Appendf(nil, `],"metadata":{"total_elements":%s}}`, total)
	}
	for from := 0; from <= len(f.rows); from += f.size {
		text := fmt.Appendf(nil, `{"success":true,"limit":%d,"data":[`, f.size)
		for i := from; i < min(from+f.size, len(f.rows)); i++ {
			if i > from {
				text = append(text, ',')
			}
			text = append(text, f.rows[i].json()...)
		}
		f.pages = append(f.pages, body{status: http.StatusOK, contentType: "application/json", text: append(text, ending...)})
	}
}
