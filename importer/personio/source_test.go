package personio_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/outgoing"
)

// wanted is what the default mapping asks for.
func wanted() []string { return importer.Wanted(personio.DefaultMapping()) }

func newSimulation(t *testing.T, cfg personiotest.Config) *personiotest.Server {
	t.Helper()
	sim, err := personiotest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// newSource connects to the simulation. Waits are a thousandth of what they are
// in earnest.
func newSource(t *testing.T, sim *personiotest.Server, change func(cfg *personio.Config)) *personio.Source {
	t.Helper()
	id, secret := sim.Credentials()
	return newSourceAt(t, sim.Handler(), func(cfg *personio.Config) {
		cfg.ClientID, cfg.ClientSecret = id, secret
		if change != nil {
			change(cfg)
		}
	})
}

func newSourceAt(t *testing.T, handler http.Handler, change func(cfg *personio.Config)) *personio.Source {
	t.Helper()
	source, err := personio.New(testConfig(t, handler, change))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func testConfig(t *testing.T, handler http.Handler, change func(cfg *personio.Config)) personio.Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := personio.Config{
		BaseURL: server.URL, ClientID: "papi-test", ClientSecret: "secret", HTTP: newClient(t, 0), Unpaced: true,
		RequestTimeout: 20 * time.Second, Patience: 40 * time.Second, Backoff: time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// newClient takes bodies of so many bytes, 0 for as many as in earnest.
func newClient(t *testing.T, maxBytes int64) *outgoing.Client {
	t.Helper()
	client, err := outgoing.New(outgoing.Config{
		AllowLoopback: true,
		MaxBytes:      maxBytes,
		Sleep: func(ctx context.Context, d time.Duration) error {
			time.Sleep(d / 1000)
			return ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// reading is everything a source said until it ended.
type reading struct {
	people    []importer.Person
	pages     int
	announced int // by the last page
	err       error
}

func readAll(t *testing.T, source *personio.Source, wanted []string) reading {
	t.Helper()
	var r reading
	for page, err := range source.Pages(t.Context(), importer.Query{Wanted: wanted}) {
		if err != nil {
			r.err = err
			break
		}
		r.people = append(r.people, page.People...)
		r.announced = page.Announced
		r.pages++
	}
	return r
}

func (r reading) ids() []string {
	var ids []string
	for _, p := range r.people {
		ids = append(ids, p.ID)
	}
	return ids
}

func idsOf(people []personiotest.Employee) []string {
	var ids []string
	for _, e := range people {
		ids = append(ids, strconv.FormatInt(e.ID, 10))
	}
	return ids
}

// S-001, S-054a, S-054b, S-054c, S-054d, S-054e, S-054f, S-054g, S-054h, S-054i, S-054j
// F-50
func TestEverybodyIsReadAsHRWroteThem(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 250, Seed: 2})
	r := readAll(t, newSource(t, sim, nil), wanted())
	if r.err != nil || r.announced != 250 {
		t.Fatalf("reading: error %v, %d people announced, want 250", r.err, r.announced)
	}
	var want []importer.Person
	for _, e := range sim.People() {
		p := importer.Person{
			ID: strconv.FormatInt(e.ID, 10), Status: importer.Status(e.Status), HasManager: true,
			Attributes: map[string]string{
				"first_name": e.FirstName, "last_name": e.LastName, "email": string(e.Email), "status": string(e.Status),
				"position": e.Position, "employment_type": e.EmploymentType, "subcompany": e.Subcompany,
				"department": e.Department, "office": e.Office, "cost_centers": e.CostCenters[0],
			},
		}
		if e.SupervisorID != 0 {
			p.ManagerID = strconv.FormatInt(e.SupervisorID, 10)
		}
		want = append(want, p)
	}
	if diff := cmp.Diff(want, r.people); diff != "" {
		t.Errorf("people differ (-HR +read):\n%s", diff)
	}
}

// S-009, S-056
func TestExactlyElevenAttributesAreAskedFor(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 120})
	source := newSource(t, sim, nil)
	readAll(t, source, wanted())
	want := []string{
		"cost_centers", "department", "email", "employment_type", "first_name", "last_name",
		"office", "position", "status", "subcompany", "supervisor",
	}
	lists := 0
	for _, r := range sim.Requests() {
		if r.Path != "/v1/company/employees" {
			continue
		}
		lists++
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(r.Attributes))); diff != "" {
			t.Errorf("attributes asked for differ (-want +got):\n%s", diff)
		}
	}
	if lists < 2 {
		t.Errorf("%d lists were read, want two pages", lists)
	}
}

// S-009, S-055
func TestOnlyWantedAttributesAreAskedForAndKept(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 1})
	source := newSource(t, sim, nil)
	r := readAll(t, source, []string{"email", "status"})
	if got := sim.Requests()[1].Attributes; !slices.Equal(got, []string{"email", "status"}) {
		t.Errorf("asked for %v, want email and status", got)
	}
	single, err := source.Person(t.Context(), r.people[0].ID, []string{"email", "status"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []importer.Person{r.people[0], single} {
		if len(p.Attributes) != 2 || p.HasManager {
			t.Errorf("kept %v (manager %t), want email and status", p.Attributes, p.HasManager)
		}
	}
}

// S-020, S-015, S-019
func TestNothingButReadsAndTheAuthenticationIsSent(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 120})
	source := newSource(t, sim, nil)
	readAll(t, source, wanted())
	if _, _, err := source.Granted(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Person(t.Context(), "1000001", wanted()); err != nil {
		t.Fatal(err)
	}
	authentications := 0
	for _, r := range sim.Requests() {
		if r.AppID != "EINLASS" {
			t.Errorf("%s %s with application id %q, want EINLASS", r.Method, r.Path, r.AppID)
		}
		if r.Method == http.MethodGet && r.Authorized && !r.Query.Has("client_secret") {
			continue
		}
		authentications++
		if r.Method != http.MethodPost || r.Path != "/v1/auth" || len(r.Query) > 0 || r.Authorized {
			t.Errorf("%s %s?%s was sent", r.Method, r.Path, r.Query.Encode())
		}
	}
	if authentications != 1 {
		t.Errorf("%d authentications, want one for all", authentications)
	}
}

