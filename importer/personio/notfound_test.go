package personio_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
)

// answering puts an answer of somebody else before one path of the simulator.
func answering(sim *personiotest.Server, path string, status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			sim.Handler().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the caller has gone
	})
}

// A gateway's 404 is not Personio's word, and a single one of version 2 takes
// nobody's access while the list shows the person.
func TestA404ThatIsNotPersoniosMakesNobodyGone(t *testing.T) {
	t.Parallel()
	const gateway, own = `{"message":"no Route matched"}`, `{"errors":[{"title":"Not found"}]}`
	sim := newSimulation(t, personiotest.Config{People: 3})
	id := strconv.FormatInt(sim.People()[0].ID, 10)
	apiID, secret := sim.Credentials()
	credentials := func(cfg *personio.Config) { cfg.ClientID, cfg.ClientSecret = apiID, secret }

	v1 := newSourceAt(t, answering(sim, "/v1/company/employees/"+id, http.StatusNotFound, gateway), credentials)
	if _, err := v1.Person(t.Context(), id, []string{"status"}); !errors.Is(err, importer.ErrCorrupt) {
		t.Errorf("version 1, a gateway's 404: %v, want ErrCorrupt", err)
	}
	for name, body := range map[string]string{"a gateway's 404": gateway, "a 404 about somebody who is listed": own} {
		v2 := newSourceV2At(t, answering(sim, "/v2/persons/"+id, http.StatusNotFound, body), credentials)
		if _, err := v2.Person(t.Context(), id, []string{"status"}); !errors.Is(err, importer.ErrCorrupt) {
			t.Errorf("version 2, %s: %v, want ErrCorrupt", name, err)
		}
	}
	if err := sim.Remove(sim.People()[0].ID); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]importer.Source{"version 1": newSource(t, sim, nil), "version 2": newSourceV2(t, sim, nil)} {
		if _, err := source.Person(t.Context(), id, []string{"status"}); !errors.Is(err, importer.ErrGone) {
			t.Errorf("%s, somebody who was removed: %v, want ErrGone", name, err)
		}
	}
}
