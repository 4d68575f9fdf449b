package portal

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

func TestTheGreetingFollowsTheClockOfTheOrganization(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for utc, want := range map[string]string{
		"2026-11-21T03:59:00Z": "portal.evening",
		"2026-11-21T04:00:00Z": "portal.morning",
		"2026-11-21T09:59:00Z": "portal.morning",
		"2026-11-21T10:00:00Z": "portal.day",
		"2026-11-21T16:59:00Z": "portal.day",
		"2026-11-21T17:00:00Z": "portal.evening",
		"2026-07-21T15:59:00Z": "portal.day", // summer time
		"2026-07-21T16:00:00Z": "portal.evening",
	} {
		at, err := time.Parse(time.RFC3339, utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := greeting(at.In(berlin)); got != want {
			t.Errorf("%s: %s, want %s", utc, got, want)
		}
	}
}

func TestATileLooksTheSameEveryDay(t *testing.T) {
	t.Parallel()
	for id, want := range map[users.ApplicationID]string{
		"personio": "tile-blue", "wiki": "tile-green", "travel": "tile-rust", "zeit": "tile-teal", "crm": "tile-plum",
	} {
		if got := colorClass(users.Application{ID: id}); got != want {
			t.Errorf("%s has the colour %s, want %s as ever", id, got, want)
		}
	}
}

func TestTilesAreInTheOrderOfTheAlphabet(t *testing.T) {
	t.Parallel()
	labels := map[users.ApplicationID]string{"a": "Zeit", "b": "ärzte", "c": "Bahn", "d": "Arbeit", "e": "Straße", "f": "strasse 2", "g": "Über uns", "h": "Uhr"}
	h := &Handler{cfg: Config{Applications: fixed(labels)}}
	var got []string
	for _, tile := range h.tiles([]users.ApplicationID{"a", "b", "c", "d", "e", "f", "g", "h"}) {
		got = append(got, tile.Label)
	}
	if diff := cmp.Diff([]string{"Arbeit", "ärzte", "Bahn", "Straße", "strasse 2", "Über uns", "Uhr", "Zeit"}, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// fixed are applications by id, with their labels.
type fixed map[users.ApplicationID]string

func (f fixed) Application(id users.ApplicationID) (users.Application, bool) {
	return users.Application{ID: id, Label: f[id], Launch: &users.Launch{URL: "https://" + string(id) + ".example/"}}, true
}

func TestALetterIsOneCharacter(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{"personio": "P", "ärzte": "Ä", "日本": "日", "1Password": "1"} {
		if got := initial(label); got != want {
			t.Errorf("%s: %q, want %q", label, got, want)
		}
	}
}
