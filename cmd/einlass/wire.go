package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

// Files in the data folder.
const (
	fileDirectory = "directory.db"
	fileSessions  = "sessions.db"
	fileMasterKey = "master.key"
)

// signingAlgs are the algorithms that have a key from the first start.
var signingAlgs = []string{keys.RS256, keys.ES256, keys.EdDSA}

// app is the house without its doors: what every command that needs the
// database works with.
type app struct {
	cfg       Config
	log       *slog.Logger
	metrics   *metrics
	store     *sqlstore.Store
	sealer    *keys.Sealer
	Directory *users.Directory
	Ring      *keys.Ring
	Imports   *importer.Engine
	Registrar *personio.Registrar // of webhooks
	committed chan struct{}       // receives after commits that left events
	noted     chan struct{}       // receives after commits that noted work

	opening  sync.Mutex    // guards sessions until they are open
	sessions session.Store // nil until openSessions: few commands need it
}

// appOptions say what a command is to the database.
type appOptions struct {
	Migrate bool // brings an older schema up to date: serve, demo and migrate do
	Logger  *slog.Logger
	Metrics *metrics // nil: nothing is measured
	Bar     *bar     // shows how far an import is; nil: nothing does
}

// openApp opens the directory, with keys and declared objects in place. A
// database that does not exist yet is made; another schema than ours is refused.
func openApp(ctx context.Context, cfg Config, opts appOptions) (_ *app, err error) {
	a := &app{cfg: cfg, log: opts.Logger, metrics: opts.Metrics, committed: make(chan struct{}, 1), noted: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			_ = a.Close() // the first error is the one to report
		}
	}()
	if a.sealer, err = openMasterKey(cfg, opts.Logger); err != nil {
		return nil, err
	}
	if err := a.openStore(ctx, opts.Migrate); err != nil {
		return nil, err
	}
	a.Directory, err = users.New(users.Config{Store: a.store, Sealer: a.sealer, Logger: a.log, Observed: a.metrics.observed})
	if err != nil {
		return nil, err
	}
	if err := a.checkMasterKey(ctx); err != nil {
		return nil, err
	}
	if err := a.openKeys(ctx); err != nil {
		return nil, err
	}
	if err := a.openImports(opts.Bar); err != nil {
		return nil, err
	}
	if _, err := a.Directory.Declare(ctx, a.declaration()); err != nil {
		return nil, err
	}
	return a, nil
}

// regroup puts people into the groups whose rules have changed. What it cannot
// do now a server does, or the next command.
func (a *app) regroup(ctx context.Context) {
	err := a.Directory.Regroup(ctx)
	if errors.Is(err, users.ErrLeaseHeld) {
		a.log.InfoContext(ctx, "another process puts people into groups by rule; memberships may change yet")
		return
	}
	if err != nil {
		a.log.WarnContext(ctx, "people not put into groups by rule; memberships are as before", "error", err)
	}
}

// declaration is what the configuration file says there is.
func (a *app) declaration() users.Declaration {
	return a.cfg.Declaration(personio.DefaultMapping())
}

// Close gives everything back.
func (a *app) Close() error {
	var errs []error
	if a.sessions != nil {
		errs = append(errs, a.sessions.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// openMasterKey loads the master key. On the embedded stores the first start
// makes it; beside a database that exists already a missing key is an error,
// because a new one could open nothing in it.
func openMasterKey(cfg Config, log *slog.Logger) (*keys.Sealer, error) {
	if cfg.DatabaseURL == "" || cfg.RedisURL == "" {
		if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
	}
	path := cfg.MasterKeyFile
	if path == "" {
		path = filepath.Join(cfg.Data, fileMasterKey)
	}
	sealer, err := keys.LoadMasterKey(path, keys.MasterKeyOptions{AllowReadable: cfg.InsecureAllowReadableSecrets})
	if !errors.Is(err, fs.ErrNotExist) || cfg.DatabaseURL != "" || cfg.MasterKeyFile != "" {
		return sealer, err
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, fileDirectory)); err == nil {
		return nil, fmt.Errorf("master key file %s is missing, but the database it belongs to is there; restore it from your backup", path)
	}
	if sealer, err = keys.CreateMasterKey(path); errors.Is(err, fs.ErrExist) { // another process was faster
		return keys.LoadMasterKey(path, keys.MasterKeyOptions{AllowReadable: cfg.InsecureAllowReadableSecrets})
	}
	if err == nil {
		log.Warn("master key made; back it up apart from the database, nothing opens without it", "file", path)
	}
	return sealer, err
}

// directoryEngine says in which database the directory is.
func (c Config) directoryEngine() string {
	if c.DatabaseURL != "" {
		return "postgresql"
	}
	return "sqlite"
}

// openStore opens the directory's database and sees to its schema.
func (a *app) openStore(ctx context.Context, migrate bool) (err error) {
	cfg := sqlstore.Config{URL: a.cfg.DatabaseURL.Reveal(), Logger: a.log, Observe: a.metrics.storeObserver("sql")}
	cfg.Committed = func() { wake(a.committed) }
	cfg.Noted = func() { wake(a.noted) }
	if cfg.URL == "" {
		cfg.Path = filepath.Join(a.cfg.Data, fileDirectory)
	}
	if a.store, err = sqlstore.Open(ctx, cfg); err != nil {
		return err
	}
	err = a.store.CheckSchema(ctx)
	if errors.Is(err, sqlstore.ErrSchemaMissing) || migrate && errors.Is(err, sqlstore.ErrSchemaOlder) {
		return a.store.Migrate(ctx)
	}
	return err
}

// wake tells whoever waits on c that there is something to do.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // somebody has said so
	}
}

