package personio_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

const connection = users.ApplicationID("personio")

// office is a directory that imports from a source, a day after the last time.
type office struct {
	t         *testing.T
	directory *users.Directory
	engine    *importer.Engine
	source    importer.Source
	clock     time.Time
}

func newOffice(t *testing.T, source importer.Source) *office {
	t.Helper()
	sealer, err := keys.CreateMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, source: source, clock: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}
	now := func() time.Time { return o.clock }
	if o.directory, err = users.New(users.Config{Store: userstest.Fastest(t), Sealer: sealer, Now: now}); err != nil {
		t.Fatal(err)
	}
	settings := users.Import{Source: "personio", BaseURL: personio.DefaultBaseURL, InitialState: users.StateActive, Reactivation: true}
	_, err = o.directory.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: connection, Label: "Personio", Import: &settings}, ImportSecret: "secret of the connection"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.engine, err = importer.New(importer.Config{
		Directory: o.directory, Holder: "test", Now: now,
		Open:     func(users.Application, keys.Secret) (importer.Source, error) { return o.source, nil },
		Mappings: map[string]users.Mapping{"personio": personio.DefaultMapping()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) run() (users.Run, error) {
	o.clock = o.clock.Add(25 * time.Hour)
	return o.engine.Run(o.t.Context(), importer.Request{Connection: connection, Actor: "cli:test"})
}

// everybody returns the users by the source id that they stand for.
func (o *office) everybody() map[string]users.User {
	o.t.Helper()
	read := o.directory.Read()
	people, err := read.PeopleAfter(o.t.Context(), connection, "", 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	var ids []users.ID
	for _, p := range people {
		ids = append(ids, p.User)
	}
	found, err := read.UsersByID(o.t.Context(), ids)
	if err != nil {
		o.t.Fatal(err)
	}
	everybody := map[string]users.User{}
	for _, p := range people {
		if u, exists := found[p.User]; exists {
			everybody[p.SourceID] = u
		}
	}
	return everybody
}
