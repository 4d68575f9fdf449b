package importer

import (
	"fmt"

	"github.com/einlass/einlass/users"
)

// warningsOf says what is worth a look although the run did as it should.
func warningsOf(r users.Run) []string {
	var warnings []string
	if staged := stagedAfter(r); staged > 0 {
		warnings = append(warnings, fmt.Sprintf(
			"Staged people: %d. They cannot sign in until somebody activates them; see einlass users list --state staged.", staged))
	}
	if n := r.Stats.Lookalikes; n > 0 {
		warnings = append(warnings, fmt.Sprintf(
			"Addresses that look like another one: %d. See einlass import check %s; nothing is wrong with them otherwise.", n, r.Connection))
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
