package users_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// "Declared objects": written once, nothing the second time, switched off when they leave the file.
func TestDeclare(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		dec := users.Declaration{
			Groups: []users.Group{{ID: "staff", Label: "Staff"}},
			Users:  []users.DeclaredUser{person(ada)},
			Applications: []users.DeclaredApplication{{
				Application: users.Application{
					ID: personio, Label: "Personio", Groups: []users.GroupID{users.Everyone},
					SignIn: &users.SignIn{ClientID: "personio", AuthMethod: users.AuthMethodPost, RedirectURIs: []string{"https://rp.example/cb"}},
				},
				ClientSecrets: []keys.Secret{"a-client-secret-of-more-than-32-characters"},
				ImportSecret:  "the-secret-of-the-api",
			}},
		}
		dec.Users[0].Groups = []users.GroupID{"staff"}
		if changed, err := b.Declare(ctx, dec); err != nil || !changed {
			t.Fatalf("first: %t, %v", changed, err)
		}
		first, err := b.store.Dump(ctx)
		b.must(err)
		if changed, err := b.Declare(ctx, dec); err != nil || changed {
			t.Fatalf("second: %t, %v", changed, err)
		}
		second, err := b.store.Dump(ctx)
		b.must(err)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("declaring the same again wrote (-first +second):\n%s", diff)
		}
		if got, err := b.ImportSecret(ctx, personio); err != nil || got.Reveal() != "the-secret-of-the-api" {
			t.Errorf("import secret: %v", err)
		}
		for table, rows := range second {
			for _, row := range rows {
				if strings.Contains(row, "the-secret-of-the-api") || strings.Contains(row, "a-client-secret-of") {
					t.Errorf("S-016 N379: table %s holds a secret in the clear", table)
				}
			}
		}
		if u := b.user(ada); !cmp.Equal(u.Groups, []users.GroupID{"staff"}) || u.Origin != users.OriginConfig {
			t.Errorf("groups %v, origin %s", u.Groups, u.Origin)
		}
		if _, err := b.RotateSecret(ctx, admin, personio, time.Hour); !errors.Is(err, users.ErrReadOnly) {
			t.Errorf("rotating a declared secret: %v", err)
		}
		if _, err := b.Declare(ctx, users.Declaration{}); err != nil {
			t.Fatal(err)
		}
		if u := b.user(ada); u.State() != users.StateSuspended || u.Suspensions[0].By != users.ByConfig {
			t.Errorf("a person who left the file is %s", u.State())
		}
		if a, err := b.Read().Application(ctx, personio); err != nil || !a.Disabled {
			t.Errorf("an application that left the file: disabled %t, %v", a.Disabled, err)
		}
		if _, err := b.Declare(ctx, dec); err != nil {
			t.Fatal(err)
		}
		if u := b.user(ada); u.State() != users.StateActive {
			t.Errorf("a person who came back is %s", u.State())
		}
		if a, err := b.Read().Application(ctx, personio); err != nil || a.Disabled {
			t.Errorf("an application that came back: disabled %t, %v", a.Disabled, err)
		}
	})
}

// Replicas that start at once write the file once.
func TestDeclareByManyAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		dec := users.Declaration{Users: []users.DeclaredUser{person(ada), person("bob@acme.example")}}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := b.Declare(t.Context(), dec); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if events := b.events(users.EventUserCreated); len(events) != 2 {
			t.Errorf("%d people created, want 2", len(events))
		}
		if events := b.events(users.EventDeclared); len(events) != 1 {
			t.Errorf("declared %d times, want once", len(events))
		}
	})
}

// Invariant 4: the file lifts only the suspension it made, with an event, and writes nothing about the others.
func TestDeclareLiftsOnlyItsOwnSuspension(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		suspended, bob := person(ada), person("bob@acme.example")
		suspended.State = users.StateSuspended
		b.declare(suspended, bob)
		_, err := b.Suspend(t.Context(), admin, b.user(bob.Email).ID, "lost laptop")
		b.must(err)
		before, other := b.user(ada), b.user(bob.Email)

		b.declare(person(ada), bob)
		u := b.user(ada)
		if u.State() != users.StateActive || u.Epoch != before.Epoch || u.Version == before.Version {
			t.Errorf("lifted: %s, epoch %d (was %d), version %d (was %d); want active in the same epoch and a new version",
				u.State(), u.Epoch, before.Epoch, u.Version, before.Version)
		}
		if diff := cmp.Diff(other, b.user(bob.Email)); diff != "" {
			t.Errorf("somebody else, suspended by an administrator (-before +after):\n%s", diff)
		}
		if lifted := b.events(users.EventUserReactivated); len(lifted) != 1 || lifted[0].Subject != string(u.ID) || lifted[0].Actor != users.ActorConfig {
			t.Errorf("events of lifting: %+v, want one about %s by the file", lifted, u.ID)
		}
	})
}

// Who got or lost a role is on record, also when the file did it.
func TestDeclareLeavesAnEventOfEachRole(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		owner := person(ada)
		owner.Role = users.RoleOwner
		plain := person(ada)
		plain.Role = users.RoleNone
		b.declare(owner)
		b.declare(plain, person("bob@acme.example"))
		b.declare(owner)
		var payloads []string
		for _, e := range b.events(users.EventUserRole) {
			payloads = append(payloads, e.Payload)
		}
		want := []string{`{"before":"none","after":"owner"}`, `{"before":"owner","after":"none"}`, `{"before":"none","after":"owner"}`}
		if diff := cmp.Diff(want, payloads); diff != "" {
			t.Errorf("events of roles (-want +got):\n%s", diff)
		}
		if got := b.user(ada).Role; got != users.RoleOwner {
			t.Errorf("role %s, want owner", got)
		}
	})
}

// An id that somebody chose in the console is not taken over by the file.
func TestDeclareRefusesAnApplicationOfTheConsole(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		wiki := users.Application{ID: "wiki", Label: "Wiki"}
		_, err := b.AddApplication(t.Context(), admin, wiki)
		b.must(err)
		before, err := b.store.Dump(t.Context())
		b.must(err)
		wiki.Label = "Wiki of the file"
		changed, err := b.Declare(t.Context(), users.Declaration{
			Applications: []users.DeclaredApplication{{Application: wiki}}, Users: []users.DeclaredUser{person(ada)},
		})
		if !errors.Is(err, users.ErrConflict) || changed {
			t.Errorf("declared %t, %v; want ErrConflict", changed, err)
		}
		after, err := b.store.Dump(t.Context())
		b.must(err)
		delete(before, "leases")
		delete(after, "leases")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("a refused file wrote (-before +after):\n%s", diff)
		}
	})
}
