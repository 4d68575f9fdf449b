package personio

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/einlass/einlass/importer"
)

// Auto is a Personio account, read by the version of the API that is open to its
// credentials: by version 1 where that is, because it names everything in one
// request; otherwise by version 2. It is safe for concurrent use.
type Auto struct {
	v1  *Source
	v2  *SourceV2
	log *slog.Logger

	mu     sync.Mutex       // guards chosen
	chosen importer.Several // nil: not known yet
}

var _ importer.Several = (*Auto)(nil)

// NewAuto checks the settings. It connects to nothing.
func NewAuto(cfg Config) (*Auto, error) {
	v1, err := New(cfg)
	if err != nil {
		return nil, err
	}
	v2, err := NewV2(cfg)
	if err != nil {
		return nil, err
	}
	return &Auto{v1: v1, v2: v2, log: v1.cfg.Logger}, nil
}

// Granted finds out anew which version is open, because it is the first question
// of every full read. Whoever may ask version 1 for attributes may read its list.
func (a *Auto) Granted(ctx context.Context) (granted []string, known bool, err error) {
	granted, known, err = a.v1.Granted(ctx)
	if known && err == nil {
		a.choose(ctx, a.v1, nil)
		return granted, true, nil
	}
	if err != nil && !isClosed(err) {
		return nil, false, err
	}
	source, err := a.probe(ctx)
	if err != nil {
		return nil, false, err
	}
	if source == importer.Several(a.v1) {
		return nil, false, nil
	}
	return source.Granted(ctx)
}

// Pages reads everybody. A list of version 1 that turns out to be closed before
// anybody was read is read by version 2.
func (a *Auto) Pages(ctx context.Context, query importer.Query) iter.Seq2[importer.Page, error] {
	return a.pages(ctx, func(s importer.Several) iter.Seq2[importer.Page, error] { return s.Pages(ctx, query) })
}

// Changed reads who changed, by the version that is open.
func (a *Auto) Changed(ctx context.Context, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return a.pages(ctx, func(s importer.Several) iter.Seq2[importer.Page, error] { return s.Changed(ctx, since, wanted) })
}

// People reads certain people, by the version that is open.
func (a *Auto) People(ctx context.Context, ids []string, since time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return a.pages(ctx, func(s importer.Several) iter.Seq2[importer.Page, error] {
		return s.People(ctx, ids, since, wanted)
	})
}

// Person reads one person. A version 1 that is closed altogether could answer as
// if they were gone; so that is believed only while its list is open.
func (a *Auto) Person(ctx context.Context, id string, wanted []string) (importer.Person, error) {
	source, err := a.source(ctx)
	if err != nil {
		return importer.Person{}, err
	}
	person, err := source.Person(ctx, id, wanted)
	if source != importer.Several(a.v1) || !(isClosed(err) || errors.Is(err, importer.ErrGone)) {
		return person, err
	}
	source, probeErr := a.probe(ctx)
	if probeErr != nil {
		return importer.Person{}, probeErr
	}
	if source == importer.Several(a.v1) {
		return person, err
	}
	return source.Person(ctx, id, wanted)
}

// pages reads by the version that is open.
func (a *Auto) pages(ctx context.Context, read func(importer.Several) iter.Seq2[importer.Page, error]) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		source, err := a.source(ctx)
		if err != nil {
			yield(importer.Page{}, err)
			return
		}
		begun, closed := false, false
		for page, err := range read(source) {
			closed = !begun && err != nil && source == importer.Several(a.v1) && isClosed(err)
			if closed {
				break
			}
			begun = true
			if !yield(page, err) {
				return
			}
		}
		if !closed {
			return
		}
		if source, err = a.probe(ctx); err != nil {
			yield(importer.Page{}, err)
			return
		}
		for page, err := range read(source) {
			if !yield(page, err) {
				return
			}
		}
	}
}

// source returns the version that was found to be open.
func (a *Auto) source(ctx context.Context) (importer.Several, error) {
	a.mu.Lock()
	chosen := a.chosen
	a.mu.Unlock()
	if chosen != nil {
		return chosen, nil
	}
	return a.probe(ctx)
}

// probe asks each version for one person of its list. What may pass is no reason
// to change from one version to the other.
func (a *Auto) probe(ctx context.Context) (importer.Several, error) {
	why := a.v1.probe(ctx, "/v1/company/employees", url.Values{"limit": {"1"}, "attributes[]": {attributeStatus}})
	if why == nil {
		return a.choose(ctx, a.v1, nil), nil
	}
	if !isClosed(why) {
		return nil, why
	}
	err := a.v2.probe(ctx, "/v2/persons", url.Values{"limit": {"1"}})
	switch {
	case err == nil:
		return a.choose(ctx, a.v2, why), nil
	case isClosed(err):
		return nil, fmt.Errorf("by version 1: %w; by version 2: %w", why, err)
	}
	return nil, err
}

// probe returns nil if a list may be read.
func (c *caller) probe(ctx context.Context, path string, query url.Values) error {
	_, err := c.get(ctx, request{path: path, query: func() url.Values { return query }})
	return noList(err)
}

// choose remembers a version, and says so when it is another one than before.
func (a *Auto) choose(ctx context.Context, source importer.Several, why error) importer.Several {
	a.mu.Lock()
	before := a.chosen
	a.chosen = source
	a.mu.Unlock()
	switch {
	case before == source || (before == nil && why == nil):
	case why == nil:
		a.log.InfoContext(ctx, "version 1 of the API is open again, people are read by it")
	default:
		a.log.WarnContext(ctx, "version 1 of the API is closed, people are read by version 2", slog.Any("reason", why))
	}
	return source
}

// isClosed reports whether an error is the source's word that something is not
// for these credentials, or not there any more.
func isClosed(err error) bool {
	rejected, isRejection := errors.AsType[*rejection](err)
	return errors.Is(err, importer.ErrForbidden) || errors.Is(err, importer.ErrCredentials) || errors.Is(err, importer.ErrRevoked) ||
		errors.Is(err, errNotFound) || errors.Is(err, errNoAPI) || (isRejection && rejected.status == http.StatusGone)
}
