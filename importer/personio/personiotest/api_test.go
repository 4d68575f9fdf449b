package personiotest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// api is a client that speaks plain HTTP, so that the simulator is held to what
// Personio documents and not to what our own client does.
type api struct {
	t     *testing.T
	sim   *personiotest.Server
	root  string
	token string
}

func newAPI(t *testing.T, cfg personiotest.Config) *api {
	t.Helper()
	sim := newServer(t, cfg)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	return &api{t: t, sim: sim, root: server.URL}
}

// reply is an answer of the API.
type reply struct {
	status      int
	contentType string
	header      http.Header
	text        string
	body        struct {
		Success  bool
		Error    struct{ Code int }
		Metadata *struct {
			Total   int `json:"total_elements"`
			Current int `json:"current_page"`
			Pages   int `json:"total_pages"`
		}
		Data json.RawMessage
	}
}

func (a *api) do(req *http.Request) reply {
	a.t.Helper()
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type"), header: resp.Header, text: string(text)}
	if strings.HasPrefix(r.contentType, "application/json") {
		if err := json.Unmarshal(text, &r.body); err != nil {
			a.t.Fatalf("answer is no JSON: %v", err)
		}
	}
	return r
}

func (a *api) get(path string) reply {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.root+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.do(req)
}

func (a *api) post(path, contentType, body string) reply {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.root+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return a.do(req)
}

// signIn authenticates with JSON and keeps the token.
func (a *api) signIn() *api {
	a.t.Helper()
	id, secret := a.sim.Credentials()
	r := a.post("/v1/auth", "application/json", fmt.Sprintf(`{"client_id":%q,"client_secret":%q}`, id, secret.Reveal()))
	var data struct{ Token string }
	if err := json.Unmarshal(r.body.Data, &data); err != nil || data.Token == "" || r.status != http.StatusOK {
		a.t.Fatalf("authentication: status %d, %s", r.status, r.text)
	}
	a.token = data.Token
	return a
}

// ids returns the ids of a page, in order.
func (r reply) ids(t *testing.T) []int64 {
	t.Helper()
	var rows []struct {
		Attributes struct{ ID struct{ Value int64 } }
	}
	if err := json.Unmarshal(r.body.Data, &rows); err != nil {
		t.Fatalf("no page of people: %v: %s", err, r.text)
	}
	ids := []int64{}
	for _, row := range rows {
		ids = append(ids, row.Attributes.ID.Value)
	}
	return ids
}

// first returns the attributes of the first person on a page, as written.
func (r reply) first(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	var rows []struct{ Attributes map[string]json.RawMessage }
	if err := json.Unmarshal(r.body.Data, &rows); err != nil || len(rows) == 0 {
		t.Fatalf("no page of people: %v: %s", err, r.text)
	}
	return rows[0].Attributes
}

func TestAuthenticationTakesJSONAndForms(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{ClientID: "papi-1", ClientSecret: "s3cret"})
	form := url.Values{"client_id": {"papi-1"}, "client_secret": {"s3cret"}}.Encode()
	byForm := a.post("/v1/auth", "application/x-www-form-urlencoded", form)
	byJSON := a.post("/v1/auth", "application/json", `{"client_id":"papi-1","client_secret":"s3cret"}`)
	if byForm.status != http.StatusOK || byForm.text != byJSON.text {
		t.Errorf("form: %d %s, JSON: %d %s; want the same token twice", byForm.status, byForm.text, byJSON.status, byJSON.text)
	}
	if !strings.Contains(byJSON.text, `"token":"papi-`) || !strings.Contains(byJSON.text, `"expires_in":86400`) {
		t.Errorf("answer %s, want a token papi-… for 24 hours", byJSON.text)
	}
	refused := map[string]reply{
		"wrong secret":             a.post("/v1/auth", "application/json", `{"client_id":"papi-1","client_secret":"wrong"}`),
		"no body":                  a.post("/v1/auth", "application/x-www-form-urlencoded", ""),
		"credentials in the query": a.post("/v1/auth?"+form, "application/json", `{"client_id":"papi-1","client_secret":"s3cret"}`),
	}
	for name, r := range refused {
		if r.status != http.StatusForbidden || r.body.Success {
			t.Errorf("%s: status %d, %s; want 403", name, r.status, r.text)
		}
	}
}

