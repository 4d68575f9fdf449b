package importer_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

const hr = users.ApplicationID("personio")

// mapping is what the connection of a bench uses.
var mapping = users.Mapping{
	"email": "email", "first_name": "first_name", "last_name": "last_name",
	"department": "department", "manager": "supervisor",
}

// company is a source that a test fills and breaks. All fields may be changed
// between runs; the hooks are called by the run.
type company struct {
	mu        sync.Mutex // guards what follows
	people    []importer.Person
	hidden    map[string]bool // known to Person, but not in the list
	pageSize  int
	announced int // -1: says nothing; 0: the true number
	granted   []string
	failAt    int // page, from 1, that fails with err
	err       error
	personErr error
	answerID  string // that Person answers with; empty: the true one
	onPage    func(page int)
	singles   []string // ids that were read singly
	wanted    []string // what was asked for last
	query     string   // the filter of that: "department=" and a department, or nothing

	now      func() time.Time
	modified map[string]time.Time // when a row was changed last
	asked    []time.Time          // since when changes were asked for
	deltaErr error
	onDelta  func()           // called without the lock, once changes are found
	onPerson func(id string)  // called without the lock
	broken   map[string]error // people whom Person cannot show
	lists    int              // how often everybody was read
}

func (c *company) Granted(context.Context) ([]string, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.granted == nil {
		return nil, false, nil
	}
	return c.granted, true, nil
}

func (c *company) Pages(_ context.Context, query importer.Query) iter.Seq2[importer.Page, error] {
	wanted := query.Wanted
	return func(yield func(importer.Page, error) bool) {
		c.mu.Lock()
		c.wanted, c.query = wanted, query.Filter
		c.lists++
		people, announced, hook := c.listed(), c.announced, c.onPage
		failAt, err := c.failAt, c.err
		c.mu.Unlock()
		if announced == 0 {
			announced = len(people)
		}
		page := 0
		for chunk := range slices.Chunk(append(people, importer.Person{})[:max(len(people), 1)], max(c.pageSize, 1)) {
			page++
			if hook != nil {
				hook(page)
			}
			if page == failAt {
				yield(importer.Page{}, err)
				return
			}
			if len(people) == 0 {
				chunk = nil
			}
			if !yield(importer.Page{People: asked(chunk, wanted), Announced: announced}, nil) {
				return
			}
		}
	}
}

// Changed is one page of everybody changed since then, or an empty one.
func (c *company) Changed(_ context.Context, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		c.mu.Lock()
		c.asked = append(c.asked, since)
		people := slices.DeleteFunc(slices.Clone(c.people), func(p importer.Person) bool { return c.modified[p.ID].Before(since) })
		err, hook := c.deltaErr, c.onDelta
		c.mu.Unlock()
		if hook != nil {
			hook()
		}
		yield(importer.Page{People: asked(people, wanted), Announced: len(people)}, err)
	}
}

// touch notes that a row was changed now. The caller holds the lock.
func (c *company) touch(id string) {
	if c.modified == nil {
		c.modified = map[string]time.Time{}
	}
	if c.now != nil {
		c.modified[id] = c.now()
	}
}

func (c *company) listed() []importer.Person {
	department, filtered := strings.CutPrefix(c.query, "department=")
	return slices.DeleteFunc(slices.Clone(c.people), func(p importer.Person) bool {
		return c.hidden[p.ID] || (filtered && p.Attributes["department"] != department)
	})
}

// asked leaves only the wanted attributes of people, as a source does.
func asked(people []importer.Person, wanted []string) []importer.Person {
	var answer []importer.Person
	for _, p := range people {
		p.Attributes = maps.Clone(p.Attributes)
		maps.DeleteFunc(p.Attributes, func(name, _ string) bool { return !slices.Contains(wanted, name) })
		p.HasManager = p.HasManager && slices.Contains(wanted, "supervisor")
		answer = append(answer, p)
	}
	return answer
}

func (c *company) Person(ctx context.Context, id string, wanted []string) (importer.Person, error) {
	c.mu.Lock()
	hook := c.onPerson
	c.mu.Unlock()
	if hook != nil {
		hook(id)
	}
	if err := ctx.Err(); err != nil {
		return importer.Person{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.singles = append(c.singles, id)
	if err := cmp.Or(c.personErr, c.broken[id]); err != nil {
		return importer.Person{}, err
	}
	for _, p := range c.people {
		if p.ID == id {
			p.ID = cmp.Or(c.answerID, p.ID)
			return asked([]importer.Person{p}, wanted)[0], nil
		}
	}
	return importer.Person{}, importer.ErrGone
}

// set changes the row of one person.
func (c *company) set(id string, change func(p *importer.Person)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.people {
		if c.people[i].ID == id {
			c.people[i].Attributes = maps.Clone(c.people[i].Attributes)
			change(&c.people[i])
			c.touch(id)
		}
	}
}

func (c *company) setStatus(id string, s importer.Status) {
	c.set(id, func(p *importer.Person) { p.Status = s })
}

func (c *company) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.people = slices.DeleteFunc(c.people, func(p importer.Person) bool { return p.ID == id })
}

func (c *company) hire(id string, s importer.Status, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.people = append(c.people, employee(id, s, name))
	c.touch(id)
}

func employee(id string, s importer.Status, name string) importer.Person {
	return importer.Person{ID: id, Status: s, HasManager: true, Attributes: map[string]string{
		"email": strings.ToLower(name) + "@acme.example", "first_name": name, "last_name": "Example", "department": "Sales",
	}}
}

// bench is an engine on a directory of its own, with a company as its source.
type bench struct {
	t         testing.TB
	store     *sqlstore.Store
	location  sqlstore.Config // where store is; empty unless a process needs to know
	keyFile   string
	directory *users.Directory
	engine    *importer.Engine
	company   *company
	clock     *clock
	settings  users.Import
	zone      *time.Location
}

type clock struct {
	mu    sync.Mutex // guards what follows
	now   time.Time
	since time.Time // when now was true; zero: the clock stands still
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return c.now
	}
	return c.now.Add(time.Since(c.since))
}

