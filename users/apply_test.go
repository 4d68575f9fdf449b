package users_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// startRun begins a run and returns it with its lease.
func (b bench) startRun() (users.Run, users.Lease) {
	b.t.Helper()
	return b.startRunOf(personio)
}

func (b bench) startRunOf(connection users.ApplicationID) (users.Run, users.Lease) {
	b.t.Helper()
	lease, err := b.AcquireImportLease(b.t.Context(), connection, "test")
	b.must(err)
	run := users.Run{ID: users.NewRunID(), Connection: connection, State: users.RunReading, Actor: admin, StartedAt: time.Now()}
	b.must(b.StartRun(b.t.Context(), lease, run))
	return run, lease
}

// apply stores rows as a plan of a run of its own and applies them.
func (b bench) apply(rows ...users.RunChange) []users.RunChange {
	b.t.Helper()
	run, lease := b.startRun()
	for i := range rows {
		rows[i].Run, rows[i].Seq, rows[i].Outcome = run.ID, i+1, users.OutcomePlanned
	}
	b.must(b.SavePlan(b.t.Context(), lease, rows))
	applied, err := b.ApplyChanges(b.t.Context(), lease, run, rows)
	b.must(err)
	return applied
}

func fields(pairs ...string) map[string]users.FieldChange {
	m := map[string]users.FieldChange{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = users.FieldChange{After: pairs[i+1]}
	}
	return m
}

func create(sourceID, email string) users.RunChange {
	return users.RunChange{
		SourceID: sourceID, User: users.NewID(), Kind: users.ChangeCreate, Reason: "new", Status: "active", ContentHash: "h-" + sourceID,
		InitialState: users.StateActive, Fields: fields("email", email, "username", email, "first_name", "Ada", "department", "IT"),
	}
}

func (b bench) on(email string, kind users.ChangeKind, reason, status string, f map[string]users.FieldChange) users.RunChange {
	b.t.Helper()
	u := b.user(email)
	records, err := b.Read().PeopleOf(b.t.Context(), []users.ID{u.ID})
	b.must(err)
	return users.RunChange{
		SourceID: records[u.ID][0].SourceID, User: u.ID, Before: u.Version, Kind: kind, Reason: reason, Status: status, ContentHash: "next", Fields: f,
	}
}

// S-049 S-050 S-052: an import lifts its own suspension, and no other.
func TestApplySuspendsAndReactivates(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		before := b.user(ada)
		if before.State() != users.StateActive || before.Origin != users.OriginImport || before.Attributes["department"] != "IT" {
			t.Fatalf("created as %+v", before)
		}
		b.apply(b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil))
		u := b.user(ada)
		if u.State() != users.StateSuspended || u.Epoch != before.Epoch+1 || u.Suspensions[0].Connection != personio {
			t.Errorf("suspended as %+v", u)
		}
		_, err := b.Suspend(t.Context(), admin, u.ID, "investigation")
		b.must(err)
		b.apply(b.on(ada, users.ChangeReactivate, "status_active", "active", nil))
		u = b.user(ada)
		if u.State() != users.StateSuspended || len(u.Suspensions) != 1 || u.Suspensions[0].By != users.ByAdmin {
			t.Errorf("after reactivation: %+v", u.Suspensions)
		}
	})
}

// "An administrator's activate leaves a waiver that holds until the source status changes."
func TestActivateLeavesAWaiverUntilTheStatusChanges(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		b.apply(b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil))
		u, err := b.Activate(t.Context(), admin, b.user(ada).ID, "needed")
		b.must(err)
		waivers, err := b.Read().Waivers(t.Context(), personio, []users.ID{u.ID})
		b.must(err)
		if u.State() != users.StateActive || waivers[u.ID].Status != "leave" {
			t.Errorf("state %s, waiver %+v", u.State(), waivers[u.ID])
		}
		b.apply(b.on(ada, users.ChangeRecord, "", "leave", nil))
		if waivers, err = b.Read().Waivers(t.Context(), personio, []users.ID{u.ID}); err != nil || len(waivers) != 1 {
			t.Errorf("the waiver ended although the status did not change: %v, %v", waivers, err)
		}
		b.apply(b.on(ada, users.ChangeRecord, "", "active", nil))
		if waivers, err = b.Read().Waivers(t.Context(), personio, []users.ID{u.ID}); err != nil || len(waivers) != 0 {
			t.Errorf("the waiver survived a change of status: %v, %v", waivers, err)
		}
	})
}

