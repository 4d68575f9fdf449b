package importer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/einlass/einlass/users"
)

// S-044, S-054d, S-055: what cannot be mapped is refused, with the place of the mistake.
func TestABadMappingIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		mapping  users.Mapping
		onCreate users.Mapping
		problem  string // target: text
	}{
		{"the state", users.Mapping{"state": "status"}, nil, "state: it is calculated"},
		{"the status", users.Mapping{"status": `"active"`}, nil, "status: it is calculated"},
		{"the state when created", nil, users.Mapping{"state": `"staged"`}, "state: it is calculated"},
		{"a bound of the access window", users.Mapping{"access_until": "termination_date"}, nil, "access_until: it is calculated"},
		{"a bound of the access window when created", nil, users.Mapping{"access_from": "hire_date"}, "access_from: it is calculated"},
		{"no attribute", users.Mapping{"department": ""}, nil, "department: want a source attribute"},
		{"no name", users.Mapping{"": "email"}, nil, `: "" is no name`},
		{"a name with blanks", users.Mapping{"my department": "department"}, nil, `my department: "my department" is no name`},
		{"an e-mail address by expression", users.Mapping{"email": `lower(email)`}, nil, "email: want the source attribute itself"},
		{"an e-mail address by constant", users.Mapping{"email": `"a@acme.example"`}, nil, "email: want the source attribute itself"},
		{"a manager by expression", users.Mapping{"manager": `"1"`}, nil, "manager: want the source attribute itself"},
		{"an expression that breaks off", users.Mapping{"company": "subcompany +"}, nil, "company: want a source attribute or an expression: line 1, column 12"},
		{"two lines", users.Mapping{"company": "subcompany +\n office)"}, nil, "company: want a source attribute or an expression: line 2, column 8"},
		{"a number", users.Mapping{"company": "42"}, nil, "company: want a source attribute or an expression: line 1, column 1: the result is int, want a text"},
		{"a truth value", users.Mapping{"company": `office == "Wien"`}, nil, "want a text"},
		{"an unknown function", users.Mapping{"company": `now() + ""`}, nil, "line 1, column 1"},
		{"a person as text", users.Mapping{"manager": "supervisor", "company": `supervisor + ""`}, nil, "company: supervisor is the manager"},
		{"an expression when created", nil, users.Mapping{"company": "subcompany +"}, "company: want a source attribute or an expression: line 1, column 12"},
		{"an e-mail address when created", nil, users.Mapping{"email": "email"}, "email: every import looks after it"},
		{"a user name when created", nil, users.Mapping{"username": "login"}, "username: every import looks after it"},
		{"a manager when created", nil, users.Mapping{"manager": "supervisor"}, "manager: every import looks after it"},
		{"a target of both", users.Mapping{"company": "subcompany"}, users.Mapping{"company": `"Acme"`}, "company: it is filled by every import as well"},
	} {
		problems := CheckMapping(c.mapping, c.onCreate)
		if len(problems) != 1 || problems[0].OnCreate != (c.onCreate != nil) || !strings.Contains(problems[0].Target+": "+problems[0].Text, c.problem) {
			t.Errorf("%s: problems %+v, want one with %q", c.name, problems, c.problem)
		}
	}
	several := CheckMapping(users.Mapping{"state": "x", "company": "42"}, users.Mapping{"office": "1"})
	if len(several) != 3 {
		t.Errorf("several: %+v, want all three", several)
	}
}