// S-003, S-010, N300
func TestRefusalsAreToldApart(t *testing.T) {
	t.Parallel()
	revokedLater := func(sim *personiotest.Server) error {
		return sim.Inject(personiotest.Fault{Kind: personiotest.Revoke, After: 1})
	}
	at := func(endpoint personiotest.Endpoint, kind personiotest.FaultKind) func(sim *personiotest.Server) error {
		return func(sim *personiotest.Server) error {
			return sim.Inject(personiotest.Fault{Kind: kind, Endpoint: endpoint})
		}
	}
	wrong := func(cfg *personio.Config) { cfg.ClientSecret = "wrong" }
	cases := []struct {
		name    string
		arrange func(sim *personiotest.Server) error
		change  func(cfg *personio.Config)
		want    error
	}{
		{"wrong credentials", nil, wrong, importer.ErrCredentials},
		{"credentials revoked during the run", revokedLater, nil, importer.ErrRevoked},
		{"401 at authentication", at(personiotest.EndpointAuth, personiotest.Unauthorized), nil, importer.ErrCredentials},
		{"403 at authentication", at(personiotest.EndpointAuth, personiotest.Forbidden), nil, importer.ErrCredentials},
		{"no success at authentication", at(personiotest.EndpointAuth, personiotest.Unsuccessful), nil, importer.ErrCredentials},
		{"a login page at authentication", at(personiotest.EndpointAuth, personiotest.HTML), nil, importer.ErrCorrupt},
		{"403 at the list", at(personiotest.EndpointEmployees, personiotest.Forbidden), nil, importer.ErrForbidden},
		{"401 at the list", at(personiotest.EndpointEmployees, personiotest.Unauthorized), nil, importer.ErrForbidden},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, personiotest.Config{People: 250, Language: "de"})
			source := newSource(t, sim, c.change)
			if c.arrange != nil {
				if err := c.arrange(sim); err != nil {
					t.Fatal(err)
				}
			}
			r := readAll(t, source, wanted())
			if !errors.Is(r.err, c.want) {
				t.Errorf("error %v, want %v", r.err, c.want)
			}
			if got := len(sim.Requests()); got > 7 {
				t.Errorf("%d requests to learn of a refusal", got)
			}
		})
	}
}

