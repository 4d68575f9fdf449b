package personiotest

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/einlass/einlass/keys"
)

// Config describes the company and its account. The zero value is an empty
// company whose API tells everything.
type Config struct {
	Name   string // default: Acme GmbH
	Domain string // of the e-mail addresses; default: acme.example
	People int    // invented by the generator
	Seed   uint64 // the same seed invents the same people

	CompanyID    string         // as deliveries name it; default: 1234567
	Language     string         // of labels and messages: en (default) or de
	Zone         *time.Location // nil: Europe/Berlin
	ClientID     string         // of the API; default: papi-simulation
	ClientSecret keys.Secret    // of the API; default: random
	Granted      []string       // attributes the credentials may read; nil: all
	Scopes       []string       // of the API credentials; nil: Scopes()
	TokenTTL     time.Duration  // default: 24 h
	RateLimits   bool           // refuse more than the documented number of requests

	Delay             time.Duration // before each answer of the API
	DelayPerAttribute time.Duration // more, for each attribute that is asked for
	Variants          []Variant
	Faults            []Fault

	RelyingParty *RelyingParty    // nil: the web app offers no sign-in until Connect
	HTTP         *http.Client     // for the web app's calls to the identity provider, and for webhooks; nil: 10 s timeout
	Webhooks     []Webhook        // registered from the start; see RunDeliveries
	Logger       *slog.Logger     // nil discards
	Now          func() time.Time // nil: time.Now
}

// Server is a simulated Personio account. It is safe for concurrent use.
type Server struct {
	*Company

	cfg     Config
	table   map[string]attribute
	account account
	limits  limits
	log     requestLog
	hooks   webhooks
	web     *webApp

	mu       sync.Mutex // guards what follows
	variants map[Variant]bool
	granted  map[string]bool // nil: everything
	faults   []Fault
}

// New invents the company. It fails on unknown variants and faults, and on a
// relying party that could not work.
func New(cfg Config) (*Server, error) {
	if cfg.People < 0 {
		return nil, fmt.Errorf("a company of %d people", cfg.People)
	}
	cfg = cfg.withDefaults()
	s := &Server{
		Company:  &Company{Name: cfg.Name, now: cfg.Now, nextID: FirstID + int64(cfg.People)},
		cfg:      cfg,
		table:    attributeTable(),
		account:  account{id: cfg.ClientID, secret: cfg.ClientSecret, scopes: cfg.Scopes, ttl: cfg.TokenTTL, now: cfg.Now},
		limits:   limits{on: cfg.RateLimits, now: cfg.Now},
		log:      requestLog{now: cfg.Now},
		hooks:    webhooks{now: cfg.Now, registered: map[string]webhook{}},
		variants: map[Variant]bool{},
	}
	s.Company.changed = s.queue
	s.people = generate(cfg.People, cfg.Seed, cfg.Domain, cfg.Now().In(cfg.Zone))
	s.SetGranted(cfg.Granted...)
	for _, v := range cfg.Variants {
		if err := s.SetVariant(v, true); err != nil {
			return nil, err
		}
	}
	for _, f := range cfg.Faults {
		if err := s.Inject(f); err != nil {
			return nil, err
		}
	}
	for _, w := range cfg.Webhooks {
		if _, err := s.AddWebhook(w); err != nil {
			return nil, err
		}
	}
	s.web = newWebApp(s.Company, cfg)
	if cfg.RelyingParty != nil {
		if err := s.Connect(*cfg.RelyingParty); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (cfg Config) withDefaults() Config {
	cfg.Name = cmp.Or(cfg.Name, "Acme GmbH")
	cfg.Domain = cmp.Or(cfg.Domain, "acme.example")
	cfg.CompanyID = cmp.Or(cfg.CompanyID, "1234567")
	cfg.Language = cmp.Or(cfg.Language, "en")
	cfg.ClientID = cmp.Or(cfg.ClientID, "papi-simulation")
	cfg.ClientSecret = cmp.Or(cfg.ClientSecret, keys.NewSecret())
	cfg.TokenTTL = cmp.Or(cfg.TokenTTL, 24*time.Hour)
	if cfg.Scopes == nil {
		cfg.Scopes = Scopes()
	}
	if cfg.Zone == nil {
		zone, err := time.LoadLocation("Europe/Berlin")
		if err != nil { // a machine without time zones
			zone = time.FixedZone("CET", 3600)
		}
		cfg.Zone = zone
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	return cfg
}

// SetGranted changes what the API credentials may read; no name means
// everything. What is not granted is silently left out of every answer.
func (s *Server) SetGranted(names ...string) {
	var granted map[string]bool
	if len(names) > 0 {
		granted = map[string]bool{}
		for _, name := range names {
			granted[name] = true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.granted = granted
}

// writer is made for one answer, so that a switch thrown meanwhile does not
// change the shape within it.
func (s *Server) writer() *writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &writer{
		company: s.Company, table: s.table, variants: maps.Clone(s.variants), granted: s.granted,
		language: s.cfg.Language, zone: s.cfg.Zone,
	}
}

// Handler serves the API under /v1/ and /v2/, and the web app everywhere else.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", s.apiV1())
	mux.Handle("/v2/", s.apiV2())
	mux.Handle("/", s.web.handler())
	return mux
}

// Connect enters the identity provider into the web app's form, as an
// administrator does in Personio. It can be repeated.
func (s *Server) Connect(rp RelyingParty) error { return s.web.connect(rp) }
