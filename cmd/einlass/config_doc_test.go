package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files that are generated from the code")

const configurationDoc = "../../docs/configuration.md"

func TestConfigurationDocIsCurrent(t *testing.T) {
	t.Parallel()
	want := configurationMarkdown(t)
	if *update {
		if err := os.WriteFile(configurationDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(configurationDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale; run: go test ./cmd/einlass -run %s -update", configurationDoc, t.Name())
	}
}

func TestDocumentedExampleIsAccepted(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("/run/secrets/personio-client", "DIR/secret", "/run/secrets/personio-api", "DIR/secret").Replace(string(example))
	if cfg, problems := loadText(t, text); problems != "" || len(cfg.Warnings) > 0 {
		t.Errorf("problems:\n%s\nwarnings: %q", problems, cfg.Warnings)
	}
}

// documentedField is a field of a struct in config.go.
type documentedField struct {
	key      string
	typeName string // of the struct below it, empty for a leaf
	comment  string
}

// documentedStructs reads the structs of config.go with their comments.
func documentedStructs(t *testing.T) map[string][]documentedField {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string][]documentedField{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		body, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range body.Fields.List {
			structs[spec.Name.Name] = append(structs[spec.Name.Name], documentedField{
				key:      reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml"),
				typeName: structName(f.Type),
				comment:  strings.ReplaceAll(strings.TrimSpace(f.Doc.Text()), "\n", " "),
			})
		}
		return true
	})
	return structs
}

// structName is the name behind pointers and slices of a type of this package.
func structName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return structName(e.X)
	case *ast.ArrayType:
		return structName(e.Elt)
	case *ast.Ident:
		if ast.IsExported(e.Name) {
			return e.Name
		}
	}
	return ""
}

// markdown writes the reference: a table for each mapping, with what the schema
// knows (type, default, variable) and what the comment says.
type markdown struct {
	t       *testing.T
	b       strings.Builder
	structs map[string][]documentedField
}

func configurationMarkdown(t *testing.T) string {
	t.Helper()
	head, err := os.ReadFile("testdata/configuration.head.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := &markdown{t: t, structs: documentedStructs(t)}
	fmt.Fprintf(&m.b, "%s```yaml\n%s```\n", head, example)
	cfg := defaultConfig()
	m.table("Top level", "", "Config", cfg.fields())
	m.b.WriteString("\n## Not available in this version\n\nThese keys belong to later versions and are refused:\n\n")
	for _, key := range laterKeys {
		fmt.Fprintf(&m.b, "* `%s`\n", key)
	}
	return m.b.String()
}

func (m *markdown) table(title, path, typeName string, fields []field) {
	documented := m.structs[typeName]
	if len(documented) != len(fields) {
		m.t.Errorf("%s has %d fields, its schema %d", typeName, len(documented), len(fields))
	}
	inList := strings.Contains(path, "[]")
	fmt.Fprintf(&m.b, "\n## %s\n\n", title)
	if inList {
		m.b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	} else {
		m.b.WriteString("| key | environment | type | default | meaning |\n|---|---|---|---|---|\n")
	}
	type section struct {
		path, typeName string
		fields         []field
	}
	var below []section
	for _, f := range fields {
		i := slices.IndexFunc(documented, func(d documentedField) bool { return d.key == f.name })
		if i < 0 || documented[i].comment == "" {
			m.t.Errorf("%s has no documented field for %s", typeName, join(path, f.name))
			continue
		}
		m.row(f, join(path, f.name), documented[i].comment, inList)
		switch {
		case f.item != nil:
			below = append(below, section{join(path, f.name) + "[]", documented[i].typeName, f.item()})
		case f.keys != nil:
			below = append(below, section{join(path, f.name), documented[i].typeName, f.keys()})
		}
	}
	for _, s := range below {
		m.table("`"+s.path+"`", s.path, s.typeName, s.fields)
	}
}

func (m *markdown) row(f field, path, comment string, inList bool) {
	kind, shown, variable := "mapping", "", ""
	switch {
	case f.item != nil:
		kind = "list of mappings"
	case f.value != nil:
		kind = string(f.value.kind())
		shown = "`" + f.value.show() + "`"
		variable = "`" + environmentName(path) + "`"
	}
	if shown == "`\"\"`" || shown == "`[]`" || shown == "`{}`" {
		shown = ""
	}
	key := "`" + f.name + "`"
	if f.value != nil && isSecret(f.value) {
		key += ", `" + f.name + "_file`"
		variable += ", `" + environmentName(path) + "_FILE`"
	}
	cells := []string{key, variable, kind, shown, comment}
	if inList {
		cells = slices.Delete(cells, 1, 2)
	}
	fmt.Fprintf(&m.b, "| %s |\n", strings.Join(cells, " | "))
}