// S-010
func TestCredentialsRevokedAfterARunAreToldFromWrongOnes(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3})
	source := newSource(t, sim, nil)
	if r := readAll(t, source, wanted()); r.err != nil {
		t.Fatal(r.err)
	}
	sim.RevokeCredentials()
	for range 2 {
		if r := readAll(t, source, wanted()); !errors.Is(r.err, importer.ErrRevoked) {
			t.Errorf("error %v, want ErrRevoked", r.err)
		}
	}
}

// N300, N332
func TestTokensAreRenewedWhenTheyEnd(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 450, Faults: []personiotest.Fault{
		{Kind: personiotest.ExpireToken, After: 1, Times: 1}, {Kind: personiotest.ExpireToken, After: 4, Times: 1},
	}})
	r := readAll(t, newSource(t, sim, nil), wanted())
	if diff := cmp.Diff(idsOf(sim.People()), r.ids()); diff != "" || r.err != nil {
		t.Errorf("reading over two lost tokens: error %v, difference (-want +got):\n%s", r.err, diff)
	}
}

// N332
func TestATokenThatIsOverAtOnceDoesNotMakeALoop(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3, TokenTTL: time.Nanosecond})
	r := readAll(t, newSource(t, sim, nil), wanted())
	if !errors.Is(r.err, importer.ErrForbidden) || len(sim.Requests()) > 4 {
		t.Errorf("error %v after %d requests, want ErrForbidden after 4 at most", r.err, len(sim.Requests()))
	}
}

// S-005
func TestGrantedNamesWhatMayBeRead(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{Granted: []string{"email", "status", "office"}})
	granted, known, err := newSource(t, sim, nil).Granted(t.Context())
	slices.Sort(granted)
	if want := []string{"email", "id", "office", "status"}; !slices.Equal(granted, want) || !known || err != nil {
		t.Errorf("granted %v (known %t, error %v), want %v", granted, known, err, want)
	}
}

