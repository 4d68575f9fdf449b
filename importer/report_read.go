package importer

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// changesOf yields the rows of a run, one for each person, in the order of the
// plan and a page at a time. Rows that only remember something of the source are
// left out, and what a later row says about a person joins their own. The sentences
// are in the language of w.
func changesOf(ctx context.Context, directory reportReader, run users.RunID, w Words) iter.Seq2[[]ChangeReport, error] {
	return func(yield func([]ChangeReport, error) bool) {
		for phase, seq := 0, 0; ; {
			rows, err := directory.RunChanges(ctx, run, "", phase, seq, reportPage)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(rows) == 0 {
				return
			}
			last := rows[len(rows)-1]
			phase, seq = last.Phase, last.Seq
			page, err := joined(ctx, directory, run, w, slices.DeleteFunc(rows, isBesideAnother))
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// isBesideAnother reports whether a row is none of its own in a report.
func isBesideAnother(row users.RunChange) bool {
	return row.Kind == users.ChangeRecord && row.Outcome != users.OutcomeFailed || row.Kind == users.ChangeUpdate && row.Joins
}

// joined returns rows as they are reported, each with what later ones say about the same person.
func joined(ctx context.Context, directory reportReader, run users.RunID, w Words, rows []users.RunChange) ([]ChangeReport, error) {
	changes := make([]ChangeReport, len(rows))
	defer func() {
		for i := range changes {
			changes[i].tell(w)
		}
	}()
	var ids []string
	place := map[string]int{} // source id → row that changes the person
	for i, row := range rows {
		changes[i] = newChangeReport(row)
		if changesPerson(row.Kind) && !row.Joins {
			place[row.SourceID] = i
			ids = append(ids, row.SourceID)
		}
	}
	if len(ids) == 0 {
		return changes, nil
	}
	later, err := directory.JoiningChanges(ctx, run, ids)
	if err != nil {
		return nil, err
	}
	for _, row := range later {
		if row.Outcome == users.OutcomeOvertaken {
			continue
		}
		c := &changes[place[row.SourceID]]
		maps.Copy(c.Fields, row.Fields)
		if len(c.Notes.Effect) == 0 {
			c.Notes.Effect = row.Effect
		}
		if row.Outcome == users.OutcomeFailed {
			c.Outcome, c.Notes.Error = row.Outcome, row.Error
		}
	}
	return changes, nil
}

// ReportClass is a part of a report: the people of one kind of change, or those for whom it failed.
type ReportClass string

// ReportFailed are the people for whom a change failed; the other classes are called as kinds of changes are.
const ReportFailed ReportClass = "failed"

// ReportClasses are those of the people whom a run concerns, those first who need
// somebody's attention. Who was skipped is in none of them.
func ReportClasses() []ReportClass {
	return []ReportClass{
		ReportFailed, ReportClass(users.ChangeQuarantine), ReportClass(users.ChangeSuspend), ReportClass(users.ChangeReactivate),
		ReportClass(users.ChangeCreate), ReportClass(users.ChangeLink), ReportClass(users.ChangeUpdate),
	}
}

// ReportPlace is where a page of a report ends and the next begins; the zero place is before the first.
type ReportPlace struct {
	Class      ReportClass
	Phase, Seq int
}

// ReadReportPage reads at most limit people of the given classes, in their order,
// from a place on, and where the next page begins. There is none when that has no class.
// Rows that were overtaken are left out. The sentences are in the language of w, and
// managers stand by their address, unless the plan is to create them on another page.
func ReadReportPage(
	ctx context.Context, directory users.Reader, run users.RunID, w Words, classes []ReportClass, after ReportPlace, limit int,
) (people []ChangeReport, next ReportPlace, err error) {
	if people, next, err = readReportPage(ctx, directory, run, w, classes, after, limit); err != nil {
		return nil, ReportPlace{}, err
	}
	r := Report{}
	if err := r.nameManagers(ctx, directory, people); err != nil {
		return nil, ReportPlace{}, err
	}
	for _, c := range people {
		if f, changes := c.Fields[users.AttributeManager]; changes {
			c.Fields[users.AttributeManager] = users.FieldChange{
				Before: r.ShowField(users.AttributeManager, f.Before), After: r.ShowField(users.AttributeManager, f.After),
			}
		}
	}
	return people, next, nil
}

func readReportPage(
	ctx context.Context, directory users.Reader, run users.RunID, w Words, classes []ReportClass, after ReportPlace, limit int,
) (people []ChangeReport, next ReportPlace, err error) {
	first := max(0, slices.Index(classes, after.Class))
	for _, class := range classes[first:] {
		phase, seq := 0, 0
		if class == after.Class {
			phase, seq = after.Phase, after.Seq
		}
		for {
			rows, err := rowsOfClass(ctx, directory, run, class, phase, seq, limit+1-len(people))
			if err != nil {
				return nil, ReportPlace{}, err
			}
			if len(rows) == 0 {
				break
			}
			more := len(people)+len(rows) > limit
			if more {
				rows = rows[:limit-len(people)]
			}
			listed, err := joined(ctx, directory, run, w, rows)
			if err != nil {
				return nil, ReportPlace{}, err
			}
			if n := len(rows); n > 0 {
				phase, seq = rows[n-1].Phase, rows[n-1].Seq
			}
			people = append(people, slices.DeleteFunc(listed, func(c ChangeReport) bool {
				elsewhere := class != ReportFailed && c.Outcome == users.OutcomeFailed // for whom a later row failed has been listed there
				return elsewhere || c.Outcome == users.OutcomeOvertaken
			})...)
			if more {
				return people, ReportPlace{class, phase, seq}, nil
			}
		}
	}
	return people, ReportPlace{}, nil
}

func rowsOfClass(
	ctx context.Context, directory users.Reader, run users.RunID, class ReportClass, phase, seq, limit int,
) ([]users.RunChange, error) {
	if class == ReportFailed {
		return directory.RunChanges(ctx, run, users.OutcomeFailed, phase, seq, limit)
	}
	return directory.RunChangesOf(ctx, run, users.ChangeKind(class), phase, seq, limit)
}

// newChangeReport is a row as it is reported.
func newChangeReport(row users.RunChange) ChangeReport {
	fields := maps.Clone(row.Fields)
	if fields == nil {
		fields = map[string]users.FieldChange{}
	}
	return ChangeReport{
		User: row.User, SourceID: row.SourceID, Name: row.Name, Email: row.Email, Status: row.Status, Kind: row.Kind,
		Reason: row.Reason, Fields: fields, Outcome: row.Outcome, Notes: &ChangeNotes{row.Detail, row.Effect, row.Error},
	}
}