// Invariant 4, N-2: a row whose person has moved on since the plan fails alone.
func TestApplyFailsOnlyTheRowsThatAreStale(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada), create("2", "bob@acme.example"))
		rowAda := b.on(ada, users.ChangeUpdate, "changed", "active", fields("department", "Sales"))
		rowBob := b.on("bob@acme.example", users.ChangeUpdate, "changed", "active", fields("department", "Sales"))
		b.must(b.EndSessions(t.Context(), admin, b.user(ada).ID))
		applied := b.apply(rowAda, rowBob)
		if applied[0].Outcome != users.OutcomeFailed || len(applied[0].Error) == 0 || applied[1].Outcome != users.OutcomeApplied {
			t.Errorf("outcomes %s and %s", applied[0].Outcome, applied[1].Outcome)
		}
		if got := [2]string{b.user(ada).Attributes["department"], b.user("bob@acme.example").Attributes["department"]}; got != [2]string{"IT", "Sales"} {
			t.Errorf("departments %v", got)
		}
	})
}

// A row that counts on a failed one comes as failed: neither the person nor what is remembered of them changes.
func TestApplyOnlyWritesDownWhatFailedBefore(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		before, err := b.store.Dump(t.Context())
		b.must(err)
		row := b.on(ada, users.ChangeSuspend, "status_leave", "leave", fields("department", "Sales"))
		run, lease := b.startRun()
		row.Run, row.Seq, row.Outcome = run.ID, 1, users.OutcomePlanned
		b.must(b.SavePlan(t.Context(), lease, []users.RunChange{row}))
		row.Outcome, row.Error = users.OutcomeFailed, []users.Note{{Code: "earlier_failed"}}
		_, err = b.ApplyChanges(t.Context(), lease, run, []users.RunChange{row})
		b.must(err)
		stored, err := b.Read().RunChanges(t.Context(), run.ID, users.OutcomeFailed, 0, 0, 10)
		if err != nil || len(stored) != 1 || !cmp.Equal(stored[0].Error, row.Error) {
			t.Errorf("stored as failed: %+v, %v", stored, err)
		}
		after, err := b.store.Dump(t.Context())
		b.must(err)
		for _, table := range []string{"users", "people", "suspensions", "events"} {
			if diff := cmp.Diff(before[table], after[table]); diff != "" {
				t.Errorf("%s (-before +after):\n%s", table, diff)
			}
		}
	})
}

// "Quarantined rows": no import changes somebody with a role or a sealed account, whatever was planned.
func TestApplyLeavesPeopleWithARoleAlone(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		b.must(b.SetRole(t.Context(), admin, b.user(ada).ID, users.RoleHelpdesk))
		before := b.user(ada)
		follows := b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil)
		follows.Before = users.BeforeFollows
		for _, row := range []users.RunChange{
			b.on(ada, users.ChangeUpdate, "changed", "active", fields("department", "Sales")),
			b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil), follows,
			b.on(ada, users.ChangeLink, "linked_by_email", "active", nil),
		} {
			if applied := b.apply(row); applied[0].Outcome != users.OutcomeFailed || len(applied[0].Error) == 0 {
				t.Errorf("%s: outcome %s", row.Kind, applied[0].Outcome)
			}
		}
		if diff := cmp.Diff(before, b.user(ada)); diff != "" {
			t.Errorf("the person changed (-before +after):\n%s", diff)
		}
	})
}

// N311: addresses can change hands within one transaction; a taken one fails its row alone.
func TestApplyHandsAddressesOver(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada), create("2", "bob@acme.example"))
		idAda, idBob, epoch := b.user(ada).ID, b.user("bob@acme.example").ID, b.user(ada).Epoch
		b.apply(
			b.on(ada, users.ChangeUpdate, users.ReasonEmailHandedOver, "active", fields("email", "bob@acme.example", "username", "bob@acme.example")),
			b.on("bob@acme.example", users.ChangeUpdate, users.ReasonEmailHandedOver, "active", fields("email", ada, "username", ada)),
		)
		if b.user(ada).ID != idBob || b.user("bob@acme.example").ID != idAda {
			t.Error("the addresses did not change hands")
		}
		if b.user(ada).Epoch == epoch || b.user("bob@acme.example").Epoch == epoch {
			t.Error("a hand-over must end the sessions of both")
		}
		applied := b.apply(create("3", ada), create("4", "carl@acme.example"))
		if applied[0].Outcome != users.OutcomeFailed || applied[1].Outcome != users.OutcomeApplied {
			t.Errorf("outcomes %s and %s, want the taken address alone to fail", applied[0].Outcome, applied[1].Outcome)
		}
	})
}

