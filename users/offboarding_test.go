package users_test

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

const vault = users.ApplicationID("vault")

// leaverBench has Ada, who may use the wiki and personio but not the vault, and a follower.
type leaverBench struct {
	bench
	ada   users.ID
	lease users.Lease
}

func newLeaverBench(t *testing.T, b bench) leaverBench {
	t.Helper()
	application := func(id users.ApplicationID, groups ...users.GroupID) users.DeclaredApplication {
		return users.DeclaredApplication{Application: users.Application{ID: id, Label: string(id), Groups: groups}}
	}
	_, err := b.Declare(t.Context(), users.Declaration{
		Users:        []users.DeclaredUser{person(ada)},
		Applications: []users.DeclaredApplication{application(wiki, users.Everyone), application(personio, users.Everyone), application(vault)},
	})
	b.must(err)
	lease, err := b.AcquireFollowerLease(t.Context(), users.FollowerLogout, "test")
	b.must(err)
	return leaverBench{b, b.user(ada).ID, lease}
}

func (b leaverBench) suspend(reason string) {
	b.t.Helper()
	_, err := b.Suspend(b.t.Context(), admin, b.ada, reason)
	b.must(err)
}

func (b leaverBench) records() []users.Offboarding {
	b.t.Helper()
	b.must(b.Flush(b.t.Context()))
	records, err := b.Offboardings(b.t.Context(), b.ada)
	b.must(err)
	return records
}

// one returns the only record.
func (b leaverBench) one() users.Offboarding {
	b.t.Helper()
	records := b.records()
	if len(records) != 1 {
		b.t.Fatalf("%d records, want 1", len(records))
	}
	return records[0]
}

// last returns the newest event of a kind.
func (b leaverBench) last(kind users.EventKind) users.Event {
	b.t.Helper()
	events := b.events(kind)
	if len(events) == 0 {
		b.t.Fatalf("no event %s", kind)
	}
	return events[len(events)-1]
}

// follow moves the cursor to the end of the log, with deliveries because of the newest ended session.
func (b leaverBench) follow(targets ...users.ApplicationID) []users.Delivery {
	b.t.Helper()
	seq, _, err := b.Read().EventHead(b.t.Context())
	b.must(err)
	var deliveries []users.Delivery
	for _, target := range targets {
		deliveries = append(deliveries, users.Delivery{
			Follower: users.FollowerLogout, Event: b.last(users.EventSessionEnded).Seq, Target: string(target),
			NextAt: time.Now(), State: users.DeliveryPending,
		})
	}
	b.must(b.Advance(b.t.Context(), b.lease, users.FollowerLogout, seq, deliveries))
	return deliveries
}

func (b leaverBench) endSession(sid string, applications ...users.ApplicationID) {
	b.t.Helper()
	b.must(b.RecordSessionEnds(b.t.Context(), admin, b.ada, []users.SessionEnd{
		{SID: sid, Applications: applications, Reason: string(users.EventUserSuspended)},
	}))
}

// logouts are the applications of a record with how far they were told.
func logouts(o users.Offboarding) map[users.ApplicationID]users.LogoutState {
	states := map[users.ApplicationID]users.LogoutState{}
	for _, a := range o.Applications {
		states[a.ID] = a.Logout
	}
	return states
}

