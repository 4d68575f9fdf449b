package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/einlass/einlass/importer/personio"
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

// Timeouts of the servers, against clients that dawdle.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	drainTimeout      = 20 * time.Second
	sweepEvery        = 10 * time.Minute
)

// server is the house with its doors open.
type server struct {
	*app
	registry   *provider.Registry
	hooks      *personio.Webhooks
	logouts    *notify.Follower
	mails      *notify.Follower // nil: nothing is mailed
	handler    http.Handler
	public     *net.TCPListener
	management *net.TCPListener
	certs      *certificates // nil: TLS ends at a proxy
	draining   atomic.Bool
}

// openServer builds everything that serve runs, listeners included, so that
// whatever is wrong shows before anything is served. A nil public listener is
// opened at cfg.Listen; the server closes either.
func openServer(ctx context.Context, cfg Config, public *net.TCPListener, log *slog.Logger) (_ *server, err error) {
	s := &server{public: public}
	defer func() {
		if err != nil {
			_ = s.close() // the first error is the one to report
		}
	}()
	if s.app, err = openApp(ctx, cfg, appOptions{Migrate: true, Logger: log, Metrics: newMetrics()}); err != nil {
		return nil, err
	}
	s.metrics.registry.MustRegister(newStateCollector(s.app))
	if _, err := s.openSessions(ctx); err != nil {
		return nil, err
	}
	log.InfoContext(ctx, "stores open", "directory", cfg.directoryEngine(), "sessions", s.sessions.Name())
	if s.handler, err = s.build(ctx); err != nil {
		return nil, err
	}
	if cfg.TLS.CertFile != "" {
		if s.certs, err = openCertificates(cfg.TLS, log); err != nil {
			return nil, err
		}
	}
	if s.public == nil {
		if s.public, err = listen(cfg.Listen); err != nil {
			return nil, err
		}
	}
	if cfg.ManagementListen != "" {
		if s.management, err = listen(cfg.ManagementListen); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *server) close() error {
	var errs []error
	for _, l := range []*net.TCPListener{s.public, s.management} {
		if l != nil {
			_ = l.Close() // closed already after a graceful stop
		}
	}
	if s.app != nil {
		errs = append(errs, s.app.Close())
	}
	return errors.Join(errs...)
}

// build puts the provider together: pages, sign-in, portal, console, protocol.
func (s *server) build(ctx context.Context) (http.Handler, error) {
	issuer, err := url.Parse(s.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	zone, err := s.cfg.zone()
	if err != nil {
		return nil, err
	}
	site, err := web.New(web.Config{
		Issuer:           issuer,
		AllowLoopback:    s.cfg.InsecureAllowLoopback,
		TrustedProxies:   s.cfg.TrustedProxies,
		OrganizationName: s.cfg.Organization.Name,
		Languages:        s.cfg.Organization.Languages,
		Logger:           s.log,
		Observe:          s.metrics.answered,
	})
	if err != nil {
		return nil, err
	}
	sessions, err := session.NewManager(session.Config{Store: s.sessions})
	if err != nil {
		return nil, err
	}
	s.hooks, err = personio.NewWebhooks(personio.WebhooksConfig{Directory: s.Directory, Logger: s.log, Observe: s.metrics.delivered})
	if err != nil {
		return nil, err
	}
	s.registry = provider.NewRegistry(provider.RegistryConfig{
		Source:   s.Directory.Read(),
		OnChange: func(ctx context.Context) error { return errors.Join(s.Ring.Refresh(ctx), s.hooks.Refresh(ctx)) },
		Logger:   s.log,
	})
	if err := s.registry.Refresh(ctx); err != nil {
		return nil, err
	}
	authorizer, err := provider.NewAuthorizer(provider.AuthorizerConfig{
		Issuer: s.cfg.Issuer, Registry: s.registry, Users: s.Directory, Sessions: sessions, Keys: s.Ring, Site: site, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	backChannel, err := s.buildLogouts(sessions)
	if err != nil {
		return nil, err
	}
	signIn, err := login.New(login.Config{
		Users: s.Directory, Sessions: sessions, Site: site, Applications: s.registry, Finish: authorizer.Finish, Logger: s.log,
		LogoutTarget: s.registry.LogoutTarget, SessionEnded: backChannel.Await,
	})
	if err != nil {
		return nil, err
	}
	tiles, err := portal.New(portal.Config{
		Users: s.Directory, Sessions: sessions, Site: site, Applications: s.registry, Zone: zone, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	links := admin.NewLinks(s.sealer, s.cfg.Issuer, nil)
	console, err := admin.New(admin.Config{
		Users: s.Directory, Imports: s.Imports, Sessions: sessions, Site: site, Links: links, Zone: zone, Issuer: s.cfg.Issuer,
		Form: func(a users.SignIn) []admin.FormValue { return provider.FormOf(s.cfg.Issuer, a).Values() },
	})
	if err != nil {
		return nil, err
	}
	if err := s.buildMails(issuer, zone, links); err != nil {
		return nil, err
	}
	client, err := s.outgoing(upstreamApplication, outgoing.Config{})
	if err != nil {
		return nil, err
	}
	p, err := provider.New(provider.Config{
		Issuer:      s.cfg.Issuer,
		Authorizer:  authorizer,
		Registry:    s.registry,
		Users:       s.Directory,
		Sessions:    sessions,
		Keys:        s.Ring,
		SigningAlgs: signingAlgs,
		Outgoing:    client,
		Site:        site,
		Login:       signIn.Routes(),
		SignOut:     signIn.SignOut,
		Portal:      tiles.Routes(),
		Admin:       console.Routes(),
		Hooks:       s.hooks.Routes(),
		Logger:      s.log,

		TokensIssued: s.metrics.issued,
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// run serves until ctx ends, then drains: readiness drops, requests under way
// are answered, queued events are written. No code in flight is lost, because
// codes live in the store.
func (s *server) run(ctx context.Context) error {
	public := s.newServer(s.handler)
	if s.certs != nil {
		public.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certs.get}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	// The log of observations is written until the last request has been answered.
	observing, stopObserving := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return s.Directory.Run(observing) })
	group.Go(func() error { return s.registry.Run(groupCtx) })
	group.Go(func() error { return s.Imports.Serve(groupCtx) })
	group.Go(func() error { return s.sweep(groupCtx) })
	group.Go(func() error { return s.logouts.Run(observing) })
	group.Go(func() error { return s.hooks.Run(observing) })
	group.Go(func() error { return s.Registrar.Run(groupCtx) })
	if s.mails != nil {
		group.Go(func() error { return s.mails.Run(observing) })
	}
	group.Go(func() error { return s.rotateKeys(groupCtx) })
	group.Go(func() error { return s.Directory.ServeRules(groupCtx) })
	group.Go(func() error {
		defer stopObserving()
		return serveUntil(groupCtx, public, s.public)
	})
	if s.management != nil { // for as long as anything is still answered
		management := s.newServer(s.managementHandler())
		group.Go(func() error { return serveUntil(observing, management, s.management) })
	}
	context.AfterFunc(groupCtx, func() { s.draining.Store(true) })
	s.log.InfoContext(ctx, "ready", "issuer", s.cfg.Issuer, "listen", s.public.Addr().String())
	return group.Wait()
}

func (s *server) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    web.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// sweep deletes what has expired: sessions, where the store does not do so
// itself, signing keys that nothing valid was signed with, and calls that were watched.
func (s *server) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			err := errors.Join(s.sessions.Sweep(ctx, time.Now()), s.Ring.Prune(ctx), s.Directory.ForgetCalls(ctx))
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "expired entries not swept", "error", err)
			}
		}
	}
}

// serve is the command: open, run, close.
func serve(ctx context.Context, cfg Config, log *slog.Logger) error {
	s, err := openServer(ctx, cfg, nil, log)
	if err != nil {
		return err
	}
	return errors.Join(s.run(ctx), s.close())
}
