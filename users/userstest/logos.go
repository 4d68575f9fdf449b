package userstest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/einlass/einlass/users"
)

// logoOf returns a logo with a content, which the store takes as it is.
func logoOf(content string) *users.Logo {
	return &users.Logo{
		Digest: "digest of " + content, MediaType: users.MediaTypePNG, Size: len(content), Content: []byte(content),
	}
}

// putLogo writes an application with a logo, over the version that is there.
func putLogo(t *testing.T, s users.Store, id users.ApplicationID, logo *users.Logo) {
	t.Helper()
	update(t, s, func(tx users.Tx) error {
		a, err := tx.Application(t.Context(), id)
		if errors.Is(err, users.ErrNotFound) {
			a, err = users.Application{ID: id, Label: string(id)}, nil
		}
		if err != nil {
			return err
		}
		a.Logo = logo
		return tx.PutApplication(t.Context(), a)
	})
}

// wantLogo fails unless an application has the logo with its content.
func wantLogo(t *testing.T, s users.Store, id users.ApplicationID, want *users.Logo) {
	t.Helper()
	got, err := s.Logo(t.Context(), id)
	ok(t, "Logo", err)
	same(t, "logo of "+string(id), got, *want)
}

func noLogo(t *testing.T, s users.Store) {
	putLogo(t, s, "wiki", logoOf("wiki"))
	putLogo(t, s, "crm", nil)
	for _, id := range []users.ApplicationID{"crm", "unknown", "", "wiki\x00"} {
		_, err := s.Logo(t.Context(), id)
		refused(t, "logo of "+string(id), err, users.ErrNotFound)
	}
}

func logoOfStale(t *testing.T, s users.Store) {
	first := logoOf("first")
	putLogo(t, s, "wiki", first)
	for _, version := range []int64{0, 7} {
		err := s.Update(t.Context(), func(tx users.Tx) error {
			return tx.PutApplication(t.Context(), users.Application{ID: "wiki", Label: "wiki", Version: version, Logo: logoOf("second")})
		})
		refused(t, "another version", err, users.ErrStale)
	}
	wantLogo(t, s, "wiki", first)
}

func logoRolledBack(t *testing.T, s users.Store) {
	first, failed := logoOf("first"), errors.New("failed")
	putLogo(t, s, "wiki", first)
	for _, logo := range []*users.Logo{nil, logoOf("second")} {
		err := s.Update(t.Context(), func(tx users.Tx) error {
			a, err := tx.Application(t.Context(), "wiki")
			if err != nil {
				return err
			}
			a.Logo = logo
			return errors.Join(tx.PutApplication(t.Context(), a), failed)
		})
		refused(t, "transaction", err, failed)
	}
	wantLogo(t, s, "wiki", first)
}

func keepsLogo(t *testing.T, s users.Store) {
	content := bytes.Repeat([]byte{0, 0xff, '\'', '\n', 0x80}, users.MaxLogoBytes/5)
	logo := logoOf(string(content))
	logo.Digest, logo.MediaType = "0123", users.MediaTypeSVG
	putLogo(t, s, "wiki", logo)
	putLogo(t, s, "crm", logoOf("crm"))
	wantLogo(t, s, "wiki", logo)
	want := *logo
	want.Content = nil
	a, err := s.Application(t.Context(), "wiki")
	ok(t, "Application", err)
	same(t, "logo in the application", a.Logo, &want)
	all, err := s.Applications(t.Context())
	ok(t, "Applications", err)
	same(t, "logo among the applications", all[1].Logo, &want)
}

func logoChanges(t *testing.T, s users.Store) {
	other := logoOf("crm")
	putLogo(t, s, "crm", other)
	first := logoOf("first")
	putLogo(t, s, "wiki", first)
	a, err := s.Application(t.Context(), "wiki")
	ok(t, "Application", err)
	putLogo(t, s, "wiki", a.Logo) // as it was read, without content
	wantLogo(t, s, "wiki", first)
	second := logoOf("second")
	putLogo(t, s, "wiki", second)
	wantLogo(t, s, "wiki", second)
	putLogo(t, s, "wiki", nil)
	_, err = s.Logo(t.Context(), "wiki")
	refused(t, "removed logo", err, users.ErrNotFound)
	wantLogo(t, s, "crm", other)
}
