package users_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

const (
	ada      = "ada@acme.example"
	password = keys.Secret("correct horse battery staple")
	admin    = users.Actor("cli:root")
	personio = users.ApplicationID("personio")
)

// bench is a directory on one engine.
type bench struct {
	*users.Directory
	t      *testing.T
	store  *sqlstore.Store
	sealer *keys.Sealer
}

// onEngines runs a test on an empty directory of each engine.
func onEngines(t *testing.T, test func(t *testing.T, b bench)) {
	t.Helper()
	t.Parallel()
	userstest.Engines(t, func(t *testing.T, open func(testing.TB) *sqlstore.Store) {
		test(t, newBench(t, open(t)))
	})
}

func newBench(t *testing.T, store *sqlstore.Store) bench {
	t.Helper()
	sealer, err := keys.CreateMasterKey(t.TempDir() + "/master.key")
	if err != nil {
		t.Fatal(err)
	}
	d, err := users.New(users.Config{Store: store, Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	return bench{d, t, store, sealer}
}

func (b bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) declare(people ...users.DeclaredUser) {
	b.t.Helper()
	_, err := b.Declare(b.t.Context(), users.Declaration{Users: people})
	b.must(err)
}

func (b bench) user(login string) users.User {
	b.t.Helper()
	u, err := b.Read().UserByLogin(b.t.Context(), users.KeyOf(login))
	b.must(err)
	return u
}

func (b bench) events(kind users.EventKind) []users.Event {
	b.t.Helper()
	b.must(b.Flush(b.t.Context()))
	all, err := b.Read().Events(b.t.Context(), 0, 10_000)
	b.must(err)
	var found []users.Event
	for _, e := range all {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

func person(email string) users.DeclaredUser {
	return users.DeclaredUser{Email: email, FirstName: "Ada", LastName: "Lovelace", State: users.StateActive, Password: password}
}

// S-042 S-045 N150: unknown, wrong, without a password, staged and suspended are refused alike.
func TestAuthenticateRefusesAlike(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		staged, suspended, without := person("staged@acme.example"), person("suspended@acme.example"), person("without@acme.example")
		staged.State, suspended.State, without.Password = users.StateStaged, users.StateSuspended, ""
		b.declare(person(ada), staged, suspended, without)
		for login, c := range map[string]struct {
			password keys.Secret
			reason   string
		}{
			"nobody@acme.example":   {password, users.ReasonUnknownUser},
			"":                      {password, users.ReasonUnknownUser},
			ada:                     {"wrong " + password, users.ReasonWrongPassword},
			staged.Email:            {password, "staged"},
			suspended.Email:         {password, "suspended"},
			without.Email:           {password, users.ReasonNoPassword},
			"ADA@acme.example":      {keys.Secret(strings.Repeat("x", 1025)), users.ReasonWrongPassword},
			"ada@acme.example\x00x": {password, users.ReasonUnknownUser},
		} {
			_, err := b.Authenticate(t.Context(), login, c.password)
			refused, ok := errors.AsType[*users.SignInError](err)
			if !ok || !errors.Is(err, users.ErrBadCredentials) || refused.Reason != c.reason || err.Error() != users.ErrBadCredentials.Error() {
				t.Errorf("%q: %v, want bad credentials for %s", login, err, c.reason)
			}
		}
		if u, err := b.Authenticate(t.Context(), " ADA@Acme.example ", password); err != nil || u.Email != ada {
			t.Errorf("the right password: %v, %v", u.Email, err)
		}
	})
}

// S-043 S-052: an administrator's word is lifted only by an administrator.
// F-65
func TestSuspendAndActivate(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		before := b.user(ada)
		u, err := b.Suspend(t.Context(), admin, before.ID, "lost laptop")
		if err != nil || u.State() != users.StateSuspended || u.Epoch != before.Epoch+1 {
			t.Fatalf("after suspend: %s, epoch %d, %v", u.State(), u.Epoch, err)
		}
		want := []users.Suspension{{User: u.ID, By: users.ByAdmin, Reason: "lost laptop", Since: u.Suspensions[0].Since}}
		if diff := cmp.Diff(want, u.Suspensions); diff != "" {
			t.Errorf("suspensions (-want +got):\n%s", diff)
		}
		if u, err = b.Activate(t.Context(), admin, before.ID, "found"); err != nil || u.State() != users.StateActive {
			t.Errorf("after activate: %s, %v", u.State(), err)
		}
		if u.Epoch == before.Epoch {
			t.Error("activation brought back the epoch of old sessions")
		}
		if n := len(b.events(users.EventUserSuspended)) + len(b.events(users.EventUserActivated)); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
		if _, err := b.Suspend(t.Context(), admin, "nobody", ""); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("unknown person: %v", err)
		}
	})
}