// attributesOf answers as sim does, but for the attributes that may be read.
func attributesOf(sim *personiotest.Server, attributes string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/company/employees/attributes" {
			sim.Handler().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true,"data":[` + attributes + `]}`))
	})
}

// S-005, N333. Personio's own example of what may be read names neither status nor
// address: who sends those all the same is not believed about rights.
func TestGrantedIsUnknownWhereThePeopleSayOtherwise(t *testing.T) {
	t.Parallel()
	const example = `{"key":"first_name","label":"First Name","type":"standard","universal_id":"first_name","options":[]},
		{"key":"last_name","label":"Last Name","type":"standard","universal_id":"last_name","options":[]},
		{"key":"dynamic_1","label":"IBAN","type":"standard","universal_id":"iban","options":[]}`
	for attributes, want := range map[string]struct {
		granted []string // by the list of people
		known   bool
		err     error
	}{
		example:                        {known: false},
		``:                             {known: false},
		`{"key":"email"}`:              {known: false},
		`{"key":"status"}`:             {known: true},
		example + `, {"key":"status"}`: {known: true},
		example + ` `:                  {granted: []string{"first_name", "email"}, known: true}, // as the list has it
		strings.Repeat(`{"key":"x"},`, 20_000) + `{"key":"status"}`: {err: importer.ErrCorrupt},
	} {
		sim := newSimulation(t, personiotest.Config{People: 3, Granted: want.granted})
		id, secret := sim.Credentials()
		source := newSourceAt(t, attributesOf(sim, attributes), func(cfg *personio.Config) { cfg.ClientID, cfg.ClientSecret = id, secret })
		granted, known, err := source.Granted(t.Context())
		if known != want.known || !errors.Is(err, want.err) || (len(granted) > 0) != known {
			t.Errorf("%.60s with the list of %v: granted %.60v (known %t, error %v), want known %t, error %v",
				attributes, want.granted, granted, known, err, want.known, want.err)
		}
	}
}

func TestGrantedIsUnknownWhereItMayNotBeAsked(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{Faults: []personiotest.Fault{{Kind: personiotest.Forbidden, Endpoint: personiotest.EndpointAttributes}}})
	if granted, known, err := newSource(t, sim, nil).Granted(t.Context()); granted != nil || known || err != nil {
		t.Errorf("granted %v (known %t, error %v), want unknown", granted, known, err)
	}
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusBadRequest} {
		sim := newSimulation(t, personiotest.Config{People: 3})
		id, secret := sim.Credentials()
		source := newSourceAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/company/employees/attributes" {
				http.Error(w, "no such page", status)
				return
			}
			sim.Handler().ServeHTTP(w, r)
		}), func(cfg *personio.Config) { cfg.ClientID, cfg.ClientSecret = id, secret })
		if granted, known, err := source.Granted(t.Context()); granted != nil || known || err != nil {
			t.Errorf("status %d: granted %v (known %t, error %v), want unknown", status, granted, known, err)
		}
		if r := readAll(t, source, wanted()); r.err != nil || len(r.people) != 3 {
			t.Errorf("status %d: error %v, %d people; want all", status, r.err, len(r.people))
		}
	}
	wrong := newSource(t, sim, func(cfg *personio.Config) { cfg.ClientSecret = "wrong" })
	if _, _, err := wrong.Granted(t.Context()); !errors.Is(err, importer.ErrCredentials) {
		t.Errorf("with wrong credentials: error %v, want ErrCredentials", err)
	}
}

// An address that is not Personio's, or a proxy before it, makes nothing known.
func TestAnswersThatAreNotTheAPIsAreRefused(t *testing.T) {
	t.Parallel()
	const token = `{"success":true,"data":{"token":"papi-token"}}`
	for name, answers := range map[string]struct {
		status           int // of the authentication
		auth, attributes string
	}{
		"no such path":                 {404, `{"success":false,"error":{"code":404}}`, ""},
		"no token":                     {200, `{"success":true,"data":{}}`, ""},
		"an empty token":               {200, `{"success":true,"data":{"token":""}}`, ""},
		"a token that is no text":      {200, `{"success":true,"data":{"token":7}}`, ""},
		"attributes that are no list":  {200, token, `{"success":true,"data":{"key":"email"}}`},
		"an answer without attributes": {200, token, `{"success":true}`},
	} {
		source := newSourceAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/v1/auth" {
				w.WriteHeader(answers.status)
				_, _ = w.Write([]byte(answers.auth))
				return
			}
			_, _ = w.Write([]byte(answers.attributes))
		}), nil)
		if granted, known, err := source.Granted(t.Context()); !errors.Is(err, importer.ErrCorrupt) || known {
			t.Errorf("%s: granted %v (known %t), error %v; want ErrCorrupt", name, granted, known, err)
		}
	}
}

// S-005. Absent is not empty.
// B-15
func TestWhatIsNotGrantedIsAbsent(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 1, Granted: []string{"email", "team", "last_name"}})
	r := readAll(t, newSource(t, sim, nil), append(wanted(), "team"))
	want := []importer.Person{{ID: "1000001", Attributes: map[string]string{
		"email": string(sim.People()[0].Email), "last_name": sim.People()[0].LastName, "team": "",
	}}}
	if diff := cmp.Diff(want, r.people); diff != "" || r.err != nil {
		t.Errorf("error %v, difference (-want +got):\n%s", r.err, diff)
	}
}

func TestOnePersonIsReadByID(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 3})
	source := newSource(t, sim, nil)
	all := readAll(t, source, wanted())
	one, err := source.Person(t.Context(), "1000002", wanted())
	if diff := cmp.Diff(all.people[1], one); diff != "" || err != nil {
		t.Errorf("error %v, difference to the list (-list +single):\n%s", err, diff)
	}
}

// Only Personio's own word makes a person gone: a gateway's 404 must not lock
// somebody out.
func TestOnlyPersonioCanSayThatAPersonIsGone(t *testing.T) {
	t.Parallel()
	sim := newSimulation(t, personiotest.Config{People: 1})
	source := newSource(t, sim, nil)
	for _, id := range []string{"1000009", "", "../1000001", "1e6", "0"} {
		if _, err := source.Person(t.Context(), id, wanted()); !errors.Is(err, importer.ErrGone) {
			t.Errorf("person %q: error %v, want ErrGone", id, err)
		}
	}
	answers := map[string]struct {
		status            int
		contentType, body string
		want              error
	}{
		"a gateway's page":     {404, "text/html", "<h1>404</h1>", importer.ErrCorrupt},
		"a router's text":      {404, "text/plain", "404 page not found", importer.ErrCorrupt},
		"success after all":    {404, "application/json", `{"success":true,"data":{}}`, importer.ErrCorrupt},
		"a proxy's refusal":    {403, "text/html", "<h1>blocked</h1>", importer.ErrCorrupt},
		"not found in a 200":   {200, "application/json", `{"success":false,"error":{"code":404}}`, importer.ErrGone},
		"a redirect elsewhere": {302, "text/html", "", importer.ErrCorrupt},
	}
	for name, answer := range answers {
		source := newSourceAt(t, authenticated(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", answer.contentType)
			w.WriteHeader(answer.status)
			_, _ = w.Write([]byte(answer.body))
		}), nil)
		if _, err := source.Person(t.Context(), "7", wanted()); !errors.Is(err, answer.want) {
			t.Errorf("%s: error %v, want %v", name, err, answer.want)
		}
	}
}

// authenticated lets everybody in and serves the rest by list.
func authenticated(list http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/auth", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true,"data":{"token":"papi-token"}}`))
	})
	mux.HandleFunc("GET /v1/company/", list)
	return mux
}

