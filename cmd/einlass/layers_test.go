package main

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/einlass/einlass/"

// layers are the rooms of the house, highest first. A package imports only from
// rows below its own; nothing imports sideways.
var layers = [][]string{
	{"provider"},
	{"provider/login", "provider/portal", "provider/admin"},
	{"provider/notify", "importer/personio", "importer/csvfile", "importer/rest"},
	{"provider/session", "provider/upstream", "importer", "users/sqlstore"},
	{"users"},
	{"keys", "provider/web", "provider/outgoing"},
}

func layerOf(pkg string) (row int, found bool) {
	for i, rooms := range layers {
		for _, room := range rooms {
			if room == pkg {
				return i, true
			}
		}
	}
	return 0, false
}

// Packages named …test serve tests and cmd, wherever they stand.
func isForTests(pkg string) bool { return strings.HasSuffix(pkg, "test") }

func TestImportsPointDownTheLayers(t *testing.T) {
	t.Parallel()
	packages := ownPackages(t)
	if len(packages) < 12 {
		t.Fatalf("only %d packages found", len(packages))
	}
	for pkg, imports := range packages {
		if strings.HasPrefix(pkg, "cmd/") || isForTests(pkg) {
			continue
		}
		row, found := layerOf(pkg)
		if !found {
			t.Errorf("package %s has no place in the layers", pkg)
			continue
		}
		for _, imported := range imports {
			own, isOwn := strings.CutPrefix(imported, module)
			if !isOwn {
				checkForeign(t, pkg, imported)
				continue
			}
			below, known := layerOf(own)
			if !known || below <= row {
				t.Errorf("%s imports %s, which is not below it", pkg, own)
			}
		}
	}
}

// checkForeign keeps a few modules and packages in the rooms that own them.
func checkForeign(t *testing.T, pkg, imported string) {
	t.Helper()
	owners := map[string][]string{
		"github.com/zitadel/oidc":        {"provider"},
		"github.com/redis/go-redis":      {"provider/session"},
		"github.com/wneessen/go-mail":    {"provider/notify"},
		"database/sql":                   {"users/sqlstore", "provider/session"},
		"golang.org/x/crypto/argon2":     {"users"},
		"math/rand":                      {},
		"testing":                        {},
		"github.com/einlass/einlass/cmd": {},
	}
	for prefix, rooms := range owners {
		if imported != prefix && !strings.HasPrefix(imported, prefix+"/") {
			continue
		}
		allowed := false
		for _, room := range rooms {
			allowed = allowed || room == pkg
		}
		if !allowed {
			t.Errorf("%s imports %s, which belongs to %v", pkg, imported, rooms)
		}
	}
}

// The simulator ships in the binary and must prove something: it uses neither
// our provider nor its library, nor the testing package.
func TestTheSimulatorIsIndependent(t *testing.T) {
	t.Parallel()
	for _, imported := range ownPackages(t)["importer/personio/personiotest"] {
		for _, forbidden := range []string{"testing", "github.com/zitadel", module + "provider", module + "users"} {
			if strings.HasPrefix(imported, forbidden) {
				t.Errorf("personiotest imports %s", imported)
			}
		}
	}
}

// ownPackages returns what each package of this module imports outside its tests.
func ownPackages(t *testing.T) map[string][]string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]string{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(path, 0)
		if err != nil { // no Go files outside tests
			return nil
		}
		rel, err := filepath.Rel(root, path)
		packages[filepath.ToSlash(rel)] = p.Imports
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// The top level is fixed; hidden folders do not count.
func TestTheTopLevelIsFixed(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{
		"cmd": true, "provider": true, "users": true, "importer": true, "keys": true, "deploy": true, "docs": true,
		"go.mod": true, "go.sum": true, "README.md": true,
	}
	entries, err := filepath.Glob("../../*")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := filepath.Base(entry)
		if !allowed[name] && !strings.HasPrefix(name, ".") {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}