// S-009, S-056
func TestWhatExpressionsReadIsAskedFor(t *testing.T) {
	t.Parallel()
	mapping := users.Mapping{"email": "work_email", "username": `split(work_email, "@")[0]`, "company": `"Acme"`, "title": `position + " " + office`}
	want := []string{"entry_date", "office", "position", "status", "work_email"}
	if diff := cmp.Diff(want, Wanted(mapping, users.Mapping{"joined": `"since " + entry_date`})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// W-12, F-57; invariant 4: absent is not empty, in expressions neither.
func TestValuesAreMapped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		text       string
		attributes map[string]string
		value      string
		sent       bool
		failed     bool
	}{
		{"an attribute that was not sent", "office", nil, "", false, false},
		{"an expression over one that was not sent", `office + "!"`, nil, "", false, false},
		{"an expression over two of which one was not sent", `office == "" ? department : office`, map[string]string{"office": "Wien"}, "", false, false},
		{"an expression that would not look at it", `true ? office : department`, map[string]string{"office": "Wien"}, "", false, false},
		{"an expression that fails", `split(office, " ")[1]`, map[string]string{"office": "Wien"}, "", false, true},
		{"an attribute", "office", map[string]string{"office": " Wien\t"}, "Wien", true, false},
		{"an empty attribute", "office", map[string]string{"office": ""}, "", true, false},
		{"a constant", `"Acme GmbH"`, nil, "Acme GmbH", true, false},
		{"an expression over an empty one", `office + "!"`, map[string]string{"office": ""}, "!", true, false},
		{"a translation", `office in ["Wien", "Graz"] ? "AT" : "DE"`, map[string]string{"office": " Graz "}, "AT", true, false},
		{"a fallback", `department == "" ? office : department`, map[string]string{"office": "Wien", "department": ""}, "Wien", true, false},
		{"a result that is not normal", `office + " \u202e " + office`, map[string]string{"office": "Wien"}, "Wien Wien", true, false},
	} {
		for _, onCreate := range []bool{false, true} {
			target := users.Mapping{"region": c.text}
			m := newMapper(target, "").creating(nil)
			if onCreate {
				m = newMapper(nil, "").creating(target)
			}
			mapped := m.apply(Person{ID: "1", Status: StatusActive, Attributes: c.attributes})
			got, sent := mapped.arriving()["region"]
			if got != c.value || sent != c.sent || (len(mapped.Failed) == 1) != c.failed {
				t.Errorf("%s (when created only: %t): %q, sent %t, failed %v; want %q, %t, %t", c.name, onCreate, got, sent, mapped.Failed, c.value, c.sent, c.failed)
			}
			if _, always := mapped.Values["region"]; onCreate && always {
				t.Errorf("%s: every import would write it", c.name)
			}
		}
	}
}

// What installations remember of people stays true.
func TestTheContentHashOfAPlainMappingStays(t *testing.T) {
	t.Parallel()
	const known = "4896cd65c1d7fd8f834ff1fc05459a7f5e60217900a99cb2de5fe2d1ad0b2267"
	if got := newMapper(jumpCloud, "").apply(person("1", StatusActive, "Ada")).Hash; got != known {
		t.Errorf("content hash %s, want %s", got, known)
	}
}

func TestTheContentHashCoversExpressions(t *testing.T) {
	t.Parallel()
	base := with(person("1", StatusActive, "Ada"), "office", "Wien North")
	mapping := withTarget(jumpCloud, "region", `split(office, " ")[1]`)
	hash := newMapper(mapping, "").apply(base).Hash
	joined := users.Mapping{"joined": `"in " + office`}
	created := newMapper(mapping, "").creating(joined).apply(base).Hash
	for name, other := range map[string]string{
		"another expression":             newMapper(withTarget(jumpCloud, "region", `split(office, " ")[0]`), "").apply(base).Hash,
		"another value":                  newMapper(mapping, "").apply(with(base, "office", "Wien South")).Hash,
		"a failure":                      newMapper(mapping, "").apply(with(base, "office", "Wien")).Hash,
		"one not sent":                   newMapper(mapping, "").apply(without(base, "office")).Hash,
		"a mapping for when created":     created,
		"another one for when created":   newMapper(mapping, "").creating(users.Mapping{"joined": `"at " + office`}).apply(base).Hash,
		"another value for when created": newMapper(mapping, "").creating(joined).apply(with(base, "office", "Graz North")).Hash,
	} {
		if other == hash || (other == created) != (name == "a mapping for when created") {
			t.Errorf("%s: the hash stays the same", name)
		}
	}
}