// N-1: each hop of an offboarding is in its record, and grows there until the last application is told.
func TestOffboardingRecord(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		l := newLeaverBench(t, b)
		granted, err := users.NewEvent(users.EventAccessGranted, users.ActorUser(l.ada), string(l.ada), map[string]string{"application": "wiki"})
		b.must(err)
		b.Observe(granted)
		b.must(b.Flush(t.Context()))
		l.suspend("left the company")
		o, suspended := l.one(), l.last(users.EventUserSuspended)
		if o.User != l.ada || o.By != users.ByAdmin || o.Actor != admin || o.Reason != "left the company" || o.Erased || o.Lifted != nil {
			t.Errorf("who and why: %+v", o)
		}
		if o.Committed.Seq != suspended.Seq || o.Committed.Hash != hex.EncodeToString(suspended.Hash) || o.Epoch != b.user(ada).Epoch {
			t.Errorf("committed %+v in epoch %d, want event %d in epoch %d", o.Committed, o.Epoch, suspended.Seq, b.user(ada).Epoch)
		}
		open := map[users.ApplicationID]users.LogoutState{wiki: users.LogoutUnknown, personio: users.LogoutUnknown}
		if diff := cmp.Diff(open, logouts(o)); diff != "" {
			t.Errorf("applications before anything was cleaned (-want +got):\n%s", diff)
		}
		if used := o.Applications[1]; used.ID != wiki || used.LastUse.IsZero() || !used.Open || !o.Applications[0].LastUse.IsZero() {
			t.Errorf("last use: %+v", o.Applications)
		}
		if !o.CleanedAt.IsZero() || !saysOf(o, "not been cleaned") {
			t.Errorf("cleaned at %s before anybody did, limits %q", o.CleanedAt, o.Limits)
		}

		l.endSession("s1", wiki, personio)
		l.endSession("s2", wiki, vault)
		if got := logouts(l.one()); got[wiki] != users.LogoutWaiting {
			t.Errorf("before the follower came by: %v", got)
		}
		waiting := l.follow(wiki, vault)
		b.must(b.RecordAccessCleaned(t.Context(), suspended, 2))
		want := map[users.ApplicationID]users.LogoutState{wiki: users.LogoutWaiting, personio: users.LogoutNotRegistered, vault: users.LogoutWaiting}
		if diff := cmp.Diff(want, logouts(l.one())); diff != "" {
			t.Errorf("applications before they answer (-want +got):\n%s", diff)
		}
		waiting[0].Attempt = 2
		b.must(b.FinishDelivery(t.Context(), l.lease, waiting[0], string(l.ada)))
		waiting[1].Attempt, waiting[1].State, waiting[1].LastError = 10, users.DeliveryFailed, "the application answered with status 503"
		b.must(b.FinishDelivery(t.Context(), l.lease, waiting[1], string(l.ada)))

		o = l.one()
		// The wiki took part in two sessions and was told of one: the other was none of its registration then.
		want = map[users.ApplicationID]users.LogoutState{wiki: users.LogoutNotRegistered, personio: users.LogoutNotRegistered, vault: users.LogoutGivenUp}
		if diff := cmp.Diff(want, logouts(o)); diff != "" {
			t.Errorf("applications at the end (-want +got):\n%s", diff)
		}
		for _, a := range o.Applications {
			if a.ID == wiki && (a.Sessions != 2 || a.Attempts != 2 || a.ToldAt.IsZero()) || a.ID == vault && (a.Open || a.Error == "" || a.Attempts != 10) {
				t.Errorf("application %+v", a)
			}
		}
		if o.Sessions != 2 || o.EndedAt.IsZero() || o.CleanedAt.IsZero() || o.CleanedAt.Before(o.Committed.At) {
			t.Errorf("sessions %d, ended %s, cleaned %s", o.Sessions, o.EndedAt, o.CleanedAt)
		}
		for _, words := range []string{"vault did not confirm", "personio takes no back-channel logout", "own clocks"} {
			if !saysOf(o, words) {
				t.Errorf("limits %q, want one with %q", o.Limits, words)
			}
		}
		wantAnchors(t, b, o, 6)
	})
}

func saysOf(o users.Offboarding, words string) bool {
	return slices.ContainsFunc(o.Limits, func(limit string) bool { return strings.Contains(limit, words) })
}

// wantAnchors expects n events in a record, each as it is in the log.
func wantAnchors(t *testing.T, b bench, o users.Offboarding, n int) {
	t.Helper()
	if len(o.Events) != n {
		t.Errorf("rests on %d events, want %d: %+v", len(o.Events), n, o.Events)
	}
	for _, ref := range o.Events {
		found, err := b.Read().Events(t.Context(), ref.Seq-1, 1)
		b.must(err)
		if len(found) != 1 || hex.EncodeToString(found[0].Hash) != ref.Hash || !found[0].At.Equal(ref.At) {
			t.Errorf("event %+v is not in the log like this", ref)
		}
	}
}

// N-1: one record for each time that access ended, however many suspensions there were.
func TestOffboardingOncePerEndOfAccess(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		l := newLeaverBench(t, b)
		if records := l.records(); len(records) != 0 {
			t.Fatalf("%d records of somebody who never left", len(records))
		}
		before := time.Now().Add(-time.Hour)
		l.suspend("first")
		l.suspend("once more")
		if o := l.one(); o.Reason != "first" {
			t.Errorf("reason %q, want that of the end of access", o.Reason)
		}
		_, err := b.Activate(t.Context(), admin, l.ada, "back")
		b.must(err)
		if o := l.one(); o.Lifted == nil || o.Lifted.Seq != l.last(users.EventUserActivated).Seq {
			t.Errorf("lifted %+v", o.Lifted)
		}
		l.suspend("for good")
		records := l.records()
		if len(records) != 2 || records[1].Reason != "for good" || records[1].Lifted != nil || records[1].Epoch <= records[0].Epoch {
			t.Errorf("records %+v", records)
		}
		for since, want := range map[time.Time]int{{}: 1, before: 1, time.Now().Add(time.Hour): 0} {
			people, err := b.OffboardedPeople(t.Context(), since)
			b.must(err)
			if len(people) != want {
				t.Errorf("%d people since %s, want %d", len(people), since, want)
			}
		}
	})
}

