package personiotest

import (
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The custom attributes of the generated company.
const (
	attributeNumber    = "dynamic_7123994"
	attributeEquipment = "dynamic_7124100"
)

// bigIDOffset lifts ids beyond 2^53, where a float loses their last digits.
const bigIDOffset int64 = 1_067_807_102_794_000_000

// labelled is an attribute as the API writes it.
type labelled struct {
	Label       string  `json:"label"`
	Value       any     `json:"value"`
	Type        string  `json:"type"`
	UniversalID *string `json:"universal_id"`
}

// bare is the same in the shape of old accounts.
type bare struct {
	Label string `json:"label"`
	Value any    `json:"value"`
}

// object is how the API nests a department, an office, a person.
type object struct {
	Type       string         `json:"type"`
	Attributes map[string]any `json:"attributes"`
}

// attribute describes one attribute of an employee.
type attribute struct {
	label, german, kind string
	value               func(w *writer, e Employee) any
}

// attributeTable is everything the API can say about a person, by key. Money, time
// accounts and absences are left out: no identity provider has a use for them.
func attributeTable() map[string]attribute {
	return map[string]attribute{
		"id":              {"ID", "ID", "integer", func(w *writer, e Employee) any { return w.id(e.ID) }},
		"first_name":      {"First name", "Vorname", "standard", func(_ *writer, e Employee) any { return e.FirstName }},
		"last_name":       {"Last name", "Nachname", "standard", func(_ *writer, e Employee) any { return e.LastName }},
		"preferred_name":  {"Name (preferred)", "Rufname", "standard", func(_ *writer, e Employee) any { return e.PreferredName }},
		"email":           {"Email", "E-Mail", "standard", (*writer).email},
		"status":          {"Status", "Status", "standard", (*writer).status},
		"position":        {"Position", "Position", "standard", func(_ *writer, e Employee) any { return e.Position }},
		"supervisor":      {"Supervisor", "Vorgesetzter", "standard", (*writer).supervisor},
		"employment_type": {"Employment type", "Beschäftigungsart", "standard", func(_ *writer, e Employee) any { return e.EmploymentType }},
		"subcompany":      {"Subcompany", "Gesellschaft", "standard", func(w *writer, e Employee) any { return w.unit("Subcompany", e.Subcompany) }},
		"department":      {"Department", "Abteilung", "standard", func(w *writer, e Employee) any { return w.unit("Department", e.Department) }},
		"office":          {"Office", "Standort", "standard", func(w *writer, e Employee) any { return w.unit("Office", e.Office) }},
		"team":            {"Team", "Team", "standard", func(w *writer, e Employee) any { return w.unit("Team", e.Team) }},
		"cost_centers":    {"Cost center", "Kostenstelle", "standard", (*writer).costCenters},
		"hire_date":       {"Hire date", "Einstellungsdatum", "date", func(w *writer, e Employee) any { return w.date(e.HireDate) }},
		"termination_date": {"Termination date", "Kündigungsdatum", "date",
			func(w *writer, e Employee) any { return w.date(e.TerminationDate) }},
		"last_working_day": {"Last day of work", "Letzter Arbeitstag", "date",
			func(w *writer, e Employee) any { return w.date(e.LastWorkingDay) }},
		"contract_end_date": {"Contract ends", "Vertragsende", "date",
			func(w *writer, e Employee) any { return w.date(e.ContractEndDate) }},
		"weekly_working_hours": {"Weekly hours", "Wochenstunden", "standard", func(*writer, Employee) any { return "40" }},
		"profile_picture":      {"Profile Picture", "Profilbild", "standard", func(*writer, Employee) any { return nil }},
		"created_at":           {"Created at", "Erstellt am", "date", func(w *writer, e Employee) any { return w.instant(e.CreatedAt) }},
		"last_modified_at":     {"Last modified", "Letzte Änderung", "date", func(w *writer, e Employee) any { return w.instant(e.LastModifiedAt) }},
		attributeNumber:        {"Employee ID", "Personalnummer", "standard", func(_ *writer, e Employee) any { return e.Number }},
		attributeEquipment:     {"IT equipment", "IT-Ausstattung", "tags", func(w *writer, e Employee) any { return w.tags(e.Equipment) }},
	}
}

// AttributeNames returns the keys of all attributes, sorted.
func AttributeNames() []string { return slices.Sorted(maps.Keys(attributeTable())) }

// writer puts profiles into the API's words, for one answer. The company's lock
// is held for reading while it works.
type writer struct {
	company  *Company
	table    map[string]attribute
	variants map[Variant]bool
	granted  map[string]bool // nil: everything
	language string
	zone     *time.Location
}

// employee writes one profile, reduced to what is wanted (nil: everything) and granted.
func (w *writer) employee(e Employee, wanted []string) object {
	o := object{Type: "Employee", Attributes: map[string]any{}}
	for key, a := range w.table {
		if w.shows(key, wanted) {
			o.Attributes[key] = w.labelled(key, a, a.value(w, e))
		}
	}
	for key, value := range e.Custom {
		if w.shows(key, wanted) {
			o.Attributes[key] = w.labelled(key, attribute{label: key, german: key, kind: "standard"}, value)
		}
	}
	return o
}

// shows reports whether an answer has the attribute. The id always is there.
func (w *writer) shows(key string, wanted []string) bool {
	if key == "id" {
		return true
	}
	if w.variants[NoStatus] && key == "status" {
		return false
	}
	return (wanted == nil || slices.Contains(wanted, key)) && (w.granted == nil || w.granted[key])
}

func (w *writer) labelled(key string, a attribute, value any) any {
	label := w.label(a)
	if w.variants[NoTypes] {
		return bare{label, value}
	}
	l := labelled{Label: label, Value: value, Type: a.kind}
	if !strings.HasPrefix(key, "dynamic_") {
		l.UniversalID = &key
	}
	return l
}

func (w *writer) label(a attribute) string {
	if w.variants[RenamedLabels] {
		return "Acme " + a.label
	}
	if w.language == "de" {
		return a.german
	}
	return a.label
}

func (w *writer) id(id int64) any {
	if w.variants[BigIDs] {
		id += bigIDOffset
	}
	if w.variants[IDsAsStrings] {
		return strconv.FormatInt(id, 10)
	}
	return id
}

// tenth reports whether e is one of those concerned by a variant for some people.
func (w *writer) tenth(v Variant, e Employee) bool { return w.variants[v] && e.ID%10 == 3 }

func (w *writer) email(e Employee) any {
	email := string(e.Email)
	switch {
	case w.tenth(NullEmails, e):
		return nil
	case w.tenth(EmptyEmails, e):
		return ""
	case w.tenth(DuplicateEmails, e):
		if i, found := w.company.indexByID(e.ID - 1); found {
			email = string(w.company.people[i].Email)
		}
	}
	if w.variants[UpperCaseEmails] {
		return strings.ToUpper(email)
	}
	return email
}

func (w *writer) status(e Employee) any {
	if w.tenth(UnknownStatuses, e) {
		return "sabbatical"
	}
	return string(e.Status)
}

// supervisorOf returns whom a person reports to, who may be somebody that is not listed.
func (w *writer) supervisorOf(e Employee) (id int64, found bool) {
	id = e.SupervisorID
	if w.variants[SupervisorCycle] && e.ID == FirstID {
		id = FirstID + 1
	}
	if w.tenth(UnknownSupervisors, e) {
		return FirstID - 1, true
	}
	_, found = w.company.indexByID(id)
	return id, found
}

func (w *writer) supervisor(e Employee) any {
	id, found := w.supervisorOf(e)
	if !found {
		return w.none()
	}
	o := object{"Employee", map[string]any{"id": w.labelled("id", w.table["id"], w.id(id))}}
	i, listed := w.company.indexByID(id)
	if !listed || w.variants[SupervisorIDOnly] {
		return o
	}
	boss := w.company.people[i]
	for _, key := range []string{"first_name", "last_name", "email"} {
		o.Attributes[key] = w.labelled(key, w.table[key], w.table[key].value(w, boss))
	}
	return o
}

// unit writes a department and its like. The id follows from the name, as
// nothing else is known of the unit.
func (w *writer) unit(kind, name string) any {
	if name == "" {
		return w.none()
	}
	return object{kind, map[string]any{"id": unitID(kind, name), "name": name}}
}

func unitID(kind, name string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(kind + "/" + name)) // a hash does not fail
	return int64(h.Sum32())
}

