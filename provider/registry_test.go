package provider_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// A signing key that cannot be opened holds up nothing else: neither a secret that
// was taken away nor a redirect URI.
func TestClientsAreRefreshedBesideADamagedKey(t *testing.T) {
	t.Parallel()
	store := userstest.SQLite(t)
	b := providertest.NewOn(t, providertest.Stores{Users: store, Sessions: sessiontest.SQLite(t)})
	stored, err := store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	planted := stored[0]
	planted.ID = "planted"
	if err := store.PutSigningKeys(t.Context(), []keys.StoredKey{planted}, "none"); err != nil {
		t.Fatal(err)
	}
	const young = "the secret that replaces the one that leaked"
	d := providertest.Declaration()
	for i := range d.Applications {
		if a := &d.Applications[i]; a.ID == providertest.Personio {
			a.ClientSecrets = []keys.Secret{young}
			a.SignIn.RedirectURIs = []string{"https://elsewhere.example/callback"}
		}
	}
	if _, err := b.Directory.Declare(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is looked at again although nothing has changed
		if err := b.Registry.Refresh(t.Context()); !errors.Is(err, keys.ErrDamagedKey) || !errors.Is(b.Registry.Fault(), keys.ErrDamagedKey) {
			t.Fatalf("refresh: %v, fault %v; want ErrDamagedKey", err, b.Registry.Fault())
		}
	}
	wantUnauthenticated(t, "the old secret", b.Tokens(providertest.Personio, "x"))
	if answer := b.Tokens(providertest.Personio, "x", "client_secret", young); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the new secret: status %d, want 400 for the code", answer.StatusCode)
	}
	if answer := b.Get(b.Authorize(providertest.Personio)); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("the old redirect URI: status %d to %q, want 400", answer.StatusCode, answer.Header.Get("Location"))
	}
	if err := store.DeleteSigningKeys(t.Context(), []string{"planted"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Registry.Refresh(t.Context()); err != nil || b.Registry.Fault() != nil {
		t.Errorf("without the planted key: %v, fault %v", err, b.Registry.Fault())
	}
}

// directory is a registry's source without a database.
type directory struct{ revision int64 }

func (d *directory) Revision(context.Context) (int64, error) { return d.revision, nil }

func (*directory) Applications(context.Context) ([]users.Application, error)   { return nil, nil }
func (*directory) ClientSecrets(context.Context) ([]users.ClientSecret, error) { return nil, nil }
func (*directory) Watches(context.Context, time.Time) ([]users.Watch, error)   { return nil, nil }

func (*directory) Logo(context.Context, users.ApplicationID) (users.Logo, error) {
	return users.Logo{}, users.ErrNotFound
}

// What goes wrong is tried again each second, and logged once: not 86,400 times a day.
func TestRegistryLogsAFaultOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &providertest.Logs{}
		var fault atomic.Pointer[error]
		fault.Store(&keys.ErrDamagedKey)
		var tries atomic.Int32
		r := provider.NewRegistry(provider.RegistryConfig{
			Source: &directory{revision: 1},
			OnChange: func(context.Context) error {
				tries.Add(1)
				return *fault.Load()
			},
			Logger: slog.New(slog.NewTextHandler(log, nil)),
		})
		ctx, stop := context.WithCancel(t.Context())
		go func() { _ = r.Run(ctx) }() // returns nil
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		wait(time.Minute + time.Millisecond)
		if n := strings.Count(log.String(), "not refreshed"); n != 1 || !strings.Contains(log.String(), "level=ERROR") || tries.Load() != 60 {
			t.Errorf("logged %d times in %d tries, want one error and a try each second:\n%s", n, tries.Load(), log.String())
		}
		away, passed := errors.New("connection refused"), error(nil)
		fault.Store(&away)
		wait(2 * time.Second)
		if n := strings.Count(log.String(), "not refreshed"); n != 2 || !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("another fault: logged %d times, want a second and a warning:\n%s", n, log.String())
		}
		fault.Store(&passed)
		wait(time.Minute)
		if n := strings.Count(log.String(), "refreshed again"); n != 1 || tries.Load() != 63 {
			t.Errorf("told %d times that it has passed, want once; %d tries, want none more", n, tries.Load())
		}
		stop()
		synctest.Wait()
	})
}
