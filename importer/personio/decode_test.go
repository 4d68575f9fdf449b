package personio

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
)

// decodeRow decodes a page with one row, of which attributes is the inner part.
func decodeRow(t *testing.T, attributes string, wanted ...string) (person importer.Person, unreadable []string) {
	t.Helper()
	page, err := parse([]byte(`{"success":true,"data":[{"type":"Employee","attributes":` + attributes + `}]}`))
	if err != nil {
		t.Fatalf("%s: %v", attributes, err)
	}
	l, err := decodeList(page, wanted)
	if err != nil || len(l.people) != 1 {
		t.Fatalf("%s: error %v, %d people", attributes, err, len(l.people))
	}
	return l.people[0], l.unreadable
}

// N320, N321
func TestIDsAreReadExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		`{"label":"ID","value":1,"type":"integer"}`: "1",
		`{"value":1000001}`:                         "1000001",
		`{"value":"1000001"}`:                       "1000001",
		`1000001`:                                   "1000001",
		`{"value":9007199254740993}`:                "9007199254740993", // 2^53 + 1
		`{"value":9223372036854775807}`:             "9223372036854775807",
		`{"value":9223372036854775808}`:             "",
		`{"value":1.0}`:                             "",
		`{"value":"1.0"}`:                           "",
		`{"value":1e0}`:                             "",
		`{"value":"1e0"}`:                           "",
		`{"value":"01"}`:                            "",
		`{"value":-1}`:                              "",
		`{"value":0}`:                               "",
		`{"value":"+1"}`:                            "",
		`{"value":" 1"}`:                            "",
		`{"value":"١"}`:                             "",
		`{"value":""}`:                              "",
		`{"value":null}`:                            "",
		`{"value":true}`:                            "",
		`{"value":[1]}`:                             "",
		`{"value":{"id":1}}`:                        "",
		`{}`:                                        "",
		`null`:                                      "",
	}
	for id, want := range cases {
		person, unreadable := decodeRow(t, `{"id":`+id+`,"email":{"value":"ada@acme.example"}}`, "email")
		if person.ID != want || slices.Contains(unreadable, "id") != (want == "") {
			t.Errorf("id %s was read as %q (unreadable: %v), want %q", id, person.ID, unreadable, want)
		}
		if person.Attributes["email"] != "ada@acme.example" {
			t.Errorf("id %s: the rest of the row was lost: %v", id, person.Attributes)
		}
	}
}