// N-1: who had no access loses none: neither the staged nor those whom the file suspends from the beginning.
func TestNoOffboardingWithoutAccess(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		staged, suspended := person("staged@acme.example"), person("suspended@acme.example")
		staged.State, suspended.State = users.StateStaged, users.StateSuspended
		b.declare(staged, suspended)
		for _, email := range []string{staged.Email, suspended.Email} {
			_, err := b.Suspend(t.Context(), admin, b.user(email).ID, "never came")
			b.must(err)
			records, err := b.Offboardings(t.Context(), b.user(email).ID)
			b.must(err)
			if len(records) != 0 {
				t.Errorf("%s: %+v", email, records)
			}
		}
		people, err := b.OffboardedPeople(t.Context(), time.Time{})
		b.must(err)
		if len(people) != 0 {
			t.Errorf("%d people lost access, want none", len(people))
		}
	})
}

// N-1: who leaves the configuration file is offboarded by it.
func TestOffboardingByTheFile(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		b.declare()
		records, err := b.Offboardings(t.Context(), b.user(ada).ID)
		b.must(err)
		if len(records) != 1 || records[0].By != users.ByConfig || records[0].Actor != users.ActorConfig {
			t.Errorf("records %+v", records)
		}
	})
}

// N-1: what the person tried afterwards is counted, and access that was granted all the same is said plainly.
func TestOffboardingCountsWhatCameAfter(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		l := newLeaverBench(t, b)
		observe := func(kind users.EventKind, at time.Time) {
			e, err := users.NewEvent(kind, users.ActorUser(l.ada), string(l.ada), map[string]string{"application": "wiki"})
			b.must(err)
			e.At = at
			b.Observe(e)
		}
		early := time.Now().Add(-time.Second)
		l.suspend("left")
		late := time.Now().Add(time.Second)
		observe(users.EventAccessGranted, early) // written late, but it was before
		observe(users.EventAccessDenied, late)
		observe(users.EventSignInFailed, late)
		if o := l.one(); o.RefusedAfter != 2 || o.GrantedAfter != 0 || saysOf(o, "grants of access after") {
			t.Errorf("refused %d, granted %d, limits %q", o.RefusedAfter, o.GrantedAfter, o.Limits)
		}
		observe(users.EventAccessGranted, late)
		if o := l.one(); o.GrantedAfter != 1 || !saysOf(o, "1 grants of access after") {
			t.Errorf("granted %d, limits %q", o.GrantedAfter, o.Limits)
		}
	})
}

// N-1 N-3: an access window that closes is an offboarding by the clock, from the end of the window on.
func TestOffboardingByTheClock(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		b.hire("1", ada, noon.Add(-time.Hour), closing)
		wiki := users.Application{ID: wiki, Label: "Wiki", Groups: []users.GroupID{users.Everyone}}
		_, err := b.AddApplication(t.Context(), admin, wiki)
		b.must(err)
		b.until(noon.Add(time.Minute))
		b.strike()
		b.until(closing.Add(time.Second))
		b.strike()
		records, err := b.Offboardings(t.Context(), b.user(ada).ID)
		b.must(err)
		if len(records) != 1 {
			t.Fatalf("%d records, want 1", len(records))
		}
		o := records[0]
		if o.By != users.ByWindow || o.Actor != users.ActorSystem || !o.ClosedAt.Equal(closing) || o.Epoch != b.user(ada).Epoch {
			t.Errorf("by %s (%s), window until %s, epoch %d", o.By, o.Actor, o.ClosedAt, o.Epoch)
		}
		if len(o.Applications) != 1 || o.Applications[0].ID != wiki.ID || !o.Applications[0].Open {
			t.Errorf("applications %+v, want the wiki", o.Applications)
		}
	})
}

// erased is a store whose events about people have lost what they said.
type erased struct{ users.Store }

func (s erased) EventsAboutAfter(ctx context.Context, subject string, after int64, limit int) ([]users.Event, error) {
	events, err := s.Store.EventsAboutAfter(ctx, subject, after, limit)
	for i := range events {
		events[i].Payload, events[i].Salt = "", nil
	}
	return events, err
}

// N-1: after erasure the record says so, and still proves that and when access ended.
func TestOffboardingOfErasedData(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		l := newLeaverBench(t, b)
		l.suspend("left")
		l.endSession("s1", wiki)
		whole := l.one()
		d, err := users.New(users.Config{Store: erased{b.store}, Sealer: b.sealer})
		b.must(err)
		l.Directory = d
		o := l.one()
		if !o.Erased || o.Reason != "" || o.By != "" || o.Committed != whole.Committed || !saysOf(o, "was erased") {
			t.Errorf("erased: %+v", o)
		}
		wantAnchors(t, b, o, 2)
	})
}
