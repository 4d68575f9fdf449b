package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio"
)

// guides returns the documents of the repository by path.
func guides(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob("../../docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(append(names, decisions...), "../../README.md", "../../deploy/conformance/README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// The guide tells where the credentials are made, how they are called, and
// exactly the attributes that the mapping needs; what depends on Personio's plan,
// that there is no SCIM, and in which order to roll out.
//
// S-006 S-014 S-130 S-132 B-07
func TestTheGuideListsTheAttributesOfTheMapping(t *testing.T) {
	t.Parallel()
	guide := guides(t)["../../docs/connect-personio.md"]
	for _, text := range []string{"*Settings > Integrations > API credentials > Generate new credentials*", "Name it\n`Einlass`", "has no SCIM", "Core or\nCore Pro plan", "sources disagree", "## 5. Roll-out order"} {
		if !strings.Contains(guide, text) {
			t.Errorf("the guide lacks %q", text)
		}
	}
	want := map[string]bool{"status": true} // without it nobody can be judged
	for _, attribute := range personio.DefaultMapping() {
		want[attribute] = true
	}
	_, table, _ := strings.Cut(guide, "|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for row := range strings.Lines(table) {
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			listed[name[1]] = true
		}
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("attributes of the guide (-mapping +guide):\n%s", diff)
	}
}

var testName = regexp.MustCompile(`\b(Test|Fuzz|Benchmark)[A-Z]\w+`)

// A proof that a document names is one that exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			declared[name[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for file, text := range guides(t) {
		for _, name := range testName.FindAllString(text, -1) {
			named++
			if !declared[name] {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
		}
	}
	if named == 0 {
		t.Error("no document names a test; is the pattern right?")
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`)

func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	t.Parallel()
	for file, text := range guides(t) {
		for _, link := range markdownLink.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), link[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