// start lets the clock go from now on, in the time of the test.
func (c *clock) start(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.since = now, time.Now()
}

// set stops the clock at a time.
func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.since = now, time.Time{}
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newBench returns a bench with n active people, P1 to Pn, who are not imported yet.
func newBench(t *testing.T, n int) *bench {
	t.Helper()
	return newBenchOn(t, userstest.SQLite(t), n)
}

// newBenchOn is newBench on an empty directory.
func newBenchOn(t testing.TB, store *sqlstore.Store, n int) *bench {
	t.Helper()
	keyFile := filepath.Join(t.TempDir(), "master.key")
	sealer, err := keys.CreateMasterKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		t: t, store: store, keyFile: keyFile, company: &company{pageSize: 3},
		clock:    &clock{now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)},
		settings: users.Import{Source: "personio", BaseURL: "https://api.example", InitialState: users.StateActive, Reactivation: true},
	}
	b.company.now = b.clock.Now
	for i := range n {
		b.company.hire(fmt.Sprint(i+1), importer.StatusActive, fmt.Sprintf("P%d", i+1))
	}
	b.directory, err = users.New(users.Config{Store: b.store, Sealer: sealer, Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.engine = b.newEngine(nil)
	b.connect()
	return b
}

func (b *bench) newEngine(progress func(importer.Progress)) *importer.Engine {
	b.t.Helper()
	return b.newEngineWith(func(cfg *importer.Config) { cfg.Progress = progress })
}

func (b *bench) newEngineWith(change func(cfg *importer.Config)) *importer.Engine {
	b.t.Helper()
	cfg := importer.Config{
		Directory: b.directory,
		Open:      func(users.Application, keys.Secret) (importer.Source, error) { return b.company, nil },
		Mappings:  map[string]users.Mapping{"personio": mapping},
		Holder:    "test", Now: b.clock.Now, Zone: b.zone,
	}
	change(&cfg)
	engine, err := importer.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	return engine
}

// connect writes the settings of the connection.
func (b *bench) connect() {
	b.t.Helper()
	settings := b.settings
	app := users.Application{ID: hr, Label: "Personio", Import: &settings}
	_, err := b.directory.Declare(b.t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: app, ImportSecret: keys.Secret("secret of the connection")},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// run imports and fails the test on an error.
func (b *bench) run() users.Run {
	b.t.Helper()
	run, err := b.try(false)
	if err != nil {
		b.t.Fatalf("import: %v", err)
	}
	return run
}

// try imports, a minute after the last time.
func (b *bench) try(preview bool) (users.Run, error) {
	b.clock.pass(time.Minute)
	return b.engine.Run(b.t.Context(), importer.Request{Connection: hr, Preview: preview, Actor: "cli:test"})
}

// user returns the user with an address.
func (b *bench) user(email string) users.User {
	b.t.Helper()
	u, err := b.store.UserByLogin(b.t.Context(), users.KeyOf(email))
	if err != nil {
		b.t.Fatalf("user %s: %v", email, err)
	}
	return u
}

// states returns every user's state by address.
func (b *bench) states() map[string]users.State {
	b.t.Helper()
	found, err := b.store.FindUsers(b.t.Context(), users.UserQuery{Limit: 500})
	if err != nil {
		b.t.Fatal(err)
	}
	states := map[string]users.State{}
	for _, u := range found {
		states[u.Email] = u.State()
	}
	return states
}

// changes returns the rows of a run.
func (b *bench) changes(run users.Run) []users.RunChange {
	b.t.Helper()
	rows, err := b.store.RunChanges(b.t.Context(), run.ID, "", 0, 0, 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, row := range rows {
		importer.Fitting(b.t, slices.Concat(row.Detail, row.Effect, row.Error))
	}
	return rows
}

// contents returns everything in the database but runs and leases.
func (b *bench) contents() map[string][]string {
	b.t.Helper()
	tables, err := b.store.Dump(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range []string{"runs", "run_changes", "leases"} {
		if _, found := tables[name]; !found {
			b.t.Fatalf("no table %s in the dump", name)
		}
		delete(tables, name)
	}
	return tables
}

// directoryContents returns the tables that only an applied change touches: a
// run that stops leaves an event, and that somebody was told of its cause.
func (b *bench) directoryContents() map[string][]string {
	b.t.Helper()
	tables := b.contents()
	maps.DeleteFunc(tables, func(name string, _ []string) bool {
		return strings.HasPrefix(name, "event") || name == "settings"
	})
	return tables
}
