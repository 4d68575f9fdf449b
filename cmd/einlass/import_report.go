package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// report prints an import with what it changes, a row for each person.
type report struct{ importer.Report }

// write prints the report for people, grouped by effect.
func (r *report) write(w io.Writer) error {
	state := string(r.State)
	if r.State == users.RunPreviewed {
		state += ": nothing was changed"
	}
	head := fields{
		{"import", string(r.ID)},
		{"application", string(r.Application)},
		{"state", state},
		{"started", showTime(r.StartedAt) + " by " + string(r.Actor)},
		{"options", printable(describeOptions(r.Options))},
	}
	if !r.FinishedAt.IsZero() {
		head = append(head, [2]string{"finished", showTime(r.FinishedAt)})
	}
	if r.ApprovedBy != "" {
		head = append(head, [2]string{"approved by", string(r.ApprovedBy)})
	}
	if r.Error != "" {
		head = append(head, [2]string{"error", r.Error})
	}
	head = append(head, describeRun(r.Run, time.Now())...)
	head = append(head, [2]string{r.countsLabel(), describeCounts(r.Counts)})
	for _, target := range slices.Sorted(maps.Keys(r.MappingFailed)) {
		head = append(head, [2]string{"mapping fails", fmt.Sprintf("%s, for %d people, who keep what they had", target, r.MappingFailed[target])})
	}
	for _, warning := range r.Warnings {
		head = append(head, [2]string{"warning", warning})
	}
	if err := head.write(w); err != nil {
		return err
	}
	var b strings.Builder
	if r.RowsRemoved {
		b.WriteString("\nWho was changed is kept for 12 months; of this import only the numbers are left.\n")
	}
	for _, kind := range []users.ChangeKind{
		users.ChangeCreate, users.ChangeLink, users.ChangeUpdate, users.ChangeSuspend, users.ChangeReactivate,
		users.ChangeQuarantine, users.ChangeSkip, users.ChangeRecord,
	} {
		r.writeKind(&b, kind)
	}
	r.writeNextStep(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// countsLabel says whether the counts are what happened or what would happen.
func (r *report) countsLabel() string {
	switch r.State {
	case users.RunPreviewed, users.RunHeld, users.RunStale:
		return "plan"
	case users.RunReading, users.RunApplying, users.RunDone, users.RunFailed, users.RunInterrupted:
	}
	return "people"
}

func (r *report) writeKind(b *strings.Builder, kind users.ChangeKind) {
	var rows []importer.ChangeReport
	for _, c := range r.Changes {
		if c.Kind == kind {
			rows = append(rows, c)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s (%d)\n", kind, len(rows))
	for _, c := range rows {
		fmt.Fprintf(b, "  %s\n", printable(describeChange(c)))
		if kind == users.ChangeCreate {
			continue // every field is new
		}
		for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
			f := c.Fields[name]
			fmt.Fprintf(b, "      %s: %s → %s\n", name, printable(showText(r.ShowField(name, f.Before))), printable(showText(r.ShowField(name, f.After))))
		}
	}
}

func describeChange(c importer.ChangeReport) string {
	text := strings.TrimSpace(c.Name)
	if c.Email != "" {
		text += " <" + c.Email + ">"
	}
	if text == "" {
		text = "source id " + c.SourceID
	}
	text += ": " + c.Reason
	if c.Detail != "" {
		text += " (" + c.Detail + ")"
	}
	if c.Error != "" {
		text += "; failed: " + strings.TrimSuffix(c.Error, ".")
	}
	if c.Effect != "" {
		text += ". " + c.Effect
	}
	return strings.TrimSpace(text)
}

// writeNextStep says what a person can do with the run now.
func (r *report) writeNextStep(b *strings.Builder) {
	if r.State != users.RunHeld && r.State != users.RunPreviewed {
		return
	}
	if r.State == users.RunHeld {
		b.WriteString("\nHeld by a safeguard: nothing was changed, because\n")
	}
	for _, reason := range r.Held {
		fmt.Fprintf(b, "  %s\n", printable(reason))
	}
	fmt.Fprintf(b, "\nTo apply exactly this plan: einlass import approve %s\n", r.ID)
}

// describeOptions lists by which options a run was made.
func describeOptions(o users.RunOptions) string {
	parts := []string{"mode " + string(cmp.Or(o.Mode, users.ImportAll))}
	if len(o.Selected) > 0 {
		parts[0] += " (" + strings.Join(o.Selected, ", ") + ")"
	}
	if o.Reconcile {
		parts = append(parts, "reconcile")
	}
	if o.Filter != "" {
		parts = append(parts, "filter "+o.Filter)
	}
	reactivation := "off"
	if o.Reactivation {
		reactivation = "on"
	}
	leave := string(cmp.Or(o.Leave, users.LeaveSuspends))
	if n := len(o.LeaveRules); n > 0 {
		leave = fmt.Sprintf("by %d rules, else %s", n, leave)
	}
	return strings.Join(append(parts, "new people "+string(cmp.Or(o.InitialState, users.StateActive)),
		"reactivation "+reactivation, "leave "+leave), "; ")
}

// describeCounts lists what happened to how many people.
func describeCounts(c users.Counts) string {
	counts := []struct {
		n    int
		name string
	}{
		{c.Created, "created"}, {c.Updated, "updated"}, {c.Suspended, "suspended"}, {c.Reactivated, "reactivated"},
		{c.Unchanged, "unchanged"}, {c.Skipped, "skipped"}, {c.Quarantined, "quarantined"}, {c.Failed, "failed"},
	}
	var parts []string
	for _, count := range counts {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.name))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
