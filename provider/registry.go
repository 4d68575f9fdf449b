package provider

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// registrySource is the part of the directory that the registry follows.
type registrySource interface {
	Revision(ctx context.Context) (int64, error)
	Applications(ctx context.Context) ([]users.Application, error)
	Logo(ctx context.Context, id users.ApplicationID) (users.Logo, error)
	ClientSecrets(ctx context.Context) ([]users.ClientSecret, error)
	Watches(ctx context.Context, now time.Time) ([]users.Watch, error)
}

// RegistryConfig is what a Registry needs. Source is required.
type RegistryConfig struct {
	Source   registrySource
	OnChange func(ctx context.Context) error // called after each rebuild until it succeeds, e.g. to reload keys; nil: nothing
	Now      func() time.Time                // nil means time.Now
	Logger   *slog.Logger                    // nil discards
}

// Registry holds the applications and their clients in memory, never older
// than a second. Who may use them is not in it: that is read for each request.
type Registry struct {
	cfg     RegistryConfig
	current atomic.Pointer[snapshot]
	told    atomic.Pointer[snapshot]      // the one of which OnChange knows
	watches atomic.Pointer[[]users.Watch] // nil: nobody watches
	fault   atomic.Pointer[error]
}

// snapshot is one state of the registry; it is never changed.
type snapshot struct {
	revision     int64
	applications map[users.ApplicationID]users.Application
	clients      map[string]*client    // by client_id
	logos        map[string]users.Logo // by digest
	origins      map[string]bool       // at which scripts of clients run
}

// client is an application as the protocol sees it.
type client struct {
	users.SignIn
	application   users.Application
	secrets       []users.ClientSecret
	sources       map[string]claimSource // of the registered claims
	userinfoNames []string               // the names of sources, sorted
	idTokenNames  []string               // those also in the ID token, sorted
	keys          keys.PublicSet         // registered; nil: none, or at jwks_uri
}

// NewRegistry returns an empty registry; call Refresh before use.
func NewRegistry(cfg RegistryConfig) *Registry {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Registry{cfg: cfg}
	r.current.Store(&snapshot{})
	return r
}

// Application returns one enabled application.
func (r *Registry) Application(id users.ApplicationID) (users.Application, bool) {
	a, found := r.current.Load().applications[id]
	return a, found
}

func (r *Registry) client(id string) (*client, bool) {
	c, found := r.current.Load().clients[id]
	return c, found
}

// Refresh rebuilds the registry if the directory's revision has risen, and looks who watches.
// What was read counts whatever becomes of OnChange.
func (r *Registry) Refresh(ctx context.Context) error {
	err := r.refresh(ctx)
	if err != nil {
		err = fmt.Errorf("registry: %w", err)
	}
	r.fault.Store(&err)
	return err
}

// Fault returns why the last Refresh failed, or nil.
func (r *Registry) Fault() error {
	if fault := r.fault.Load(); fault != nil {
		return *fault
	}
	return nil
}

func (r *Registry) refresh(ctx context.Context) error {
	if err := r.refreshWatches(ctx); err != nil {
		return err
	}
	revision, err := r.cfg.Source.Revision(ctx)
	if err != nil {
		return err
	}
	now := r.current.Load()
	if now.applications == nil || now.revision != revision {
		if now, err = r.build(ctx, revision); err != nil {
			return err
		}
		r.current.Store(now)
	}
	if r.cfg.OnChange == nil || r.told.Load() == now {
		return nil
	}
	if err := r.cfg.OnChange(ctx); err != nil {
		return err
	}
	r.told.Store(now)
	return nil
}

func (r *Registry) refreshWatches(ctx context.Context) error {
	watches, err := r.cfg.Source.Watches(ctx, r.cfg.Now())
	if err != nil {
		return err
	}
	if len(watches) == 0 {
		r.watches.Store(nil)
		return nil
	}
	r.watches.Store(&watches)
	return nil
}

