package personiotest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// personFilter decides who is in a list of persons.
type personFilter func(w *writer, e Employee) bool

// parsePersonFilters reads the filters of a list, all of which must hold.
func parsePersonFilters(query url.Values) ([]personFilter, error) {
	var filters []personFilter
	texts := map[string]func(w *writer, e Employee) string{
		"id":             func(w *writer, e Employee) string { return w.idText(e.ID) },
		"email":          func(_ *writer, e Employee) string { return string(e.Email) },
		"first_name":     func(_ *writer, e Employee) string { return e.FirstName },
		"last_name":      func(_ *writer, e Employee) string { return e.LastName },
		"preferred_name": func(_ *writer, e Employee) string { return e.PreferredName },
	}
	for name, text := range texts {
		if query.Get(name) == "" {
			continue
		}
		choices := strings.Split(strings.ToLower(query.Get(name)), ",")
		filters = append(filters, func(w *writer, e Employee) bool {
			return slices.Contains(choices, strings.ToLower(text(w, e)))
		})
	}
	switch status := query.Get("status"); status {
	case "":
	case "ACTIVE", "INACTIVE":
		filters = append(filters, func(w *writer, e Employee) bool { return coarse(w.statusV2(e)) == status })
	default:
		return nil, errBadRequest
	}
	for name, time := range map[string]func(e Employee) time.Time{
		"created_at": func(e Employee) time.Time { return e.CreatedAt },
		"updated_at": func(e Employee) time.Time { return e.PersonUpdatedAt },
	} {
		for suffix, holds := range map[string]func(order int) bool{
			"": func(order int) bool { return order == 0 }, ".gt": func(order int) bool { return order > 0 }, ".lt": func(order int) bool { return order < 0 },
		} {
			limit, err := parseInstant(query.Get(name + suffix))
			if err != nil {
				return nil, err
			}
			if !limit.IsZero() {
				filters = append(filters, func(_ *writer, e Employee) bool { return holds(time(e).Compare(limit)) })
			}
		}
	}
	return filters, nil
}

// parseInstant returns the zero time for an empty text.
func parseInstant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errBadRequest
	}
	return at, nil
}

// coarse is the status of a person, which follows from that of the employment.
func coarse(status string) string {
	if status == "INACTIVE" {
		return "INACTIVE"
	}
	return "ACTIVE"
}

// listPersons answers one page. What a filter leaves out is not there at all.
func (s *Server) listPersons(r *http.Request, faulty faultySet) answer {
	at, err := parseCursor(r.URL.Query())
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	filters, err := parsePersonFilters(at.Query)
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	s.drift(faulty)
	w := s.writer()
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	people := slices.DeleteFunc(slices.Clone(s.people), func(e Employee) bool {
		return slices.ContainsFunc(filters, func(lets personFilter) bool { return !lets(w, e) })
	})
	return s.pageOf(r, at, "/v2/persons", len(people), faulty, func(i int) any {
		e := people[i]
		if faulty.has(Endless) {
			e.ID += int64(at.Offset) + int64(len(people))
		}
		return w.person(s.origin(r), e)
	})
}

func (s *Server) readPerson(r *http.Request, _ faultySet) answer {
	w := s.writer()
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	e, found := s.personAt(w, r)
	switch {
	case !found:
		return s.problem(http.StatusNotFound)
	case w.variants[WrappedSinglePerson]:
		return success(map[string]any{"_data": w.person(s.origin(r), e)})
	}
	return success(w.person(s.origin(r), e))
}

// personAt returns the person of a path. The caller holds the company's lock.
func (s *Server) personAt(w *writer, r *http.Request) (Employee, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return Employee{}, false
	}
	if w.variants[BigIDs] {
		id -= bigIDOffset
	}
	i, found := s.indexByID(id)
	if !found {
		return Employee{}, false
	}
	return s.people[i], true
}

// idText is how version 2 writes an id.
func (w *writer) idText(id int64) string {
	if w.variants[BigIDs] {
		id += bigIDOffset
	}
	return strconv.FormatInt(id, 10)
}

// person writes one as version 2 does, reduced to what is granted.
func (w *writer) person(origin string, e Employee) map[string]any {
	path := origin + "/v2/persons/" + w.idText(e.ID)
	p := map[string]any{
		"id":          w.idText(e.ID),
		"employments": w.employmentIDs(e),
		"_meta":       meta{Links: map[string]link{"employments": {path + "/employments"}}},
	}
	w.put(p, "first_name", "first_name", e.FirstName)
	w.put(p, "last_name", "last_name", e.LastName)
	w.put(p, "preferred_name", "preferred_name", e.PreferredName)
	w.put(p, "email", "email", w.email(e))
	w.put(p, "status", "status", coarse(w.statusV2(e)))
	w.put(p, "created_at", "created_at", e.CreatedAt.UTC().Format(time.RFC3339))
	w.put(p, "updated_at", "last_modified_at", e.PersonUpdatedAt.UTC().Format(time.RFC3339))
	if custom := w.customAttributes(e); w.granted == nil || len(custom) > 0 {
		p["custom_attributes"] = custom
	}
	return p
}

// put writes a member unless the credentials may not read it, or nothing is
// there and the account leaves that out.
func (w *writer) put(object map[string]any, name, attribute string, value any) {
	if w.shows(attribute, nil) && (!w.variants[OmittedEmpty] || value != nil && value != "") {
		object[name] = value
	}
}

// customAttribute is one as version 2 writes it.
type customAttribute struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	GlobalID string `json:"global_id"`
	Label    string `json:"label,omitempty"`
	Value    any    `json:"value"`
}

func (w *writer) customAttributes(e Employee) []customAttribute {
	list := []customAttribute{}
	add := func(key, kind, global string, value any) {
		if !w.shows(key, nil) {
			return
		}
		a := customAttribute{ID: key, Type: kind, GlobalID: global, Value: value}
		if text, ok := value.(string); ok && w.variants[TypedCustomValues] {
			if number, err := strconv.ParseInt(text, 10, 64); err == nil {
				a.Type, a.Value = "INT", number
			}
		}
		if w.variants[LongAttributeIDs] {
			a.ID = strings.Replace(key, "_", "_9f86d081884c7d65.", 1)
		}
		list = append(list, a)
	}
	add(attributeNumber, "string", "employee_id", e.Number)
	add(attributeEquipment, "STRING_LIST", "it_equipment", slices.Concat([]string{}, e.Equipment))
	for key, value := range e.Custom {
		add(key, "STRING", key, value)
	}
	return list
}
