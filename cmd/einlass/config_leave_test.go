package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// N-6
func TestBrokenRulesForLeaveAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	const at = "applications[0].import."
	for _, c := range []struct{ name, keys, want string }{
		{"no access", "      leave_rules: [{ employee_type: external }]\n", "einlass.yaml:6: " + at + "leave_rules[0].access: required"},
		{"another access", "      leave_rules: [{ access: portal }]\n",
			"einlass.yaml:6: " + at + `leave_rules[0].access: want keep, application or suspend, found "portal"`},
		{"a kind of nothing", "      leave_rules: [{ kind: [sick], access: suspend }]\n",
			"einlass.yaml:6: " + at + "leave_rules[0].kind: needs leave_kind, the source attribute that names the kind"},
		{"an expression", "      leave_kind: dynamic_1 + x\n", "einlass.yaml:6: " + at + `leave_kind: want a source attribute, found "dynamic_1 + x"`},
		{"an unknown type", "      leave_rules: [{ employee_type: intern, access: keep }]\n",
			"einlass.yaml:6: " + at + `leave_rules[0].employee_type: want internal or external, found "intern"`},
		{"a type that is not mapped", "      mapping: { employee_type: '' }\n      leave_rules: [{ employee_type: internal, access: keep }]\n",
			"einlass.yaml:7: " + at + "leave_rules[0].employee_type: the mapping does not fill employee_type"},
		{"weeks", "      leave_rules: [{ access: suspend, after: 6w }]\n",
			"einlass.yaml:6: " + at + `leave_rules[0].after: want whole days such as 7d, found "6w"`},
		{"keep after", "      leave_rules: [{ access: keep, after: 6d }]\n",
			"einlass.yaml:6: " + at + "leave_rules[0].after: want at most 3660d, with access application or suspend"},
		{"an unknown application", "      applications: [wiki]\n", "einlass.yaml:6: " + at + `applications[0]: unknown application "wiki"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, importOf(c.keys)); got != c.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestRulesForLeaveAreDeclared(t *testing.T) {
	t.Parallel()
	cfg, problems := loadText(t, importOf(`      leave: keep
      leave_kind: dynamic_9
      leave_rules:
        - { kind: [Elternzeit, Sabbatical], access: application }
        - { employee_type: external, access: suspend, after: 42d }
      applications: [a]
`))
	if problems != "" {
		t.Fatal(problems)
	}
	got := cfg.Declaration(personio.DefaultMapping()).Applications[0].Import
	want := []users.LeaveRule{
		{Kind: []string{"Elternzeit", "Sabbatical"}, Access: users.AccessApplication},
		{EmployeeType: "external", Access: users.AccessSuspend, After: 42},
	}
	if diff := cmp.Diff(want, got.LeaveRules); diff != "" || got.LeaveKind != "dynamic_9" || got.Leave != users.LeaveKeeps || got.Applications[0] != "a" {
		t.Errorf("%+v (-want +got):\n%s", got, diff)
	}
}