// watched returns the applications whose calls somebody watches now.
func (r *Registry) watched() []users.ApplicationID {
	watches := r.watches.Load()
	if watches == nil {
		return nil
	}
	now := r.cfg.Now()
	var ids []users.ApplicationID
	for _, w := range *watches {
		if now.Before(w.Until) && !slices.Contains(ids, w.Application) {
			ids = append(ids, w.Application)
		}
	}
	return ids
}

func (r *Registry) build(ctx context.Context, revision int64) (*snapshot, error) {
	applications, err := r.cfg.Source.Applications(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := r.cfg.Source.ClientSecrets(ctx)
	if err != nil {
		return nil, err
	}
	next := &snapshot{
		revision:     revision,
		applications: map[users.ApplicationID]users.Application{},
		clients:      map[string]*client{},
		logos:        map[string]users.Logo{},
		origins:      map[string]bool{},
	}
	byApplication := map[users.ApplicationID][]users.ClientSecret{}
	for _, s := range secrets {
		byApplication[s.Application] = append(byApplication[s.Application], s)
	}
	for _, a := range applications {
		if a.Disabled {
			continue
		}
		if a, err = r.withLogo(ctx, next, a); err != nil {
			return nil, err
		}
		next.applications[a.ID] = a
		if a.SignIn != nil {
			sources := compileClaims(a, r.cfg.Logger)
			next.clients[a.SignIn.ClientID] = &client{
				SignIn: *a.SignIn, application: a, secrets: byApplication[a.ID],
				sources: sources, userinfoNames: slices.Sorted(maps.Keys(sources)), idTokenNames: slices.Sorted(slices.Values(a.SignIn.IDTokenClaims)),
				keys: registeredKeys(a, r.cfg.Logger),
			}
			for _, origin := range originsOf(*a.SignIn) {
				next.origins[origin] = true
			}
		}
	}
	return next, nil
}

// refreshEvery bounds how old what replicas know of clients can be.
const refreshEvery = time.Second

// Run refreshes the registry once a second until ctx ends. While the directory
// does not answer, the last state stays.
func (r *Registry) Run(ctx context.Context) error {
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	logged := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			logged = r.logFault(ctx, r.Refresh(ctx), logged)
		}
	}
}

// logFault logs what Refresh returned, unless it was logged the second before,
// and returns what has been logged now.
func (r *Registry) logFault(ctx context.Context, err error, before string) string {
	if ctx.Err() != nil {
		return before
	}
	if err == nil {
		if before != "" {
			r.cfg.Logger.InfoContext(ctx, "registry refreshed again")
		}
		return ""
	}
	level := slog.LevelWarn // it may pass by itself
	if errors.Is(err, keys.ErrDamagedKey) {
		level = slog.LevelError
	}
	if err.Error() != before {
		r.cfg.Logger.Log(ctx, level, "registry not refreshed", "error", err)
	}
	return err.Error()
}

// owns reports whether a grant is this client's and its application's: people
// are let into applications, and a client_id can move from one to another.
func (c *client) owns(g session.Grant) bool {
	return g.ClientID == c.ClientID && g.Application == c.application.ID
}

// checkSecret compares with every live secret in constant time.
func (c *client) checkSecret(secret keys.Secret, now time.Time) bool {
	return c.matchesSecret(secret, func(s users.ClientSecret) bool { return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) })
}

// hasExpired reports whether a secret that is not valid was so once.
func (c *client) hasExpired(secret keys.Secret) bool {
	return c.matchesSecret(secret, func(users.ClientSecret) bool { return true })
}

func (c *client) matchesSecret(secret keys.Secret, among func(users.ClientSecret) bool) bool {
	hash := secret.Hash()
	match := 0
	for _, s := range c.secrets {
		if among(s) {
			match |= subtle.ConstantTimeCompare(hash[:], s.Hash[:])
		}
	}
	return match == 1
}
