package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what a Site needs. Issuer is required.
type Config struct {
	// Issuer is our own address. Its host is the only name that is answered, and
	// https makes cookies and headers strict. It has no path.
	Issuer *url.URL
	// AllowLoopback also takes forms from our own pages at localhost, 127.0.0.0/8 and ::1.
	AllowLoopback bool
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix

	// OrganizationName is shown on every page. Empty means Einlass.
	OrganizationName string
	// Languages are offered on pages, in this order. Empty means all there are.
	Languages []string
	Links     Links

	Logger  *slog.Logger     // nil discards
	Now     func() time.Time // nil means time.Now
	Observe func(a Answer)   // is told of each answer; nil: nobody
}

// Answer is what became of a request, for metrics.
type Answer struct {
	Route  string // the template of its path; empty: none
	Method string
	Status int
	Took   time.Duration
}

// Links lead from our pages to the organization's own. Empty ones are not shown.
type Links struct {
	Help    string // where people without access get help; mailto: is fine
	Privacy string
	Imprint string
}

// Site renders pages and runs handlers for one installation.
type Site struct {
	// Cookies reads and writes our cookies.
	Cookies Cookies

	cfg     Config
	origin  string
	catalog *catalog
	assets  map[string]asset // by the name under which it is served
	urls    map[string]string
	pages   ownPages
	unread  sync.Once // of an address that a proxy sends
}

// New returns a Site, with the pages of this package parsed.
func New(cfg Config) (*Site, error) {
	if err := checkIssuer(cfg.Issuer); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if cfg.OrganizationName == "" {
		cfg.OrganizationName = "Einlass"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	texts, err := loadCatalog(cfg.Languages)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &Site{
		Cookies: Cookies{Secure: cfg.Issuer.Scheme == "https"},
		cfg:     cfg,
		origin:  cfg.Issuer.Scheme + "://" + cfg.Issuer.Host,
		catalog: texts,
	}
	if s.assets, s.urls, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.pages, err = s.loadOwnPages(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return s, nil
}

func checkIssuer(issuer *url.URL) error {
	switch {
	case issuer == nil:
		return errors.New("no issuer")
	case !slices.Contains([]string{"http", "https"}, issuer.Scheme) || issuer.Host == "":
		return fmt.Errorf("issuer %s: want https://host", issuer.Redacted())
	case strings.Trim(issuer.Path, "/") != "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		return fmt.Errorf("issuer %s: want scheme and host only", issuer.Redacted())
	}
	return nil
}

// Issuer is our address as it was configured.
func (s *Site) Issuer() string { return s.cfg.Issuer.String() }

// Origin is the issuer's origin, such as https://sso.acme.example.
func (s *Site) Origin() string { return s.origin }

// Languages returns the codes of the languages of our pages.
func (s *Site) Languages() []string { return slices.Clone(s.catalog.codes) }
