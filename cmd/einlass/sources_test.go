package main

import (
	"testing"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing"
	"github.com/einlass/einlass/users"
)

// U-30: one pace for all reads of a connection, and one token.
func TestASourceStaysOpenUntilItsCredentialsChange(t *testing.T) {
	t.Parallel()
	client, err := outgoing.New(outgoing.Config{})
	if err != nil {
		t.Fatal(err)
	}
	all := newSources(func(app users.Application, secret keys.Secret) (importer.Source, error) {
		return personio.New(personio.Config{BaseURL: app.Import.BaseURL, ClientID: app.Import.ClientID, ClientSecret: secret, HTTP: client})
	})
	open := func(id users.ApplicationID, version int64, secret keys.Secret) importer.Source {
		t.Helper()
		app := users.Application{ID: id, Version: version, Import: &users.Import{Source: users.SourcePersonio, ClientID: "papi"}}
		source, err := all.Open(app, secret)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	first := open("personio", 1, "secret")
	if open("personio", 1, "secret") != first {
		t.Error("the same connection was opened anew")
	}
	for name, other := range map[string]importer.Source{
		"another connection": open("other", 1, "secret"),
		"other settings":     open("personio", 2, "secret"),
		"another secret":     open("personio", 2, "secret 2"),
	} {
		if other == first {
			t.Errorf("%s has the same source", name)
		}
	}
	bad := users.Application{ID: "personio", Version: 3, Import: &users.Import{Source: users.SourcePersonio, BaseURL: "http://elsewhere.example"}}
	if _, err := all.Open(bad, "secret"); err == nil {
		t.Error("a source without https was opened")
	}
}