// S-041 S-042: only an administrator turns staged into active.
// F-65
func TestActivateStaged(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		p := person(ada)
		p.State = users.StateStaged
		b.declare(p)
		u := b.user(ada)
		if u.State() != users.StateStaged {
			t.Fatalf("state %s", u.State())
		}
		if u, err := b.Suspend(t.Context(), admin, u.ID, ""); err != nil || u.State() != users.StateSuspended {
			t.Errorf("suspended while staged: %s, %v", u.State(), err)
		}
		if u, err := b.Activate(t.Context(), admin, u.ID, ""); err != nil || u.State() != users.StateActive {
			t.Errorf("activated: %s, %v", u.State(), err)
		}
	})
}

func TestConcurrentChangesOfOnePersonAllCount(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		before := b.user(ada)
		var wg sync.WaitGroup
		succeeded := make([]bool, 16)
		for i := range succeeded {
			wg.Go(func() {
				err := b.EndSessions(t.Context(), admin, before.ID)
				if err != nil && !errors.Is(err, users.ErrStale) {
					t.Error(err)
				}
				succeeded[i] = err == nil
			})
		}
		wg.Wait()
		n := int64(0)
		for _, ok := range succeeded {
			if ok {
				n++
			}
		}
		if got := b.user(ada).Epoch - before.Epoch; got != n || n == 0 {
			t.Errorf("epoch rose by %d after %d changes", got, n)
		}
		if events := b.events(users.EventSessionsEnded); int64(len(events)) != n {
			t.Errorf("%d events of %d changes", len(events), n)
		}
	})
}

func TestSetPasswordReplacesAndEndsSessions(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		before := b.user(ada)
		if err := b.SetPassword(t.Context(), admin, before.ID, "short"); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("short password: %v", err)
		}
		b.must(b.SetPassword(t.Context(), admin, before.ID, "another long password"))
		if after := b.user(ada); after.Epoch != before.Epoch+1 {
			t.Errorf("epoch %d, was %d", after.Epoch, before.Epoch)
		}
		if _, err := b.Authenticate(t.Context(), ada, password); !errors.Is(err, users.ErrBadCredentials) {
			t.Errorf("the old password: %v", err)
		}
		if _, err := b.Authenticate(t.Context(), ada, "another long password"); err != nil {
			t.Errorf("the new password: %v", err)
		}
	})
}

// N175: a password whose hash cost less than today's is hashed again at sign-in, and still fits.
func TestAuthenticateRaisesTheCostsOfAnOldHash(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		u := b.user(ada)
		salt := []byte("0123456789abcdef")
		sum := argon2.IDKey([]byte(password.Reveal()), salt, 4, 9216, 1, 32)
		old := "$argon2id$v=19$m=9216,t=4,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(sum)
		b.must(b.store.Update(t.Context(), func(tx users.Tx) error {
			return tx.PutCredential(t.Context(), users.Credential{User: u.ID, Kind: users.CredentialPassword, Data: old})
		}))
		for range 2 {
			if _, err := b.Authenticate(t.Context(), ada, password); err != nil {
				t.Fatal(err)
			}
		}
		c, err := b.Read().Credential(t.Context(), u.ID, users.CredentialPassword)
		if err != nil || !strings.HasPrefix(c.Data, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("stored hash starts with %.40q, %v", c.Data, err)
		}
		if after := b.user(ada); after.Epoch != u.Epoch {
			t.Error("hashing again ended the person's sessions")
		}
	})
}

// The way in for the first owner, and for a company that locked itself out.
func TestRecover(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		_, err := b.Suspend(t.Context(), admin, b.user(ada).ID, "by mistake")
		b.must(err)
		for _, email := range []string{ada, "new@acme.example"} {
			u, secret, err := b.Recover(t.Context(), admin, email)
			if err != nil || u.Role != users.RoleOwner || u.State() != users.StateActive {
				t.Fatalf("%s: role %s, state %s, %v", email, u.Role, u.State(), err)
			}
			if _, err := b.Authenticate(t.Context(), email, secret); err != nil {
				t.Errorf("%s: the printed password: %v", email, err)
			}
		}
		if _, _, err := b.Recover(t.Context(), admin, "not an address"); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("not an address: %v", err)
		}
		if events := b.events(users.EventUserRecovered); len(events) != 2 {
			t.Errorf("%d alarm events, want 2", len(events))
		}
	})
}

