package personio

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
)

// profileOf is a person and their employment as they come, with units that are
// called like their ids.
func profileOf(t *testing.T, row, employment string, wanted ...string) (person importer.Person, unreadable map[string]bool) {
	t.Helper()
	parsed := [2]value{}
	for i, text := range []string{row, employment} {
		v, err := parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		parsed[i] = v
	}
	p := profile{
		row: parsed[0], employment: parsed[1], wanted: wanted, seen: &sightings{}, unreadable: map[string]bool{},
		name: func(kind unitKind, id string) (string, bool, error) {
			return string(kind) + " " + id, id != "withheld", nil
		},
	}
	person, err := p.person()
	if err != nil {
		t.Fatal(err)
	}
	return person, p.unreadable
}

// U-31, B-15. What was not sent, is null, or has a shape we do not know.
func TestAttributesOfVersion2(t *testing.T) {
	t.Parallel()
	const absent = "(absent)"
	cases := []struct{ attribute, row, employment, want string }{
		{"first_name", `{"first_name":"Zoë"}`, `{}`, "Zoë"},
		{"first_name", `{"first_name":null}`, `{}`, ""},
		{"first_name", `{}`, `{}`, absent},
		{"first_name", `{"first_name":{"x":1}}`, `{}`, absent},
		{"first_name", `{}`, `{"first_name":"Zoë"}`, absent},
		{"status", `{"status":"ACTIVE"}`, `{}`, absent}, // B-13
		{"status", `{"status":"ACTIVE"}`, `{"status":"LEAVE"}`, "leave"},
		{"status", `{}`, `{"status":"UNSPECIFIED"}`, absent},
		{"status", `{}`, `null`, absent},
		{"employment_type", `{}`, `{"type":"EXTERNAL"}`, "external"},
		{"employment_type", `{}`, `{"type":"UNSPECIFIED"}`, absent},
		{"position", `{}`, `{"position":{"title":"Analyst"}}`, "Analyst"},
		{"position", `{}`, `{"position":null}`, ""},
		{"position", `{}`, `{"position":{}}`, absent},
		{"position", `{}`, `{}`, absent},
		{"hire_date", `{}`, `{"employment_start_date":"2024-01-17"}`, "2024-01-17"},
		{"hire_date", `{}`, `{"employment_start_date":"2024-01-17T00:00:00Z"}`, "2024-01-17"},
		{"weekly_working_hours", `{}`, `{"weekly_working_hours":38.5}`, "38.5"},
		{"department", `{}`, `{"org_units":[{"type":"team","id":"1"},{"type":"department","id":"2"}]}`, "department 2"},
		{"department", `{}`, `{"org_units":[{"type":"DEPARTMENT","id":2}]}`, "department 2"},
		{"department", `{}`, `{"org_units":[{"type":"team","id":"1"}]}`, absent},
		{"department", `{}`, `{"org_units":[]}`, absent},
		{"department", `{}`, `{"org_units":{"type":"department","id":"2"}}`, absent},
		{"department", `{}`, `{"org_units":[{"type":"department"}]}`, absent},
		{"department", `{}`, `{"org_units":[{"type":"department","id":"withheld"}]}`, absent},
		{"office", `{}`, `{"office":{"id":"7"}}`, "office 7"},
		{"office", `{}`, `{"office":null}`, ""},
		{"office", `{}`, `{"office":{"id":"withheld"}}`, absent},
		{"office", `{}`, `{"office":{}}`, absent},
		{"office", `{}`, `{}`, absent},
		{"subcompany", `{}`, `{"legal_entity":{"id":"7"},"sub_company":{"id":"8"}}`, "subcompany 7"},
		{"subcompany", `{}`, `{"sub_company":{"id":"8"}}`, "subcompany 8"},
		{"cost_centers", `{}`, `{"cost_centers":[{"id":"1f33aa20","weight":60},{"id":"2","weight":40}]}`, "cost_centers 1f33aa20"},
		{"cost_centers", `{}`, `{"cost_centers":[]}`, absent},
		{"termination_date", `{}`, `{"termination":{"termination_date":"2026-12-31"}}`, "2026-12-31"},
		{"termination_date", `{}`, `{"employment_end_date":"2026-12-31"}`, "2026-12-31"},
		{"termination_date", `{}`, `{"employment_end_date":null}`, ""},
		{"termination_date", `{}`, `{"employment_start_date":"2023-01-01","employment_end_date":null,"termination":{"termination_date":"2022-12-12"}}`, ""},
		{"termination_date", `{}`, `{"employment_start_date":null,"termination":{"termination_date":"2022-12-12"}}`, "2022-12-12"},
		{"termination_date", `{}`, `{}`, absent},
		{"last_working_day", `{}`, `{"termination":{"last_working_day":"2026-12-24"}}`, "2026-12-24"},
		{"last_working_day", `{}`, `{"termination":{"last_working_date":"2026-12-24"}}`, "2026-12-24"},
		{"last_working_day", `{}`, `{"employment_start_date":"2023-01-01","termination":{"termination_date":"2022-12-12","last_working_date":"2023-01-07"}}`, absent},
		{"last_working_day", `{}`, `{}`, absent},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_5","type":"string","value":"Red"}]}`, `{}`, "Red"},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_5","value":["A","B"]}]}`, `{}`, "A,B"},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_5","value":17}]}`, `{}`, "17"},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_5","value":null}]}`, `{}`, ""},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_5"}]}`, `{}`, absent},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_15","value":"x"}]}`, `{}`, absent},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_ab.5","value":"x"}]}`, `{}`, "x"},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_ab.5","value":"x"},{"id":"dynamic_cd.5","value":"y"}]}`, `{}`, absent},
		{"dynamic_5", `{"custom_attributes":[{"id":"dynamic_ab.5","value":"x"},{"id":"dynamic_5","value":"y"}]}`, `{}`, "y"},
		{"dynamic_5", `{"custom_attributes":[]}`, `{}`, absent},
		{"fix_salary", `{"fix_salary":"1"}`, `{"fix_salary":"1"}`, absent},
	}
	for _, c := range cases {
		person, _ := profileOf(t, c.row, c.employment, c.attribute)
		got, sent := person.Attributes[c.attribute]
		if !sent {
			got = absent
		}
		if got != c.want {
			t.Errorf("%s of %s with %s: %q, want %q", c.attribute, c.row, c.employment, got, c.want)
		}
	}
}

func TestTheSupervisorOfVersion2(t *testing.T) {
	t.Parallel()
	for employment, want := range map[string]importer.Person{
		`{"supervisor":{"id":"3003"}}`:              {ManagerID: "3003", HasManager: true},
		`{"supervisor":{"id":3003}}`:                {ManagerID: "3003", HasManager: true},
		`{"supervisor":null}`:                       {HasManager: true},
		`{"supervisor":{"id":"ada"}}`:               {},
		`{"supervisor":{"name":"Ada"}}`:             {},
		`{"supervisor":["3003"]}`:                   {},
		`{}`:                                        {},
		`{"_meta":{"links":{"supervisor":"3003"}}}`: {},
	} {
		want.Attributes = map[string]string{}
		want.ID = "7"
		if got, _ := profileOf(t, `{"id":"7"}`, employment, "supervisor"); !cmp.Equal(want, got) {
			t.Errorf("%s: difference (-want +got):\n%s", employment, cmp.Diff(want, got))
		}
	}
	for row, want := range map[string]string{`{"id":"9007199254740993"}`: "9007199254740993", `{"id":7}`: "7", `{"id":"7.0"}`: "", `{"id":"x"}`: "", `{}`: ""} {
		if got, _ := profileOf(t, row, `{}`); got.ID != want {
			t.Errorf("id of %s: %q, want %q", row, got.ID, want)
		}
	}
}

// What a source shows of anybody is known to be empty for those without.
func TestSightingsTellEmptyFromWithheld(t *testing.T) {
	t.Parallel()
	seen := &sightings{}
	full, _ := parse([]byte(`{"org_units":[{"type":"Team","id":"1"}],"cost_centers":[{"id":"1"}],"termination":{"last_working_date":"2026-01-01"}}`))
	none, _ := parse([]byte(`{"org_units":[],"cost_centers":[],"termination":null}`))
	names := []string{"team", "department", "cost_centers", "last_working_day", "termination_date"}
	read := func() map[string]string {
		p := profile{row: value(`{"id":"7"}`), employment: none, wanted: names, seen: seen, unreadable: map[string]bool{}}
		person, err := p.person()
		if err != nil {
			t.Fatal(err)
		}
		return person.Attributes
	}
	seen.note(none)
	if got := read(); len(got) != 0 {
		t.Errorf("before anybody has any: %v, want nothing sent", got)
	}
	seen.note(full)
	want := map[string]string{"team": "", "cost_centers": "", "last_working_day": ""}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("after somebody had some: difference (-want +got):\n%s", diff)
	}
}

func TestVersion2KeepsBelowItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pacer{limits: version2.limits}
		began := time.Now()
		for range 5_100 {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 5_100*time.Second/30 || took > 5*time.Minute {
			t.Errorf("5,100 requests take %s, want below 30 a second", took)
		}
	})
}

func TestTheNextPageIsFoundWhereItMayBe(t *testing.T) {
	t.Parallel()
	const here = "https://api.personio.de/v2/persons?limit=50"
	for link, want := range map[string]string{
		`{"href":"https://api.personio.de/v2/persons?cursor=a"}`:       "https://api.personio.de/v2/persons?cursor=a",
		`{"href":"https://API.personio.de:443/v2/persons?cursor=a#x"}`: "https://api.personio.de/v2/persons?cursor=a",
		`{"href":"/v2/persons?cursor=a"}`:                              "https://api.personio.de/v2/persons?cursor=a",
		`{"href":"?cursor=a"}`:                                         "https://api.personio.de/v2/persons?cursor=a",
		`"/v2/persons?cursor=a"`:                                       "https://api.personio.de/v2/persons?cursor=a",
		`{"href":""}`:                                                  "", `{"href":null}`: "", `{}`: "", `null`: "", `""`: "",
		`{"href":7}`: "corrupt", `7`: "corrupt", `["/v2/persons?cursor=a"]`: "corrupt",
		`{"href":"http://api.personio.de:443/v2/persons?cursor=a"}`:   "corrupt",
		`{"href":"http://api.personio.de/v2/persons?cursor=a"}`:       "corrupt",
		`{"href":"https://api.personio.de:8443/v2/persons?cursor=a"}`: "corrupt",
		`{"href":"https://api.personio.de.evil.example/v2?cursor=a"}`: "corrupt",
		`{"href":"//evil.example/v2/persons?cursor=a"}`:               "corrupt",
		`{"href":"https://ada@api.personio.de/v2/persons?cursor=a"}`:  "corrupt",
		`{"href":"https://api.personio.de@evil.example/v2?cursor=a"}`: "corrupt",
		`{"href":"https:v2/persons?cursor=a"}`:                        "corrupt",
		`{"href":"https://api.personio.de/%zz"}`:                      "corrupt",
	} {
		if got := follow(t, here, link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

// A gateway before Personio passes on links that name Personio. They lead to the
// gateway's list and nowhere else.
func TestTheNextPageBehindAGatewayIsAskedOfTheGateway(t *testing.T) {
	t.Parallel()
	const here = "http://127.0.0.1:8081/personio/v2/persons?limit=50"
	for link, want := range map[string]string{
		`{"href":"https://api.personio.de/v2/persons?cursor=a"}`:      "http://127.0.0.1:8081/personio/v2/persons?cursor=a",
		`{"href":"https://API.personio.de:443/v2/persons?cursor=a"}`:  "http://127.0.0.1:8081/personio/v2/persons?cursor=a",
		`{"href":"https://api.personio.de/v2/webhooks?cursor=a"}`:     "corrupt",
		`{"href":"https://api.personio.de/personio?cursor=a"}`:        "corrupt",
		`{"href":"https://api.personio.de"}`:                          "corrupt",
		`{"href":"http://api.personio.de/v2/persons?cursor=a"}`:       "corrupt",
		`{"href":"https://api.personio.de:8443/v2/persons?cursor=a"}`: "corrupt",
		`{"href":"https://ada@api.personio.de/v2/persons?cursor=a"}`:  "corrupt",
		`{"href":"https://evil.example/v2/persons?cursor=a"}`:         "corrupt",
	} {
		if got := follow(t, here, link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

func follow(t *testing.T, here, link string) string {
	t.Helper()
	current, err := url.Parse(here)
	if err != nil {
		t.Fatal(err)
	}
	page, err := parse([]byte(`{"_meta":{"links":{"next":` + link + `}}}`))
	if err != nil {
		t.Fatal(err)
	}
	next, err := nextAddress(current, page)
	switch {
	case err != nil:
		return "corrupt"
	case next == nil:
		return ""
	}
	return next.String()
}

func FuzzNextAddress(f *testing.F) {
	for _, link := range []string{
		`{"href":"https://api.personio.de/v2/persons?cursor=a"}`, `{"href":"//evil.example/"}`, `{"href":"\\\\evil.example/"}`, `"?cursor=a"`, `null`,
		`{"href":"https://api.personio.de\u0000.evil.example/"}`, `{"href":"https:\/\/api.personio.de:443\/"}`,
	} {
		f.Add([]byte(link))
	}
	current, err := url.Parse("https://api.personio.de/v2/persons?limit=50")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link []byte) {
		page, err := parse([]byte(`{"_meta":{"links":{"next":` + string(link) + `}}}`))
		if err != nil {
			t.Skip()
		}
		next, err := nextAddress(current, page)
		if err != nil || next == nil {
			return
		}
		again, err := url.Parse(next.String()) // as the client will
		if err != nil {
			return // is refused there
		}
		if again.Scheme != "https" || !strings.EqualFold(again.Hostname(), "api.personio.de") || again.User != nil || (again.Port() != "" && again.Port() != "443") {
			t.Errorf("%s leads to %s", link, next)
		}
	})
}

func FuzzPersonV2(f *testing.F) {
	f.Add([]byte(`{"id":"9000001","email":"a@example.com","first_name":"Greta","custom_attributes":[{"id":"dynamic_5","value":["A"]}]}`),
		[]byte(`{"status":"LEAVE","org_units":[{"type":"department","id":"1"}],"cost_centers":[{"id":"2"}],"supervisor":{"id":"3"},"termination":{"last_working_day":"2026-01-01"}}`))
	f.Add([]byte(`{"id":7,"custom_attributes":{},"first_name":[]}`), []byte(`{"org_units":null,"termination":[],"office":"","position":[],"type":{}}`))
	f.Add([]byte(`[]`), []byte(`null`))
	wanted := []string{
		"cost_centers", "department", "dynamic_5", "email", "employment_type", "first_name", "hire_date", "last_working_day",
		"office", "position", "status", "subcompany", "supervisor", "team", "termination_date",
	}
	f.Fuzz(func(t *testing.T, row, employment []byte) {
		parsedRow, err := parse(row)
		if err != nil {
			t.Skip()
		}
		parsedEmployment, err := parse(employment)
		if err != nil {
			t.Skip()
		}
		seen := &sightings{}
		seen.note(parsedEmployment)
		p := profile{
			row: parsedRow, employment: parsedEmployment, wanted: wanted, seen: seen, unreadable: map[string]bool{},
			name: func(_ unitKind, id string) (string, bool, error) { return "name of " + id, true, nil },
		}
		person, err := p.person()
		if err != nil {
			t.Fatal(err)
		}
		if person.ID != "" && !isDecimal(person.ID) || person.ManagerID != "" && !isDecimal(person.ManagerID) {
			t.Errorf("ids %q and %q are no numbers", person.ID, person.ManagerID)
		}
		if person.ManagerID != "" && !person.HasManager || string(person.Status) != person.Attributes["status"] {
			t.Errorf("inconsistent: %+v", person)
		}
		for name := range person.Attributes {
			if name == "supervisor" || !strings.Contains(strings.Join(wanted, " "), name) {
				t.Errorf("%s was not wanted", name)
			}
		}
	})
}

// The order decides, unless the person's own status says that it is another one:
// nobody loses access by a list that begins with their first job.
func TestTheEmploymentThatCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		statuses string // in the order of the list
		active   bool   // the person's own row says so
		want     string
	}{
		{"", true, ""},
		{"INACTIVE", true, "INACTIVE"},
		{"INACTIVE ACTIVE", false, "INACTIVE"},
		{"INACTIVE LEAVE", false, "INACTIVE"},
		{"INACTIVE ONBOARDING", false, "INACTIVE"},
		{"INACTIVE ACTIVE", true, "ACTIVE"},
		{"INACTIVE INACTIVE LEAVE", true, "LEAVE"},
		{"INACTIVE ONBOARDING", true, "ONBOARDING"},
		{"INACTIVE ONBOARDING ACTIVE", true, "ACTIVE"},
		{"inactive active", true, "active"},
		{"INACTIVE UNSPECIFIED", true, "INACTIVE"},
		{"INACTIVE paused", true, "INACTIVE"},
		{"ACTIVE INACTIVE", true, "ACTIVE"},
		{"LEAVE ACTIVE", true, "LEAVE"},
		{"UNSPECIFIED ACTIVE", true, "UNSPECIFIED"},
		{"ONBOARDING INACTIVE", true, "ONBOARDING"},
		{"ONBOARDING LEAVE", false, "LEAVE"},
	} {
		var rows []string
		for _, status := range strings.Fields(c.statuses) {
			rows = append(rows, `{"status":"`+status+`"}`)
		}
		page, err := parse([]byte(`{"_data":[` + strings.Join(rows, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := currentEmployment(page, "7", c.active)
		if status := got.member("status").text(); err != nil || status != c.want {
			t.Errorf("%q of somebody active (%t): %q, error %v; want %q", c.statuses, c.active, status, err, c.want)
		}
	}
}

func FuzzEmployments(f *testing.F) {
	f.Add([]byte(`{"_data":[{"id":"x","status":"ONBOARDING","person":{"id":"7"}},{"status":"ACTIVE"}]}`))
	f.Add([]byte(`{"_data":[{"person":{"id":"8"}}]}`))
	f.Add([]byte(`{"_data":[null,[],1,"x"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		page, err := parse(text)
		if err != nil {
			t.Skip()
		}
		for _, active := range []bool{false, true} {
			employment, err := currentEmployment(page, "7", active)
			if owner := employment.member("person").member("id"); err == nil && owner != nil && owner.text() != "7" {
				t.Errorf("%s: the employment of %s is taken", text, owner)
			}
		}
	})
}
