package personiotest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// listEmployments answers with the employments of one person, the most recent
// first. Following pages are promised under a path that does not exist.
func (s *Server) listEmployments(r *http.Request, faulty faultySet) answer {
	at, err := parseCursor(r.URL.Query())
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	w := s.writer()
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	e, found := s.personAt(w, r)
	if !found {
		return s.problem(http.StatusNotFound)
	}
	all := w.employments(s.origin(r), e)
	return s.pageOf(r, at, "/v2/employments", len(all), faulty, func(i int) any { return all[i] })
}

func (s *Server) readEmployment(r *http.Request, _ faultySet) answer {
	w := s.writer()
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	if e, found := s.personAt(w, r); found {
		for i, employment := range w.employments(s.origin(r), e) {
			if employmentID(e.ID, i) == r.PathValue("employment") {
				return success(employment)
			}
		}
	}
	return s.problem(http.StatusNotFound)
}

// employmentID is the id of somebody's i-th employment, counted from the latest.
// There are no ids in a profile; these stay as long as nobody is hired again.
func employmentID(person int64, i int) string {
	return fmt.Sprintf("5b7f0a6e-%04x-4c5e-9d10-%012d", i, person)
}

type idOnly struct {
	ID string `json:"id"`
}

func (w *writer) employmentIDs(e Employee) []idOnly {
	ids := []idOnly{{employmentID(e.ID, 0)}}
	for i := range e.Former {
		ids = append(ids, idOnly{employmentID(e.ID, i+1)})
	}
	return ids
}

// employments writes all of somebody's, the most recent first.
func (w *writer) employments(origin string, e Employee) []map[string]any {
	all := []map[string]any{w.employment(origin, e, 0)}
	for i, former := range e.Former {
		then := Employee{
			ID: e.ID, Status: former.Status, Position: former.Position, HireDate: former.HireDate,
			EmploymentType: e.EmploymentType, CreatedAt: e.CreatedAt, LastModifiedAt: e.CreatedAt,
		}
		all = append(all, w.employment(origin, then, i+1))
	}
	return all
}

// employment writes one, reduced to what is granted: with too little, next to
// nothing is left.
func (w *writer) employment(origin string, e Employee, i int) map[string]any {
	person := w.idText(e.ID)
	links := map[string]link{"person": {origin + "/v2/persons/" + person}}
	m := map[string]any{"id": employmentID(e.ID, i), "person": idOnly{person}, "_meta": meta{Links: links}}
	w.put(m, "status", "status", w.statusV2(e))
	w.put(m, "position", "position", titled(e.Position))
	w.put(m, "type", "employment_type", strings.ToUpper(e.EmploymentType))
	w.put(m, "weekly_working_hours", "weekly_working_hours", 40)
	w.put(m, "employment_start_date", "hire_date", orNull(e.HireDate))
	w.put(m, "employment_end_date", "termination_date", orNull(e.TerminationDate))
	w.put(m, "contract_end_date", "contract_end_date", orNull(e.ContractEndDate))
	w.put(m, "supervisor", "supervisor", w.supervisorV2(e))
	w.put(m, "office", "office", unitRef("Office", e.Office))
	w.put(m, "legal_entity", "subcompany", unitRef("Subcompany", e.Subcompany))
	w.put(m, "sub_company", "subcompany", unitRef("Subcompany", e.Subcompany))
	w.put(m, "cost_centers", "cost_centers", costCenterRefs(e))
	w.put(m, "created_at", "created_at", e.CreatedAt.UTC().Format(time.RFC3339))
	w.put(m, "updated_at", "last_modified_at", e.LastModifiedAt.UTC().Format(time.RFC3339))
	if w.shows("department", nil) || w.shows("team", nil) {
		m["org_units"] = w.orgUnitRefs(e)
	}
	if termination := w.termination(e); len(termination) > 0 {
		m["termination"] = termination
	}
	return m
}

// statusV2 is the status in the words of version 2.
func (w *writer) statusV2(e Employee) string { return strings.ToUpper(fmt.Sprint(w.status(e))) }

func titled(position string) any { return map[string]string{"title": position} }

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (w *writer) supervisorV2(e Employee) any {
	id, found := w.supervisorOf(e)
	if !found {
		return nil
	}
	return idOnly{w.idText(id)}
}

// unitRef is how version 2 writes an office and its like: by id alone.
func unitRef(kind, name string) any {
	if name == "" {
		return nil
	}
	return idOnly{unitIDText(kind, name)}
}

func unitIDText(kind, name string) string { return fmt.Sprint(unitID(kind, name)) }

type orgUnitRef struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (w *writer) orgUnitRefs(e Employee) []orgUnitRef {
	refs := []orgUnitRef{}
	if e.Team != "" && w.shows("team", nil) {
		refs = append(refs, orgUnitRef{"team", unitIDText("Team", e.Team)})
	}
	if e.Department != "" && w.shows("department", nil) {
		refs = append(refs, orgUnitRef{"department", unitIDText("Department", e.Department)})
	}
	return refs
}

type costCenterRef struct {
	ID     string `json:"id"`
	Weight int    `json:"weight"`
}

func costCenterRefs(e Employee) any {
	refs := []costCenterRef{}
	for _, name := range e.CostCenters {
		refs = append(refs, costCenterRef{unitIDText("CostCenter", name), 100 / len(e.CostCenters)})
	}
	return refs
}

// termination is there for those alone who were given notice.
func (w *writer) termination(e Employee) map[string]any {
	if e.TerminationDate == "" && e.LastWorkingDay == "" {
		return nil
	}
	lastDay := "last_working_day"
	if w.variants[MisspeltLastDay] {
		lastDay = "last_working_date"
	}
	t := map[string]any{}
	w.put(t, "termination_date", "termination_date", orNull(e.TerminationDate))
	w.put(t, lastDay, "last_working_day", orNull(e.LastWorkingDay))
	return t
}
