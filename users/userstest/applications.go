package userstest

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var applicationPromises = []promise{
	{"an application that is not there is not found", unknownApplication},
	{"an application is written only over the version that was read", staleApplication},
	{"everything about an application is kept", keepsApplication},
	{"the bound groups are replaced with the application", replaceBindings},
	{"a logo that is not there is not found", noLogo},
	{"a logo belongs to a version that was written", logoOfStale},
	{"a transaction that fails changes no logo", logoRolledBack},
	{"a logo is kept byte for byte, apart from the application", keepsLogo},
	{"a logo stays while the application changes, is replaced, and goes", logoChanges},
	{"a secret belongs to an application that is there", secretOfNobody},
	{"a secret is added once and its end moves", clientSecrets},
}

func unknownApplication(t *testing.T, s users.Store) {
	bind(t, s, "wiki")
	for _, id := range []users.ApplicationID{"unknown", ""} {
		_, err := s.Application(t.Context(), id)
		refused(t, "application "+string(id), err, users.ErrNotFound)
	}
}

func staleApplication(t *testing.T, s users.Store) {
	put := func(label string, version int64) error {
		return s.Update(t.Context(), func(tx users.Tx) error {
			return tx.PutApplication(t.Context(), users.Application{ID: "wiki", Label: label, Version: version, Groups: []users.GroupID{"staff"}})
		})
	}
	refused(t, "replace before it exists", put("first", 1), users.ErrStale)
	ok(t, "create", put("first", 0))
	refused(t, "create again", put("second", 0), users.ErrStale)
	refused(t, "replace a later version", put("second", 2), users.ErrStale)
	ok(t, "replace", put("second", 1))
	refused(t, "replace an earlier version", put("third", 1), users.ErrStale)
	got, err := s.Application(t.Context(), "wiki")
	ok(t, "Application", err)
	if got.Label != "second" || got.Version != 2 {
		t.Errorf("label %q in version %d, want second in version 2", got.Label, got.Version)
	}
}

func keepsApplication(t *testing.T, s users.Store) {
	want := users.Application{
		ID: "personio", Label: "Personio", Description: "HR", Disabled: true,
		Launch: &users.Launch{URL: "https://acme.personio.de/oauth/authorise"},
		SignIn: &users.SignIn{
			ClientID: "personio", AuthMethod: users.AuthMethodPost, RedirectURIs: []string{"https://acme.personio.de/oauth/callback"},
			Claims: map[string]string{"email": "email"}, IDTokenClaims: []string{"email"}, Trusted: true, SigningAlg: "RS256",
			JWKS: json.RawMessage(`{"keys":[]}`),
		},
		Import: &users.Import{
			Source: "personio", BaseURL: "https://api.personio.de", ClientID: "papi", Schedule: time.Hour,
			InitialState: users.StateActive, Reactivation: true, Leave: users.LeaveSuspends, Guard: users.DefaultGuard,
			Mapping: users.Mapping{"email": "email"},
		},
		Groups: []users.GroupID{users.Everyone, "staff"},
		Origin: users.OriginConfig,
	}
	update(t, s, func(tx users.Tx) error { return tx.PutApplication(t.Context(), want) })
	bind(t, s, "crm")
	want.Version = 1
	got, err := s.Application(t.Context(), "personio")
	ok(t, "Application", err)
	same(t, "application", got, want)
	all, err := s.Applications(t.Context())
	ok(t, "Applications", err)
	same(t, "applications", all, []users.Application{{ID: "crm", Label: "crm", Origin: users.OriginLocal, Version: 1}, want})
}

// S-069
func replaceBindings(t *testing.T, s users.Store) {
	bind(t, s, "wiki", "staff", "board")
	bind(t, s, "crm", "staff")
	update(t, s, func(tx users.Tx) error {
		a, err := tx.Application(t.Context(), "wiki")
		if err != nil {
			return err
		}
		a.Groups = []users.GroupID{users.Everyone, "board", "board"}
		return tx.PutApplication(t.Context(), a)
	})
	all, err := s.Applications(t.Context())
	ok(t, "Applications", err)
	same(t, "groups of crm", all[0].Groups, []users.GroupID{"staff"})
	same(t, "groups of wiki", all[1].Groups, []users.GroupID{"board", users.Everyone})
}

func secretOfNobody(t *testing.T, s users.Store) {
	err := s.Update(t.Context(), func(tx users.Tx) error {
		return tx.PutClientSecret(t.Context(), users.ClientSecret{Application: "unknown"})
	})
	refused(t, "secret of an unknown application", err, users.ErrNotFound)
}

func putSecrets(t *testing.T, s users.Store, secrets ...users.ClientSecret) {
	t.Helper()
	update(t, s, func(tx users.Tx) error {
		for _, secret := range secrets {
			if err := tx.PutClientSecret(t.Context(), secret); err != nil {
				return err
			}
		}
		return nil
	})
}

func clientSecrets(t *testing.T, s users.Store) {
	bind(t, s, "crm")
	bind(t, s, "wiki")
	later := users.ClientSecret{Application: "crm", Hash: sha256.Sum256([]byte("2")), CreatedAt: noon.Add(time.Hour), Hint: "2222", Origin: users.OriginLocal}
	first := users.ClientSecret{Application: "wiki", Hash: sha256.Sum256([]byte("1")), CreatedAt: noon, Hint: "1111", Origin: users.OriginConfig}
	putSecrets(t, s, later, first)
	moved := first
	moved.ExpiresAt, moved.Hint = noon.Add(24*time.Hour), "ignored"
	putSecrets(t, s, moved)
	first.ExpiresAt = moved.ExpiresAt
	got, err := s.ClientSecrets(t.Context())
	ok(t, "ClientSecrets", err)
	same(t, "secrets, oldest first", got, []users.ClientSecret{first, later})
}