func TestTokensOpenTheAPIForTheirLife(t *testing.T) {
	t.Parallel()
	now := today
	a := newAPI(t, personiotest.Config{People: 3, TokenTTL: time.Minute, Now: func() time.Time { return now }})
	if r := a.get("/v1/company/employees"); r.status != http.StatusUnauthorized {
		t.Errorf("without a token: status %d, want 401", r.status)
	}
	a.token = "papi-invented"
	if r := a.get("/v1/company/employees"); r.status != http.StatusForbidden {
		t.Errorf("with an invented token: status %d, want 403", r.status)
	}
	a.token = ""
	a.signIn()
	if r := a.get("/v1/company/employees"); r.status != http.StatusOK || r.header.Get("Authorization") != "Bearer "+a.token {
		t.Errorf("with the token: status %d, header %q; want 200 and the token", r.status, r.header.Get("Authorization"))
	}
	now = now.Add(time.Minute)
	if r := a.get("/v1/company/employees"); r.status != http.StatusForbidden {
		t.Errorf("with an expired token: status %d, want 403", r.status)
	}
	a.token = ""
	a.signIn()
	a.sim.RevokeCredentials()
	if r := a.get("/v1/company/employees"); r.status != http.StatusForbidden {
		t.Errorf("after the credentials were revoked: status %d, want 403", r.status)
	}
	a.sim.RenewCredentials()
	a.token = ""
	a.signIn()
	if r := a.get("/v1/company/employees"); r.status != http.StatusOK {
		t.Errorf("with new credentials: status %d, want 200", r.status)
	}
}

func TestPagesAreAtMostAHundredPeople(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 230}).signIn()
	cases := []struct {
		name, query string
		people      int
		first       int64
		current     int
	}{
		{"the default is fifty", "", 50, 0, 0},
		{"a hundred", "?limit=100", 100, 0, 0},
		{"offsets count people", "?limit=100&offset=30", 100, 30, 0},
		{"the last page is short", "?limit=100&offset=200", 30, 200, 2},
		{"beyond the end nobody is", "?limit=100&offset=300", 0, 0, 3},
	}
	for _, c := range cases {
		r := a.get("/v1/company/employees" + c.query)
		ids := r.ids(t)
		if len(ids) != c.people || (len(ids) > 0 && ids[0] != personiotest.FirstID+c.first) {
			t.Errorf("%s: %d people from %v, want %d from %d", c.name, len(ids), ids[:min(1, len(ids))], c.people, personiotest.FirstID+c.first)
		}
		if m := r.body.Metadata; m == nil || m.Total != 230 || m.Current != c.current {
			t.Errorf("%s: metadata %+v, want 230 people, page %d", c.name, m, c.current)
		}
	}
	for _, query := range []string{"?limit=101", "?limit=0", "?limit=x", "?offset=-1"} {
		if r := a.get("/v1/company/employees" + query); r.status == http.StatusOK || r.body.Success {
			t.Errorf("%s: status %d, want a refusal", query, r.status)
		}
	}
}

func TestOnlyWhatIsAskedForAndGrantedIsTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 1}).signIn()
	a.sim.SetGranted("email", "status", "dynamic_7123994")
	cases := map[string][]string{
		"": {"dynamic_7123994", "email", "id", "status"},
		"?attributes[]=email&attributes[]=department": {"email", "id"},
	}
	for query, want := range cases {
		attributes := a.get("/v1/company/employees" + query).first(t)
		got := slices.Sorted(maps.Keys(attributes))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attributes for %q differ (-want +got):\n%s", query, diff)
		}
	}
	listed := a.get("/v1/company/employees/attributes")
	alias := a.get("/v1/company/employees/custom-attributes")
	if listed.text != alias.text || strings.Contains(listed.text, "department") || !strings.Contains(listed.text, `"key":"email"`) {
		t.Errorf("granted attributes: %s, want e-mail and no department", listed.text)
	}
}