func (w *writer) costCenters(e Employee) any {
	centers := make([]object, 0, len(e.CostCenters))
	for _, name := range e.CostCenters {
		share := 100 / len(e.CostCenters)
		centers = append(centers, object{"CostCenter", map[string]any{"id": unitID("CostCenter", name), "name": name, "percentage": share}})
	}
	return centers
}

// none is how the account at hand writes an empty object.
func (w *writer) none() any {
	switch {
	case w.variants[EmptyStrings]:
		return ""
	case w.variants[EmptyLists]:
		return []any{}
	}
	return nil
}

// date writes midnight in the company's zone, as Personio does: converted to
// UTC it would fall on the day before.
func (w *writer) date(day string) any {
	if day == "" {
		return nil
	}
	if w.variants[BareDates] {
		return day
	}
	at, err := time.ParseInLocation(time.DateOnly, day, w.zone)
	if err != nil {
		return day // a test may say something that is no date
	}
	return w.instant(at)
}

func (w *writer) instant(at time.Time) any {
	if w.variants[CompactOffsets] {
		return at.In(w.zone).Format("2006-01-02T15:04:05-0700")
	}
	return at.In(w.zone).Format(time.RFC3339)
}

func (w *writer) tags(tags []string) any {
	if !w.variants[TagsAsJSON] || len(tags) == 0 {
		return strings.Join(tags, ",")
	}
	encoded, err := json.Marshal(tags)
	if err != nil {
		return "" // strings always marshal
	}
	return string(encoded)
}
