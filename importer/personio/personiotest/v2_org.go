package personiotest

import (
	"maps"
	"net/http"
	"slices"
)

// unit is a department, an office and their like, as a list of them writes it.
type unit struct {
	ID     string `json:"id"`
	Type   string `json:"type,omitempty"`
	Name   string `json:"name"`
	Status string `json:"status,omitempty"`
}

// units returns all units of a kind that somebody belongs to, by id. The caller
// holds the company's lock.
func (s *Server) units(kind, written string, names func(e Employee) []string) []unit {
	byID := map[string]unit{}
	for _, e := range s.people {
		for _, name := range names(e) {
			if name != "" {
				id := unitIDText(kind, name)
				byID[id] = unit{ID: id, Type: written, Name: name}
			}
		}
	}
	all := make([]unit, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, byID[id])
	}
	return all
}

func (s *Server) departments() []unit {
	return s.units("Department", "department", func(e Employee) []string { return []string{e.Department} })
}

func (s *Server) teams() []unit {
	return s.units("Team", "team", func(e Employee) []string { return []string{e.Team} })
}

// listUnits answers a page of what collect finds.
func (s *Server) listUnits(r *http.Request, faulty faultySet, collect func(at cursor) []unit) answer {
	at, err := parseCursor(r.URL.Query())
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	all := collect(at)
	return s.pageOf(r, at, r.URL.Path, len(all), faulty, func(i int) any { return all[i] })
}

func (s *Server) listLegalEntities(r *http.Request, faulty faultySet) answer {
	return s.listUnits(r, faulty, func(cursor) []unit {
		return s.units("Subcompany", "", func(e Employee) []string { return []string{e.Subcompany} })
	})
}

func (s *Server) listCostCenters(r *http.Request, faulty faultySet) answer {
	return s.listUnits(r, faulty, func(cursor) []unit {
		return s.units("CostCenter", "", func(e Employee) []string { return e.CostCenters })
	})
}

func (s *Server) listWorkplaces(r *http.Request, faulty faultySet) answer {
	return s.listUnits(r, faulty, func(cursor) []unit {
		return s.units("Office", "", func(e Employee) []string { return []string{e.Office} })
	})
}

func (s *Server) listOrgUnits(r *http.Request, faulty faultySet) answer {
	return s.listUnits(r, faulty, func(at cursor) []unit {
		switch at.Query.Get("type") {
		case "department":
			return s.departments()
		case "team":
			return s.teams()
		}
		return slices.Concat(s.departments(), s.teams())
	})
}

func (s *Server) readOrgUnit(r *http.Request, _ faultySet) answer {
	s.Company.mu.RLock()
	defer s.Company.mu.RUnlock()
	for _, u := range slices.Concat(s.departments(), s.teams()) {
		if u.ID == r.PathValue("id") {
			return success(u)
		}
	}
	return s.problem(http.StatusNotFound)
}
