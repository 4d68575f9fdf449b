// Package providertest is a whole provider on an HTTP test server, with real
// stores, a clock that the test moves, browsers and applications. Tests see the public door.
package providertest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/provider/admin"
	"github.com/einlass/einlass/provider/login"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/provider/outgoing"
	"github.com/einlass/einlass/provider/portal"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Password is that of every person of the bench.
const Password = "correct horse battery staple"

// Clock is a clock that stands until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Stores are what a bench keeps its state in.
type Stores struct {
	Users    users.Store
	Sessions session.Store
}

// Bench is a provider under test.
type Bench struct {
	T         testing.TB
	Issuer    string
	Clock     *Clock
	Directory *users.Directory
	Sessions  *session.Manager
	Registry  *provider.Registry
	Ring      *keys.Ring
	Links     *admin.Links
	HR        *HR              // where imports of the bench read people
	Imports   *importer.Engine // see ServeImports
	Logs      *Logs            // stay empty in benchmarks
	Handler   http.Handler     // the provider without the network
	// HTTP reaches the provider and trusts its certificate.
	HTTP http.RoundTripper

	store       users.Store
	sealer      *keys.Sealer
	backChannel *provider.BackChannel

	mu     sync.Mutex // guards issued
	issued []string
}

// Logs collects what the server logs, so that tests can look for secrets in it.
type Logs struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps one record.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// String returns everything logged so far.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// New starts a bench on the embedded stores.
func New(t testing.TB) *Bench {
	t.Helper()
	return NewOn(t, embedded(t))
}

// NewOn starts a bench on the given stores, with the people and applications of [Declaration].
func NewOn(t testing.TB, stores Stores) *Bench {
	t.Helper()
	return newBench(t, stores, Declaration(), "http")
}

// NewTLS starts a bench on the embedded stores whose issuer is https, with what is declared.
func NewTLS(t testing.TB, declared users.Declaration) *Bench {
	t.Helper()
	return newBench(t, embedded(t), declared, "https")
}

// NewWith starts a bench on the embedded stores whose application id is registered as change leaves it.
func NewWith(t testing.TB, id users.ApplicationID, change func(a *users.SignIn)) *Bench {
	t.Helper()
	d := Declaration()
	for i := range d.Applications {
		if d.Applications[i].ID == id {
			change(d.Applications[i].SignIn)
		}
	}
	return newBench(t, embedded(t), d, "http")
}

