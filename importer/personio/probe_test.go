package personio_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

func logTo(log *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(log, nil)) }

// versions counts the requests by version.
func versions(sim *personiotest.Server) (v1, v2 int) {
	for _, r := range sim.Requests() {
		if strings.HasPrefix(r.Path, "/v1/") {
			v1++
		} else {
			v2++
		}
	}
	return v1, v2
}

// full is what a run does.
func full(t *testing.T, source importer.Source) reading {
	t.Helper()
	if _, _, err := source.Granted(t.Context()); err != nil {
		return reading{err: err}
	}
	return collect(source.Pages(t.Context(), importer.Query{Wanted: wanted()}))
}

// U-31
func TestTheVersionThatIsOpenIsRead(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 120})
	source, log := probed(t, sim)
	if r := full(t, source); r.err != nil || len(r.people) != 120 || log.Len() != 0 {
		t.Fatalf("error %v, %d people, log %q", r.err, len(r.people), log)
	}
	if v1, v2 := versions(sim); v1 != 4 || v2 != 0 {
		t.Errorf("%d requests by version 1 and %d by version 2; want a token, the attributes and two pages", v1, v2)
	}
	// The right is taken away, and given back.
	sim.SetScopes(personiotest.ScopePersons)
	for range 2 {
		if r := full(t, source); r.err != nil || len(r.people) != 120 || r.announced != -1 {
			t.Errorf("without version 1: error %v, %d people", r.err, len(r.people))
		}
	}
	if n := strings.Count(log.String(), "read by version 2"); n != 1 || !strings.Contains(log.String(), "403") {
		t.Errorf("log %q, want to hear once of version 2 and why", log)
	}
	sim.SetScopes(personiotest.Scopes()...)
	sim.ForgetRequests()
	if r := full(t, source); r.err != nil || r.announced != 120 {
		t.Errorf("with version 1 again: error %v, %d announced", r.err, r.announced)
	}
	if _, v2 := versions(sim); v2 != 0 || !strings.Contains(log.String(), "open again") {
		t.Errorf("%d requests by version 2, log %q", v2, log)
	}
}

// Some credentials may not ask for attributes, and may read people all the same.
func TestOnlyTheListDecidesWhetherVersion1IsOpen(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3, Faults: []personiotest.Fault{{Kind: personiotest.Forbidden, Endpoint: personiotest.EndpointAttributes}}})
	source, log := probed(t, sim)
	if r := full(t, source); r.err != nil || r.announced != 3 || log.Len() != 0 {
		t.Errorf("error %v, %d announced, log %q; want version 1", r.err, r.announced, log)
	}
	must(t, sim.Inject(personiotest.Fault{Kind: personiotest.Forbidden, Endpoint: personiotest.EndpointEmployees}))
	if r := full(t, source); r.err != nil || r.announced != -1 || len(r.people) != 3 {
		t.Errorf("error %v, %d people, %d announced; want version 2", r.err, len(r.people), r.announced)
	}
}

// What may pass is no reason to read by another version: people would change
// with the weather.
func TestTroubleChangesNoVersion(t *testing.T) {
	t.Parallel()
	for _, kind := range []personiotest.FaultKind{
		personiotest.ServerError, personiotest.BadGateway, personiotest.RateLimited, personiotest.Truncated, personiotest.HTML, personiotest.Unsuccessful,
	} {
		sim := newSimulation(t, personiotest.Config{People: 3})
		for _, endpoint := range []personiotest.Endpoint{personiotest.EndpointEmployees, personiotest.EndpointEmployee, personiotest.EndpointAttributes} {
			must(t, sim.Inject(personiotest.Fault{Kind: kind, Endpoint: endpoint}))
		}
		source, err := personio.NewAuto(testConfig(t, sim.Handler(), func(cfg *personio.Config) {
			cfg.ClientID, cfg.ClientSecret = sim.Credentials()
			cfg.RequestTimeout, cfg.Patience = 50*time.Millisecond, 100*time.Millisecond
		}))
		must(t, err)
		if r := full(t, source); r.err == nil {
			t.Errorf("%s: a reading succeeded", kind)
		}
		if _, err := source.Person(t.Context(), "1000001", wanted()); err == nil {
			t.Errorf("%s: a person was read", kind)
		}
		if _, v2 := versions(sim); v2 != 0 {
			t.Errorf("%s: %d requests by version 2", kind, v2)
		}
	}
}