func TestNoSecretIsLoggedOrReported(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	sim := newSimulation(t, personiotest.Config{
		People: 3, ClientSecret: "very-secret-indeed",
		Faults: []personiotest.Fault{{Kind: personiotest.ServerError}, {Kind: personiotest.ServerError, Endpoint: personiotest.EndpointAuth, Times: 1}},
	})
	source := newSource(t, sim, func(cfg *personio.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		cfg.RequestTimeout, cfg.Patience = 50*time.Millisecond, 200*time.Millisecond
	})
	r := readAll(t, source, wanted())
	if r.err == nil || log.Len() == 0 {
		t.Fatalf("error %v, log %q; want both", r.err, log.String())
	}
	for _, text := range []string{log.String(), r.err.Error()} {
		if strings.Contains(text, "very-secret") || strings.Contains(text, "papi-") {
			t.Errorf("a secret in %q", text)
		}
	}
}

// S-004
func TestBaseURLsThatWouldLeakAreRefused(t *testing.T) {
	t.Parallel()
	client, err := outgoing.New(outgoing.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{
		"":                              true, // the default
		"https://api.personio.de":       true,
		"https://api.personio.de/":      true,
		"https://gateway.example/hr":    true,
		"http://127.0.0.1:8081":         true,
		"http://localhost:8081":         true,
		"http://[::1]:8081":             true,
		"http://api.personio.de":        false,
		"http://127.0.0.1.evil.example": false,
		"https://me:pw@api.personio.de": false,
		"https://api.personio.de/v1":    false,
		"https://api.personio.de?x=1":   false,
		"https://api.personio.de#x":     false,
		"ftp://api.personio.de":         false,
		"/v1":                           false,
		"api.personio.de":               false,
	}
	for base, good := range cases {
		_, err := personio.New(personio.Config{BaseURL: base, ClientID: "id", ClientSecret: "secret", HTTP: client})
		if (err == nil) != good {
			t.Errorf("base URL %q: error %v, accepted should be %t", base, err, good)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
	for name, cfg := range map[string]personio.Config{
		"no client id": {ClientSecret: "secret", HTTP: client}, "no secret": {ClientID: "id", HTTP: client}, "no HTTP client": {ClientID: "id", ClientSecret: "secret"},
	} {
		if _, err := personio.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
