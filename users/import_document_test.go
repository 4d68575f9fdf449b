package users_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// S-080: a connection that was stored before there were schedules and modes has
// none switched on, and loses nothing.
func TestAnOldConnectionIsReadWithoutAScheduleAndForEverybody(t *testing.T) {
	t.Parallel()
	var got users.Application
	old := `{"label":"Personio","import":{"source":"personio","base_url":"https://api.personio.de","client_id":"papi-1",
		"initial_state":"staged","reactivation":true,"leave":"keep","guard":{"max_people":5,"max_percent":10}}}`
	if err := json.Unmarshal([]byte(old), &got); err != nil {
		t.Fatal(err)
	}
	want := users.Application{Label: "Personio", Import: &users.Import{
		Source: "personio", BaseURL: "https://api.personio.de", ClientID: "papi-1", InitialState: users.StateStaged,
		Reactivation: true, Leave: users.LeaveKeeps, Guard: users.Guard{MaxPeople: 5, MaxPercent: 10},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("application (-want +got):\n%s", diff)
	}
}
