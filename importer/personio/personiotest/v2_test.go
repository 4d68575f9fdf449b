package personiotest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

const form = "application/x-www-form-urlencoded"

// credentials is the form with which version 2 is signed in to.
func (a *api) credentials() url.Values {
	id, secret := a.sim.Credentials()
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret.Reveal()}}
}

// signInV2 keeps the token of version 2.
func (a *api) signInV2() *api {
	a.t.Helper()
	r := a.post("/v2/auth/token", form, a.credentials().Encode())
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(r.text), &answer); err != nil || answer.Token == "" || r.status != http.StatusOK {
		a.t.Fatalf("token: status %d, %s", r.status, r.text)
	}
	a.token = answer.Token
	return a
}

// getBeta asks for what is unfinished.
func (a *api) getBeta(path string) reply {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.root+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Beta", "true")
	return a.do(req)
}

// pageV2 is a page of version 2.
type pageV2 struct {
	Data []map[string]json.RawMessage `json:"_data"`
	Meta struct {
		Links struct {
			Next *struct{ Href string }
		}
	} `json:"_meta"`
}

func (r reply) page(t *testing.T) pageV2 {
	t.Helper()
	var p pageV2
	if err := json.Unmarshal([]byte(r.text), &p); err != nil || r.status != http.StatusOK || p.Data == nil {
		t.Fatalf("no page: status %d, %s", r.status, r.text)
	}
	return p
}

func (p pageV2) ids() []string {
	ids := []string{}
	for _, row := range p.Data {
		ids = append(ids, strings.Trim(string(row["id"]), `"`))
	}
	return ids
}

func TestVersion2TakesItsCredentialsAsAFormAlone(t *testing.T) {
	t.Parallel()
	now := today
	a := newAPI(t, personiotest.Config{TokenTTL: time.Hour, Now: func() time.Time { return now }})
	good := a.credentials()
	without := func(change func(v url.Values)) string {
		v := url.Values{}
		for name, values := range good {
			v[name] = slices.Clone(values)
		}
		change(v)
		return v.Encode()
	}
	refused := []struct{ name, contentType, body, code string }{
		{"JSON", "application/json", `{"grant_type":"client_credentials"}`, "invalid_request"},
		{"nothing", form, "", "invalid_request"},
		{"no grant type", form, without(func(v url.Values) { v.Del("grant_type") }), "invalid_request"},
		{"no secret", form, without(func(v url.Values) { v.Del("client_secret") }), "invalid_request"},
		{"another grant", form, without(func(v url.Values) { v.Set("grant_type", "password") }), "unsupported_grant_type"},
		{"a scope", form, without(func(v url.Values) { v.Set("scope", "personio:person:write") }), "invalid_scope"},
		{"a wrong secret", form, without(func(v url.Values) { v.Set("client_secret", "wrong") }), "unauthorized_client"},
	}
	for _, c := range refused {
		r := a.post("/v2/auth/token", c.contentType, c.body)
		if r.status != http.StatusBadRequest || r.contentType != "application/problem+json" || !strings.Contains(r.text, `"error":"`+c.code+`"`) {
			t.Errorf("%s: status %d, %s, %s; want 400 %s", c.name, r.status, r.contentType, r.text, c.code)
		}
	}
	first := a.post("/v2/auth/token", form, good.Encode())
	now = now.Add(20 * time.Minute)
	second := a.post("/v2/auth/token", form, good.Encode())
	if !strings.Contains(first.text, `"expires_in":3600`) || !strings.Contains(second.text, `"expires_in":2400`) ||
		strings.Replace(second.text, "2400", "3600", 1) != first.text {
		t.Errorf("tokens %s and %s, want the same one with what remains of its life", first.text, second.text)
	}
}

