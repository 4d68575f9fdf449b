package e2e

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// Two companies, each with a Personio of its own, are imported side by side.
// Everybody says where they come from, and nobody is merged with a namesake.
// S-036
func TestTwoPersoniosSideBySide(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3})
	second, err := personiotest.New(personiotest.Config{Name: "Zweite GmbH", Domain: "zweite.example", People: 15, Seed: 4})
	must(t, err)
	server := httptest.NewServer(second.Handler())
	t.Cleanup(server.Close)
	id, secret := second.Credentials()
	h.declare(fmt.Sprintf(`{ id: zweite, import: { schedule: "off", personio: { client_id: %s, client_secret: %s, base_url: %q } } }`,
		id, secret.Reveal(), server.URL))
	h.ok("", "users", "list")

	var wg sync.WaitGroup
	for _, connection := range []string{"personio", "zweite"} {
		wg.Go(func() {
			if r := h.run("", "import", "run", connection); r.code != 0 {
				t.Errorf("import run %s: exit code %d\n%s%s", connection, r.code, r.stdout, r.stderr)
			}
		})
	}
	wg.Wait()

	jana, member := h.somebody(), second.People()[0]
	type source struct {
		Application string `json:"application"`
	}
	var person struct {
		State   string   `json:"state"`
		Sources []source `json:"sources"`
	}
	for email, want := range map[string]string{jana: "personio", string(member.Email): "zweite"} {
		h.json(&person, "users", "show", email)
		if diff := cmp.Diff([]source{{want}}, person.Sources); diff != "" {
			t.Errorf("sources of %s (-want +got):\n%s", email, diff)
		}
	}

	// Somebody in the second company has an address of the first one.
	must(t, second.SetEmail(member.ID, personiotest.Email(jana)))
	var run struct {
		runReport
		Changes []struct {
			Kind   string `json:"kind"`
			Reason string `json:"reason"`
			Email  string `json:"email"`
		} `json:"changes"`
	}
	h.json(&run, "import", "run", "zweite")
	if len(run.Changes) != 1 || run.Changes[0].Kind != "quarantine" || run.Changes[0].Email != jana || run.Counts["quarantined"] != 1 {
		t.Errorf("run with a namesake: %+v", run)
	}
	h.json(&person, "users", "show", jana)
	if diff := cmp.Diff([]source{{"personio"}}, person.Sources); diff != "" || person.State != "active" {
		t.Errorf("%s is %s, sources (-want +got):\n%s", jana, person.State, diff)
	}
}