func newBench(t testing.TB, stores Stores, declared users.Declaration, scheme string) *Bench {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	b := &Bench{
		T:      t,
		Issuer: scheme + "://" + server.Listener.Addr().String(),
		Clock:  &Clock{now: time.Now().UTC().Truncate(time.Second)},
		Logs:   &Logs{},
		HR:     &HR{},
		store:  stores.Users,
	}
	log := slog.New(slog.NewJSONHandler(b.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, measuring := t.(*testing.B); measuring {
		log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	}
	var err error
	b.sealer, err = masterKey()
	must(t, err)
	b.Directory, err = users.New(users.Config{Store: stores.Users, Sealer: b.sealer, Now: b.Clock.Now, Logger: log})
	must(t, err)
	_, err = b.Directory.Declare(t.Context(), declared)
	must(t, err)
	keyStore, ok := stores.Users.(keys.Store)
	if !ok {
		t.Fatal("the directory's store keeps no keys")
	}
	b.Ring, err = keys.NewRing(keys.Config{Store: keyStore, Sealer: b.sealer, Now: b.Clock.Now, Logger: log})
	must(t, err)
	must(t, b.Ring.Ensure(t.Context(), signingAlgs...))
	b.Sessions, err = session.NewManager(session.Config{Store: stores.Sessions, Now: b.Clock.Now})
	must(t, err)
	b.Handler = b.build(log)
	server.Config.Handler = b.Handler
	if scheme == "https" {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	b.HTTP = server.Client().Transport
	return b
}

func (b *Bench) build(log *slog.Logger) *provider.Provider {
	b.T.Helper()
	issuer, err := url.Parse(b.Issuer)
	must(b.T, err)
	site, err := web.New(web.Config{Issuer: issuer, AllowLoopback: true, OrganizationName: "Acme", Logger: log, Now: b.Clock.Now})
	must(b.T, err)
	b.Registry = provider.NewRegistry(provider.RegistryConfig{Source: b.Directory.Read(), OnChange: b.Ring.Refresh, Now: b.Clock.Now, Logger: log})
	must(b.T, b.Registry.Refresh(b.T.Context()))
	authorizer, err := provider.NewAuthorizer(provider.AuthorizerConfig{
		Issuer: b.Issuer, Registry: b.Registry, Users: b.Directory, Sessions: b.Sessions, Keys: b.Ring, Site: site, Now: b.Clock.Now, Logger: log,
	})
	must(b.T, err)
	client, err := outgoing.New(outgoing.Config{AllowLoopback: true, Now: b.Clock.Now, Logger: log})
	must(b.T, err)
	b.backChannel, err = provider.NewBackChannel(provider.BackChannelConfig{
		Issuer: b.Issuer, Registry: b.Registry, Users: b.Directory, Sessions: b.Sessions, Keys: b.Ring, HTTP: client, Now: b.Clock.Now, Logger: log,
	})
	must(b.T, err)
	signIn, err := login.New(login.Config{
		Users: b.Directory, Sessions: b.Sessions, Site: site, Applications: b.Registry, Finish: authorizer.Finish, Logger: log,
		LogoutTarget: b.Registry.LogoutTarget, SessionEnded: b.backChannel.Await,
	})
	must(b.T, err)
	tiles, err := portal.New(portal.Config{
		Users: b.Directory, Sessions: b.Sessions, Site: site, Applications: b.Registry, Zone: time.UTC, Now: b.Clock.Now, Logger: log,
	})
	must(b.T, err)
	b.Imports, err = importer.New(importer.Config{
		Directory: b.Directory, Mappings: map[string]users.Mapping{users.SourcePersonio: personio.DefaultMapping()},
		Holder: "bench", Now: b.Clock.Now, Logger: log,
		Open: func(users.Application, keys.Secret) (importer.Source, error) { return b.HR, nil },
	})
	must(b.T, err)
	b.Links = admin.NewLinks(b.sealer, b.Issuer, b.Clock.Now)
	console, err := admin.New(admin.Config{
		Users: b.Directory, Imports: b.Imports, Sessions: b.Sessions, Site: site, Links: b.Links, Now: b.Clock.Now, Issuer: b.Issuer,
		Form: func(a users.SignIn) []admin.FormValue { return provider.FormOf(b.Issuer, a).Values() },
	})
	must(b.T, err)
	p, err := provider.New(provider.Config{
		Issuer: b.Issuer, Authorizer: authorizer, Registry: b.Registry, Users: b.Directory, Sessions: b.Sessions,
		Keys: b.Ring, SigningAlgs: signingAlgs, Outgoing: client, Site: site,
		Login: signIn.Routes(), SignOut: signIn.SignOut, Portal: tiles.Routes(), Admin: console.Routes(), Now: b.Clock.Now, Logger: log,
		TokensIssued: b.tokensIssued,
	})
	must(b.T, err)
	return p
}

func (b *Bench) tokensIssued(_ users.ApplicationID, kinds []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.issued = append(b.issued, kinds...)
}

// Issued returns the kinds of the tokens that were reported as issued since the call before.
func (b *Bench) Issued() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	issued := b.issued
	b.issued = nil
	return issued
}

// Follow tells applications of the end of sessions from now on, until the test ends.
func (b *Bench) Follow() {
	b.T.Helper()
	f, err := notify.New(notify.Config{
		Name: provider.FollowerLogout, Directory: b.Directory, Handler: b.backChannel, Holder: "bench", Now: b.Clock.Now,
	})
	must(b.T, err)
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = f.Run(ctx) }) // returns nil
	b.T.Cleanup(func() {
		stop()
		done.Wait()
	})
}

// Redeclare puts other applications or people in place of the present ones.
func (b *Bench) Redeclare(d users.Declaration) {
	b.T.Helper()
	_, err := b.Directory.Declare(b.T.Context(), d)
	must(b.T, err)
	must(b.T, b.Registry.Refresh(b.T.Context()))
}

// User returns the person of an address as the directory has them now.
func (b *Bench) User(email string) users.User {
	b.T.Helper()
	u, err := b.Directory.Read().UserByLogin(b.T.Context(), users.KeyOf(email))
	must(b.T, err)
	return u
}

// SetWindow gives a person an access window, as an import does; zero is no bound.
func (b *Bench) SetWindow(email string, from, until time.Time) {
	b.T.Helper()
	b.change(email, func(u *users.User) { u.AccessFrom, u.AccessUntil = from, until })
}

// Confine leaves a person only what a connection leaves to people on leave; empty: everything.
func (b *Bench) Confine(email string, connection users.ApplicationID) {
	b.T.Helper()
	b.change(email, func(u *users.User) { u.ConfinedTo = connection })
}

func (b *Bench) change(email string, change func(u *users.User)) {
	b.T.Helper()
	u := b.User(email)
	change(&u)
	must(b.T, b.store.Update(b.T.Context(), func(tx users.Tx) error {
		_, err := tx.UpdateUsers(b.T.Context(), []users.User{u})
		return err
	}))
}

// FlushEvents writes what was observed and returns the events of a kind, oldest first.
func (b *Bench) FlushEvents(kind users.EventKind) []users.Event {
	b.T.Helper()
	must(b.T, b.Directory.Flush(b.T.Context()))
	var found []users.Event
	for after := int64(0); ; {
		page, err := b.Directory.Read().Events(b.T.Context(), after, 500)
		must(b.T, err)
		if len(page) == 0 {
			return found
		}
		for _, e := range page {
			if after = e.Seq; e.Kind == kind {
				found = append(found, e)
			}
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
