package personio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

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