// N321, N333
func TestRowsOfNobodyDoNotDisturbOthers(t *testing.T) {
	t.Parallel()
	page, err := parse([]byte(`{"data":[null,1,"x",[],{},{"attributes":[]},{"attributes":null},{"attributes":{"email":{"value":"x"}}},
		{"attributes":{"id":{"value":7}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	l, err := decodeList(page, []string{"email"})
	if err != nil || len(l.people) != 9 || l.people[8].ID != "7" {
		t.Fatalf("error %v, people %+v; want nine rows, the last of person 7", err, l.people)
	}
	for i, p := range l.people[:8] {
		if p.ID != "" {
			t.Errorf("row %d has the id %q", i, p.ID)
		}
	}
}

// S-054b, S-054i, N333
func TestValuesAreFlattenedInEveryShape(t *testing.T) {
	t.Parallel()
	const unreadable = "(unreadable)"
	cases := []struct{ name, value, want string }{
		{"text", `{"value":"Sales","type":"standard"}`, "Sales"},
		{"text without a label", `"Sales"`, "Sales"},
		{"nothing", `{"value":null}`, ""},
		{"nothing without a label", `null`, ""},
		{"an empty object", `{"value":{}}`, ""},
		{"an empty label", `{"label":"x","value":""}`, ""},
		{"a number", `{"value":40.5}`, "40.5"},
		{"a big number", `{"value":1067807102794692001}`, "1067807102794692001"},
		{"a truth", `{"value":true}`, "true"},
		{"a unit", `{"value":{"type":"Department","attributes":{"id":1,"name":"Sales"}}}`, "Sales"},
		{"a unit with labels inside", `{"value":{"type":"Department","attributes":{"id":{"value":1},"name":{"label":"Name","value":"Sales"}}}}`, "Sales"},
		{"a unit without wrapping", `{"value":{"id":1,"name":"Sales"}}`, "Sales"},
		{"a unit without a label", `{"type":"Department","attributes":{"id":1,"name":"Sales"}}`, "Sales"},
		{"a unit without a name", `{"value":{"type":"Department","attributes":{"id":1}}}`, unreadable},
		{"a unit whose name is a unit", `{"value":{"attributes":{"name":{"attributes":{"name":"Sales"}}}}}`, unreadable},
		{"an empty unit", `{"value":{"type":"Department","attributes":[]}}`, ""},
		{"the first of two", `{"value":[{"attributes":{"name":"B"}},{"attributes":{"name":"A"}}]}`, "B"},
		{"none of several", `{"value":[]}`, ""},
		{"none of several, with space", `{"value":[ ]}`, ""},
		{"tags with commas", `{"value":"Laptop,Phone","type":"tags"}`, "Laptop,Phone"},
		{"tags as JSON in a string", `{"value":"[\"Laptop\",\"Phone\"]","type":"tags"}`, "Laptop,Phone"},
		{"tags as a list", `{"value":["Laptop","Phone"],"type":"tags"}`, "Laptop,Phone"},
		{"a tag with a bracket", `{"value":"[VIP","type":"tags"}`, "[VIP"},
		{"a text in brackets", `{"value":"[\"x\"]","type":"standard"}`, `["x"]`},
		{"a list of lists", `{"value":[["x"]]}`, unreadable},
		{"midnight here", `{"value":"2014-11-09T00:00:00+01:00","type":"date"}`, "2014-11-09"},
		{"a compact offset", `{"value":"2014-11-09T00:00:00+0100","type":"date"}`, "2014-11-09"},
		{"an odd offset", `{"value":"1835-02-01T00:00:00+00:53","type":"date"}`, "1835-02-01"},
		{"Zulu", `{"value":"2014-11-09T00:00:00Z","type":"date"}`, "2014-11-09"},
		{"a bare date", `{"value":"2021-01-01","type":"date"}`, "2021-01-01"},
		{"no date", `{"value":"2021-13-01T25:00:00Z","type":"date"}`, "2021-13-01T25:00:00Z"},
		{"a type of another type", `{"value":"Sales","type":7}`, "Sales"},
	}
	for _, c := range cases {
		person, names := decodeRow(t, `{"id":1,"x":`+c.value+`}`, "x")
		got, sent := person.Attributes["x"]
		if !sent {
			got = unreadable
		}
		if got != c.want || slices.Contains(names, "x") != (c.want == unreadable) {
			t.Errorf("%s: %s was read as %q (unreadable: %v), want %q", c.name, c.value, got, names, c.want)
		}
	}
}

// N323. Normalising is the importer's: an address that is repaired here could no longer be refused.
func TestTextIsReadAsWritten(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		`"Zoe\u0308"`:              "Zoe\u0308",
		`"ada\u0000@acme.example"`: "ada\x00@acme.example",
		`"\ud800 lone"`:            "\uFFFD lone",
		`"line\nfeed \"quoted\""`:  "line\nfeed \"quoted\"",
		`"\ud83d\ude00 <b>=1+1"`:   "😀 <b>=1+1",
		`"Öztürk-Lindström"`:       "Öztürk-Lindström",
		`"back\\slash\/and\u002f"`: `back\slash/and/`,
	}
	for value, want := range cases {
		person, _ := decodeRow(t, `{"id":1,"last_name":{"value":`+value+`}}`, "last_name")
		if got := person.Attributes["last_name"]; got != want {
			t.Errorf("%s was read as %q, want %q", value, got, want)
		}
	}
}

// N333. Nobody's name is replaced by what is left of it in another encoding (RFC 8259 section 8.1).
func TestTextInAnotherEncodingIsNotSent(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"\"M\xfcller\"", "\"\\u00fc and \xfc\"", "[\"ok\",\"\xff\"]", "[{\"name\":\"M\xfcnchen\"}]",
		"{\"attributes\":{\"id\":1,\"name\":\"M\xfcnchen\"}}", "\"cut off \xe2\x82\"", "\"\xed\xa0\x80\"",
	} {
		person, unreadable := decodeRow(t, `{"id":1,"email":{"value":"ada@acme.example"},"x":{"value":`+value+`}}`, "email", "x")
		if text, sent := person.Attributes["x"]; sent || !slices.Contains(unreadable, "x") {
			t.Errorf("%q was read as %q (unreadable: %v), want it not sent", value, text, unreadable)
		}
		if person.ID != "1" || person.Attributes["email"] != "ada@acme.example" {
			t.Errorf("%q: the rest of the row was lost: %+v", value, person)
		}
	}
}

// N239. Rows of next to nothing take little room on a page and much in memory.
func TestAPageHasNoMoreRowsThanACompany(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int]error{maxRows: nil, maxRows + 1: importer.ErrCorrupt, 5_000_000: importer.ErrCorrupt} {
		page, err := parse([]byte(`{"data":[` + strings.Repeat("{},", rows-1) + `{}]}`))
		if err != nil {
			t.Fatal(err)
		}
		l, err := decodeList(page, nil)
		if !errors.Is(err, want) || len(l.people) > maxRows || (want == nil && len(l.people) != rows) {
			t.Errorf("%d rows: error %v and %d people, want error %v", rows, err, len(l.people), want)
		}
	}
}

// S-054j
func TestOnlyTheSupervisorsIDCounts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		value, id string
		known     bool
	}{
		{`{"value":{"type":"Employee","attributes":{"id":{"label":"ID","value":9,"type":"integer"}}}}`, "9", true},
		{`{"value":{"type":"Employee","attributes":{"id":{"value":9},"email":{"value":"x"},"first_name":{"value":"y"}}}}`, "9", true},
		{`{"value":{"type":"Employee","attributes":{"id":9}}}`, "9", true},
		{`{"value":9}`, "9", true},
		{`{"value":null}`, "", true},
		{`{"value":""}`, "", true},
		{`{"value":[]}`, "", true},
		{`{"value":{}}`, "", true},
		{`{"value":{"type":"Employee","attributes":[]}}`, "", true},
		{`{"value":{"type":"Employee","attributes":{"id":9.0}}}`, "", false},
		{`{"value":{"type":"Employee","attributes":{"email":{"value":"x"}}}}`, "", false},
		{`{"value":"Grace Hopper"}`, "", false},
		{`{"value":[9]}`, "", false},
	}
	for _, c := range cases {
		person, unreadable := decodeRow(t, `{"id":1,"supervisor":`+c.value+`}`, "supervisor")
		if person.ManagerID != c.id || person.HasManager != c.known || slices.Contains(unreadable, "supervisor") == c.known {
			t.Errorf("%s was read as %q (known: %t, unreadable: %v), want %q, %t", c.value, person.ManagerID, person.HasManager, unreadable, c.id, c.known)
		}
	}
	if person, _ := decodeRow(t, `{"id":1}`, "supervisor"); person.HasManager {
		t.Error("a supervisor that was not sent is known")
	}
}

// threePeople is a page in the style of Personio.
const threePeople = `{"success":true,"metadata":{"total_elements":3,"current_page":0,"total_pages":1},"offset":0,"limit":100,"data":[
{"type":"Employee","attributes":{"id":{"label":"ID","value":11,"type":"integer","universal_id":"id"},
"email":{"label":"E-Mail","value":"käthe.möller@acme.example","type":"standard","universal_id":"email"},
"supervisor":{"label":"Vorgesetzter","value":null,"type":"standard","universal_id":"supervisor"},
"cost_centers":{"label":"Kostenstelle","value":[{"type":"CostCenter","attributes":{"id":5,"name":"4100 \"Nord\"","percentage":100}}],"type":"standard"}}},
{"type":"Employee","attributes":{"id":{"label":"ID","value":12},"email":{"label":"E-Mail","value":"jo@acme.example"},
"supervisor":{"label":"Vorgesetzter","value":{"type":"Employee","attributes":{"id":{"label":"ID","value":11}}}},"cost_centers":{"value":[]}}},
{"type":"Employee","attributes":{"id":{"value":"13"},"email":{"value":null},"supervisor":{"value":""},"cost_centers":""}}]}`

func TestAPageIsRead(t *testing.T) {
	t.Parallel()
	page, err := parse([]byte(threePeople))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeList(page, []string{"cost_centers", "email", "supervisor"})
	if err != nil {
		t.Fatal(err)
	}
	want := []importer.Person{
		{ID: "11", HasManager: true, Attributes: map[string]string{"email": "käthe.möller@acme.example", "cost_centers": `4100 "Nord"`}},
		{ID: "12", HasManager: true, ManagerID: "11", Attributes: map[string]string{"email": "jo@acme.example", "cost_centers": ""}},
		{ID: "13", HasManager: true, Attributes: map[string]string{"email": "", "cost_centers": ""}},
	}
	if diff := cmp.Diff(want, got.people); diff != "" {
		t.Errorf("people differ (-want +got):\n%s", diff)
	}
	if got.total != 3 || got.limit != 100 {
		t.Errorf("%d people announced, %d per page; want 3, 100", got.total, got.limit)
	}
}

// N324
func TestPagesCutOffAnywhereAreRefused(t *testing.T) {
	t.Parallel()
	for i := range len(threePeople) {
		if _, err := parse([]byte(threePeople[:i])); err == nil {
			t.Fatalf("a page cut off after %d of %d bytes was accepted", i, len(threePeople))
		}
	}
	for _, more := range []string{"}", "x", threePeople} {
		if _, err := parse([]byte(threePeople + more)); err == nil {
			t.Errorf("a page followed by %.10q was accepted", more)
		}
	}
}

// S-054: the targets and what fills them.
func TestDefaultMappingReadsElevenAttributes(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"first_name": "first_name", "last_name": "last_name", "email": "email", "username": "email", "company": "subcompany",
		"cost_center": "cost_centers", "department": "department", "employee_type": "employment_type", "job_title": "position",
		"location": "office", "manager": "supervisor",
	}
	mapping := DefaultMapping()
	if diff := cmp.Diff(want, map[string]string(mapping)); diff != "" {
		t.Errorf("mapping differs (-want +got):\n%s", diff)
	}
	if problems := importer.CheckMapping(mapping, nil); len(problems) > 0 {
		t.Error(problems)
	}
	sources := importer.Wanted(mapping)
	if len(sources) != 11 || !slices.Contains(sources, "status") {
		t.Errorf("sources %v, want eleven with the status", sources)
	}
}

// N333. Whatever arrives, reading it neither panics nor invents anything.
func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(threePeople))
	f.Add([]byte(`{"success":true,"data":[]}`))
	f.Add([]byte(`{"data":[{"attributes":{"id":1,"email":[[],{}]}},{"attributes":[]},null]}`))
	f.Add([]byte(` { "data" : [ { "attributes" : { "id" : { "value" : 1 } , "x\u0031" : "\ud800" } } ] , "limit" : 7 } `))
	wanted := []string{"cost_centers", "email", "status", "supervisor", "x1"}
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := parse(body)
		if err != nil {
			return
		}
		l, err := decodeList(page, wanted)
		if err != nil && !errors.Is(err, importer.ErrCorrupt) {
			t.Errorf("error %v is not one of a source", err)
		}
		for _, p := range l.people {
			if p.ID != "" && !isDecimal(p.ID) || p.ManagerID != "" && (!isDecimal(p.ManagerID) || !p.HasManager) {
				t.Errorf("person with id %q and manager %q", p.ID, p.ManagerID)
			}
			for name, text := range p.Attributes {
				if !slices.Contains(wanted, name) {
					t.Errorf("attribute %q with %q", name, text)
				}
			}
		}
	})
}

// The walker must see in valid JSON what encoding/json sees.
func FuzzValue(f *testing.F) {
	f.Add([]byte(threePeople))
	f.Add([]byte(`{"a":{"b":[1,-2.5e3,true,null,"x\"y",{}, [ ] ]},"":"" , "c\n" : []}`))
	f.Add([]byte(` [ "\\" , "\u00e4" , {"k":"}"} ] `))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parse(text)
		if err != nil {
			return
		}
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Skip() // nested deeper than encoding/json goes
		}
		if diff := cmp.Diff(want, walk(t, v)); diff != "" {
			t.Errorf("difference (-encoding/json +walker):\n%s", diff)
		}
	})
}

// walk builds what encoding/json would.
func walk(t *testing.T, v value) any {
	switch {
	case v.isObject():
		object := map[string]any{}
		for name, member := range v.members() {
			object[name] = walk(t, member)
		}
		return object
	case v.isArray():
		array := []any{}
		for element := range v.elements() {
			array = append(array, walk(t, element))
		}
		return array
	case v.isString():
		return v.text()
	}
	switch text := v.text(); text {
	case "null":
		return nil
	case "true", "false":
		return text == "true"
	default:
		return json.Number(text)
	}
}
