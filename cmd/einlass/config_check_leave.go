package main

import (
	"slices"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// maxLeaveDays bounds for how long a rule may wait.
const maxLeaveDays = 3660

func (l *loader) checkLeave(path string, i ImportConfig) {
	if i.LeaveKind != "" && !users.IsAttributeName(i.LeaveKind) {
		l.fail(path+".leave_kind", "want a source attribute, found %q", i.LeaveKind)
	}
	for n, r := range i.LeaveRules {
		at := element(path+".leave_rules", n)
		if r.Access == "" {
			l.fail(at+".access", "required")
		}
		if len(r.Kind) > 0 && i.LeaveKind == "" {
			l.fail(at+".kind", "needs leave_kind, the source attribute that names the kind")
		}
		if r.EmployeeType != "" && !slices.Contains(importer.EmployeeTypes, r.EmployeeType) {
			l.fail(at+".employee_type", "want %s, found %q", oneOf(importer.EmployeeTypes), r.EmployeeType)
		} else if r.EmployeeType != "" && i.fillsNot(users.AttributeEmployeeType) {
			l.fail(at+".employee_type", "the mapping does not fill employee_type")
		}
		if r.After > maxLeaveDays || r.After > 0 && r.Access == users.AccessKeep {
			l.fail(at+".after", "want at most %dd, with access application or suspend", maxLeaveDays)
		}
	}
	for n, id := range i.Applications {
		known := slices.ContainsFunc(l.cfg.Applications, func(a ApplicationConfig) bool { return a.ID == id })
		if !known {
			l.fail(element(path+".applications", n), "unknown application %q", id)
		}
	}
}

// fillsNot reports whether imports leave an attribute alone.
func (i ImportConfig) fillsNot(attribute string) bool {
	mapping := i.mapping(personio.DefaultMapping())
	return mapping != nil && mapping[attribute] == ""
}
