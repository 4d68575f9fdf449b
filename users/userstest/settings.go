package userstest

import (
	"testing"

	"github.com/einlass/einlass/users"
)

var settingPromises = []promise{
	{"a setting that is not there is not found", unknownSetting},
	{"a setting is written only over the version that was read", staleSetting},
	{"parameters bind by their number, in whatever order a statement uses them", placeholderOrder},
	{"a sealed value is replaced", sealedSecrets},
	{"the revision rises", revision},
}

func unknownSetting(t *testing.T, s users.Store) {
	_, _, err := s.Setting(t.Context(), "mail")
	refused(t, "Setting", err, users.ErrNotFound)
	_, err = s.SealedSecret(t.Context(), "personio", "client_secret")
	refused(t, "SealedSecret", err, users.ErrNotFound)
}

// putSetting returns the error of writing a document over a version.
func putSetting(t *testing.T, s users.Store, name, document string, over int64) error {
	t.Helper()
	return s.Update(t.Context(), func(tx users.Tx) error { return tx.PutSetting(t.Context(), name, document, over) })
}

func staleSetting(t *testing.T, s users.Store) {
	refused(t, "replace before it exists", putSetting(t, s, "mail", "{}", 1), users.ErrStale)
	ok(t, "create", putSetting(t, s, "mail", `{"a":1}`, 0))
	refused(t, "create again", putSetting(t, s, "mail", `{"a":2}`, 0), users.ErrStale)
	ok(t, "replace", putSetting(t, s, "mail", `{"a": 2}`, 1))
	refused(t, "replace an earlier version", putSetting(t, s, "mail", `{"a":3}`, 1), users.ErrStale)
	document, version, err := s.Setting(t.Context(), "mail")
	ok(t, "Setting", err)
	if document != `{"a": 2}` || version != 2 {
		t.Errorf("setting is %s in version %d, want the text as written in version 2", document, version)
	}
}

// The statement of an update names its second parameter first.
func placeholderOrder(t *testing.T, s users.Store) {
	ok(t, "create", putSetting(t, s, "mail", "before", 0))
	ok(t, "create another", putSetting(t, s, "after", "untouched", 0))
	ok(t, "replace", putSetting(t, s, "mail", "after", 1))
	for name, want := range map[string]string{"mail": "after", "after": "untouched"} {
		document, _, err := s.Setting(t.Context(), name)
		ok(t, "Setting", err)
		same(t, "setting "+name, document, want)
	}
}

func sealedSecrets(t *testing.T, s users.Store) {
	put := func(owner, name, sealed string) {
		update(t, s, func(tx users.Tx) error { return tx.PutSealedSecret(t.Context(), owner, name, sealed) })
	}
	put("personio", "client_secret", "old")
	put("personio", "token", "other")
	put("rest", "client_secret", "another")
	put("personio", "client_secret", "new")
	got, err := s.SealedSecret(t.Context(), "personio", "client_secret")
	ok(t, "SealedSecret", err)
	same(t, "sealed value", got, "new")
}

func revision(t *testing.T, s users.Store) {
	before, err := s.Revision(t.Context())
	ok(t, "Revision", err)
	for range 2 {
		update(t, s, func(tx users.Tx) error { return tx.RaiseRevision(t.Context()) })
	}
	after, err := s.Revision(t.Context())
	ok(t, "Revision", err)
	if after != before+2 {
		t.Errorf("revision %d after two changes, want %d", after, before+2)
	}
}
