package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// importOf is a file with one connection and these further keys of it.
func importOf(keys string) string {
	return "issuer: https://sso.acme.example\napplications:\n  - id: a\n    import:\n      personio: { client_id: a, client_secret_file: DIR/secret }\n" + keys
}

func TestABrokenMappingIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	const at = "applications[0].import."
	for _, c := range []struct{ name, keys, want string }{
		{"the state", "      mapping: { state: status }\n",
			"einlass.yaml:6: " + at + "mapping.state: it is calculated from the source's status and cannot be mapped"},
		{"no e-mail address", "      mapping: { email: '' }\n",
			"einlass.yaml:6: " + at + "mapping.email: cannot be taken out"},
		{"an e-mail address by expression", "      mapping: { email: 'lower(email)' }\n",
			"einlass.yaml:6: " + at + "mapping.email: want the source attribute itself, not an expression"},
		{"an expression that breaks off", "      mapping: { company: 'subcompany + ' }\n",
			"einlass.yaml:6: " + at + "mapping.company: want a source attribute or an expression: line 1, column 13: unexpected token EOF"},
		{"the default's manager as text", "      mapping: { boss: 'upper(supervisor)' }\n",
			"einlass.yaml:6: " + at + "mapping.boss: supervisor is the manager, a person and no text"},
		{"several", "      mapping:\n        company: '42'\n        state: x\n      mapping_on_create: { username: login, office: '' }\n",
			"einlass.yaml:7: " + at + "mapping.company: want a source attribute or an expression: line 1, column 1: the result is int, want a text\n" +
				"einlass.yaml:8: " + at + "mapping.state: it is calculated from the source's status and cannot be mapped\n" +
				"einlass.yaml:9: " + at + "mapping_on_create.office: want a source attribute or an expression, found nothing\n" +
				"einlass.yaml:9: " + at + "mapping_on_create.username: every import looks after it"},
		{"a target of both", "      mapping: { office: office }\n      mapping_on_create: { office: office }\n",
			"einlass.yaml:7: " + at + "mapping_on_create.office: it is filled by every import as well; take it out of the one or the other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, importOf(c.keys)); got != c.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// What is filled on creation leaves the default mapping of every import.
func TestMappingsAreDeclared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, keys string
		change     func(m users.Mapping)
		onCreate   users.Mapping
	}{
		{"neither", "", nil, nil},
		{"one taken out, one added", "      mapping: { location: '', company: '\"Acme\"' }\n", func(m users.Mapping) {
			delete(m, "location")
			m["company"] = `"Acme"`
		}, nil},
		{"on creation only", "      mapping_on_create: { department: department, first_office: office }\n", func(m users.Mapping) {
			delete(m, "department")
		}, users.Mapping{"department": "department", "first_office": "office"}},
	} {
		cfg, problems := loadText(t, importOf(c.keys))
		if problems != "" {
			t.Errorf("%s: %s", c.name, problems)
			continue
		}
		var want users.Mapping
		if c.change != nil {
			want = personio.DefaultMapping()
			c.change(want)
		}
		got := cfg.Declaration(personio.DefaultMapping()).Applications[0].Import
		if diff := cmp.Diff(want, got.Mapping); diff != "" {
			t.Errorf("%s, every import (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.onCreate, got.MappingOnCreate); diff != "" {
			t.Errorf("%s, on creation (-want +got):\n%s", c.name, diff)
		}
	}
}
