package personio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/einlass/einlass/importer"
)

const (
	employmentsAtOnce = 8 // requests; the pace bounds how many there are in a second
	// employmentTries is how often we ask for the employments of a person whom the
	// list has just shown: Personio sometimes answers 404 although they exist.
	employmentTries = 3
)

// employ finds the employment of each person. Of whom Personio says that there is
// none, it is left open: they are not gone by it.
func (s *SourceV2) employ(ctx context.Context, profiles []profile) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(employmentsAtOnce)
	for i := range profiles {
		id := profiles[i].row.member(attributeID).text()
		if !isDecimal(id) {
			continue // can only be quarantined
		}
		group.Go(func() (err error) {
			profiles[i].employment, err = s.employmentOf(ctx, id, profiles[i].row.member(attributeStatus))
			return err
		})
	}
	return group.Wait()
}

// employmentOf returns the employment that counts, or nil if none is known. What
// the person's own row says of their status is told by it, too.
func (s *SourceV2) employmentOf(ctx context.Context, id string, told value) (value, error) {
	for try := 1; ; try++ {
		answer, err := s.get(ctx, request{
			path:  "/v2/persons/" + id + "/employments",
			query: func() url.Values { return url.Values{"limit": {strconv.Itoa(pageSizeV2)}} },
		})
		switch {
		case errors.Is(err, errNotFound) && try < employmentTries:
			if err := sleep(ctx, jitter(s.cfg.Backoff)); err != nil {
				return nil, err
			}
			continue
		case errors.Is(err, errNotFound):
			s.cfg.Logger.WarnContext(ctx, "no employments of a person who is listed", slog.String("source_id", id))
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("employments of %s: %w", id, err)
		}
		return currentEmployment(answer, id, statusV2(told) == importer.StatusActive)
	}
}

// currentEmployment picks the latest of a page of employments, which come latest
// first, unless that has not begun while an earlier one goes on; or unless it is
// over while another is not, of a person who is active: then they do not come in
// that order. There are never so many that a following page mattered, and where
// that is promised to be is no address of the API.
func currentEmployment(page value, person string, active bool) (value, error) {
	list := page.member("_data")
	if !list.isArray() {
		return nil, fmt.Errorf("employments of %s: no list: %w", person, importer.ErrCorrupt)
	}
	var current value
	for employment := range list.elements() {
		if owner := employment.member("person").member(attributeID); owner != nil && owner.text() != person {
			return nil, fmt.Errorf("employments of %s: those of somebody else: %w", person, importer.ErrCorrupt)
		}
		if current == nil || outranks(employmentStatus(employment), employmentStatus(current), active) {
			current = employment
		}
	}
	return current, nil
}

func employmentStatus(employment value) importer.Status {
	return statusV2(employment.member(attributeStatus))
}

// outranks reports whether an employment counts more than one that comes before it.
func outranks(status, before importer.Status, active bool) bool {
	switch before {
	case importer.StatusOnboarding:
		return isGoingOn(status)
	case importer.StatusInactive:
		return active && (isGoingOn(status) || status == importer.StatusOnboarding)
	}
	return false
}

func isGoingOn(status importer.Status) bool {
	return status == importer.StatusActive || status == importer.StatusLeave
}
