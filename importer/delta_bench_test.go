package importer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// BenchmarkDelta measures what a turn of the loop costs in a directory of any
// size: a read of changes that finds none, and one person who is read again,
// unchanged and changed. The source costs nothing.
//
//	go test ./importer -run xxx -bench Delta -benchtime 200x -timeout 60m
func BenchmarkDelta(b *testing.B) {
	sizes := []int{1_000, 100_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, engine := range []struct {
		name string
		open func(testing.TB) *sqlstore.Store
	}{{"sqlite", userstest.SQLite}, {"postgresql", userstest.PostgreSQL}} {
		for _, n := range sizes {
			c := newCensus(b, engine.open(b), n)
			c.settings.Delta = time.Minute
			c.connect()
			c.importing(b, n)
			turn := func(b *testing.B, work users.Work) {
				b.StopTimer()
				c.clock.pass(time.Minute)
				work.Connection, work.Due = hr, c.clock.Now()
				if err := c.directory.NoteWork(b.Context(), work); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				used := processorTime(b)
				if err := importer.DoWork(c.engine, b.Context(), hr); err != nil {
					b.Fatal(err)
				}
				c.cpu += processorTime(b) - used
			}
			for _, what := range []struct {
				name     string
				work     users.Work
				changing int
			}{
				{"nothing-changed", users.Work{Kind: users.WorkDelta}, 0},
				{"person-unchanged", users.Work{Kind: users.WorkPerson, Subject: "7"}, 0},
				{"person-changed", users.Work{Kind: users.WorkPerson, Subject: "7"}, 7},
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", engine.name, n, what.name), func(b *testing.B) {
					c.cpu = 0
					c.changing = what.changing
					turns := 0
					for b.Loop() {
						c.version++
						turn(b, what.work)
						turns++
					}
					b.ReportMetric(float64(c.cpu.Microseconds())/float64(turns)/1000, "cpu-ms/turn")
				})
			}
		}
	}
}
