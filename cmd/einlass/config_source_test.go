package main

import (
	"testing"

	"github.com/einlass/einlass/importer/csvfile"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// S-149, S-017: what a source does not need is refused, and so is what it lacks.
func TestSourcesAreCheckedForWhatTheyNeed(t *testing.T) {
	t.Parallel()
	const head = "issuer: https://sso.acme.example\napplications:\n  - id: a\n    import:\n"
	const at = "applications[0].import"
	for _, c := range []struct{ name, keys, want string }{
		{"files", "      source: csv\n", ""},
		{"Personio without a stored secret", "      schedule: off\n      personio: { client_id: a }\n", ""},
		{"nothing", "      mode: all\n", "einlass.yaml:4: " + at + ": want a source: personio, or source: csv"},
		{"another source", "      source: ldap\n", "einlass.yaml:4: " + at + ": want a source: personio, or source: csv\neinlass.yaml:5: " + at + `.source: want personio or csv, found "ldap"`},
		{"files with credentials", "      source: csv\n      personio: { client_id: a, client_secret_file: DIR/secret }\n",
			"einlass.yaml:6: " + at + ".personio: the people come from files (source: csv)"},
		{"files with a filter", "      source: csv\n      filter: a=b\n",
			"einlass.yaml:6: " + at + ".filter: files know no filter (source: csv)"},
		{"files with reads of changes", "      source: csv\n      delta: 60s\n",
			"einlass.yaml:6: " + at + ".delta: files tell of no changes (source: csv)"},
		{"reads of changes without a secret", "      personio: { client_id: a }\n      schedule: off\n      delta: 60s\n",
			"einlass.yaml:5: " + at + ".personio.client_secret: required, unless schedule and delta are off and there is no webhook"},
		{"a schedule without a secret", "      personio: { client_id: a }\n",
			"einlass.yaml:5: " + at + ".personio.client_secret: required, unless schedule and delta are off and there is no webhook"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, head+c.keys); got != c.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAConnectionOfFilesHasNoScheduleAndNoSecret(t *testing.T) {
	t.Parallel()
	cfg, problems := loadText(t, "issuer: https://sso.acme.example\napplications:\n  - id: a\n    import: { source: csv, mapping: { nick: nick } }\n")
	if problems != "" {
		t.Fatal(problems)
	}
	a := cfg.Declaration(personio.DefaultMapping()).Applications[0]
	if a.Import.Source != users.SourceCSV || a.Import.Schedule != 0 || a.ImportSecret != "" || a.Import.BaseURL != "" {
		t.Errorf("connection %+v", a.Import)
	}
	if len(a.Import.Mapping) != len(csvfile.DefaultMapping())+1 || a.Import.Mapping["company"] != "company" || a.Import.Mapping["nick"] != "nick" {
		t.Errorf("mapping %v", a.Import.Mapping)
	}
}