func TestUpdatedSinceIgnoresPaging(t *testing.T) {
	t.Parallel()
	now := today
	a := newAPI(t, personiotest.Config{People: 120, Now: func() time.Time { return now }}).signIn()
	now = today.Add(time.Hour)
	for _, e := range a.sim.People()[:110] {
		if err := a.sim.Update(e.ID, func(e *personiotest.Employee) { e.Position = "New" }); err != nil {
			t.Fatal(err)
		}
	}
	path := "/v1/company/employees?limit=10&offset=50&email=x&updated_since=2026-11-20T09:30:00"
	if got := len(a.get(path).ids(t)); got != 110 {
		t.Errorf("%d people changed since, want all 110 at once", got)
	}
	if err := a.sim.SetVariant(personiotest.PagedDelta, true); err != nil {
		t.Fatal(err)
	}
	if got := len(a.get(path).ids(t)); got != 10 {
		t.Errorf("%d people with the variant, want a page of 10", got)
	}
}

func TestPeopleAreFoundByEmailAndByID(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 5}).signIn()
	third := a.sim.People()[2]
	byEmail := a.get("/v1/company/employees?email=" + strings.ToUpper(string(third.Email)))
	if got := byEmail.ids(t); !slices.Equal(got, []int64{third.ID}) {
		t.Errorf("by e-mail: %v, want %d", got, third.ID)
	}
	byID := a.get(fmt.Sprintf("/v1/company/employees/%d", third.ID))
	if byID.status != http.StatusOK || !strings.Contains(byID.text, string(third.Email)) {
		t.Errorf("by id: status %d, %s", byID.status, byID.text)
	}
	if r := a.get("/v1/company/employees/1"); r.status != http.StatusNotFound || r.body.Error.Code != 404 {
		t.Errorf("nobody: status %d, %s; want 404", r.status, r.text)
	}
}

func TestRateLimitsAreThoseOfPersonio(t *testing.T) {
	t.Parallel()
	now := today
	a := newAPI(t, personiotest.Config{RateLimits: true, Now: func() time.Time { return now }}).signIn()
	count := func(path string, n int) (refused int) {
		for range n {
			if r := a.get(path); r.status == http.StatusTooManyRequests {
				refused++
				if r.header.Get("Retry-After") != "" {
					t.Error("a Retry-After, which Personio does not send")
				}
			}
		}
		return refused
	}
	if got := count("/v1/company/employees", 16); got != 1 {
		t.Errorf("%d of 16 requests in a second refused, want 1", got)
	}
	refused := 0
	for range 25 {
		now = now.Add(time.Second)
		refused += count("/v1/company/employees", 12)
	}
	if refused != 15 {
		t.Errorf("%d of 315 requests in half a minute refused, want those above 300", refused)
	}
	now = now.Add(time.Hour)
	statuses := map[int]int{}
	for range 61 {
		statuses[a.post("/v1/auth", "application/json", `{}`).status]++
	}
	now = now.Add(59 * time.Second)
	statuses[a.post("/v1/auth", "application/json", `{}`).status]++
	if diff := cmp.Diff(map[int]int{http.StatusForbidden: 60, http.StatusTooManyRequests: 2}, statuses); diff != "" {
		t.Errorf("authentications, 61 and one within the minute of silence (-want +got):\n%s", diff)
	}
}

func TestFaultsHappenWhereAndWhenTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 3}).signIn()
	fault, err := personiotest.ParseFault("server-error@employees:2:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.sim.Inject(fault); err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 4 {
		got = append(got, a.get("/v1/company/employees/attributes").status, a.get("/v1/company/employees").status)
	}
	if want := []int{200, 200, 200, 500, 200, 500, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

func TestFaultsLookLikePersonios(t *testing.T) {
	t.Parallel()
	cases := map[personiotest.FaultKind]struct {
		status int
		json   bool
	}{
		personiotest.Unauthorized:   {401, true},
		personiotest.Forbidden:      {403, true},
		personiotest.RateLimited:    {429, true},
		personiotest.ServerError:    {500, true},
		personiotest.BadGateway:     {502, false},
		personiotest.GatewayTimeout: {504, false},
		personiotest.Unsuccessful:   {200, true},
		personiotest.HTML:           {200, false},
		personiotest.Revoke:         {403, true},
		personiotest.ExpireToken:    {403, true},
	}
	for kind, want := range cases {
		a := newAPI(t, personiotest.Config{People: 3, Faults: []personiotest.Fault{{Kind: kind}}}).signIn()
		r := a.get("/v1/company/employees")
		if isJSON := r.contentType == "application/json"; r.status != want.status || isJSON != want.json || r.body.Success {
			t.Errorf("%s: status %d, %s; want %d and no success", kind, r.status, r.contentType, want.status)
		}
	}
}

func TestBrokenFaultsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "earthquake", "slow@nowhere", "slow:x", "slow:-1", "slow:1:2:3"} {
		if f, err := personiotest.ParseFault(text); err == nil {
			t.Errorf("fault %q was read as %+v, want an error", text, f)
		}
	}
	for _, kind := range personiotest.FaultKinds() {
		if _, err := personiotest.ParseFault(string(kind)); err != nil {
			t.Errorf("fault %q: %v", kind, err)
		}
	}
}

func TestRequestsAreLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 1}).signIn()
	a.get("/v1/company/employees?limit=7&attributes[]=email&attributes[]=status")
	a.post("/v1/company/employees", "application/json", `{}`)
	log := a.sim.Requests()
	if len(log) != 3 {
		t.Fatalf("%d requests logged, want 3", len(log))
	}
	if r := log[1]; r.Method != http.MethodGet || r.Query.Get("limit") != "7" || !r.Authorized || r.Status != 200 ||
		!slices.Equal(r.Attributes, []string{"email", "status"}) {
		t.Errorf("logged %+v, want the read with its attributes", r)
	}
	if r := log[2]; r.Method != http.MethodPost || r.Status != http.StatusNotFound {
		t.Errorf("logged %+v, want the write", r)
	}
	_, secret := a.sim.Credentials()
	if text := fmt.Sprintf("%+v", log); strings.Contains(text, a.token) || strings.Contains(text, secret.Reveal()) {
		t.Error("the log holds a secret")
	}
	a.sim.ForgetRequests()
	if got := len(a.sim.Requests()); got != 0 {
		t.Errorf("%d requests in an emptied log", got)
	}
}

func TestVariantsChangeTheShapeOnly(t *testing.T) {
	t.Parallel()
	cases := []struct {
		variant   personiotest.Variant
		attribute string
		want      string // in the JSON of the attribute
	}{
		{personiotest.SupervisorIDOnly, "supervisor", `{"type":"Employee","attributes":{"id":{"label":"ID","value":1000001,"type":"integer","universal_id":"id"}}}`},
		{personiotest.NoTypes, "first_name", `{"label":"First name","value":`},
		{personiotest.EmptyStrings, "team", `"value":""`},
		{personiotest.EmptyLists, "team", `"value":[]`},
		{personiotest.CompactOffsets, "created_at", `+0100"`},
		{personiotest.BareDates, "hire_date", `"value":"2020-01-31"`},
		{personiotest.TagsAsJSON, "dynamic_7124100", `"value":"[\"Laptop\",\"Phone\"]"`},
		{personiotest.BigIDs, "id", `"value":1067807102795000004`},
		{personiotest.IDsAsStrings, "id", `"value":"1000004"`},
		{personiotest.UpperCaseEmails, "email", `"value":"ADA@ACME.EXAMPLE"`},
		{personiotest.RenamedLabels, "email", `"label":"Acme Email"`},
	}
	for _, c := range cases {
		a := newAPI(t, personiotest.Config{People: 3, Variants: []personiotest.Variant{c.variant}}).signIn()
		_, err := a.sim.Add(personiotest.Employee{
			FirstName: "Ada", Email: "ada@acme.example", SupervisorID: personiotest.FirstID, HireDate: "2020-01-31", Equipment: []string{"Laptop", "Phone"},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := a.get("/v1/company/employees?offset=3").first(t)[c.attribute]
		if !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %s is %s, want %s in it", c.variant, c.attribute, got, c.want)
		}
	}
	if err := newServer(t, personiotest.Config{}).SetVariant("upside-down", true); err == nil {
		t.Error("an unknown variant was switched on")
	}
}
