package web_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readLocale(t *testing.T, code string) map[string]string {
	t.Helper()
	file, err := os.ReadFile("locales/" + code + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(file, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// F-110
func TestLanguagesHaveTheSameTexts(t *testing.T) {
	t.Parallel()
	english, german := readLocale(t, "en"), readLocale(t, "de")
	parameters := func(texts map[string]string) map[string][]string {
		all := map[string][]string{}
		for key, text := range texts {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s is empty", key)
			}
			all[key] = slices.Sorted(slices.Values(parameter.FindAllString(text, -1)))
		}
		return all
	}
	if diff := cmp.Diff(parameters(english), parameters(german)); diff != "" {
		t.Errorf("keys and parameters (-English +German):\n%s", diff)
	}
}

// F-110: people are addressed formally; texts are complete by the test above.
func TestGermanIsFormal(t *testing.T) {
	t.Parallel()
	familiar := regexp.MustCompile(`(?i)\b(du|dich|dir|dein|deine[mnrs]?|euch|euer|eure[mnrs]?)\b`)
	for key, text := range readLocale(t, "de") {
		if word := familiar.FindString(text); word != "" {
			t.Errorf("%s: %q in %q", key, word, text)
		}
	}
}

// textKey is a literal that looks like a key of one of the sections.
func textKey(sections []string) *regexp.Regexp {
	return regexp.MustCompile(`"((?:` + strings.Join(sections, "|") + `)\.[a-z_]+)"`)
}

// said are the sections of what imports tell; package importer tests that each has
// all of its texts and no other.
var said = []string{"note", "status", "moment"}

func TestTextsAreUsedAndUsedTextsExist(t *testing.T) {
	t.Parallel()
	texts := readLocale(t, "en")
	sections := map[string]bool{}
	for key := range texts {
		section, _, _ := strings.Cut(key, ".")
		sections[section] = true
	}
	literal := textKey(slices.Sorted(maps.Keys(sections)))

	used := map[string]string{} // key: file
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		isSource := strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if err != nil || d.IsDir() || !isSource {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range literal.FindAllStringSubmatch(string(source), -1) {
			if !strings.HasSuffix(match[1], ".html") && !strings.HasSuffix(match[1], ".js") {
				used[match[1]] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, path := range used {
		if _, exists := texts[key]; !exists {
			t.Errorf("%s uses the text %s, which does not exist", path, key)
		}
	}
	for key := range texts {
		if section, _, _ := strings.Cut(key, "."); slices.Contains(said, section) {
			continue
		}
		if _, isUsed := used[key]; !isUsed {
			t.Errorf("text %s is not used", key)
		}
	}
}
