package importer

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// InEnglish is what notes say, for the tests of package importer_test.
var InEnglish = inEnglish

// inEnglish is what notes say.
func inEnglish(notes []users.Note) string { return Say(web.English(), notes...) }

// words are the words of every language that people read, by its code.
var words = sync.OnceValues(func() (map[string]*web.Words, error) {
	all := map[string]*web.Words{}
	for _, code := range []string{"en", "de"} {
		var err error
		if all[code], err = web.NewWords(code); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func languages(t testing.TB) map[string]*web.Words {
	t.Helper()
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// codes are the codes of all notes, as the constants name them.
func codes(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.go", "../users/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(`(?m)^\s+[nN]ote[A-Z]\w*\s+=\s+"([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
				found = append(found, match[1])
			}
		}
	}
	if len(found) < 80 {
		t.Fatalf("only %d codes found", len(found))
	}
	return found
}

// F-110: every language has a sentence for whatever an import tells, and for nothing else.
func TestEveryNoteHasASentenceInEveryLanguage(t *testing.T) {
	t.Parallel()
	known := codes(t)
	for lang, words := range languages(t) {
		for _, code := range known {
			if key := "note." + code; words.Say(key) == key {
				t.Errorf("%s has no sentence for %s", lang, code)
			}
		}
		locale, err := os.ReadFile("../provider/web/locales/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"note\.([^"]+)":`).FindAllStringSubmatch(string(locale), -1) {
			if !slices.Contains(known, match[1]) && !slices.Contains(known, strings.TrimSuffix(match[1], "_one")) {
				t.Errorf("%s has a sentence for %s, which nothing says", lang, match[1])
			}
		}
		for _, status := range []Status{StatusOnboarding, StatusActive, StatusLeave, StatusInactive, users.PersonStatusGone} {
			if key := "status." + string(status); words.Say(key) == key {
				t.Errorf("%s has no word for the status %s", lang, status)
			}
		}
	}
}

// leftOver is what a sentence shows whose parameter or text is missing.
var leftOver = regexp.MustCompile(`\{\w+\}|\b(note|status|moment)\.\w+|\(\)|: \.|, \.|%!`)

// Fitting reports of notes that do not say something whole in every language.
func Fitting(t testing.TB, notes []users.Note) {
	t.Helper()
	for lang, words := range languages(t) {
		for _, n := range notes {
			if said := Say(words, n); said == "" || n.English != "" || leftOver.MatchString(said) {
				t.Errorf("%s says %q of %+v", lang, said, n)
			}
		}
	}
}

func TestNotesAreSaidInTheirLanguage(t *testing.T) {
	t.Parallel()
	at := users.LocalTime{At: time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}
	for _, c := range []struct {
		note        users.Note
		english, de string
	}{
		{users.Note{Code: noteSessionsEnd, Numbers: map[string]int{"count": 1}}, "1 session ends.", "1 Sitzung endet."},
		{users.Note{Code: noteSessionsEnd, Numbers: map[string]int{"count": 1200}}, "1,200 sessions end.", "1.200 Sitzungen enden."},
		{listing(noteLoses, "applications", []string{"CRM", "{at}"})[0], "Loses CRM, {at}.", "Verliert CRM, {at}."},
		{users.Note{Code: noteEnds, Times: map[string]users.LocalTime{"at": at}},
			"Access ends 2026-12-01 00:00 Europe/Berlin.", "Der Zugang endet am 01.12.2026, 00:00 Uhr (Europe/Berlin)."},
		{ofStatus(noteNotCreated, "leave"), "Not created, because the status is leave.", "Nicht angelegt, denn der Status ist: abwesend."},
		{users.Note{English: "Written by an older version."}, "Written by an older version.", "Written by an older version."},
	} {
		words := languages(t)
		if got := Say(words["en"], c.note); got != c.english {
			t.Errorf("in English %q, want %q", got, c.english)
		}
		if got := Say(words["de"], c.note); got != c.de {
			t.Errorf("in German %q, want %q", got, c.de)
		}
	}
}
