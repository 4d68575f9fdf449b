package personio

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/einlass/einlass/importer"
)

// naiveTime is the one form of a point in time that Personio documents here, which has
// no zone, and which zone it is read in is not documented. What we send is meant in
// UTC. Read in Berlin, it is one or two hours earlier, and more people are answered
// than have changed; so it needs no more overlap there, also where clocks change.
// Sent in local time it would be too late by as much if it is read in UTC.
const naiveTime = "2006-01-02T15:04:05"

// Changed reads the people who changed at or after since. All wanted attributes
// are asked for, because only a change of one of those makes a person appear.
//
// Personio documents that the answer is one page whatever limit and offset say,
// and has been seen to give pages all the same. More is asked for while more is
// announced; a page that comes again was the only one.
func (s *Source) Changed(ctx context.Context, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return s.changed(withPurpose(ctx, ofChanges), since, wanted)
}

// People reads those who changed, among whom the people asked for should be.
func (s *Source) People(ctx context.Context, _ []string, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return s.changed(ctx, since, wanted)
}

func (s *Source) changed(ctx context.Context, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		f := feed{
			source: s, wanted: wanted, limit: pageSize, changes: true,
			filter: url.Values{filterUpdatedSince: {since.UTC().Format(naiveTime)}},
		}
		for !f.done {
			page, err := f.next(ctx)
			if err != nil {
				yield(importer.Page{}, fmt.Errorf("changed people from %d: %w", f.offset, err))
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}
