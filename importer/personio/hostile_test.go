package personio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
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

// any returns somebody to be changed.
func (f *feed) any() *row { return f.person(f.pick(len(f.rows))) }

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
			f.any().set("status", []any{nil, "", "paused", "Aktiv", 7, true, "inactive", "leave", "INACTIVE ", []any{}, map[string]any{}}[f.pick(11)])
		}
	}},
	{"no status", func(f *feed) { delete(f.any().Attributes, "status") }},
	{"leaver", func(f *feed) { f.any().set("status", "inactive") }},
	{"many leavers", func(f *feed) {
		for r := range f.some() {
			r.set("status", "inactive")
		}
	}},
	{"swapped addresses", func(f *feed) {
		a, b := f.any(), f.any()
		one, other := a.value("email"), b.value("email")
		a.set("email", other)
		b.set("email", one)
	}},
	{"address", func(f *feed) {
		f.any().set("email", []any{nil, "", "a@@b", "new@acme.example", "=cmd@acme.example", f.any().value("email"), 7, []any{"x"},
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
		f.any().set("id", []any{nil, "", "1000003", 1.5, "01", -7, json.Number("1e6"), json.Number("99999999999999999999"), []any{}}[f.pick(9)])
	}},
	{"repeated row", func(f *feed) { f.rows = append(f.rows, *f.any()) }},
	{"contradicting rows", func(f *feed) {
		for range 1 + f.pick(5) {
			again := *f.any()
			again.Attributes = maps.Clone(again.Attributes)
			again.set([]string{"email", "status", "last_name"}[f.pick(3)], []any{"inactive", "x@acme.example", "Other"}[f.pick(3)])
			f.rows = slices.Insert(f.rows, f.pick(len(f.rows)), again)
		}
	}},
	{"shape", func(f *feed) {
		name := []string{"status", "email", "department", "supervisor", "first_name", "id"}[f.pick(6)]
		f.any().Attributes[name] = []any{nil, 7, "text", []any{1, []any{2}}, map[string]any{"value": map[string]any{"attributes": 5}},
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

// hostileServer serves one feed after the other.
type hostileServer struct {
	people map[string]row // as they are when asked for singly

	mu     sync.Mutex // guards what follows
	feed   *feed
	pageOf map[string]int // by offset
	served map[int]body   // answers that were the last word on a page
}

func (s *hostileServer) serve(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed, s.pageOf, s.served = f, map[string]int{}, map[int]body{}
}

func (s *hostileServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/company/employees/attributes", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	mux.HandleFunc("GET /v1/company/employees", s.list)
	mux.HandleFunc("GET /v1/company/employees/{id}", s.single)
	return authenticated(mux.ServeHTTP)
}

func (s *hostileServer) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offset := r.URL.Query().Get("offset")
	page, known := s.pageOf[offset]
	if !known {
		page = len(s.pageOf)
		s.pageOf[offset] = page
	}
	answer := body{status: http.StatusOK, contentType: "application/json", text: []byte(`{"success":true,"data":[]}`)}
	if page < len(s.feed.pages) {
		b := &s.feed.pages[page]
		answer = *b
		if b.refusals > 0 {
			b.refusals--
			w.WriteHeader(b.refusal)
			return
		}
	}
	s.served[page] = answer
	w.Header().Set("Content-Type", answer.contentType)
	w.Header().Set("Retry-After", "3600") // who is refused for good need not try for long
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.text)
}

func (s *hostileServer) single(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, known := s.people[r.PathValue("id")]
	w.Header().Set("Content-Type", "application/json")
	if !known || s.feed.gone[r.PathValue("id")] {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"success":false,"error":{"code":404,"message":"?"}}`))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "data": person}) // to a recorder of the client
}

// word is everything that was served, as a reader without any rules understands it.
type word struct {
	sound    bool                       // all of it was a list
	statuses map[string]map[string]bool // by id
	emails   map[string]map[string]bool
}

func (s *hostileServer) word() word {
	w := word{sound: true, statuses: map[string]map[string]bool{}, emails: map[string]map[string]bool{}}
	for _, b := range s.served {
		var page struct {
			Success bool
			Data    []row
		}
		decoder := json.NewDecoder(bytes.NewReader(b.text))
		decoder.UseNumber()
		if b.status != http.StatusOK || b.contentType != "application/json" || decoder.Decode(&page) != nil || !page.Success {
			w.sound = false
			return w
		}
		for _, r := range page.Data {
			id := fmt.Sprint(bare(r.Attributes["id"]))
			for name, into := range map[string]map[string]map[string]bool{"status": w.statuses, "email": w.emails} {
				if into[id] == nil {
					into[id] = map[string]bool{}
				}
				into[id][fmt.Sprint(bare(r.Attributes[name]))] = true
			}
		}
	}
	return w
}

// says reports whether id came with one text alone.
func says(word map[string]map[string]bool, id string, test func(text string) bool) bool {
	for text := range word[id] {
		return len(word[id]) == 1 && test(text)
	}
	return false
}

// forbidden is the oracle: it returns what an import must not have done to
// somebody after such a word of the source, or nothing.
func (w word) forbidden(id string, f *feed, before, after users.User) string {
	status := func(wanted ...string) func(string) bool {
		return func(text string) bool { return slices.Contains(wanted, strings.ToLower(strings.TrimSpace(text))) }
	}
	switch {
	case before.ID != "" && after.ID != before.ID:
		return "is another user"
	case before.ID == "" && after.ID != "" && !says(w.statuses, id, status("active", "onboarding")):
		return "was created"
	case before.ID == "":
		return ""
	case before.State() == users.StateActive && after.State() == users.StateSuspended &&
		!says(w.statuses, id, status("inactive", "leave")) && !(f.gone[id] && w.statuses[id] == nil):
		return "was suspended"
	case before.State() == users.StateSuspended && after.State() == users.StateActive && !says(w.statuses, id, status("active", "onboarding")):
		return "was let in"
	case before.Email != after.Email && !says(w.emails, id, func(text string) bool { return strings.TrimSpace(text) == after.Email }):
		return "got another address"
	case after.Email == "" || after.Version < before.Version:
		return "lost something"
	}
	return ""
}

// judge compares what a run did with the oracle.
func (w word) judge(f *feed, run users.Run, before, after map[string]users.User) []string {
	var faults []string
	active, losing := 0, 0
	for id, u := range before {
		if u.State() == users.StateActive {
			active++
			if after[id].State() != users.StateActive {
				losing++
			}
		}
	}
	for id := range after {
		changed := !same(before[id], after[id])
		switch {
		case changed && run.State != users.RunDone:
			faults = append(faults, fmt.Sprintf("%s changed in a run that is %s", id, run.State))
		case changed && !w.sound:
			faults = append(faults, id+" changed by answers that are no list")
		}
		if fault := w.forbidden(id, f, before[id], after[id]); fault != "" {
			faults = append(faults, id+" "+fault)
		}
	}
	if len(after) < len(before) || losing*100 > 20*active {
		faults = append(faults, fmt.Sprintf("%d users of %d are left, %d of %d lost access", len(after), len(before), losing, active))
	}
	return faults
}

// Ten thousand lists with something wrong, from a single status to a page cut
// off at any byte, are imported. Nobody is touched beyond what they say.
// REL-11, N300, N302, N303, N306, N320, N321, N324, N326, N333
func TestNoFeedMakesAnImportDoWrong(t *testing.T) {
	t.Parallel()
	const importers = 8
	feeds := userstest.Repetitions(10_000)
	people := validFeed(t)
	var mu sync.Mutex // guards states
	states := map[users.RunState]int{}
	t.Run("feeds", func(t *testing.T) {
		for i := range importers {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				h := newHostileOffice(t, people)
				for seed := i; seed < feeds; seed += importers {
					state := h.try(newFeed(uint64(seed), people), seed)
					mu.Lock()
					states[state]++
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("runs: %v", states)
	for _, state := range []users.RunState{users.RunDone, users.RunHeld, users.RunFailed} {
		if states[state] < feeds/10 {
			t.Errorf("%d of %d runs are %s, which says little", states[state], feeds, state)
		}
	}
}

// hostileOffice imports from a hostile server.
type hostileOffice struct {
	*office
	server *hostileServer
	people []row
	base   map[string]users.User // after the valid list
	now    map[string]users.User
}

func newHostileOffice(t *testing.T, people []row) *hostileOffice {
	h := &hostileOffice{server: &hostileServer{people: map[string]row{}}, people: people}
	for _, r := range people {
		h.server.people[fmt.Sprint(r.value("id"))] = r
	}
	h.office = newOffice(t, newSourceAt(t, h.server.handler(), func(cfg *personio.Config) { cfg.HTTP = newClient(t, 256<<10) }))
	h.heal()
	h.base = h.now
	return h
}

// heal imports the valid list, which leads everybody back to where they were.
func (h *hostileOffice) heal() {
	h.t.Helper()
	f := &feed{size: 20, total: len(h.people), rows: slices.Clone(h.people)}
	f.write()
	h.server.serve(f)
	run, err := h.run()
	if errors.Is(err, importer.ErrHeld) {
		_, err = h.engine.Approve(h.t.Context(), run.ID, "cli:boss")
	}
	if err != nil {
		h.t.Fatalf("import of the valid list: %v", err)
	}
	h.now = h.everybody()
}

// try imports a feed, compares with the oracle, and returns how the run ended.
func (h *hostileOffice) try(f *feed, seed int) users.RunState {
	h.t.Helper()
	before := h.now
	h.server.serve(f)
	run, err := h.run()
	h.now = h.everybody()
	if maps.EqualFunc(before, h.now, same) {
		return run.State
	}
	for _, fault := range h.server.word().judge(f, run, before, h.now) {
		h.t.Errorf("feed %d (%v): %s; the run is %s, held %v, error %v", seed, f.wrong, fault, run.State, run.Held, err)
	}
	h.heal()
	for id, was := range h.base {
		if u := h.now[id]; u.ID != was.ID || u.Email != was.Email || u.State() != was.State() {
			h.t.Fatalf("feed %d (%v): %s is %s and %s after the valid list, was %s and %s", seed, f.wrong, id, u.Email, u.State(), was.Email, was.State())
		}
	}
	return run.State
}

// same reports whether nothing happened to a user.
func same(u, v users.User) bool {
	return u.ID == v.ID && u.Version == v.Version && u.Epoch == v.Epoch && u.State() == v.State()
}
