package importer

import "github.com/einlass/einlass/users"

// warningsOf says what is worth a look although the run did as it should.
func warningsOf(r users.Run) []users.Note {
	var warnings []users.Note
	if staged := stagedAfter(r); staged > 0 {
		warnings = append(warnings, users.Note{Code: noteStagedPeople, Numbers: map[string]int{"count": staged}})
	}
	if n := r.Stats.Lookalikes; n > 0 {
		warning := naming(noteLookalikes, "connection", string(r.Connection))
		warning.Numbers = map[string]int{"count": n}
		warnings = append(warnings, warning)
	}
	if n := r.Stats.LeaveLater; n > 0 {
		warnings = append(warnings, users.Note{Code: noteLeaveLater, Numbers: map[string]int{"count": n}})
	}
	return warnings
}

// stagedAfter is how many people of the connection are staged once a run has done
// its work. Staged people whom it suspends still count.
func stagedAfter(r users.Run) int {
	if r.State != users.RunDone && r.State != users.RunPreviewed && r.State != users.RunHeld {
		return 0
	}
	staged := r.Stats.Staged
	if r.Options.InitialState == users.StateStaged {
		staged += r.Counts.Created
	}
	return staged
}
