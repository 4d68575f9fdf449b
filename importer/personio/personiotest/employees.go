package personiotest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sizes of a page of employees.
const (
	defaultPage = 50
	maxPage     = 100
)

// list is the envelope of a page.
type list struct {
	Success  bool      `json:"success"`
	Metadata *metadata `json:"metadata,omitempty"`
	Offset   int       `json:"offset"`
	Limit    int       `json:"limit"`
	Data     []object  `json:"data"`
}

type metadata struct {
	TotalElements int `json:"total_elements"`
	CurrentPage   int `json:"current_page"`
	TotalPages    int `json:"total_pages"`
}

// selection is what a list is asked for.
type selection struct {
	offset, limit int
	email         string
	since         time.Time // zero: not asked for
	attributes    []string  // nil: all
}

func parseSelection(query url.Values) (selection, error) {
	sel := selection{limit: defaultPage, email: query.Get("email"), attributes: query["attributes[]"]}
	for name, number := range map[string]*int{"limit": &sel.limit, "offset": &sel.offset} {
		if !query.Has(name) {
			continue
		}
		n, err := strconv.Atoi(query.Get(name))
		if err != nil || n < 0 {
			return selection{}, fmt.Errorf("%s: not a number", name)
		}
		*number = n
	}
	if sel.limit < 1 || sel.limit > maxPage {
		return selection{}, fmt.Errorf("limit: not between 1 and %d", maxPage)
	}
	if text := query.Get("updated_since"); text != "" {
		for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", time.RFC3339} {
			if at, err := time.Parse(layout, text); err == nil {
				sel.since = at
			}
		}
		if sel.since.IsZero() {
			return selection{}, fmt.Errorf("updated_since: not a date")
		}
	}
	return sel, nil
}

// listEmployees answers one page. With updated_since everything changed since
// comes at once, whatever limit, offset and email say.
func (s *Server) listEmployees(r *http.Request, faulty faultySet) answer {
	sel, err := parseSelection(r.URL.Query())
	if err != nil {
		return s.errorAnswer(http.StatusBadRequest, 400)
	}
	s.drift(faulty)
	w := s.writer()
	if w.variants[LocalSince] {
		sel.since = inBerlin(sel.since)
	}
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	people := s.selected(sel)
	if !sel.since.IsZero() && !w.variants[PagedDelta] {
		sel.offset, sel.limit = 0, max(len(people), 1)
	}
	return success(s.page(w, people, sel, faulty))
}

// inBerlin returns the instant that a clock in Berlin shows as t; the zero time stays.
func inBerlin(t time.Time) time.Time {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil || t.IsZero() {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
}

// selected returns whom a list is about. The caller holds the company's lock.
func (s *Server) selected(sel selection) []Employee {
	switch {
	case !sel.since.IsZero():
		return slices.DeleteFunc(slices.Clone(s.people), func(e Employee) bool { return e.LastModifiedAt.Before(sel.since) })
	case sel.email != "":
		return slices.DeleteFunc(slices.Clone(s.people), func(e Employee) bool {
			return !strings.EqualFold(string(e.Email), sel.email)
		})
	}
	return s.people
}

// page writes the people between offset and offset+limit, as far as faults allow.
func (s *Server) page(w *writer, people []Employee, sel selection, faulty faultySet) list {
	total, offset, limit := len(people), sel.offset, sel.limit
	switch {
	case faulty.has(RepeatedPage):
		offset = max(0, offset-limit)
	case faulty.has(OffsetIgnored), faulty.has(Endless):
		offset = 0
	}
	from, to := min(offset, total), min(offset+limit, total)
	if faulty.has(EmptyPage) {
		to = from
	}
	if faulty.has(ShortPage) {
		to = from + (to-from+1)/2
	}
	l := list{
		Success: true, Offset: sel.offset, Limit: limit, Data: []object{},
		Metadata: &metadata{
			TotalElements: announced(total, sel.offset, faulty),
			CurrentPage:   sel.offset / limit,
			TotalPages:    (total + limit - 1) / limit,
		},
	}
	if faulty.has(TotalsMissing) {
		l.Metadata = nil
	}
	for _, e := range people[from:to] {
		if faulty.has(Endless) { // somebody new, who looks just like somebody old
			e.ID += int64(sel.offset) + int64(total)
		}
		l.Data = append(l.Data, w.employee(e, sel.attributes))
	}
	return l
}

// announced is the number of people the metadata speaks of.
func announced(total, offset int, faulty faultySet) int {
	switch {
	case faulty.has(TotalsHigh):
		return total + 20
	case faulty.has(TotalsLow):
		return total / 2
	case faulty.has(TotalsChanging):
		return total + offset/10 + 1
	case faulty.has(Endless):
		return total + offset + maxPage
	}
	return total
}

// drift changes the company between two pages, as hiring and leaving do.
func (s *Server) drift(faulty faultySet) {
	if !faulty.has(DriftInsert) && !faulty.has(DriftRemove) {
		return
	}
	people := s.People()
	if len(people) == 0 {
		return
	}
	first := people[0]
	if faulty.has(DriftInsert) {
		newcomer := Employee{ID: first.ID - 1, FirstName: "Nadja", LastName: "Neu",
			Email: Email(fmt.Sprintf("nadja.neu%d@%s", first.ID, s.cfg.Domain))}
		_, _ = s.Add(newcomer) // the id before the first is free
	}
	if faulty.has(DriftRemove) {
		_ = s.Remove(first.ID) // nobody else removes them meanwhile, or it makes no difference
	}
}

// readEmployee answers one profile, whatever attributes[] says.
func (s *Server) readEmployee(r *http.Request, _ faultySet) answer {
	w := s.writer()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return s.errorAnswer(http.StatusNotFound, 404)
	}
	if w.variants[BigIDs] {
		id -= bigIDOffset
	}
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	i, found := s.indexByID(id)
	if !found {
		return s.errorAnswer(http.StatusNotFound, 404)
	}
	return success(map[string]any{"success": true, "data": w.employee(s.people[i], nil)})
}

// listAttributes tells what the credentials may read.
func (s *Server) listAttributes(*http.Request, faultySet) answer {
	w := s.writer()
	data := []map[string]any{}
	for _, key := range AttributeNames() {
		if key == "id" || !w.shows(key, nil) {
			continue
		}
		a := s.table[key]
		universal := any(key)
		if strings.HasPrefix(key, "dynamic_") {
			universal = nil
		}
		data = append(data, map[string]any{
			"key": key, "label": w.label(a), "type": a.kind, "universal_id": universal, "options": []string{},
		})
	}
	return success(map[string]any{"success": true, "data": data})
}
