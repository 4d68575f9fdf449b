package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// twoImports is a file with two connections and these further keys of each, a line.
func twoImports(first, second string) string {
	const credentials = "    import:\n      personio: { client_id: a, client_secret_file: DIR/secret }\n      "
	return "issuer: https://sso.acme.example\napplications:\n  - id: a\n" + credentials + first + "\n  - id: b\n" + credentials + second + "\n"
}

// S-036: with several accounts every attribute has one source, or the file is refused.
func TestAccountsThatWouldQuarrelAreRefused(t *testing.T) {
	t.Parallel()
	const first, second = "einlass.yaml:6: applications[0].import.", "einlass.yaml:10: applications[1].import."
	for _, c := range []struct{ name, first, second, want string }{
		{"an unknown policy", "conflict: merge", "mode: all",
			first + `conflict: want quarantine or link, found "merge"`},
		{"no rank", "rank: 0", "mode: all", first + "rank: want 1 or more, found 0"},
		{"one rank for two that link", "conflict: link", "conflict: link",
			"einlass.yaml:8: applications[1].import.rank: 1 is the rank of a already; connections that link need one each"},
		{"two sources of one attribute", "authoritative: [department]", "authoritative: [job_title, department]",
			second + `authoritative[1]: a is authoritative for "department" already`},
		{"an attribute named twice", "authoritative: [department, department]", "mode: all",
			first + `authoritative[1]: "department" stands here twice`},
		{"an attribute that nothing fills", "authoritative: [shoe_size]", "mode: all",
			first + `authoritative[0]: "shoe_size" is filled by no mapping of a`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, twoImports(c.first, c.second)); got != c.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAccountsAreDeclared(t *testing.T) {
	t.Parallel()
	cfg, problems := loadText(t, twoImports("conflict: quarantine\n      rank: 1", "conflict: link\n      rank: 2\n      authoritative: [department]"))
	if problems != "" {
		t.Fatal(problems)
	}
	type declared struct {
		Conflict      users.ConflictPolicy
		Rank          int
		Authoritative []string
	}
	var got []declared
	for _, a := range cfg.Declaration(personio.DefaultMapping()).Applications {
		got = append(got, declared{a.Import.Conflict, a.Import.Rank, a.Import.Authoritative})
	}
	// What is as by default is stored as nothing, so that a new version finds the same document.
	if diff := cmp.Diff([]declared{{}, {users.ConflictLinks, 2, []string{"department"}}}, got); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
}