// S-024 S-057 S-063 N089: a secret is shown once; the old one lives on for the overlap.
func TestAddApplicationAndRotateItsSecret(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		a := users.Application{ID: "wiki", Label: "Wiki", SignIn: &users.SignIn{ClientID: "wiki", AuthMethod: users.AuthMethodBasic}}
		secret, err := b.AddApplication(ctx, admin, a)
		if err != nil || len(secret) < users.MinClientSecretChars {
			t.Fatalf("secret of %d characters, %v", len(secret), err)
		}
		if _, err := b.AddApplication(ctx, admin, a); err == nil {
			t.Error("the same id was added twice")
		}
		for name, bad := range map[string]users.Application{
			"id is no slug": {ID: "Wiki!", Label: "x"}, "no label": {ID: "x"}, "unknown group": {ID: "y", Label: "y", Groups: []users.GroupID{"nobody"}},
			"long description": {ID: "z", Label: "z", Description: strings.Repeat("ü", users.MaxDescriptionChars+1)},
		} {
			if _, err := b.AddApplication(ctx, admin, bad); !errors.Is(err, users.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = b.AddApplication(ctx, admin, users.Application{ID: "tile", Label: "Tile"})
		b.must(err)
		for id, want := range map[users.ApplicationID]error{"tile": users.ErrInvalid, "nowhere": users.ErrNotFound} {
			if secret, err := b.RotateSecret(ctx, admin, id, time.Hour); !errors.Is(err, want) || secret != "" {
				t.Errorf("rotating the secret of %s: %v, want %v", id, err, want)
			}
		}
		next, err := b.RotateSecret(ctx, admin, "wiki", time.Hour)
		b.must(err)
		stored, err := b.Read().ClientSecrets(ctx)
		b.must(err)
		ends := map[[32]byte]bool{}
		for _, s := range stored {
			ends[s.Hash] = !s.ExpiresAt.IsZero()
		}
		if !ends[secret.Hash()] || ends[next.Hash()] || len(stored) != 2 {
			t.Errorf("old secret ends: %t, new secret ends: %t, %d secrets", ends[secret.Hash()], ends[next.Hash()], len(stored))
		}
	})
}

// N213: what happened cannot be rewritten.
func TestVerifyLogFindsTampering(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		_, err := b.Suspend(t.Context(), admin, b.user(ada).ID, "")
		b.must(err)
		n, err := b.VerifyLog(t.Context())
		if err != nil || n < 3 {
			t.Fatalf("%d events, %v", n, err)
		}
		events, err := b.Read().Events(t.Context(), 0, 100)
		b.must(err)
		if int64(len(events)) != n {
			t.Errorf("verified %d of %d events", n, len(events))
		}
		last := n - 1
		for name, log := range map[string]alteredLog{
			"an event was altered":          {events: func(all []users.Event) []users.Event { all[1].Subject = "nobody"; return all }},
			"the first event is missing":    {events: func(all []users.Event) []users.Event { return all[1:] }},
			"an event is missing":           {events: func(all []users.Event) []users.Event { return slices.Delete(all, 1, 2) }},
			"the last event is missing":     {events: func(all []users.Event) []users.Event { return all[:last] }},
			"the last event was replaced":   {events: func(all []users.Event) []users.Event { all[last].Seq++; return all }},
			"the head was moved back":       {head: func(seq int64, hash []byte) (int64, []byte) { return seq - 1, hash }},
			"the head was altered":          {head: func(seq int64, hash []byte) (int64, []byte) { return seq, users.ChainStart() }},
			"the head knows more than that": {head: func(seq int64, hash []byte) (int64, []byte) { return seq + 1, hash }},
		} {
			log.Store = b.store
			d, err := users.New(users.Config{Store: log, Sealer: b.sealer})
			b.must(err)
			if _, err := d.VerifyLog(t.Context()); err == nil || !strings.Contains(err.Error(), "event log broken") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// alteredLog is a store in which somebody has changed the event log by hand.
type alteredLog struct {
	users.Store
	events func([]users.Event) []users.Event
	head   func(int64, []byte) (int64, []byte)
}

func (l alteredLog) Events(ctx context.Context, after int64, limit int) ([]users.Event, error) {
	if l.events == nil {
		return l.Store.Events(ctx, after, limit)
	}
	all, err := l.Store.Events(ctx, 0, limit)
	return slices.DeleteFunc(l.events(all), func(e users.Event) bool { return e.Seq <= after }), err
}

func (l alteredLog) EventHead(ctx context.Context) (int64, []byte, error) {
	seq, hash, err := l.Store.EventHead(ctx)
	if l.head != nil {
		seq, hash = l.head(seq, hash)
	}
	return seq, hash, err
}

// Observations are written with the time at which they happened, and count as last sign-in.
func TestObserveIsWrittenLater(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		u := b.user(ada)
		at := time.Date(2026, 11, 20, 7, 30, 0, 0, time.UTC)
		e, err := users.NewEvent(users.EventSignedIn, users.ActorUser(u.ID), string(u.ID), nil)
		b.must(err)
		e.At = at
		b.Observe(e)
		unknown, err := users.NewEvent(users.EventSignInFailed, users.ActorSystem, "", nil)
		b.must(err)
		for range 3 {
			b.Observe(unknown)
		}
		written := b.events(users.EventSignedIn)
		if len(written) != 1 || !written[0].At.Equal(at) {
			t.Errorf("events %+v", written)
		}
		if got := b.user(ada); !got.LastSignIn.Equal(at) || got.Version != u.Version {
			t.Errorf("last sign-in %s, version %d (was %d)", got.LastSignIn, got.Version, u.Version)
		}
		if failed := b.events(users.EventSignInFailed); len(failed) != 0 {
			t.Errorf("%d events for strangers; they are only counted per minute", len(failed))
		}
	})
}
