package users_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

func TestNotesReadWhatOlderVersionsStored(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string][]users.Note{
		"":                                  nil,
		"Loses Personio; 2 sessions end.":   {{English: "Loses Personio; 2 sessions end."}},
		`"Sales" is [no] office.`:           {{English: `"Sales" is [no] office.`}},
		`[{"code":"loses"},{"english":""}]`: {{Code: "loses"}, {}},
	} {
		got, err := users.ParseNotes(stored)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q, error %v (-want +got):\n%s", stored, err, diff)
		}
	}
	if _, err := users.ParseNotes(`[{"code":`); err == nil {
		t.Error("half a note is read")
	}
}

// An event in the log says why an import was held as the version of its day put it.
func TestEventsOfOlderVersionsStillSayWhyARunWasHeld(t *testing.T) {
	t.Parallel()
	var told users.ImportFinished
	if err := json.Unmarshal([]byte(`{"state":"held","held":["new_domain:evil.example: 9 of 10"]}`), &told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]users.Note{{English: "new_domain:evil.example: 9 of 10"}}, told.Held); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	again, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	var second users.ImportFinished
	if err := json.Unmarshal(again, &second); err != nil || !cmp.Equal(told, second) {
		t.Errorf("written and read again: %+v, %v", second, err)
	}
}

func TestNotesKeepWhatTheySay(t *testing.T) {
	t.Parallel()
	notes := []users.Note{
		{Code: "mass_suspension.people", Numbers: map[string]int{"count": 3}},
		{Code: "email_taken", Texts: map[string]string{"name": `"[{"`}},
	}
	text, err := users.NotesText(notes)
	if err != nil {
		t.Fatal(err)
	}
	got, err := users.ParseNotes(text)
	if diff := cmp.Diff(notes, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if got[0].Subject() != "mass_suspension" || got[1].Subject() != "email_taken" {
		t.Errorf("subjects %q and %q", got[0].Subject(), got[1].Subject())
	}
}
