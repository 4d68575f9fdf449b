package admin

import (
	"maps"
	"slices"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// Translation keys of the words in which runs are stored, and the classes that
// colour them. What has no key is shown as it is stored.

var stateKeys = map[users.RunState]string{
	users.RunReading: "run.reading", users.RunPreviewed: "run.previewed", users.RunHeld: "run.held", users.RunApplying: "run.applying",
	users.RunDone: "run.done", users.RunFailed: "run.failed", users.RunInterrupted: "run.interrupted", users.RunStale: "run.stale",
}

var stateClasses = map[users.RunState]string{
	users.RunReading: "neutral", users.RunPreviewed: "neutral", users.RunHeld: "warn", users.RunApplying: "neutral",
	users.RunDone: "ok", users.RunFailed: "bad", users.RunInterrupted: "warn", users.RunStale: "neutral",
}

var changeKeys = map[users.ChangeKind]string{
	users.ChangeCreate: "change.create", users.ChangeUpdate: "change.update", users.ChangeLink: "change.link",
	users.ChangeSuspend: "change.suspend", users.ChangeReactivate: "change.reactivate", users.ChangeRecord: "change.record",
	users.ChangeSkip: "change.skip", users.ChangeQuarantine: "change.quarantine",
}

var changeClasses = map[users.ChangeKind]string{
	users.ChangeCreate: "ok", users.ChangeUpdate: "neutral", users.ChangeLink: "neutral",
	users.ChangeSuspend: "warn", users.ChangeReactivate: "ok", users.ChangeRecord: "neutral",
	users.ChangeSkip: "neutral", users.ChangeQuarantine: "warn",
}

var reasonKeys = map[string]string{
	"new_person": "reason.new_person", "attributes_changed": "reason.attributes_changed",
	"access_window_changed": "reason.access_window_changed", "content_changed": "reason.content_changed",
	"mapping_failed": "reason.mapping_failed", "not_in_mode": "reason.not_in_mode", "exists": "reason.exists", "repaired": "reason.repaired",
	"needs_decision": "reason.needs_decision", "person_gone": "reason.person_gone", "inactive_status": "reason.inactive_status",
	"linked_by_email": "reason.linked_by_email", "rehire_new": "reason.rehire_new", "rehire_moved": "reason.rehire_moved",
	"rehire_keep": "reason.rehire_keep", "rehire_suspended": "reason.rehire_suspended",
	"manager": "reason.manager", "manager_unresolved": "reason.manager_unresolved",
	"linked_account": "reason.linked_account", "at_work_elsewhere": "reason.at_work_elsewhere", "other_account": "reason.other_account",
	"email_parked": "reason.email_parked", "email_handed_over": "reason.email_handed_over",

	"id_invalid": "reason.id_invalid", "duplicate_id": "reason.duplicate_id", "unknown_status": "reason.unknown_status",
	"not_shown":     "reason.not_shown",
	"email_missing": "reason.email_missing", "email_invalid": "reason.email_invalid", "email_duplicate": "reason.email_duplicate",
	"email_taken": "reason.email_taken", "email_swap": "reason.email_swap", "username_taken": "reason.username_taken",
	"username_duplicate": "reason.username_duplicate", "rehire_conflict": "reason.rehire_conflict",
	"privileged_user": "reason.privileged_user",

	"status_onboarding": "reason.status_onboarding", "status_active": "reason.status_active",
	"status_leave": "reason.status_leave", "status_inactive": "reason.status_inactive",
}

// saying is what an import says, in the language of the page, unless a version
// wrote it that knew English only.
type saying struct {
	Text    string
	English bool
}

// newSaying returns notes as the page shows them.
func newSaying(w importer.Words, notes ...users.Note) saying {
	return saying{
		Text:    importer.Say(w, notes...),
		English: slices.ContainsFunc(notes, func(n users.Note) bool { return n.Code == "" }),
	}
}

// sayings returns what there is to say of several things.
func sayings(w importer.Words, all ...[]users.Note) []saying {
	var said []saying
	for _, notes := range all {
		if len(notes) > 0 {
			said = append(said, newSaying(w, notes...))
		}
	}
	return said
}

func newRow(w importer.Words, c importer.ChangeReport) rowData {
	row := rowData{
		Name: c.Name, Line: c.Email, Kind: changeKeys[c.Kind], Class: changeClasses[c.Kind],
		Reason: reasonKeys[c.Reason], Code: c.Reason,
	}
	if row.Line == "" {
		row.Line = c.SourceID
	}
	if row.Name == "" {
		row.Name, row.Line = row.Line, ""
	}
	if c.Kind != users.ChangeCreate { // of whom everything is new
		for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
			f := c.Fields[name]
			row.Fields = append(row.Fields, fieldData{name, f.Before, f.After})
		}
	}
	if c.Outcome == users.OutcomeFailed {
		row.Kind, row.Class = "change.failed", "bad"
	}
	if c.Notes != nil {
		row.Said = sayings(w, c.Notes.Detail, c.Notes.Effect, c.Notes.Error)
	}
	return row
}