func TestTokensOfVersion2OpenItUntilTheyEnd(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 1})
	if r := a.get("/v2/persons"); r.status != http.StatusUnauthorized {
		t.Errorf("without a token: status %d, want 401", r.status)
	}
	a.signIn()
	if r := a.get("/v2/persons"); r.status != http.StatusUnauthorized {
		t.Errorf("with a token of version 1: status %d, want 401", r.status)
	}
	a.token = ""
	a.signInV2()
	if r := a.get("/v2/persons"); r.status != http.StatusOK || r.header.Get("Authorization") != "" {
		t.Errorf("with the token: status %d, header %q; want 200 and none", r.status, r.header.Get("Authorization"))
	}
	if r := a.get("/v1/company/employees"); r.status != http.StatusForbidden {
		t.Errorf("version 1 with a token of version 2: status %d, want 403", r.status)
	}
	if r := a.post("/v2/auth/revoke", form, url.Values{"token": {a.token}}.Encode()); r.status != http.StatusOK || r.text != "" {
		t.Errorf("revocation: status %d, %q; want an empty 200", r.status, r.text)
	}
	if r := a.get("/v2/persons"); r.status != http.StatusUnauthorized {
		t.Errorf("with a revoked token: status %d, want 401", r.status)
	}
}

// A missing right to persons looks like a token that is not valid.
func TestScopesOpenPartsOfTheAPI(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 1, Scopes: []string{personiotest.ScopeWebhooksRead}}).signInV2()
	for path, want := range map[string]int{
		"/v2/persons": 401, "/v2/persons/1000001": 401, "/v2/persons/1000001/employments": 401, "/v2/webhooks": 200, "/v2/nothing": 404,
	} {
		if r := a.get(path); r.status != want {
			t.Errorf("%s: status %d, want %d", path, r.status, want)
		}
	}
	if r := a.post("/v2/webhooks", "application/json", "{}"); r.status != http.StatusForbidden || !strings.Contains(r.text, "Insufficient access scope") {
		t.Errorf("registration without the scope: status %d, %s; want 403", r.status, r.text)
	}
	a.token = ""
	a.signIn()
	if r := a.get("/v1/company/employees"); r.status != http.StatusForbidden {
		t.Errorf("version 1 without its scope: status %d, want 403", r.status)
	}
}

func TestPersonsArePagedByCursor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 120}).signInV2()
	var read []string
	sizes := []int{}
	for next := "/v2/persons?limit=50"; next != ""; {
		p := a.get(strings.TrimPrefix(next, a.root)).page(t)
		read, sizes = append(read, p.ids()...), append(sizes, len(p.Data))
		next = ""
		if p.Meta.Links.Next != nil {
			next = p.Meta.Links.Next.Href
		}
	}
	if !slices.Equal(sizes, []int{50, 50, 20}) || len(slices.Compact(slices.Clone(read))) != 120 {
		t.Errorf("pages of %v with %d people, want 50, 50 and 20", sizes, len(read))
	}
	if p := a.get("/v2/persons").page(t); len(p.Data) != 10 {
		t.Errorf("%d people without a limit, want 10", len(p.Data))
	}
	for _, query := range []string{"limit=0", "limit=51", "limit=x", "cursor=cur_x", "cursor=y", "status=LEAVE", "updated_at.gt=yesterday"} {
		if r := a.get("/v2/persons?" + query); r.status != http.StatusBadRequest || r.contentType != "application/problem+json" {
			t.Errorf("%s: status %d, %s; want 400", query, r.status, r.contentType)
		}
	}
}

