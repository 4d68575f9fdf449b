package importer

import (
	"context"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

// history is what earlier runs of a connection mean for this one.
type history struct {
	last    *users.FeedStats // of the newest full run that was applied; nil: there is none
	options users.RunOptions // by which that was made
	at      time.Time        // when it started
	losses  int              // people who lost access in the window by runs that nobody approved
	later   int              // likewise people who will on a later day
	active  int              // most active people before any run of the window
}

// listed is what the last full run read; zero where there was none.
func (h history) listed() users.FeedStats {
	if h.last == nil {
		return users.FeedStats{}
	}
	return *h.last
}

// readHistory reads what the guard compares a run with.
func readHistory(ctx context.Context, r users.Reader, connection users.ApplicationID, now time.Time) (history, error) {
	var h history
	last, err := lastFull(ctx, r, connection)
	if err != nil {
		return h, err
	}
	if last.ID != "" {
		h.last, h.options, h.at = &last.Stats, last.Options, last.StartedAt
	}
	runs, err := r.RunsSince(ctx, connection, now.Add(-guardWindow))
	if err != nil {
		return h, fmt.Errorf("runs of the last day: %w", err)
	}
	for _, run := range runs {
		h.active = max(h.active, run.Stats.Active)
		lost, later, err := lostBy(ctx, r, run)
		if err != nil {
			return h, err
		}
		h.losses, h.later = h.losses+lost, h.later+later
	}
	return h, nil
}

// lostBy counts the people who lost access by a run that nobody approved, or will in a
// moment, and those who will on a later day. What a run planned that was stopped half-way, or failed for some, counts only as far as it was applied.
func lostBy(ctx context.Context, r users.Reader, run users.Run) (now, later int, err error) {
	now, later = run.Stats.LosingAccess, run.Stats.LosingLater
	switch {
	case run.ApprovedBy != "" || now+later == 0:
		return 0, 0, nil
	case run.State == users.RunApplying, run.State == users.RunDone && run.Counts.Failed == 0:
		return now, later, nil
	case run.State != users.RunDone && run.State != users.RunInterrupted && run.State != users.RunFailed:
		return 0, 0, nil
	}
	lost, err := lostRows(ctx, r, run.ID)
	return min(lost, now), min(lost, later), err
}

// lostRows counts the applied rows of a run that took access from people.
func lostRows(ctx context.Context, r users.Reader, run users.RunID) (int, error) {
	lost := 0
	for c, err := range rowsOf(ctx, r, run, users.OutcomeApplied) {
		if err != nil {
			return 0, err
		}
		if takesAccess(c) {
			lost++
		}
	}
	return lost, nil
}

// takesAccess reports whether a row may take access away. An update with an effect may be about
// an application; one too many is on the safe side.
func takesAccess(c users.RunChange) bool {
	return c.Kind == users.ChangeSuspend || (len(c.Effect) > 0 && (c.Kind == users.ChangeUpdate || c.Kind == users.ChangeLink))
}
