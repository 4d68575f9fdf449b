package sqlstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestBatchRepeatsTheRow(t *testing.T) {
	t.Parallel()
	b := parseBatch(statement{name: "example", text: "UPDATE t SET a = $1 WHERE b < $2 AND (c, d) IN (VALUES ($4, CAST($3 AS BIGINT)))"})
	for n, want := range map[int]string{
		1: "UPDATE t SET a = $1 WHERE b < $2 AND (c, d) IN (VALUES ($4, CAST($3 AS BIGINT)))",
		3: "UPDATE t SET a = $1 WHERE b < $2 AND (c, d) IN (VALUES ($4, CAST($3 AS BIGINT)), ($6, CAST($5 AS BIGINT)), ($8, CAST($7 AS BIGINT)))",
	} {
		if got := b.forRows(n); got != want {
			t.Errorf("%d rows:\n got %s\nwant %s", n, got, want)
		}
	}
}

func TestBatchWithWrongNumbersIsABrokenBuild(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no list of values":             "DELETE FROM t WHERE a = $1",
		"two lists of values":           "SELECT a IN (VALUES ($1)), b IN (VALUES ($1))",
		"a row that comes first":        "DELETE FROM t WHERE a = $2 AND b IN (VALUES ($1))",
		"a gap before the row":          "DELETE FROM t WHERE a = $1 AND b IN (VALUES ($3))",
		"a gap in the row":              "INSERT INTO t (a, b) VALUES ($1, $3)",
		"a common parameter in the row": "UPDATE t SET a = $1 WHERE b IN (VALUES ($1))",
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", text)
				}
			}()
			parseBatch(statement{text: text})
		})
	}
}

func TestUniqueRowsKeepsTheLast(t *testing.T) {
	t.Parallel()
	got := uniqueRows([][]any{{"a", "1", 1}, {"b", "1", 2}, {"a", "2", 3}, {"a", "1", 4}}, 2)
	if len(got) != 3 || got[0][2] != 2 || got[1][2] != 3 || got[2][2] != 4 {
		t.Errorf("rows %v, want the second, third and fourth", got)
	}
}

func TestEveryQueryIsUsed(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`load(?:Batch)?\("(\w+)"\)`).FindAllStringSubmatch(string(text), -1) {
			used[match[1]] = true
		}
	}
	files, err := fs.Glob(queries, "queries/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".sql"); !used[name] {
			t.Errorf("query %s is not used", name)
		}
	}
}

func TestCompareSchema(t *testing.T) {
	t.Parallel()
	for have, want := range map[int64]error{0: ErrSchemaMissing, 3: ErrSchemaOlder, 4: nil, 5: ErrSchemaNewer} {
		if err := compareSchema(have, 4); !errors.Is(err, want) {
			t.Errorf("version %d: %v, want %v", have, err, want)
		}
	}
}

func TestReaderCannotWrite(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "einlass.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reader.conn.exec(t.Context(), raiseRevision); err == nil {
		t.Error("a reader's connection wrote, want an error")
	}
	if _, err := s.direct.exec(t.Context(), raiseRevision); err != nil {
		t.Errorf("a writer's connection: %v", err)
	}
}