// B-13: what the filter calls active has not always begun, nor is it always there.
func TestFiltersOfPersonsAreThoseOfPersonio(t *testing.T) {
	t.Parallel()
	now := today
	a := newAPI(t, personiotest.Config{Now: func() time.Time { return now }}).signInV2()
	for _, e := range []personiotest.Employee{
		{Email: "ada@acme.example", FirstName: "Ada"}, {Email: "leave@acme.example", Status: personiotest.Leave},
		{Email: "new@acme.example", Status: personiotest.Onboarding}, {Email: "gone@acme.example", Status: personiotest.Inactive},
	} {
		if _, err := a.sim.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	now = today.Add(time.Hour)
	if err := a.sim.Rename("ada@acme.example", "Ada", "Lovelace"); err != nil {
		t.Fatal(err)
	}
	if err := a.sim.SetStatus("new@acme.example", personiotest.Active); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"status=ACTIVE":                      {"1000001", "1000002", "1000003"},
		"status=INACTIVE":                    {"1000004"},
		"email=ADA@acme.example":             {"1000001"},
		"id=1000002,1000004":                 {"1000002", "1000004"},
		"id=1000002&status=INACTIVE":         {},
		"updated_at.gt=2026-11-20T09:30:00Z": {"1000001"}, // a change of the employment alone does not count
		"updated_at.lt=2026-11-20T09:30:00Z": {"1000002", "1000003", "1000004"},
		"created_at=2026-11-20T09:00:00Z":    {"1000001", "1000002", "1000003", "1000004"},
	} {
		if diff := cmp.Diff(want, a.get("/v2/persons?"+query).page(t).ids()); diff != "" {
			t.Errorf("%s: people differ (-want +got):\n%s", query, diff)
		}
	}
}

func TestWithoutGrantsNextToNothingIsTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 1, Granted: []string{"weekly_working_hours"}}).signInV2()
	keys := func(row map[string]json.RawMessage) string {
		var names []string
		for name := range row {
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	if got := keys(a.get("/v2/persons").page(t).Data[0]); got != "_meta employments id" {
		t.Errorf("a person has %s, want id and employments alone", got)
	}
	if got := keys(a.get("/v2/persons/1000001/employments").page(t).Data[0]); got != "_meta id person weekly_working_hours" {
		t.Errorf("an employment has %s, want what is granted alone", got)
	}
	a.sim.SetGranted("team")
	if _, err := a.sim.Add(personiotest.Employee{Team: "Blue", Department: "Sales"}); err != nil {
		t.Fatal(err)
	}
	if got := string(a.get("/v2/persons/1000002/employments").page(t).Data[0]["org_units"]); strings.Contains(got, "department") || !strings.Contains(got, "team") {
		t.Errorf("org units %s, want the team alone", got)
	}
}

func TestEmploymentsComeLatestFirst(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{}).signInV2()
	if _, err := a.sim.Add(personiotest.Employee{
		Status: personiotest.Active, Position: "Analyst", HireDate: "2024-01-01",
		Former: []personiotest.Employment{{Status: personiotest.Inactive, Position: "Trainee", HireDate: "2020-01-01"}},
	}); err != nil {
		t.Fatal(err)
	}
	p := a.get("/v2/persons/1000001/employments").page(t)
	if len(p.Data) != 2 || string(p.Data[0]["status"]) != `"ACTIVE"` || string(p.Data[1]["status"]) != `"INACTIVE"` {
		t.Fatalf("employments %v, want the active one before the other", p.Data)
	}
	one := a.get("/v2/persons/1000001/employments/" + p.ids()[1])
	if one.status != http.StatusOK || !strings.Contains(one.text, "Trainee") {
		t.Errorf("one employment: status %d, %s", one.status, one.text)
	}
	for _, path := range []string{
		"/v2/persons/1000001/employments/x", "/v2/persons/1000002/employments/" + p.ids()[0],
		"/v2/persons/1000002/employments", "/v2/persons/1000002", "/v2/persons/ada", "/v2/employments",
	} {
		if r := a.get(path); r.status != http.StatusNotFound || r.contentType != "application/problem+json" {
			t.Errorf("%s: status %d, %s; want 404", path, r.status, r.contentType)
		}
	}
}

