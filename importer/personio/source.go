package personio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing"
)

// DefaultBaseURL is the root of Personio's API.
const DefaultBaseURL = "https://api.personio.de"

// Config is what a Source needs. ClientID, ClientSecret and HTTP are required.
type Config struct {
	BaseURL      string // root without /v1; default: DefaultBaseURL
	ClientID     string
	ClientSecret keys.Secret
	HTTP         *outgoing.Client
	// Unpaced does without the pauses that keep us below Personio's limits of
	// requests per second and minute. Only a source without limits wants that.
	Unpaced bool

	RequestTimeout time.Duration    // for one page, with the HTTP client's own repetitions; default: 30 s
	Patience       time.Duration    // how long a source may go without a successful page; default: 2 min
	Backoff        time.Duration    // bound of the first pause before asking again, doubled each time; default: 1 s
	Logger         *slog.Logger     // nil discards
	Now            func() time.Time // for the life of tokens; nil means time.Now
}

// Source is a Personio account, read by version 1 of the API. It is safe for
// concurrent use.
type Source struct{ *caller }

var _ importer.Several = (*Source)(nil)

// New checks the settings. It connects to nothing.
func New(cfg Config) (*Source, error) {
	c, err := newCaller(cfg, version1)
	if err != nil {
		return nil, err
	}
	return &Source{c}, nil
}

// newCaller checks the settings.
func newCaller(cfg Config, api protocol) (*caller, error) {
	cfg.BaseURL = cmp.Or(cfg.BaseURL, DefaultBaseURL)
	cfg.RequestTimeout = cmp.Or(cfg.RequestTimeout, 30*time.Second)
	cfg.Patience = cmp.Or(cfg.Patience, 2*time.Minute)
	cfg.Backoff = cmp.Or(cfg.Backoff, time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	root, err := parseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if cfg.ClientID == "" || cfg.ClientSecret == "" {
		return nil, errors.New("personio: client id and client secret are required")
	}
	if cfg.HTTP == nil {
		return nil, errors.New("personio: an HTTP client is required")
	}
	return &caller{cfg: cfg, root: root, api: api, pace: newPace(cfg, api), asking: make(chan struct{}, 1)}, nil
}

// parseBaseURL refuses what would send the credentials in the clear or elsewhere.
func parseBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("personio: base_url: want an address such as " + DefaultBaseURL)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return "", errors.New("personio: base_url: https is required")
	}
	root := strings.TrimRight(text, "/")
	if strings.HasSuffix(root, "/v1") || strings.HasSuffix(root, "/v2") {
		return "", errors.New("personio: base_url: leave out the version at the end")
	}
	return root, nil
}

// isLoopback reports whether a host can be this machine alone. Whether such
// hosts may be called at all is for the HTTP client to say.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.IsLoopback())
}

// maxGranted is far more than an account has attributes.
const maxGranted = 10_000

// Granted asks which attributes the credentials may read. Some credentials may
// not even ask that.
//
// Without a status nobody is imported. So an answer that does not name it, as
// Personio's own example of one, is compared with the list of people: who sends
// what may not be read knows nothing of rights.
func (s *Source) Granted(ctx context.Context) (granted []string, known bool, err error) {
	answer, err := s.get(ctx, request{path: "/v1/company/employees/attributes"})
	if isWithheld(err) { // also by something before Personio, which may have nothing there
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("granted attributes: %w", err)
	}
	data := answer.member("data")
	if !data.isArray() {
		return nil, false, fmt.Errorf("granted attributes: no list of attributes: %w", importer.ErrCorrupt)
	}
	granted = []string{attributeID}
	for attribute := range data.elements() {
		if len(granted) > maxGranted {
			return nil, false, fmt.Errorf("granted attributes: more than %d: %w", maxGranted, importer.ErrCorrupt)
		}
		if name := attribute.member("key").text(); name != "" && name != attributeID {
			granted = append(granted, name)
		}
	}
	if slices.Contains(granted, attributeStatus) {
		return granted, true, nil
	}
	shown, err := s.shows(ctx, attributeStatus)
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("granted attributes: %w", err)
	case shown:
		s.cfg.Logger.WarnContext(ctx, "people have an attribute that may not be read; what may be read is not known",
			slog.String("attribute", attributeStatus))
		return nil, false, nil
	}
	return granted, true, nil
}

// shows reports whether the list of people begins with somebody who has an attribute.
func (s *Source) shows(ctx context.Context, name string) (bool, error) {
	page, err := s.get(ctx, request{path: "/v1/company/employees", query: func() url.Values {
		return url.Values{"limit": {"1"}, "attributes[]": {name}}
	}})
	if err != nil {
		return false, noList(err)
	}
	list, err := decodeList(page, []string{name})
	if err != nil || len(list.people) == 0 {
		return false, err
	}
	return list.people[0].Attributes[name] != "", nil
}

// Person reads one person by the id that a list gave, or returns ErrGone.
func (s *Source) Person(ctx context.Context, id string, wanted []string) (importer.Person, error) {
	if !isDecimal(id) {
		return importer.Person{}, fmt.Errorf("person: the id is no number: %w", importer.ErrGone)
	}
	answer, err := s.get(ctx, request{path: "/v1/company/employees/" + id})
	if errors.Is(err, errNotFound) {
		return importer.Person{}, fmt.Errorf("person %s: %w", id, importer.ErrGone)
	}
	if err != nil {
		return importer.Person{}, fmt.Errorf("person %s: %w", id, err)
	}
	return decodePerson(answer.member("data"), wanted, map[string]bool{}), nil
}
