package personio_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/importertest"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
)

// U-31. Every way to read an account keeps the same contract.
func TestSourcesKeepTheirContract(t *testing.T) {
	t.Parallel()
	v1 := []personiotest.Endpoint{personiotest.EndpointEmployees, personiotest.EndpointEmployee}
	v2 := []personiotest.Endpoint{personiotest.EndpointPersons, personiotest.EndpointPerson}
	all := personiotest.Scopes()
	for _, c := range []struct {
		name      string
		endpoints []personiotest.Endpoint // where trouble shows
		scopes    []string
		open      func(cfg personio.Config) (importer.Source, error)
	}{
		{"v1", v1, all, func(cfg personio.Config) (importer.Source, error) { return personio.New(cfg) }},
		{"v2", v2, all, func(cfg personio.Config) (importer.Source, error) { return personio.NewV2(cfg) }},
		{"auto, version 1 open", v1, all[:1], func(cfg personio.Config) (importer.Source, error) { return personio.NewAuto(cfg) }},
		{"auto, version 1 closed", v2, all[1:], func(cfg personio.Config) (importer.Source, error) { return personio.NewAuto(cfg) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			importertest.Run(t, func(t *testing.T, o importertest.Options) importertest.House {
				return house(t, o, c.endpoints, c.scopes, c.open)
			})
		})
	}
}

// house is a simulated account in the terms of the contract.
func house(
	t *testing.T, o importertest.Options, endpoints []personiotest.Endpoint, scopes []string,
	open func(cfg personio.Config) (importer.Source, error),
) importertest.House {
	cfg := personiotest.Config{Scopes: scopes}
	if o.BigIDs {
		cfg.Variants = []personiotest.Variant{personiotest.BigIDs}
	}
	sim := newSimulation(t, cfg)
	offset := int64(0)
	if o.BigIDs {
		offset = 1_067_807_102_794_000_000
	}
	email := func(id string) personiotest.Email {
		for _, e := range sim.People() {
			if strconv.FormatInt(e.ID+offset, 10) == id {
				return e.Email
			}
		}
		t.Errorf("no person %s", id)
		return ""
	}
	set := func(to personiotest.Email, name, value string) {
		if name == "supervisor" && value != "" {
			n, err := strconv.ParseInt(value, 10, 64)
			must(t, err)
			value = strconv.FormatInt(n-offset, 10)
		}
		must(t, sim.SetAttribute(to, personiotest.Attribute(name), value))
	}
	var meanwhile atomic.Pointer[func()]
	source, err := open(testConfig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if isList := r.URL.Path == "/v1/company/employees" || r.URL.Path == "/v2/persons"; isList && (q.Has("cursor") || (q.Has("offset") && q.Get("offset") != "0")) {
			if do := meanwhile.Swap(nil); do != nil {
				(*do)()
			}
		}
		sim.Handler().ServeHTTP(w, r)
	}), func(cfg *personio.Config) {
		cfg.ClientID, cfg.ClientSecret = sim.Credentials()
		if o.Hasty {
			cfg.RequestTimeout, cfg.Patience = 100*time.Millisecond, 200*time.Millisecond
		}
	}))
	must(t, err)
	return importertest.House{
		Source: source,
		Filter: "email=%s",
		Hire: func(p importertest.Profile) string {
			e, err := sim.Add(personiotest.Employee{Email: personiotest.Email(p["email"])})
			must(t, err)
			for name, value := range p {
				set(e.Email, name, value)
			}
			return strconv.FormatInt(e.ID+offset, 10)
		},
		Change: func(id, attribute, value string) { set(email(id), attribute, value) },
		Remove: func(id string) {
			n, err := strconv.ParseInt(id, 10, 64)
			must(t, err)
			must(t, sim.Remove(n-offset))
		},
		Grant:     sim.SetGranted,
		Break:     func(trouble importertest.Trouble) { breakAccount(t, sim, endpoints, trouble) },
		Meanwhile: func(do func()) { meanwhile.Store(&do) },
		Requests:  func() int { return len(sim.Requests()) },
	}
}

func breakAccount(t *testing.T, sim *personiotest.Server, endpoints []personiotest.Endpoint, trouble importertest.Trouble) {
	kinds := map[importertest.Trouble]personiotest.FaultKind{
		importertest.Passing: personiotest.BadGateway, importertest.Lasting: personiotest.ServerError,
		importertest.Garbage: personiotest.Truncated, importertest.LoginPage: personiotest.HTML,
	}
	switch trouble {
	case importertest.Wrong:
		sim.RenewCredentials()
		return
	case importertest.Forbidden:
		sim.SetScopes()
		return
	}
	times := 0
	if trouble == importertest.Passing {
		times = 2
	}
	for _, endpoint := range endpoints {
		must(t, sim.Inject(personiotest.Fault{Kind: kinds[trouble], Endpoint: endpoint, Times: times}))
	}
}

// probed is an account read by whatever version is open, with its log.
func probed(t *testing.T, sim *personiotest.Server) (*personio.Auto, *strings.Builder) {
	t.Helper()
	log := &strings.Builder{}
	source, err := personio.NewAuto(testConfig(t, sim.Handler(), func(cfg *personio.Config) {
		cfg.ClientID, cfg.ClientSecret = sim.Credentials()
		cfg.Logger = logTo(log)
	}))
	must(t, err)
	return source, log
}