// The day on which version 1 is switched off: nobody is gone because of it.
func TestNobodyIsGoneBecauseVersion1Is(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusGone, http.StatusForbidden} {
		sim := newSimulation(t, personiotest.Config{People: 3})
		off := false
		source, err := personio.NewAuto(testConfig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if off && strings.HasPrefix(r.URL.Path, "/v1/company") {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `{"success":false,"error":{"code":%d,"message":"Gone"}}`, status)
				return
			}
			sim.Handler().ServeHTTP(w, r)
		}), func(cfg *personio.Config) { cfg.ClientID, cfg.ClientSecret = sim.Credentials() }))
		must(t, err)
		if r := full(t, source); r.err != nil || r.announced != 3 {
			t.Fatalf("error %v, %d announced", r.err, r.announced)
		}
		off = true
		if p, err := source.Person(t.Context(), "1000001", wanted()); err != nil || p.Status != importer.StatusActive {
			t.Errorf("status %d: error %v, status %q; want an active person", status, err, p.Status)
		}
		if _, err := source.Person(t.Context(), "7", wanted()); !errors.Is(err, importer.ErrGone) {
			t.Errorf("status %d: error %v for nobody, want ErrGone", status, err)
		}
		if r := full(t, source); r.err != nil || len(r.people) != 3 || r.announced != -1 {
			t.Errorf("status %d: error %v, %d people", status, r.err, len(r.people))
		}
	}
}

// Where version 1 is not even there to be signed in to, version 2 is read; and where
// neither is, it is the address, and not the credentials.
func TestAnAddressWithoutVersion1IsReadByVersion2(t *testing.T) {
	t.Parallel()
	for name, nothing := range map[string]struct{ contentType, body string }{
		"a web server's page": {"text/html", "<h1>404</h1>"},
		"a router's text":     {"text/plain", "404 page not found"},
		"a gateway's JSON":    {"application/json", `{"message":"no Route matched"}`},
		"version 1's words":   {"application/json", `{"success":false,"error":{"code":404,"message":"?"}}`},
		"version 2's words":   {"application/problem+json", `{"errors":[{"title":"Resource not found"}]}`},
	} {
		for _, gone := range []string{"/v1/", "/"} {
			sim := newSimulation(t, personiotest.Config{People: 3})
			source, err := personio.NewAuto(testConfig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, gone) {
					w.Header().Set("Content-Type", nothing.contentType)
					w.WriteHeader(http.StatusNotFound)
					_, _ = w.Write([]byte(nothing.body))
					return
				}
				sim.Handler().ServeHTTP(w, r)
			}), func(cfg *personio.Config) { cfg.ClientID, cfg.ClientSecret = sim.Credentials() }))
			must(t, err)
			r := full(t, source)
			if gone == "/v1/" && (r.err != nil || len(r.people) != 3) {
				t.Errorf("%s: error %v, %d people; want all by version 2", name, r.err, len(r.people))
			}
			if gone == "/" && (!errors.Is(r.err, importer.ErrCorrupt) || errors.Is(r.err, importer.ErrCredentials) || !strings.Contains(r.err.Error(), "version 2")) {
				t.Errorf("%s everywhere: error %v, want ErrCorrupt of both versions", name, r.err)
			}
		}
	}
}

func TestNeitherVersionOpenIsSaidOfBoth(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3, Scopes: []string{personiotest.ScopeWebhooksRead}})
	source, _ := probed(t, sim)
	if r := full(t, source); !errors.Is(r.err, importer.ErrForbidden) || !strings.Contains(r.err.Error(), "version 1") || !strings.Contains(r.err.Error(), "version 2") {
		t.Errorf("error %v, want ErrForbidden with both versions", r.err)
	}
}

// A connection's account is opened once, until something about it changes.
func TestAccountsAreOpenedOnce(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3})
	cfg := testConfig(t, sim.Handler(), nil)
	accounts := personio.NewAccounts(cfg)
	id, secret := sim.Credentials()
	app := func(id users.ApplicationID, change func(i *users.Import)) users.Application {
		i := users.Import{BaseURL: cfg.BaseURL, ClientID: "papi-simulation"}
		change(&i)
		return users.Application{ID: id, Import: &i}
	}
	open := func(a users.Application, secret keys.Secret) importer.Source {
		t.Helper()
		source, err := accounts.Open(a, secret)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	same := func(i *users.Import) { i.ClientID = id }
	first := open(app("a", same), secret)
	if full(t, first); open(app("a", same), secret) != first {
		t.Error("an account was opened twice")
	}
	for name, other := range map[string]importer.Source{
		"another connection": open(app("b", same), secret),
		"another secret":     open(app("a", same), "other"),
		"another client":     open(app("a", func(i *users.Import) { i.ClientID = "x" }), secret),
		"another address":    open(app("a", func(i *users.Import) { i.BaseURL = "http://127.0.0.1:1" }), secret),
		"another version":    open(app("a", func(i *users.Import) { i.ClientID, i.API = id, users.APIv1 }), secret),
	} {
		if other == first {
			t.Errorf("%s: the same account", name)
		}
	}
	if _, ok := open(app("a", func(i *users.Import) { i.API = users.APIv2 }), secret).(*personio.SourceV2); !ok {
		t.Error("api v2 is not read by version 2")
	}
	if _, ok := open(app("a", func(i *users.Import) { i.API = users.APIAuto }), secret).(*personio.Auto); !ok {
		t.Error("api auto does not find out")
	}
	if _, err := accounts.Open(app("a", func(i *users.Import) { i.API = "v3" }), secret); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("api v3: error %v, want ErrInvalid", err)
	}
	if _, err := accounts.Open(app("a", same), ""); err == nil {
		t.Error("an account without a secret was opened")
	}
}