func TestNamesOfUnitsAreListedApart(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{}).signInV2()
	if _, err := a.sim.Add(personiotest.Employee{
		Department: "Sales", Team: "Blue", Office: "München", Subcompany: "Acme GmbH", CostCenters: []string{"5100 Sales", "1000"},
	}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/v2/workplaces": 1, "/v2/cost-centers": 2, "/v2/org-units": 2, "/v2/org-units?type=team": 1, "/v2/legal-entities": 1} {
		if got := len(a.getBeta(path).page(t).Data); got != want {
			t.Errorf("%s: %d units, want %d", path, got, want)
		}
		if r := a.get(path); path != "/v2/legal-entities" && r.status != http.StatusNotFound {
			t.Errorf("%s without the header for what is unfinished: status %d, want 404", path, r.status)
		}
	}
	office := a.getBeta("/v2/workplaces").page(t).Data[0]
	employment := a.get("/v2/persons/1000001/employments").page(t).Data[0]
	if want := `{"id":` + string(office["id"]) + `}`; string(employment["office"]) != want || string(office["name"]) != `"München"` {
		t.Errorf("office %s, employment says %s", office, employment["office"])
	}
	for _, id := range a.getBeta("/v2/org-units").page(t).ids() {
		if r := a.get("/v2/org-units/" + id); r.status != http.StatusOK {
			t.Errorf("one unit: status %d, %s", r.status, r.text)
		}
	}
	if r := a.get("/v2/org-units/7"); r.status != http.StatusNotFound {
		t.Errorf("an unknown unit: status %d, want 404", r.status)
	}
}

func TestEveryAnswerOfVersion2TellsItsBudget(t *testing.T) {
	t.Parallel()
	now := today
	a := newAPI(t, personiotest.Config{RateLimits: true, Now: func() time.Time { return now }}).signInV2()
	var refused reply
	for i := range 101 {
		r := a.get("/v2/persons")
		if left := r.header.Get("X-Ratelimit-Remaining"); i < 100 && (r.status != http.StatusOK || left != fmt.Sprint(99-i)) {
			t.Fatalf("request %d: status %d, %s left", i, r.status, left)
		}
		refused = r
	}
	if refused.status != http.StatusTooManyRequests || refused.header.Get("Retry-After") != "" || refused.header.Get("X-Ratelimit-Replenish-Rate") != "30" {
		t.Errorf("request 101: status %d, header %v; want 429 without Retry-After", refused.status, refused.header)
	}
	if r := a.get("/v2/legal-entities"); r.status != http.StatusOK {
		t.Errorf("another endpoint: status %d, want 200", r.status)
	}
	now = now.Add(time.Second)
	for i := range 31 {
		if r := a.get("/v2/persons"); (r.status == http.StatusOK) != (i < 30) {
			t.Errorf("request %d a second later: status %d", i, r.status)
		}
	}
	for i := range 151 {
		if r := a.post("/v2/auth/token", form, a.credentials().Encode()); (r.status == http.StatusOK) != (i < 150) {
			t.Fatalf("authentication %d: status %d", i, r.status)
		}
		now = now.Add(10 * time.Millisecond)
	}
}

