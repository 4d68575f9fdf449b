package importer_test

import (
	"context"
	"fmt"
	"iter"
	"runtime/metrics"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// BenchmarkImport measures imports of a company from a source that costs
// nothing, beside writing the same rows and nothing else ("bare"). Run it with
// -benchtime 1x, and with -short without the largest company:
//
//	go test ./importer -run xxx -bench Import -benchtime 1x -timeout 60m
func BenchmarkImport(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, engine := range []struct {
		name string
		open func(testing.TB) *sqlstore.Store
	}{{"sqlite", userstest.SQLite}, {"postgresql", userstest.PostgreSQL}} {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", engine.name, n), func(b *testing.B) {
				b.Run("bare", func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						store := engine.open(b)
						b.StartTimer()
						measured(b, n, func() { insertBare(b, store, n) })
					}
				})
				b.Run("first", func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						c := newCensus(b, engine.open(b), n)
						b.StartTimer()
						measured(b, n, func() { c.importing(b, n) })
					}
				})
				c := newCensus(b, engine.open(b), n)
				c.importing(b, n)
				for _, percent := range []int{0, 1, 15} {
					b.Run(fmt.Sprintf("changed-%d-percent", percent), func(b *testing.B) {
						for b.Loop() {
							c.version++
							c.changing = n * percent / 100
							measured(b, n, func() { c.importing(b, c.changing) })
						}
					})
				}
			})
		}
	}
}

// measured runs work and reports people per second, processor time and how far
// the heap grew meanwhile.
func measured(b *testing.B, people int, work func()) {
	b.Helper()
	done, peak := make(chan struct{}), make(chan uint64)
	start := heapBytes()
	go func() {
		highest := start
		for {
			select {
			case <-done:
				peak <- highest
				return
			case <-time.After(5 * time.Millisecond):
				highest = max(highest, heapBytes())
			}
		}
	}()
	begun, used := time.Now(), processorTime(b)
	work()
	took, cpu := time.Since(begun), processorTime(b)-used
	close(done)
	b.ReportMetric(float64(people)/took.Seconds(), "people/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(people), "cpu-µs/person")
	b.ReportMetric(float64(<-peak-start)/(1<<20), "heap-MiB")
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// processorTime is what this process has used; a database server's comes on top.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// census is a company of any size that is made up while it is read.
type census struct {
	*bench
	people   int
	changing int // people who have another position in this version
	version  int

	cpu time.Duration // that turns of the loop took
}

func newCensus(b *testing.B, store *sqlstore.Store, n int) *census {
	b.Helper()
	c := &census{bench: newBenchOn(b, store, 0), people: n}
	c.settings.Mapping = users.Mapping{
		"email": "email", "first_name": "first_name", "last_name": "last_name", "department": "department",
		"job_title": "position", "location": "office", "company": "subcompany", "cost_center": "cost_centers",
		"employee_type": "employment_type", "manager": "supervisor",
	}
	c.connect()
	c.engine = c.newEngineWith(func(cfg *importer.Config) {
		cfg.Open = func(users.Application, keys.Secret) (importer.Source, error) { return c, nil }
	})
	return c
}

// importing imports and fails the benchmark unless as many people changed as should.
func (c *census) importing(b *testing.B, changed int) {
	b.Helper()
	c.clock.pass(time.Minute)
	run, err := c.engine.Run(b.Context(), importer.Request{Connection: hr, Actor: "cli:bench"})
	if err != nil || run.Counts.Changed() != changed {
		b.Fatalf("%+v changed (%v), want %d", run.Counts, err, changed)
	}
}

// Granted implements importer.Source.
func (c *census) Granted(context.Context) ([]string, bool, error) { return nil, false, nil }

// Pages implements importer.Source.
func (c *census) Pages(context.Context, importer.Query) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		const size = 100
		for first := 0; first < c.people; first += size {
			page := importer.Page{Announced: c.people}
			for i := first; i < min(first+size, c.people); i++ {
				page.People = append(page.People, c.person(i))
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// Changed implements importer.Source; nobody ever has.
func (c *census) Changed(context.Context, time.Time, []string) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) { yield(importer.Page{}, nil) }
}

// Person implements importer.Source; nobody is ever missing.
func (c *census) Person(_ context.Context, id string, _ []string) (importer.Person, error) {
	n, err := strconv.Atoi(id)
	if err != nil || n < 1 || n > c.people {
		return importer.Person{}, importer.ErrGone
	}
	return c.person(n - 1), nil
}

func (c *census) person(i int) importer.Person {
	position := "Specialist"
	if i < c.changing {
		position = "Specialist " + strconv.Itoa(c.version)
	}
	id := strconv.Itoa(i + 1)
	return importer.Person{
		ID: id, Status: importer.StatusActive, HasManager: true, ManagerID: strconv.Itoa(i/10 + 1),
		Attributes: map[string]string{
			"email": "person" + id + "@acme.example", "first_name": "Person", "last_name": "Number " + id, "position": position,
			"department": "Department " + strconv.Itoa(i%40), "office": "Wien", "subcompany": "Acme GmbH", "cost_centers": "4711",
			"employment_type": "internal",
		},
	}
}

// bareRows is how many people one transaction inserts, as an import does.
const bareRows = 200

// insertBare writes what a first import leaves behind, and reads, plans and judges nothing.
func insertBare(b *testing.B, store *sqlstore.Store, n int) {
	b.Helper()
	c := &census{people: n}
	run := users.Run{ID: users.NewRunID(), Connection: hr, State: users.RunDone}
	write := func(change func(tx users.Tx) error) {
		if err := store.Update(b.Context(), change); err != nil {
			b.Fatal(err)
		}
	}
	write(func(tx users.Tx) error { return tx.InsertRun(b.Context(), run) })
	for first := 0; first < n; first += bareRows {
		write(func(tx users.Tx) error {
			var all []users.User
			var people []users.Person
			var rows []users.RunChange
			for i := first; i < min(first+bareRows, n); i++ {
				p := c.person(i)
				u := users.User{ID: users.NewID(), BaseState: users.StateActive, Epoch: 1, Version: 1, Role: users.RoleNone, Origin: users.OriginImport}
				fields := map[string]users.FieldChange{}
				for name, value := range p.Attributes {
					u.SetAttribute(name, value)
					fields[name] = users.FieldChange{After: value}
				}
				u.SetAttribute(users.AttributeUsername, u.Email)
				all = append(all, u)
				people = append(people, users.Person{Connection: hr, SourceID: p.ID, User: u.ID, Status: string(p.Status), SeenRun: run.ID})
				rows = append(rows, users.RunChange{
					Run: run.ID, Seq: i + 1, Phase: 1, SourceID: p.ID, User: u.ID, Kind: users.ChangeCreate,
					Reason: "new_person", Email: u.Email, Fields: fields, Outcome: users.OutcomeApplied,
				})
				e, err := users.NewEvent(users.EventUserCreated, users.ActorImport(hr), string(u.ID), nil)
				if err != nil {
					return err
				}
				tx.Append(e)
			}
			if err := tx.InsertUsers(b.Context(), all); err != nil {
				return err
			}
			if err := tx.PutPeople(b.Context(), people); err != nil {
				return err
			}
			return tx.InsertRunChanges(b.Context(), rows)
		})
	}
}
