package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

func TestTransientErrorsAreRetriedThreeTimes(t *testing.T) {
	t.Parallel()
	userstest.Engines(t, func(t *testing.T, open func(testing.TB) *sqlstore.Store) {
		for failures, wantErr := range map[int]bool{0: false, 1: false, 3: false, 4: true} {
			s := open(t)
			attempts := 0
			err := s.Update(t.Context(), func(tx users.Tx) error {
				attempts++
				tx.Append(users.Event{Kind: users.EventUserUpdated, Payload: "{}"})
				if attempts <= failures {
					return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "40001"})
				}
				return nil
			})
			if (err != nil) != wantErr || attempts != min(failures+1, 4) {
				t.Errorf("%d failures: error %v after %d attempts", failures, err, attempts)
			}
			wantEvents := int64(1)
			if wantErr {
				wantEvents = 0
			}
			if n := userstest.CheckLog(t, s); n != wantEvents {
				t.Errorf("%d failures: %d events, want %d", failures, n, wantEvents)
			}
		}
	})
}

func TestOtherErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	attempts := 0
	err := userstest.SQLite(t).Update(t.Context(), func(users.Tx) error {
		attempts++
		return users.ErrStale
	})
	if !errors.Is(err, users.ErrStale) || attempts != 1 {
		t.Errorf("error %v after %d attempts, want ErrStale after 1", err, attempts)
	}
}

// An import keeps its connections; a sign-in has others.
func TestImportsDoNotTakeConnectionsOfOthers(t *testing.T) {
	t.Parallel()
	s := userstest.PostgreSQL(t)
	imports := s.ForImports()
	if imports == s {
		t.Fatal("imports share the connections, want their own")
	}
	ada := person("ada")
	if err := add(t.Context(), s, ada); err != nil {
		t.Fatal(err)
	}
	busy, done := make(chan struct{}, 2), make(chan struct{})
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			err := imports.Update(t.Context(), func(tx users.Tx) error {
				busy <- struct{}{}
				<-done
				return tx.InsertUsers(t.Context(), []users.User{person(fmt.Sprint("p", i))})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-busy
	<-busy
	if _, err := s.Decision(t.Context(), ada.ID, "", time.Now()); err != nil {
		t.Errorf("decision beside a busy import: %v", err)
	}
	close(done)
	all.Wait()
}

func TestImportsShareTheFile(t *testing.T) {
	t.Parallel()
	s := userstest.SQLite(t)
	if s.ForImports() != s {
		t.Error("imports have a store of their own on SQLite, want the same")
	}
}

func TestOperationsAreObserved(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		var mu sync.Mutex // guards seen
		seen := map[string]int{}
		cfg.Observe = func(operation string, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			seen[operation]++
			if took <= 0 {
				t.Errorf("%s took %v, want some time", operation, took)
			}
		}
		s := userstest.Open(t, cfg)
		clear(seen)
		ada := person("ada")
		if err := add(t.Context(), s, ada); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Decision(t.Context(), ada.ID, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		for operation, want := range map[string]int{"update": 1, "insert_users": 1, "advance_event_head": 1, "decision": 1} {
			if seen[operation] != want {
				t.Errorf("%s observed %d times, want %d", operation, seen[operation], want)
			}
		}
	})
}

// Invariant 7
func TestErrorsDoNotShowThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://einlass:hunter2@127.0.0.1:1/einlass?connect_timeout=1",
		"postgres://einlass:hunter2@127.0.0.1:not-a-port/einlass",
		"postgres://einlass:hunter2@127.0.0.1/einlass?sslmode=unknown",
	} {
		_, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v, want one without the password", err)
		}
	}
}

// The key and its thumbprint of RFC 7638 section 3.1.
const (
	exampleKey        = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	exampleThumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
)

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	userstest.Engines(t, func(t *testing.T, open func(testing.TB) *sqlstore.Store) {
		s := open(t)
		now := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
		old := keys.StoredKey{ID: "old", Alg: "RS256", Sealed: "sealed", Public: exampleKey, CreatedAt: now, UseAt: now}
		next := keys.StoredKey{ID: "next", Alg: "ES256", Sealed: "sealed too", Public: exampleKey, CreatedAt: now.Add(time.Hour), UseAt: now.Add(2 * time.Hour)}
		put := func(reason string, put ...keys.StoredKey) {
			t.Helper()
			if err := s.PutSigningKeys(t.Context(), put, reason); err != nil {
				t.Fatal(err)
			}
		}
		put("first start", old)
		old.RetireAt, old.RemoveAt = next.UseAt, next.UseAt.Add(time.Hour)
		put("scheduled", old, next)
		old.Recorded, next.Recorded = true, true // whatever was given
		same(t, "keys, oldest first", signingKeys(t, s), []keys.StoredKey{old, next})

		events, err := s.EventsAbout(t.Context(), "next", 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != 1 || events[0].Kind != users.EventKeyRotated || events[0].Payload !=
			`{"reason":"scheduled","keys":["old","next"],"thumbprints":{"next":"`+exampleThumbprint+`","old":"`+exampleThumbprint+`"}}` {
			t.Errorf("events about the new key: %+v, want one with the reason and both keys", events)
		}
		if err := s.DeleteSigningKeys(t.Context(), []string{"old", "unknown"}); err != nil {
			t.Fatal(err)
		}
		same(t, "keys after the removal", signingKeys(t, s), []keys.StoredKey{next})
		revision, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if revision != 3 {
			t.Errorf("revision %d after three changes, want 3", revision)
		}
		put("nothing")
		if n := userstest.CheckLog(t, s); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
	})
}

func signingKeys(t *testing.T, s *sqlstore.Store) []keys.StoredKey {
	t.Helper()
	all, err := s.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
