package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
	for _, name := range append(append(names, decisions...), "../../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
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