func figures(c users.Counts) []figure {
	return []figure{
		{"count.created", c.Created}, {"count.updated", c.Updated}, {"count.suspended", c.Suspended}, {"count.reactivated", c.Reactivated},
		{"count.unchanged", c.Unchanged}, {"count.skipped", c.Skipped}, {"count.quarantined", c.Quarantined}, {"count.failed", c.Failed},
	}
}

var scopeKeys = map[users.RunScope]string{
	users.ScopeRefresh: "scope.refresh", users.ScopeDelta: "scope.delta", users.ScopeFile: "scope.file",
}

var modeKeys = map[users.ImportMode]string{
	"": "mode.all", users.ImportAll: "mode.all", users.ImportNew: "mode.new", users.ImportUpdates: "mode.updates", users.ImportSelected: "mode.selected",
}

// startModes can be chosen for one run, beside what the connection says.
var startModes = []modeData{
	{users.ImportAll, "mode.all"}, {users.ImportNew, "mode.new"}, {users.ImportUpdates, "mode.updates"}, {users.ImportSelected, "mode.selected"},
}

var summaryKeys = map[users.SummaryPolicy]string{
	"": "summary.never", users.SummaryNever: "summary.never", users.SummaryChanges: "summary.changes", users.SummaryAlways: "summary.always",
}

var connectionKeys = map[importer.ConnectionState]string{
	importer.ConnectionOff: "connection.off", importer.ConnectionInitialSync: "connection.initial_sync",
	importer.ConnectionImporting: "connection.importing", importer.ConnectionIdle: "connection.idle",
}

var connectionClasses = map[importer.ConnectionState]string{
	importer.ConnectionOff: "neutral", importer.ConnectionInitialSync: "neutral", importer.ConnectionImporting: "neutral", importer.ConnectionIdle: "ok",
}

var phaseKeys = map[string]string{
	importer.ProgressReading: "progress.reading", importer.ProgressMissing: "progress.missing",
	importer.ProgressPlanning: "progress.planning", importer.ProgressApplying: "progress.applying",
}

var checkKeys = map[users.ReadinessName]string{
	users.ReadinessIssuer: "readiness.issuer_https", users.ReadinessEnabled: "readiness.enabled", users.ReadinessGroups: "readiness.group_bound",
	users.ReadinessAddresses: "readiness.addresses_compared", users.ReadinessTested: "readiness.sign_in_tested",
	users.ReadinessOwner: "readiness.owner_without_hr",
}

var checkStateKeys = map[users.CheckState]string{
	users.CheckPassed: "readiness.passed", users.CheckOpen: "readiness.open", users.CheckFailed: "readiness.failed",
}

var checkClasses = map[users.CheckState]string{
	users.CheckPassed: "ok", users.CheckOpen: "warn", users.CheckFailed: "bad",
}
