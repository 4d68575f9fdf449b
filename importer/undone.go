package importer

import (
	"context"

	"github.com/einlass/einlass/users"
)

// undone is who was planned and not changed as planned.
type undone struct {
	failed  map[users.ID]struct{} // a row could not be applied
	missing map[users.ID]struct{} // of those who were to be created, who was not, because others went before
	rows    int                   // that were out of date, see meanwhile
}

func newUndone() *undone {
	return &undone{failed: map[users.ID]struct{}{}, missing: map[users.ID]struct{}{}}
}

// overtake takes out of a batch what is about people who have been read again since
// it was planned. Whoever's row depends on one of them is read again, too.
func (u *undone) overtake(batch []users.RunChange, t *tracker) {
	for i := range batch {
		c := &batch[i]
		_, noManager := u.missing[managerAfter(*c)]
		if !t.beside.overtakes(*c) && (!noManager || c.Kind == users.ChangeCreate) {
			continue
		}
		c.Outcome, c.Error = users.OutcomeOvertaken, told(noteOvertaken)
		u.rows++
		if c.Kind == users.ChangeCreate {
			u.missing[c.User] = struct{}{}
		}
		if c.SourceID != "" && !t.beside.isFresh(c.SourceID) {
			t.noteAgain(c.SourceID)
		}
	}
}

// failFollowers fails the rows that count on an earlier one which has failed:
// they would remember the person as the source shows them, and the next run
// would not see what is still to be done. Whoever reports to somebody who could
// not be created comes without a manager.
func (u *undone) failFollowers(batch []users.RunChange) {
	for i := range batch {
		c := &batch[i]
		if c.Outcome == users.OutcomeOvertaken {
			continue
		}
		if _, found := u.failed[c.User]; found && c.Before == users.BeforeFollows {
			c.Outcome, c.Error = users.OutcomeFailed, told(noteEarlierFailed)
		}
		_, failed := u.failed[managerAfter(*c)]
		_, missing := u.missing[managerAfter(*c)]
		switch {
		case (failed || missing) && c.Kind == users.ChangeCreate:
			delete(c.Fields, users.AttributeManager)
			c.ManagerSourceID = ""
		case failed:
			c.Outcome, c.Error = users.OutcomeFailed, told(noteManagerFailed)
		}
	}
}

// note takes over which rows of a batch failed.
func (u *undone) note(applied []users.RunChange) {
	for _, c := range applied {
		if c.Outcome == users.OutcomeFailed {
			u.failed[c.User] = struct{}{}
		}
	}
}

// recount moves people of whom a row failed, each once, from what was planned
// for them to the failed, and people who were overtaken to what was done before.
// Whom others took access from does not count among those who lost it by this run.
func (u *undone) recount(ctx context.Context, r users.Reader, run *users.Run) error {
	if len(u.failed) == 0 && u.rows == 0 {
		return nil
	}
	planned, people := map[users.ID]uint8{}, map[string]done{} // of those alone who were overtaken: they are few
	for c, err := range rowsOf(ctx, r, run.ID, users.OutcomeOvertaken) {
		if err != nil {
			return err
		}
		people[c.SourceID] = done{}
	}
	for c, err := range rowsOf(ctx, r, run.ID, "") {
		if err != nil {
			return err
		}
		if _, found := u.failed[c.User]; found {
			planned[c.User] = max(planned[c.User], effectOf(c.Kind))
		} else if before, overtaken := people[c.SourceID]; overtaken && c.SourceID != "" {
			people[c.SourceID] = before.with(c)
		}
	}
	for _, effect := range planned {
		*countOf(&run.Counts, effects[effect-1], true)--
		run.Counts.Failed++
	}
	for _, p := range people {
		if !p.overtaken {
			continue
		}
		*countOf(&run.Counts, effects[p.planned-1], p.user)--
		switch {
		case p.applied > 0:
			*countOf(&run.Counts, effects[p.applied-1], p.user)++
		case p.user:
			run.Counts.Unchanged++
		default:
			run.Counts.Skipped++
		}
	}
	if u.rows > 0 && run.Stats.LosingAccess+run.Stats.LosingLater > 0 {
		lost, err := lostRows(ctx, r, run.ID)
		if err != nil {
			return err
		}
		run.Stats.LosingAccess, run.Stats.LosingLater = min(run.Stats.LosingAccess, lost), min(run.Stats.LosingLater, lost)
	}
	return nil
}

// done is what became of the rows of one person.
type done struct {
	planned, applied uint8 // the strongest effects
	overtaken, user  bool
}

func (d done) with(c users.RunChange) done {
	effect := effectOf(c.Kind)
	d.planned, d.user = max(d.planned, effect), d.user || c.User != ""
	if c.Outcome == users.OutcomeOvertaken {
		d.overtaken = true
	} else {
		d.applied = max(d.applied, effect)
	}
	return d
}

// managerAfter returns the manager whom a row gives to its person; empty: none.
func managerAfter(c users.RunChange) users.ID {
	return users.ID(c.Fields[users.AttributeManager].After)
}
