package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	singleReaders = 8  // people who are asked for at the same time
	manyPeople    = 20 // who are looked for among those who have changed first
)

// personReads is what a source said of certain people.
type personReads struct {
	people   []Person
	gone     []string
	answered map[string]bool // of these two
	failed   map[string]bool // asked for in vain; the others were not asked for
}

func newPersonReads() *personReads {
	return &personReads{answered: map[string]bool{}, failed: map[string]bool{}}
}

// join adds what was said of others.
func (s *personReads) join(other *personReads) *personReads {
	s.people, s.gone = append(s.people, other.people...), append(s.gone, other.gone...)
	maps.Copy(s.answered, other.answered)
	maps.Copy(s.failed, other.failed)
	return s
}

// readTogether asks for people together, where the source can, or looks for them
// among those who changed at or after since. What was read before an error counts.
func readTogether(ctx context.Context, source Source, ids []string, since time.Time, wanted []string) (*personReads, error) {
	reads := newPersonReads()
	pages := source.Changed
	if several, can := source.(Several); can {
		pages = func(ctx context.Context, since time.Time, wanted []string) iter.Seq2[Page, error] {
			return several.People(ctx, ids, since, wanted)
		}
	}
	for page, err := range pages(ctx, since, wanted) {
		if err != nil {
			return reads, err
		}
		for _, p := range page.People {
			if slices.Contains(ids, p.ID) && !reads.answered[p.ID] {
				reads.people = append(reads.people, p)
				reads.answered[p.ID] = true
			}
		}
	}
	return reads, nil
}

// singleRead is what came of asking for one person.
type singleRead struct {
	person Person
	err    error
	asked  bool
}

// aboutThem reports whether an error may be about one person alone.
func aboutThem(err error) bool { return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrForbidden) }

// readSingly asks a source for people. Where it answers for none of them its
// error comes back, and always where it refuses our credentials. People whom it
// cannot show keep neither the others nor those who come later from being read.
func readSingly(ctx context.Context, source Source, ids []string, wanted []string) (*personReads, error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	answers := make([]singleRead, len(ids))
	next := make(chan int)
	var readers sync.WaitGroup
	for range min(singleReaders, len(ids)) {
		readers.Go(func() {
			for i := range next {
				answers[i] = readOne(asking, source, ids[i], wanted)
				if err := answers[i].err; err != nil && !errors.Is(err, ErrGone) && !aboutThem(err) {
					stop() // the others would wait as long in vain
				}
			}
		})
	}
	for i := range ids {
		next <- i
	}
	close(next)
	readers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return collect(ids, answers)
}

// readOne asks for one person, unless somebody else has been asked for in vain.
func readOne(ctx context.Context, source Source, id string, wanted []string) singleRead {
	if ctx.Err() != nil {
		return singleRead{}
	}
	person, err := source.Person(ctx, id, wanted)
	switch {
	case errors.Is(err, context.Canceled):
		return singleRead{}
	case err == nil && person.ID != id:
		err = fmt.Errorf("%w: asked for person %s, got %s", ErrCorrupt, id, person.ID)
	}
	return singleRead{person: person, err: err, asked: true}
}

func collect(ids []string, answers []singleRead) (*personReads, error) {
	reads := newPersonReads()
	var failure error
	for i, a := range answers {
		switch {
		case !a.asked:
			continue
		case errors.Is(a.err, ErrGone):
			reads.gone = append(reads.gone, ids[i])
		case errors.Is(a.err, ErrCredentials), errors.Is(a.err, ErrRevoked):
			return nil, a.err
		case a.err != nil:
			reads.failed[ids[i]] = true
			if !errors.Is(a.err, ErrCorrupt) {
				failure = a.err
			}
			continue
		default:
			reads.people = append(reads.people, a.person)
		}
		reads.answered[ids[i]] = true
	}
	if len(reads.answered) == 0 && failure != nil {
		return nil, failure
	}
	return reads, nil
}

// takeInto takes the people into a partial reading, in the order in which they were asked for.
func (s *personReads) takeInto(ctx context.Context, r *reading) error {
	if err := r.take(ctx, s.people); err != nil {
		return err
	}
	for _, id := range s.gone {
		if err := r.takeGone(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
