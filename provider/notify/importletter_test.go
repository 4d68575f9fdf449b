package notify

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

var update = flag.Bool("update", false, "rewrite the letters that the tests compare with")

// allReasons is what the guard says when everything is wrong at once.
func allReasons() []users.Note {
	return importer.Judge(importer.GuardInput{
		Stats: users.FeedStats{
			People: 100, Announced: 200, UnknownStatuses: 50, Active: 100, LosingAccess: 60,
			Filled: map[string]int{"email": 100, "status": 100, "department": 0}, Domains: map[string]int{"evil.example": 90},
		},
		Last: &users.FeedStats{
			People: 1000, Filled: map[string]int{"email": 1000, "department": 900}, Domains: map[string]int{"acme.example": 1000},
		},
		Email: "email",
	})
}

// samples are the news that letters are written of, by name.
func samples(t *testing.T) map[string]importNews {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	news := func(told users.ImportFinished) importNews {
		return importNews{
			told: told, application: "Personio <Berlin>", organization: "Acme & Söhne GmbH", zone: zone,
			link: "https://sso.acme.example/admin/imports/abc?link=v1.k.x-_&x=y",
			run: users.Run{
				ID: "abcdefghijklmnopqrstuvwxyz", Connection: "personio",
				StartedAt: time.Date(2026, 11, 21, 23, 59, 30, 0, time.UTC), FinishedAt: time.Date(2026, 11, 22, 0, 0, 12, 0, time.UTC),
				Error: []users.Note{{Code: "failure.credentials_revoked", Texts: map[string]string{"cause": "status 403 <html>"}}},
			},
		}
	}
	slow := news(users.ImportFinished{State: users.RunFailed, Alert: true, ErrorCode: "upstream_timeout"})
	slow.run.Error = []users.Note{{Code: "failure.upstream_timeout", Texts: map[string]string{"cause": "page 3: no answer within 30s"}}}
	slow.zone = time.UTC
	counts := users.Counts{Created: 1204, Updated: 3, Suspended: 2, Reactivated: 1, Unchanged: 12_345, Skipped: 7, Quarantined: 4}
	return map[string]importNews{
		"done":       news(users.ImportFinished{State: users.RunDone, Counts: counts, Summary: true}),
		"quarantine": news(users.ImportFinished{State: users.RunDone, Counts: counts, Alert: true, NewlyQuarantined: 4}),
		"held":       news(users.ImportFinished{State: users.RunHeld, Counts: counts, Alert: true, Held: allReasons()}),
		"failed":     news(users.ImportFinished{State: users.RunFailed, Alert: true, ErrorCode: "credentials_revoked"}),
		"slow":       slow, // S-105, S-106
	}
}

// S-097, S-098: what arrives reads like this.
func TestLetters(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "de"} {
		paper, err := newStationery(lang)
		if err != nil {
			t.Fatal(err)
		}
		for name, news := range samples(t) {
			l := paper.importLetter(news)
			text, html, err := paper.write(l)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, name+"."+lang+".txt", "Subject: "+l.Subject+"\n\n"+text)
			compare(t, name+"."+lang+".html", html)
			if broken := regexp.MustCompile(`\{[a-z_]+\}|%!|<no value>|ZgotmplZ`).FindString(l.Subject + text + html); broken != "" {
				t.Errorf("%s in %s shows %q", name, lang, broken)
			}
		}
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), rewrite with -update:\n%s", name, diff)
	}
}

func TestTextsExistInEachLanguageAndAreUsed(t *testing.T) {
	t.Parallel()
	var source string
	for _, file := range []string{"importletter.go", "addressletter.go", "letter.go"} {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source += string(code)
	}
	parameters := map[string]map[string][]string{}
	for _, lang := range []string{"en", "de"} {
		file, err := letterFiles.ReadFile("locales/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(file, &texts); err != nil {
			t.Fatal(err)
		}
		parameters[lang] = map[string][]string{}
		for key, text := range texts {
			parameters[lang][key] = slices.Sorted(slices.Values(regexp.MustCompile(`\{[a-z]+\}`).FindAllString(text, -1)))
			if strings.TrimSpace(text) == "" || !strings.Contains(source, `"`+key+`"`) {
				t.Errorf("text %s in %s is empty or not used", key, lang)
			}
		}
	}
	if diff := cmp.Diff(parameters["en"], parameters["de"]); diff != "" {
		t.Errorf("keys and parameters (-English +German):\n%s", diff)
	}
	for _, used := range regexp.MustCompile(`(?:say|moment)\("([a-z_.]+)"`).FindAllStringSubmatch(source, -1) {
		if _, found := parameters["en"][used[1]]; !found {
			t.Errorf("text %s does not exist", used[1])
		}
	}
}