// N312 N309: a parked address is free for somebody else; who is back must enrol again.
func TestApplyParksAndLinks(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		old := b.user(ada)
		park := b.on(ada, users.ChangeUpdate, users.ReasonEmailParked, "", nil)
		b.apply(park, create("2", ada))
		if next := b.user(ada); next.ID == old.ID {
			t.Error("the parked address still finds its former holder")
		}
		parked, err := b.Read().User(t.Context(), old.ID)
		if err != nil || parked.Email != ada || parked.EmailKey != "" || parked.Epoch != old.Epoch+1 {
			t.Errorf("parked as %+v, %v", parked, err)
		}
		back := b.user(ada)
		b.must(b.SetPassword(t.Context(), admin, back.ID, password))
		link := b.on(ada, users.ChangeLink, users.ReasonRehireKeep, "active", nil)
		link.SourceID = "3"
		epoch := b.user(ada).Epoch
		b.apply(link)
		if u := b.user(ada); u.ID != back.ID || u.Epoch != epoch+1 {
			t.Errorf("rehired as %s with epoch %d", u.ID, u.Epoch)
		}
		if _, err := b.Authenticate(t.Context(), ada, password); !errors.Is(err, users.ErrBadCredentials) {
			t.Errorf("the password from before: %v", err)
		}
	})
}

// N317: an import never takes over somebody with a role, nor changes somebody sealed.
func TestApplyLeavesThePrivilegedAlone(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada))
		b.must(b.SetRole(t.Context(), admin, b.user(ada).ID, users.RoleOwner))
		link := b.on(ada, users.ChangeLink, "linked_by_email", "active", nil)
		if applied := b.apply(link); applied[0].Outcome != users.OutcomeFailed {
			t.Errorf("linking an owner: %s", applied[0].Outcome)
		}
	})
}

// Invariant 6: whoever lost the lease writes nothing more.
func TestApplyNeedsTheLease(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		run, lease := b.startRun()
		if _, err := b.AcquireImportLease(t.Context(), personio, "another"); !errors.Is(err, users.ErrLeaseHeld) {
			t.Errorf("a held lease: %v", err)
		}
		b.must(b.ReleaseLease(t.Context(), lease))
		_, err := b.AcquireImportLease(t.Context(), personio, "another")
		b.must(err)
		if _, err := b.ApplyChanges(t.Context(), lease, run, []users.RunChange{create("1", ada)}); !errors.Is(err, users.ErrLeaseLost) {
			t.Errorf("applying with a lost lease: %v", err)
		}
		if _, err := b.Read().UserByLogin(t.Context(), users.KeyOf(ada)); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("somebody was created: %v", err)
		}
	})
}

// A run whose process died is closed by the next.
func TestStartRunClosesTheOneThatDied(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		dead, _ := b.startRun()
		next, lease := b.startRun()
		next.State, next.FinishedAt = users.RunDone, time.Now()
		b.must(b.SaveRun(t.Context(), lease, next))
		runs, err := b.Read().Runs(t.Context(), personio, 10)
		b.must(err)
		states := map[users.RunID]users.RunState{}
		for _, r := range runs {
			states[r.ID] = r.State
		}
		want := map[users.RunID]users.RunState{dead.ID: users.RunInterrupted, next.ID: users.RunDone}
		if diff := cmp.Diff(want, states); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if events := b.events(users.EventImportFinished); len(events) != 0 {
			t.Errorf("a run that changed nothing left %d events", len(events))
		}
	})
}

// However many runs came after one that was approved late and died, the next closes it.
func TestStartRunClosesAnOldOneThatDied(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		old, lease := b.startRun()
		finish := func(run users.Run, state users.RunState) {
			run.State, run.FinishedAt = state, time.Now()
			b.must(b.SaveRun(t.Context(), lease, run))
		}
		finish(old, users.RunHeld)
		for range 30 {
			var run users.Run
			run, lease = b.startRun()
			finish(run, users.RunFailed)
		}
		old.ApprovedBy, old.State, old.FinishedAt = "cli:boss", users.RunApplying, time.Time{}
		b.must(b.SaveRun(t.Context(), lease, old))
		b.startRun()
		if got, err := b.Read().Run(t.Context(), old.ID); err != nil || got.State != users.RunInterrupted {
			t.Errorf("the approved run is %s (%v), want interrupted", got.State, err)
		}
	})
}

// invariant 6: the next run repeats the rows of one that died, but not their events.
func TestAQuarantineIsAnEventOnceThoughTheRunDied(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		nameless := users.RunChange{Kind: users.ChangeQuarantine, Reason: "id_invalid"}
		taken := users.RunChange{SourceID: "1", Kind: users.ChangeQuarantine, Reason: "email_taken"}
		b.apply(taken, nameless, nameless)
		b.apply(taken, nameless, nameless) // closes the one before as interrupted
		if events := b.events(users.EventPersonQuarantined); len(events) != 2 {
			t.Errorf("%d events, want one for each cause: %+v", len(events), events)
		}
	})
}
