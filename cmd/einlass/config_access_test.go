package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// N-3, N345
func TestBrokenAccessWindowsAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	const at = "applications[0].import."
	for _, c := range []struct{ name, keys, want string }{
		{"nothing", "      access:\n", "einlass.yaml:6: " + at + "access: has no value; write one or remove the key"},
		{"a misspelt key", "      access: { close: [last_working_day] }\n", "einlass.yaml:6: " + at + `access.close: unknown key; did you mean "closes"?`},
		{"hours", "      access: { lead: 36h }\n", "einlass.yaml:6: " + at + `access.lead: want whole days such as 7d, found "36h"`},
		{"days back", "      access: { grace: -1d }\n", "einlass.yaml:6: " + at + `access.grace: want whole days such as 7d, found "-1d"`},
		{"two years", "      access: { lead: 730d }\n", "einlass.yaml:6: " + at + "access.lead: want 0 to 365 days, found 730"},
		{"no attribute", "      access: { opens: hire date, closes: [''] }\n",
			"einlass.yaml:6: " + at + `access.closes: want source attributes, found ""` + "\n" +
				"einlass.yaml:6: " + at + `access.opens: want a source attribute, found "hire date"`},
		{"no zone", "      offices: { Wien: Vienna, Linz: Local, Graz: Europe/Vienna }\n",
			"einlass.yaml:6: " + at + `offices.Linz: want the IANA name of a zone such as Europe/Vienna, found "Local"` + "\n" +
				"einlass.yaml:6: " + at + `offices.Wien: want the IANA name of a zone such as Europe/Vienna, found "Vienna"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, importOf(c.keys)); got != c.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAccessWindowsAreDeclared(t *testing.T) {
	t.Parallel()
	closes := []string{"last_working_day", "termination_date", "contract_end_date"}
	for keys, want := range map[string]*users.Access{
		"":                   nil,
		"      access: {}\n": {Opens: "hire_date", Closes: closes},
		"      access: { lead: 7d, grace: 14d }\n":                           {Opens: "hire_date", Lead: 7, Closes: closes, Grace: 14},
		"      access: { opens: '', closes: [dynamic_9], activate: true }\n": {Closes: []string{"dynamic_9"}, Activate: true},
		"      access: { closes: [] }\n":                                     {Opens: "hire_date", Closes: []string{}},
	} {
		cfg, problems := loadText(t, importOf(keys+"      offices: { Wien: Europe/Vienna }\n"))
		if problems != "" {
			t.Fatalf("%s: %s", keys, problems)
		}
		got := cfg.Declaration(personio.DefaultMapping()).Applications[0].Import
		if diff := cmp.Diff(want, got.Access); diff != "" || got.Offices["Wien"] != "Europe/Vienna" {
			t.Errorf("%s: offices %v, access (-want +got):\n%s", keys, got.Offices, diff)
		}
	}
}
