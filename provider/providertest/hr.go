package providertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// HR is where the people of the bench's connections come from: a list in memory.
type HR struct {
	mu     sync.Mutex // guards what follows
	people []importer.Person
	page   func()
	err    error
	filter string
}

// Hire adds somebody who works there, with the next id from 1 on.
func (hr *HR) Hire(first, last, email string) (id string) {
	hr.mu.Lock()
	defer hr.mu.Unlock()
	id = fmt.Sprint(len(hr.people) + 1)
	hr.people = append(hr.people, importer.Person{ID: id, Status: importer.StatusActive, Attributes: map[string]string{
		"first_name": first, "last_name": last, "email": email, "department": "Sales",
	}})
	return id
}

// Change changes somebody's attribute; the status is one of them.
func (hr *HR) Change(id, attribute, value string) {
	hr.mu.Lock()
	defer hr.mu.Unlock()
	for i := range hr.people {
		switch p := &hr.people[i]; {
		case p.ID != id:
		case attribute == "status":
			p.Status = importer.Status(value)
		default:
			p.Attributes[attribute] = value
		}
	}
}

// OnPage has page called before each list is shown; nil ends that.
func (hr *HR) OnPage(page func()) {
	hr.mu.Lock()
	defer hr.mu.Unlock()
	hr.page = page
}

// Fail lets each list end with err; nil ends that.
func (hr *HR) Fail(err error) {
	hr.mu.Lock()
	defer hr.mu.Unlock()
	hr.err = err
}

// Filter is what the last list was asked for.
func (hr *HR) Filter() string {
	hr.mu.Lock()
	defer hr.mu.Unlock()
	return hr.filter
}

// Granted implements importer.Source: it cannot tell.
func (hr *HR) Granted(context.Context) ([]string, bool, error) { return nil, false, nil }

// Pages implements importer.Source.
func (hr *HR) Pages(_ context.Context, query importer.Query) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		hr.mu.Lock()
		hr.filter = query.Filter
		page, err := hr.page, hr.err
		hr.mu.Unlock()
		if page != nil {
			page()
		}
		if err != nil {
			yield(importer.Page{}, err)
			return
		}
		people := hr.shown(query.Wanted)
		yield(importer.Page{People: people, Announced: len(people)}, nil)
	}
}

// Changed implements importer.Source: everybody may have.
func (hr *HR) Changed(ctx context.Context, _ time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return hr.Pages(ctx, importer.Query{Wanted: wanted})
}

// Person implements importer.Source.
func (hr *HR) Person(_ context.Context, id string, wanted []string) (importer.Person, error) {
	for _, p := range hr.shown(wanted) {
		if p.ID == id {
			return p, nil
		}
	}
	return importer.Person{}, importer.ErrGone
}

// shown is everybody with what is wanted of them.
func (hr *HR) shown(wanted []string) []importer.Person {
	hr.mu.Lock()
	defer hr.mu.Unlock()
	var people []importer.Person
	for _, p := range hr.people {
		attributes := map[string]string{}
		for name, value := range p.Attributes {
			if slices.Contains(wanted, name) {
				attributes[name] = value
			}
		}
		p.Attributes = attributes
		people = append(people, p)
	}
	return people
}

// ServeImports lets imports be started from pages, until the returned function is
// called or the test ends.
func (b *Bench) ServeImports() (stop func()) {
	b.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = b.Imports.Serve(ctx) }) // returns nil
	stop = func() {
		cancel()
		done.Wait()
	}
	b.T.Cleanup(stop)
	b.until("imports to be served", func() bool {
		_, err := b.Imports.Start(b.T.Context(), importer.Request{Connection: "nowhere"})
		return !errors.Is(err, importer.ErrNotServing)
	})
	return stop
}

// Ended waits for a run to end and returns it.
func (b *Bench) Ended(id users.RunID) users.Run {
	b.T.Helper()
	var run users.Run
	b.until("the import to end", func() bool {
		var err error
		run, err = b.Directory.Read().Run(b.T.Context(), id)
		return err == nil && !run.State.Unfinished() && !run.Approving()
	})
	return run
}

// until waits for something that happens beside the test.
func (b *Bench) until(what string, reached func() bool) {
	b.T.Helper()
	for deadline := time.Now().Add(time.Minute); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.T.Fatalf("waited in vain for %s", what)
		}
	}
}
