package importer

import (
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// reviewGone plans, in a reconciliation, those who were gone before and are not
// suspended for it: the list never shows them, so nobody else would look.
func (r *reading) reviewGone() error {
	if !r.rules.Reconcile {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(r.memory.people)) {
		p := r.memory.people[id]
		_, suspended := r.memory.suspended[p.user]
		if p.user == "" || suspended || p.status != users.PersonStatusGone || r.feed.saw(id) {
			continue
		}
		if err := r.withoutRow(Mapped{ID: id, Gone: true}); err != nil {
			return err
		}
	}
	return nil
}
