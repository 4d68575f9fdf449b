package main

import (
	"sync"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// sources keeps the source of each connection open, so that reads which follow
// one another share its token and its share of the source's limits.
type sources struct {
	open func(app users.Application, secret keys.Secret) (importer.Source, error)

	mu     sync.Mutex // guards byConn
	byConn map[users.ApplicationID]openSource
}

// openSource is a source with what it was opened by.
type openSource struct {
	version int64 // of the application
	secret  [32]byte
	source  importer.Source
}

func newSources(open func(users.Application, keys.Secret) (importer.Source, error)) *sources {
	return &sources{open: open, byConn: map[users.ApplicationID]openSource{}}
}

// Open returns the source of a connection: the one that is open, unless its
// settings or credentials have changed since.
func (s *sources) Open(app users.Application, secret keys.Secret) (importer.Source, error) {
	want := openSource{version: app.Version, secret: secret.Hash()}
	s.mu.Lock()
	defer s.mu.Unlock()
	have, found := s.byConn[app.ID]
	want.source = have.source
	if found && have == want {
		return have.source, nil
	}
	source, err := s.open(app, secret)
	if err != nil {
		return nil, err
	}
	want.source = source
	s.byConn[app.ID] = want
	return source, nil
}
