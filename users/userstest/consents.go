package userstest

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var consentPromises = []promise{
	{"nobody has consented to anything", noConsent},
	{"a consent is kept per person and application, and replaced", keptConsent},
	{"a consent is deleted once", deletedConsent},
	{"nobody consents for people or applications that do not exist", foreignConsent},
}

func noConsent(t *testing.T, s users.Store) {
	consents, err := s.Consents(t.Context(), users.NewID())
	ok(t, "Consents", err)
	same(t, "consents", consents, []users.Consent{})
}

// consenting adds two people and two applications.
func consenting(t *testing.T, s users.Store) (ada, bob users.ID) {
	t.Helper()
	people := []users.User{person("ada"), person("bob")}
	insert(t, s, people...)
	for _, id := range []users.ApplicationID{"crm", "wiki"} {
		update(t, s, func(tx users.Tx) error {
			return tx.PutApplication(t.Context(), users.Application{ID: id, Label: string(id), Origin: users.OriginLocal})
		})
	}
	return people[0].ID, people[1].ID
}

func putConsents(t *testing.T, s users.Store, consents ...users.Consent) {
	t.Helper()
	for _, c := range consents {
		update(t, s, func(tx users.Tx) error { return tx.PutConsent(t.Context(), c) })
	}
}

func keptConsent(t *testing.T, s users.Store) {
	ada, bob := consenting(t, s)
	wiki := users.Consent{User: ada, Application: "wiki", Scopes: []string{"openid"}, GrantedAt: noon}
	crm := users.Consent{User: ada, Application: "crm", Scopes: []string{"email", "openid"}, GrantedAt: noon}
	other := users.Consent{User: bob, Application: "wiki", Scopes: []string{"openid", "profile"}, GrantedAt: noon}
	putConsents(t, s, wiki, crm, other)
	wiki.Scopes, wiki.GrantedAt = []string{"openid", "profile"}, noon.Add(time.Hour)
	putConsents(t, s, wiki)
	for id, want := range map[users.ID][]users.Consent{ada: {crm, wiki}, bob: {other}} {
		got, err := s.Consents(t.Context(), id)
		ok(t, "Consents", err)
		same(t, "consents", got, want)
	}
}

func deletedConsent(t *testing.T, s users.Store) {
	ada, bob := consenting(t, s)
	mine := users.Consent{User: ada, Application: "wiki", Scopes: []string{"openid"}, GrantedAt: noon}
	theirs := users.Consent{User: bob, Application: "wiki", Scopes: []string{"openid"}, GrantedAt: noon}
	putConsents(t, s, mine, theirs)
	remove := func() error {
		return s.Update(t.Context(), func(tx users.Tx) error { return tx.DeleteConsent(t.Context(), ada, "wiki") })
	}
	ok(t, "delete", remove())
	refused(t, "delete again", remove(), users.ErrNotFound)
	got, err := s.Consents(t.Context(), bob)
	ok(t, "Consents", err)
	same(t, "somebody else's consents", got, []users.Consent{theirs})
}

func foreignConsent(t *testing.T, s users.Store) {
	ada, _ := consenting(t, s)
	for what, c := range map[string]users.Consent{
		"person":      {User: users.NewID(), Application: "wiki", GrantedAt: noon},
		"application": {User: ada, Application: "gone", GrantedAt: noon},
	} {
		err := s.Update(t.Context(), func(tx users.Tx) error { return tx.PutConsent(t.Context(), c) })
		if err == nil {
			t.Errorf("consent with an unknown %s was written", what)
		}
	}
}