func TestFaultsOfVersion2LookLikePersonios(t *testing.T) {
	t.Parallel()
	next := func(t *testing.T, r reply) string {
		p := r.page(t)
		if p.Meta.Links.Next == nil {
			return ""
		}
		return p.Meta.Links.Next.Href
	}
	for kind, want := range map[personiotest.FaultKind]string{
		personiotest.Unauthorized: `401 application/json {"error":{"message":"Unauthorized Request"}}`,
		personiotest.Forbidden:    `403 application/problem+json {"errors":[{"_meta":{},"detail":"Client scope insufficient`,
		personiotest.RateLimited:  `429  `,
		personiotest.NotFound:     `404 application/problem+json {"errors":`,
		personiotest.ServerError:  `500 application/problem+json {"errors":`,
		personiotest.BadGateway:   `502 text/html`,
		personiotest.Unsuccessful: `200 application/problem+json {"errors":`,
		personiotest.WrongType:    `200 text/html; charset=UTF-8 {"_data":`,
	} {
		a := newAPI(t, personiotest.Config{People: 1, Faults: []personiotest.Fault{{Kind: kind, Endpoint: personiotest.EndpointPersons}}}).signInV2()
		r := a.get("/v2/persons")
		if got := fmt.Sprint(r.status, " ", r.contentType, " ", r.text); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
	for kind, holds := range map[personiotest.FaultKind]func(root, self, next string) bool{
		personiotest.NextSelf:     func(_, self, next string) bool { return next == self },
		personiotest.NextRelative: func(_, _, next string) bool { return strings.HasPrefix(next, "/v2/persons?cursor=") },
		personiotest.NextForeign: func(root, _, next string) bool {
			return strings.HasPrefix(next, "https://") && !strings.HasPrefix(next, root)
		},
		personiotest.NextMissing: func(_, _, next string) bool { return next == "" },
	} {
		a := newAPI(t, personiotest.Config{People: 120}).signInV2()
		self := next(t, a.get("/v2/persons?limit=50"))
		if err := a.sim.Inject(personiotest.Fault{Kind: kind, Endpoint: personiotest.EndpointPersons}); err != nil {
			t.Fatal(err)
		}
		if got := next(t, a.get(strings.TrimPrefix(self, a.root))); !holds(a.root, self, got) {
			t.Errorf("%s: page %s is followed by %s", kind, self, got)
		}
	}
}

func TestCursorsMayForgetAndGoBack(t *testing.T) {
	t.Parallel()
	a := newAPI(t, personiotest.Config{People: 200}).signInV2()
	follow := func(p pageV2) pageV2 { return a.get(strings.TrimPrefix(p.Meta.Links.Next.Href, a.root)).page(t) }
	second := follow(a.get("/v2/persons?limit=50&status=ACTIVE").page(t))
	if err := a.sim.Inject(personiotest.Fault{Kind: personiotest.CursorRepeated, Endpoint: personiotest.EndpointPersons, Times: 1}); err != nil {
		t.Fatal(err)
	}
	third := follow(second)
	if third.Meta.Links.Next == nil || !slices.Equal(follow(third).ids(), second.ids()) {
		t.Error("the third page is not followed by the second")
	}
	if err := a.sim.Inject(personiotest.Fault{Kind: personiotest.FiltersDropped, Endpoint: personiotest.EndpointPersons, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if p := follow(a.get("/v2/persons?limit=1&status=ACTIVE").page(t)); len(p.Data) != 10 {
		t.Errorf("%d people after a cursor that forgot the limit, want 10", len(p.Data))
	}
}

func TestVariantsOfVersion2(t *testing.T) {
	t.Parallel()
	ada := personiotest.Employee{Email: "ada@acme.example", LastWorkingDay: "2026-12-31", Custom: map[string]string{"dynamic_5": "42"}}
	for _, c := range []struct {
		variant    personiotest.Variant
		path, want string
	}{
		{personiotest.BigIDs, "/v2/persons", `"id":"1067807102795000001"`},
		{personiotest.UpperCaseEmails, "/v2/persons", `"email":"ADA@ACME.EXAMPLE"`},
		{personiotest.LongAttributeIDs, "/v2/persons", `"id":"dynamic_9f86d081884c7d65.5"`},
		{personiotest.TypedCustomValues, "/v2/persons", `"type":"INT","global_id":"dynamic_5","value":42`},
		{personiotest.WrappedSinglePerson, "/v2/persons/1000001", `{"_data":{`},
		{personiotest.MisspeltLastDay, "/v2/persons/1000001/employments", `"last_working_date":"2026-12-31"`},
	} {
		a := newAPI(t, personiotest.Config{Variants: []personiotest.Variant{c.variant}}).signInV2()
		if _, err := a.sim.Add(ada); err != nil {
			t.Fatal(err)
		}
		if r := a.get(c.path); !strings.Contains(r.text, c.want) {
			t.Errorf("%s: %s, want %s in it", c.variant, r.text, c.want)
		}
	}
	a := newAPI(t, personiotest.Config{People: 1, Variants: []personiotest.Variant{personiotest.OmittedEmpty}}).signInV2()
	if r := a.get("/v2/persons/1000001/employments"); strings.Contains(r.text, "supervisor") || strings.Contains(r.text, "null") {
		t.Errorf("an employment with nobody above it: %s", r.text)
	}
}
