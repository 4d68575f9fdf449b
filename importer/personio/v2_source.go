package personio

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
)

const (
	pageSizeV2 = 50 // Personio's maximum
	// namesLife is how long names of units are believed between full reads.
	namesLife = 5 * time.Minute
)

// SourceV2 is a Personio account, read by version 2 of the API. Attributes come
// under the names and in the shapes that version 1 gives them. It is safe for
// concurrent use.
type SourceV2 struct {
	*caller
	names unitNames
	seen  sightings
}

var _ importer.Several = (*SourceV2)(nil)

// NewV2 checks the settings. It connects to nothing.
func NewV2(cfg Config) (*SourceV2, error) {
	c, err := newCaller(cfg, version2)
	if err != nil {
		return nil, err
	}
	s := &SourceV2{caller: c}
	s.names.source = s
	return s, nil
}

// Granted knows nothing: version 2 cannot be asked. What may not be read shows
// by its absence.
func (s *SourceV2) Granted(context.Context) (granted []string, known bool, err error) {
	return nil, false, nil
}

// Pages reads everybody, one page after the other, with one more request for
// each person. How many there are is not announced.
func (s *SourceV2) Pages(ctx context.Context, query importer.Query) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		ctx := withPurpose(ctx, ofEverybody)
		filter, err := filterV2(query.Filter)
		if err != nil {
			yield(importer.Page{}, err)
			return
		}
		s.names.forget(0)
		s.seen.forget() // a right may have been lost since
		s.read(ctx, filter, query.Wanted, time.Time{}, yield)
	}
}

// Changed reads people who changed at or after since. Personio moves that time
// for what belongs to the person: a change of their employment alone may not show
// here. Webhooks tell of those, and a full read finds them.
func (s *SourceV2) Changed(ctx context.Context, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		since = since.UTC().Truncate(time.Second)
		after := since.Add(-time.Second) // the filter leaves out the instant itself
		ctx := withPurpose(ctx, ofChanges)
		s.names.forget(namesLife)
		s.read(ctx, url.Values{"updated_at.gt": {after.Format(time.RFC3339)}}, wanted, since, yield)
	}
}

// People reads people by their ids, so that beside their employments it takes one
// request for every pageSizeV2 of them.
func (s *SourceV2) People(ctx context.Context, ids []string, _ time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		s.names.forget(namesLife)
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !isDecimal(id) })
		for some := range slices.Chunk(ids, pageSizeV2) {
			going := true
			s.read(ctx, url.Values{"id": {strings.Join(some, ",")}}, wanted, time.Time{}, func(page importer.Page, err error) bool {
				going = yield(page, err) && err == nil
				return going
			})
			if !going {
				return
			}
		}
	}
}

// read yields the people of a list, less those who are known to have changed
// before since.
func (s *SourceV2) read(
	ctx context.Context, filter url.Values, wanted []string, since time.Time, yield func(importer.Page, error) bool,
) {
	pages := pageWatch{}
	list := listV2{path: "/v2/persons", query: filter, limit: pageSizeV2}
	for rows, err := range s.pages(ctx, list) {
		if err == nil {
			err = pages.check(fingerprint(rows))
		}
		var page importer.Page
		if err == nil {
			page, err = s.people(ctx, rows, wanted, since)
		}
		if err != nil {
			yield(importer.Page{}, fmt.Errorf("people: %w", err))
			return
		}
		if !yield(page, nil) {
			return
		}
	}
}

// people makes people of the rows of a page.
func (s *SourceV2) people(ctx context.Context, rows value, wanted []string, since time.Time) (importer.Page, error) {
	var profiles []profile
	for row := range rows.elements() {
		if len(profiles) == maxRows {
			return importer.Page{}, errTooManyRows
		}
		if !changedBefore(row, since) {
			profiles = append(profiles, profile{row: row})
		}
	}
	people, err := s.complete(ctx, profiles, wanted)
	return importer.Page{People: people, Announced: -1}, err
}

// changedBefore reports whether a person says so; without a word they do not.
func changedBefore(row value, since time.Time) bool {
	if since.IsZero() {
		return false
	}
	at, err := time.Parse(time.RFC3339, row.member("updated_at").text())
	return err == nil && at.Before(since)
}

// Person reads one person by the id that a list gave, or returns ErrGone.
func (s *SourceV2) Person(ctx context.Context, id string, wanted []string) (importer.Person, error) {
	if !isDecimal(id) {
		return importer.Person{}, fmt.Errorf("person: the id is no number: %w", importer.ErrGone)
	}
	answer, err := s.get(ctx, request{path: "/v2/persons/" + id})
	if errors.Is(err, errNotFound) {
		err = s.confirmGone(ctx, id)
	}
	if err != nil {
		return importer.Person{}, fmt.Errorf("person %s: %w", id, err)
	}
	if wrapped := answer.member("_data"); wrapped.isObject() {
		answer = wrapped
	}
	s.names.forget(namesLife)
	people, err := s.complete(ctx, []profile{{row: answer}}, wanted)
	if err != nil {
		return importer.Person{}, fmt.Errorf("person %s: %w", id, err)
	}
	return people[0], nil
}

// confirmGone returns ErrGone if the list does not show a person either. One 404
// alone takes nobody's access: this version has been seen to give them at random.
func (s *SourceV2) confirmGone(ctx context.Context, id string) error {
	answer, err := s.get(ctx, request{
		path: "/v2/persons", query: func() url.Values { return url.Values{"id": {id}, "limit": {"1"}} },
	})
	if err != nil {
		return err
	}
	rows := answer.member("_data")
	if !rows.isArray() {
		return fmt.Errorf("no list: %w", importer.ErrCorrupt)
	}
	for row := range rows.elements() {
		if row.member(attributeID).text() == id {
			return fmt.Errorf("not found alone, but listed: %w", importer.ErrCorrupt)
		}
	}
	return importer.ErrGone
}

// complete adds employments and names to people, and reduces them to what is
// wanted.
func (s *SourceV2) complete(ctx context.Context, profiles []profile, wanted []string) ([]importer.Person, error) {
	if err := s.employ(ctx, profiles); err != nil {
		return nil, err
	}
	for _, p := range profiles {
		s.seen.note(p.employment)
	}
	unreadable := map[string]bool{}
	people := make([]importer.Person, 0, len(profiles))
	for _, p := range profiles {
		p.wanted, p.seen, p.unreadable = wanted, &s.seen, unreadable
		p.name = func(kind unitKind, id string) (string, bool, error) { return s.names.name(ctx, kind, id) }
		person, err := p.person()
		if err != nil {
			return nil, err
		}
		people = append(people, person)
	}
	if len(unreadable) > 0 {
		names := slices.Sorted(maps.Keys(unreadable))
		s.cfg.Logger.WarnContext(ctx, "attributes in a shape that is not known", slog.Any("attributes", names))
	}
	return people, nil
}