// settingMasterKey is where the proof of the master key is kept.
const settingMasterKey = "master_key_check"

// checkMasterKey refuses to work with another master key than the database was made with.
func (a *app) checkMasterKey(ctx context.Context) error {
	stored, _, err := a.store.Setting(ctx, settingMasterKey)
	if err == nil {
		return a.sealer.VerifyCheckValue(stored)
	}
	if !errors.Is(err, users.ErrNotFound) {
		return err
	}
	err = a.store.Update(ctx, func(tx users.Tx) error {
		return tx.PutSetting(ctx, settingMasterKey, a.sealer.CheckValue(), 0)
	})
	if errors.Is(err, users.ErrStale) { // another process was faster: it must have used our key
		return a.checkMasterKey(ctx)
	}
	return err
}

// openKeys loads the signing keys; the first start makes them.
func (a *app) openKeys(ctx context.Context) (err error) {
	a.Ring, err = keys.NewRing(keys.Config{
		Store: a.store, Sealer: a.sealer, Logger: a.log,
		LongestToken: session.LongestSession, // an ID token is a hint as long as its session
	})
	if err != nil {
		return err
	}
	if err := a.Ring.Refresh(ctx); err != nil {
		return err
	}
	if a.hasAllKeys() && a.Ring.Recorded() {
		return nil
	}
	return a.withKeysLease(ctx, func() error {
		if err := a.Ring.Ensure(ctx, signingAlgs...); err != nil {
			return err
		}
		return a.Ring.Record(ctx)
	})
}

func (a *app) hasAllKeys() bool {
	for _, alg := range signingAlgs {
		if _, err := a.Ring.Signer(alg); err != nil {
			return false
		}
	}
	return true
}

// Leases that are held for one short step.
const (
	leaseKeys = "keys"
	shortStep = 30 * time.Second
	leaseWait = 100 * time.Millisecond
)

// withKeysLease runs step while no other process makes or rotates keys.
func (a *app) withKeysLease(ctx context.Context, step func() error) error {
	holder := holderName()
	for {
		lease, err := a.store.AcquireLease(ctx, leaseKeys, holder, time.Now(), shortStep)
		if err == nil {
			defer func() { _ = a.store.ReleaseLease(context.WithoutCancel(ctx), lease) }() // it runs out by itself
			return step()
		}
		if !errors.Is(err, users.ErrLeaseHeld) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leaseWait):
		}
	}
}

// holderName names this process in leases.
func holderName() string {
	host, _ := os.Hostname() // only for people who look at the table
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), strings.ToLower(rand.Text()[:8]))
}

// openImports builds the importer on connections of its own, so that sign-in never waits for it.
func (a *app) openImports(watch *bar) error {
	directory, err := users.New(users.Config{Store: a.store.ForImports(), Sealer: a.sealer, Logger: a.log})
	if err != nil {
		return err
	}
	client, err := a.outgoing(upstreamPersonio, outgoing.Config{})
	if err != nil {
		return err
	}
	zone, err := a.cfg.zone()
	if err != nil {
		return err
	}
	accounts := personio.NewAccounts(personio.Config{HTTP: client, Logger: a.log})
	a.Registrar, err = personio.NewRegistrar(personio.RegistrarConfig{
		Directory: a.Directory, Accounts: accounts, Issuer: a.cfg.Issuer, Holder: holderName(), Logger: a.log,
	})
	if err != nil {
		return err
	}
	cfg := importer.Config{
		Directory:    directory,
		Mappings:     defaultMappings,
		Sessions:     sessionCounter{a},
		Organization: a.cfg.Organization.Name,
		Zone:         zone,
		Holder:       holderName(),
		Logger:       a.log,
		Finished:     a.imported,
		Noted:        a.noted,
		Open:         accounts.Open,
	}
	if watch != nil {
		cfg.Progress = watch.show
	}
	a.Imports, err = importer.New(cfg)
	return err
}

// imported is told of each import that ended here. After one over everybody the webhook is looked at.
func (a *app) imported(run users.Run) {
	a.metrics.imported(run)
	if run.Scope == users.ScopeFull && !run.Preview {
		a.Registrar.Look(run.Connection)
	}
}

// outgoing returns a client for calls of an upstream, with the limits of its use.
func (a *app) outgoing(upstream string, limits outgoing.Config) (*outgoing.Client, error) {
	limits.Observe = a.metrics.callObserver(upstream)
	limits.AllowLoopback = a.cfg.InsecureAllowLoopback
	limits.AllowNetworks = a.cfg.Outgoing.AllowNetworks
	limits.Proxy = a.cfg.Outgoing.Proxy.Reveal()
	limits.Logger = a.log
	return outgoing.New(limits)
}

// zone is where the organization's days begin.
func (c *Config) zone() (*time.Location, error) {
	zone, err := time.LoadLocation(c.Organization.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("organization.time_zone: %w", err)
	}
	return zone, nil
}
