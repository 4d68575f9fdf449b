package personio

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/url"
	"strconv"

	"github.com/einlass/einlass/importer"
)

const (
	pageSize    = 100 // Personio's maximum
	minPageSize = 10  // after timeouts
	maxPages    = 10_000
	maxPeople   = maxPages * pageSize
	// maxUnannounced is how many people are believed in of a list that says of none
	// how many there are, which Personio's never is.
	maxUnannounced = 100_000
	slack          = 1_000 // people beyond twice the number announced that we still believe in
)

// Pages reads everybody, one page after the other.
//
// A page that comes twice, or people beyond all announcements, end the reading
// with ErrCorrupt. A few people who come twice are what a list looks like that
// moves while it is read. Whether as many came as were announced is not judged here.
func (s *Source) Pages(ctx context.Context, query importer.Query) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		ctx := withPurpose(ctx, ofEverybody)
		filter, err := filterV1(query.Filter)
		if err != nil {
			yield(importer.Page{}, err)
			return
		}
		f := feed{source: s, wanted: query.Wanted, filter: filter, limit: pageSize}
		for !f.done {
			page, err := f.next(ctx)
			if err != nil {
				yield(importer.Page{}, fmt.Errorf("people from %d: %w", f.offset, err))
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// feed is one reading of the list.
type feed struct {
	source *Source
	wanted []string
	filter url.Values
	limit  int // people asked for at a time
	offset int // people read so far
	pages  int
	first  int // number announced by the first page; -1: none
	watch  pageWatch
	done   bool

	changes bool // who changed is read: one page, or several
}

// next reads the next page and decides whether it was the last: one that is
// not full, after which no more people are announced, or one with nobody on it.
func (f *feed) next(ctx context.Context) (importer.Page, error) {
	list, err := f.read(ctx, f.offset)
	if err != nil {
		return importer.Page{}, err
	}
	if f.pages == 0 {
		f.first = list.total
	}
	f.pages++
	rows := len(list.people)
	if rows == 0 {
		f.done = true
		if f.changes {
			return importer.Page{Announced: list.total}, nil
		}
		return importer.Page{Announced: list.total}, f.checkHole(ctx, list.total)
	}
	if f.changes && f.watch.seen[list.ids] { // limit and offset are ignored: that was all
		f.done = true
		return importer.Page{Announced: list.total}, nil
	}
	if err := f.check(list); err != nil {
		return importer.Page{}, err
	}
	f.offset += rows
	// Asked for what changed, Personio knows no pages: a second one would be the first again.
	full := rows == min(f.limit, list.limit) && (!f.filter.Has(filterUpdatedSince) || f.changes && list.total < 0)
	f.done = !full && f.offset >= list.total
	if len(list.unreadable) > 0 {
		f.source.cfg.Logger.WarnContext(ctx, "attributes in a shape that is not known", slog.Any("attributes", list.unreadable))
	}
	return importer.Page{People: list.people, Announced: list.total}, nil
}

// check refuses pages that cannot belong to a list with an end.
func (f *feed) check(list list) error {
	if err := f.watch.check(list.ids); err != nil {
		return err
	}
	believed := maxUnannounced
	if f.first >= 0 {
		believed = min(2*f.first+slack, maxPeople)
	}
	if f.pages > maxPages || f.offset+len(list.people) > believed {
		return fmt.Errorf("the list does not end: %w", importer.ErrCorrupt)
	}
	return nil
}

// checkHole is asked when a page is empty although more people are announced.
// Either the number is wrong, which the importer sees; or people are missing in
// the middle, which shows when there are others behind them.
func (f *feed) checkHole(ctx context.Context, total int) error {
	if f.offset >= total {
		return nil
	}
	behind, err := f.read(ctx, f.offset+f.limit)
	if err != nil {
		return err
	}
	if len(behind.people) > 0 {
		return fmt.Errorf("an empty page in the middle: %w", importer.ErrCorrupt)
	}
	return nil
}

func (f *feed) read(ctx context.Context, offset int) (list, error) {
	page, err := f.source.get(ctx, request{
		path: "/v1/company/employees",
		query: func() url.Values {
			query := url.Values{
				"limit": {strconv.Itoa(f.limit)}, "offset": {strconv.Itoa(offset)}, "attributes[]": f.wanted,
			}
			maps.Copy(query, f.filter) // whose names are never ours
			return query
		},
		slow: func() { f.limit = max(f.limit/2, minPageSize) },
	})
	if err != nil {
		return list{}, noList(err)
	}
	return decodeList(page, f.wanted)
}
