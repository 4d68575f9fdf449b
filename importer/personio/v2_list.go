package personio

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/einlass/einlass/importer"
)

// maxPagesV2 is far more than a company has people, or units of a kind.
const maxPagesV2 = 4_000

// listV2 is a list to be read from its first page to its last.
type listV2 struct {
	path  string
	query url.Values // sent again with each cursor, because whether that remembers it is not documented
	limit int        // rows asked for at a time; 0: as many as the source likes
	beta  bool
}

// pages yields the rows of one page after the other. An address that comes
// twice, or pages without end, end the reading with ErrCorrupt.
func (s *SourceV2) pages(ctx context.Context, l listV2) iter.Seq2[value, error] {
	return func(yield func(value, error) bool) {
		at, err := url.Parse(s.root + l.path)
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", l.path, err))
			return
		}
		seen := map[string]bool{at.String(): true}
		for len(seen) <= maxPagesV2 {
			page, err := s.page(ctx, at, &l)
			if err != nil {
				yield(nil, err)
				return
			}
			rows := page.member("_data")
			if !rows.isArray() {
				yield(nil, fmt.Errorf("a page without a list: %w", importer.ErrCorrupt))
				return
			}
			next, err := nextAddress(at, page)
			if !yield(rows, nil) || (err == nil && next == nil) {
				return
			}
			if err == nil && seen[next.String()] {
				err = fmt.Errorf("the list leads back to a page that was read: %w", importer.ErrCorrupt)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			at = next
			seen[at.String()] = true
		}
		yield(nil, fmt.Errorf("the list does not end: %w", importer.ErrCorrupt))
	}
}

// page reads one page. What its address does not say is added to it. After
// a timeout fewer rows are asked for, as long as the address leaves us the choice.
func (s *SourceV2) page(ctx context.Context, at *url.URL, l *listV2) (value, error) {
	bare := *at
	bare.RawQuery = ""
	answer, err := s.get(ctx, request{
		path: l.path, address: bare.String(),
		query: func() url.Values {
			query := at.Query()
			for name, values := range l.query {
				if !query.Has(name) {
					query[name] = values
				}
			}
			if l.limit > 0 && !query.Has("limit") {
				query.Set("limit", strconv.Itoa(l.limit))
			}
			return query
		},
		slow: func() { l.limit = max(l.limit/2, min(l.limit, minPageSize)) },
		beta: l.beta,
	})
	return answer, noList(err)
}

// noList says of a list that is not there that the source is not what it should be.
func noList(err error) error {
	if errors.Is(err, errNotFound) {
		return fmt.Errorf("%w: %w", err, importer.ErrCorrupt)
	}
	return err
}
