package admin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// talkative is a run with notes of every kind that a page shows.
func talkative() (users.Run, []users.RunChange) {
	run := users.Run{
		State: users.RunFailed, ErrorCode: "source_unreachable",
		Error: []users.Note{{Code: "failure.source_unreachable", Texts: map[string]string{"cause": "connection refused"}}},
		Held:  []users.Note{{Code: "emptied_column", Texts: map[string]string{"about": "office"}, Numbers: map[string]int{"count": 0, "people": 1000, "before": 900, "people_before": 1000}}},
	}
	end := users.LocalTime{At: time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}
	return run, []users.RunChange{
		{SourceID: "1", Name: "Lea", Kind: users.ChangeSuspend, Reason: "status_leave", Outcome: users.OutcomeApplied, Effect: []users.Note{
			{Code: "loses", Lists: map[string][]string{"applications": {"Personio", "CRM"}}},
			{Code: "sessions_end", Numbers: map[string]int{"count": 1}},
			{Code: "access_ends.later", Times: map[string]users.LocalTime{"at": end}},
		}},
		{SourceID: "2", Name: "Max", Kind: users.ChangeQuarantine, Reason: "privileged_user", Outcome: users.OutcomeApplied,
			Detail: []users.Note{{Code: "privileged", Terms: map[string]string{"status": "leave"}}}},
		{SourceID: "3", Name: "Fay", Kind: users.ChangeUpdate, Reason: "attributes_changed", Outcome: users.OutcomeFailed,
			Error: []users.Note{{Code: "key_taken"}}},
	}
}

// F-110: what an import says comes in the language of the page, in its table and in the files for people.
func TestWhatAnImportSaysIsInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	told, rows := talkative()
	run := record(t, b, told, rows...)
	sentences := map[string][]string{
		"en": {
			"Loses Personio, CRM. 1 session ends. Access ends 2026-12-01 00:00 Europe/Berlin.", "The status is leave, but somebody with a role",
			"The email address or user name was taken meanwhile.", "The source does not answer.", "(connection refused)",
			"The attribute office has a value for 0 of 1,000 people, the last time for 900 of 1,000.",
		},
		"de": {
			"Verliert Personio, CRM. 1 Sitzung endet. Der Zugang endet am 01.12.2026, 00:00 Uhr (Europe/Berlin).", "Der Status ist: abwesend. Wer eine Rolle",
			"Die E-Mail-Adresse oder der Benutzername wurde inzwischen vergeben.", "Die Quelle antwortet nicht.", "(Wortlaut: connection refused)",
			"Das Attribut office hat bei 0 von 1.000 Personen einen Wert, beim letzten Mal bei 900 von 1.000.",
		},
	}
	for lang, other := range map[string]string{"en": "de", "de": "en"} {
		page := webtest.Parse(t, browser.Get(pathOf(run)+"?lang="+lang).Body)
		files := page.ByID("downloads").All("a")
		shown := page.ByID("main").Text()
		saved := browser.Get(files[0].Attr("href")).Body // remembers the language by its cookie
		for i, sentence := range sentences[lang] {
			if !strings.Contains(shown, sentence) {
				t.Errorf("%s: the page lacks %q", lang, sentence)
			}
			if foreign := sentences[other][i]; strings.Contains(shown+saved, foreign) {
				t.Errorf("%s: there is %q", lang, foreign)
			}
		}
		if !strings.Contains(saved, sentences[lang][0]) {
			t.Errorf("%s: the file lacks %q", lang, sentences[lang][0])
		}
		for _, span := range page.ByID("people").All("span") {
			if span.Attr("lang") != "" {
				t.Errorf("%s: %q is marked as another language", lang, span.Text())
			}
		}
		var report struct {
			Changes []struct {
				Effect string
				Notes  struct{ Effect []users.Note }
			}
		}
		must(t, json.Unmarshal([]byte(browser.Get(files[2].Attr("href")).Body), &report))
		if first := report.Changes[0]; first.Effect != sentences["en"][0] || len(first.Notes.Effect) != 3 || first.Notes.Effect[1].Numbers["count"] != 1 {
			t.Errorf("%s: the file for programs says %+v, want English and its notes", lang, first)
		}
	}
}

// Rows of versions that stored sentences still show, marked as what they are.
func TestSentencesOfOlderVersionsAreShownAsEnglish(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	run := record(t, b, users.Run{State: users.RunHeld, Held: []users.Note{{English: "mass_suspension: 3 people"}}},
		users.RunChange{SourceID: "1", Name: "Lea", Kind: users.ChangeSuspend, Effect: []users.Note{{English: "Loses CRM."}}, Outcome: users.OutcomePlanned})
	page := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=de").Body)
	var english []string
	for _, tag := range []string{"li", "span"} {
		for _, element := range page.ByID("main").All(tag) {
			if element.Attr("lang") == "en" {
				english = append(english, element.Text())
			}
		}
	}
	if len(english) != 2 || english[0] != "mass_suspension: 3 people" || english[1] != "Loses CRM." {
		t.Errorf("marked as English: %q", english)
	}
}
