package users_test

import (
	"testing"

	"github.com/einlass/einlass/users"
)

// N-6, S-043: an administrator overrules what the rules leave to somebody on leave, for as long as the status stays.
func TestActivateLiftsConfinement(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		b.apply(b.on(ada, users.ChangeUpdate, "status_leave", "leave", map[string]users.FieldChange{
			users.AttributeConfinedTo: {After: string(personio)},
		}))
		if u := b.user(ada); u.ConfinedTo != personio || u.State() != users.StateActive || u.Epoch != 1 {
			t.Errorf("confined to %q, %s with epoch %d; want active, and still signed in", u.ConfinedTo, u.State(), u.Epoch)
		}
		u, err := b.Activate(t.Context(), admin, b.user(ada).ID, "works part-time")
		b.must(err)
		waivers, err := b.Read().Waivers(t.Context(), personio, []users.ID{u.ID})
		b.must(err)
		if u.ConfinedTo != "" || waivers[u.ID].Status != "leave" {
			t.Errorf("activated: confined to %q, waiver %+v", u.ConfinedTo, waivers[u.ID])
		}
		b.apply(b.on(ada, users.ChangeRecord, "", "active", nil))
		if waivers, err = b.Read().Waivers(t.Context(), personio, []users.ID{u.ID}); err != nil || len(waivers) != 0 {
			t.Errorf("the waiver survived a change of status: %v, %v", waivers, err)
		}
	})
}
