package personio

import (
	"fmt"
	"sync"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Accounts keeps the Personio accounts of all connections open, so that the
// token, the pace and what was found out about an account serve all reads of it.
type Accounts struct {
	cfg Config // without what differs between connections

	mu   sync.Mutex // guards open
	open map[users.ApplicationID]account
}

// account is one that was opened, with what it was opened by.
type account struct {
	api               users.API
	baseURL, clientID string
	secret            [32]byte // hash
	source            importer.Source
	v2                *SourceV2 // the same account by version 2, for its webhooks
}

// NewAccounts takes the settings that all connections share.
func NewAccounts(cfg Config) *Accounts {
	return &Accounts{cfg: cfg, open: map[users.ApplicationID]account{}}
}

// Open returns the account of a connection. It connects to nothing.
func (a *Accounts) Open(app users.Application, secret keys.Secret) (importer.Source, error) {
	opened, err := a.account(app, secret)
	return opened.source, err
}

// openV2 returns the account by version 2, which alone knows webhooks.
func (a *Accounts) openV2(app users.Application, secret keys.Secret) (*SourceV2, error) {
	opened, err := a.account(app, secret)
	return opened.v2, err
}

func (a *Accounts) account(app users.Application, secret keys.Secret) (account, error) {
	wanted := account{api: app.Import.API, baseURL: app.Import.BaseURL, clientID: app.Import.ClientID, secret: secret.Hash()}
	a.mu.Lock()
	defer a.mu.Unlock()
	opened := a.open[app.ID]
	wanted.source, wanted.v2 = opened.source, opened.v2
	if opened.source != nil && opened == wanted {
		return opened, nil
	}
	cfg := a.cfg
	cfg.BaseURL, cfg.ClientID, cfg.ClientSecret = wanted.baseURL, wanted.clientID, secret
	var err error
	if wanted.source, err = open(cfg, wanted.api); err != nil {
		return account{}, err
	}
	switch source := wanted.source.(type) {
	case *SourceV2:
		wanted.v2 = source
	case *Auto:
		wanted.v2 = source.v2
	default:
		if wanted.v2, err = NewV2(cfg); err != nil {
			return account{}, err
		}
	}
	a.open[app.ID] = wanted
	return wanted, nil
}

func open(cfg Config, api users.API) (importer.Source, error) {
	switch api {
	case "", users.APIAuto:
		return NewAuto(cfg)
	case users.APIv1:
		return New(cfg)
	case users.APIv2:
		return NewV2(cfg)
	}
	return nil, fmt.Errorf("%w api %q", users.ErrInvalid, api)
}