// What fills people when they are created is written then, and when they are linked, and never again.
func TestWhatIsSetOnCreationStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapper = newMapper(jumpCloud, "").creating(users.Mapping{"first_office": "office", "source": `"HR"`})
	rows := w.plan(with(person("1", StatusActive, "Ada"), "office", "Wien"))
	want(t, rows, effect{"1", users.ChangeCreate, "new_person"})
	if f := rows[0].Fields; f["first_office"].After != "Wien" || f["source"].After != "HR" {
		t.Errorf("created with %+v", f)
	}
	w.remember(rows)
	moved := w.plan(with(person("1", StatusActive, "Ada"), "office", "Graz"))
	want(t, moved, effect{"1", users.ChangeUpdate, "attributes_changed"})
	if diff := cmp.Diff([]string{"location"}, moved[0].ChangedFields()); diff != "" {
		t.Errorf("a later import changes (-want +got):\n%s", diff)
	}

	local := users.User{ID: "local", BaseState: users.StateActive, Version: 1, Role: users.RoleNone, Origin: users.OriginLocal}
	local.SetAttribute(users.AttributeEmail, "bob@acme.example")
	w.users[local.ID] = local
	linked := w.plan(with(person("2", StatusActive, "Bob"), "office", "Linz"))
	want(t, linked, effect{"2", users.ChangeLink, "linked_by_email"})
	if got := linked[0].Fields["first_office"].After; got != "Linz" {
		t.Errorf("linked with first office %q, want Linz", got)
	}
}

// An expression that fails for one person leaves what they have, says so, and works for the others.
func TestAnExpressionThatFailsIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapper = newMapper(withTarget(withTarget(jumpCloud, "region", `split(office, " ")[1]`), "username", `split(office, " ")[1] + first_name`), "")
	w.hire(with(person("1", StatusActive, "Ada"), "office", "Wien North"))
	w.hire(with(person("2", StatusActive, "Bob"), "office", "Wien North"))
	rows := w.plan(
		with(person("1", StatusActive, "Ada"), "office", "Wien"),
		with(person("2", StatusActive, "Bob"), "office", "Wien South"),
		with(person("3", StatusActive, "Cleo"), "office", "Wien"),
		with(person("4", StatusInactive, "Dan"), "office", "Wien"),
	)
	want(t, rows,
		effect{"1", users.ChangeUpdate, "attributes_changed"}, effect{"2", users.ChangeUpdate, "attributes_changed"},
		effect{"3", users.ChangeCreate, "new_person"}, effect{"4", users.ChangeSkip, "inactive_status"})
	for i, fields := range [][]string{{"location"}, {"location", "region", "username"}} {
		if diff := cmp.Diff(fields, rows[i].ChangedFields()); diff != "" {
			t.Errorf("row %d changes (-want +got):\n%s", i, diff)
		}
	}
	for i, reported := range []bool{true, false, true, false} {
		if got := strings.Contains(inEnglish(rows[i].Detail), "The expression for region, username fails"); got != reported {
			t.Errorf("row %d: detail %q, want the failure there: %t", i, inEnglish(rows[i].Detail), reported)
		}
	}
	if got := rows[2].Fields["username"].After; got != "cleo@acme.example" {
		t.Errorf("user name of somebody new: %q, want the address", got)
	}

	w.mapper = newMapper(withTarget(jumpCloud, "region", `split(department, " ")[1]`), "")
	w.hire(person("5", StatusActive, "Eve"))
	record := w.people["5"]
	record.ContentHash = "of another mapping"
	w.people["5"] = record
	rows = w.plan(person("5", StatusActive, "Eve"))
	want(t, rows, effect{"5", users.ChangeRecord, "mapping_failed"})
}

// Another way to write the same mapping changes nobody.
func TestAMappingWrittenDifferentlyChangesNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		var people []Person
		for i, name := range []string{"Ada", "Bob", "Cleo", "Dan"} {
			people = append(people, drawPerson(rt, fmt.Sprint(i+1), name))
		}
		w.remember(w.plan(people...))
		same := jumpCloud
		for _, target := range []string{"department", "first_name", "last_name", "location", "company"} {
			form := rapid.SampledFrom([]string{"%s", `%[1]s + ""`, `trim(%s)`, `%[1]s == "" ? "" : %[1]s`}).Draw(rt, target)
			same = withTarget(same, target, fmt.Sprintf(form, jumpCloud[target]))
		}
		w.mapper = newMapper(same, "")
		for _, c := range w.plan(people...) {
			if len(c.Fields) > 0 && c.Kind != users.ChangeQuarantine {
				rt.Fatalf("%s changes %v of %s", c.Kind, c.Fields, c.Name)
			}
		}
	})
}
