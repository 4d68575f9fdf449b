package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/notify/notifytest"
)

// Somebody in HR gives themselves the address of the boss: they are in quarantine,
// nobody changes, and the owner hears of it. So it is with the address of whoever
// has a role, however long it lasts. An address that does change is mailed to both.
//
// N318
func TestNobodyTakesTheBossesAddressInHR(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 12, Seed: 4})
	mails := notifytest.New(t)
	h.mailThrough(mails)
	mails.Start()
	h.ok("", "import", "run")
	h.ok("", "admin", "recover", owner)
	boss := h.somebody()
	thief := h.another(boss)
	of := func(email string) personiotest.Employee {
		e, err := h.hr.ByEmail(personiotest.Email(email))
		must(t, err)
		return e
	}
	bossID, thiefID := of(boss).ID, of(thief).ID

	// The address of somebody who is here.
	before, _ := h.contents(t)
	must(t, h.hr.SetEmail(thiefID, personiotest.Email(boss)))
	for range 2 {
		var run runReport
		h.json(&run, "import", "run")
		if run.Counts["quarantined"] == 0 || run.Counts["updated"]+run.Counts["suspended"] != 0 {
			t.Errorf("the import: %+v, want a quarantine", run.Counts)
		}
	}
	after, _ := h.contents(t)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the import changed something (-before +after):\n%s", diff)
	}
	h.mailAll(t)
	if got := recipientsOf(mails); !slices.Equal(got, []string{owner}) {
		t.Errorf("mail to %v, want one alert", got)
	}

	// The address of somebody with a role, who is left to administrators.
	must(t, h.hr.SetEmail(thiefID, personiotest.Email(thief)))
	h.ok("", "import", "run")
	h.ok("", "admin", "recover", boss)
	before, _ = h.contents(t)
	must(t, h.hr.SetEmail(bossID, "thief@acme.example"))
	for range 2 {
		h.ok("", "import", "run")
	}
	after, _ = h.contents(t)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the import changed somebody with a role (-before +after):\n%s", diff)
	}
	must(t, h.hr.SetEmail(bossID, personiotest.Email(boss)))
	h.ok("", "import", "run")

	// An address of nobody else.
	told := len(mails.Mails())
	must(t, h.hr.SetEmail(thiefID, "renamed@acme.example"))
	h.ok("", "import", "run")
	h.mailAll(t)
	var toThem []string
	for _, m := range mails.Mails()[told:] {
		_, text, _ := m.Read(t)
		if strings.Contains(text, "E-Mail-Adresse Ihres Kontos bei Acme GmbH") {
			toThem = append(toThem, m.To...)
		}
	}
	if slices.Sort(toThem); !slices.Equal(toThem, sorted(thief, "renamed@acme.example")) {
		t.Errorf("mail about the new address to %v", toThem)
	}
}

func sorted(all ...string) []string {
	slices.Sort(all)
	return all
}

// recipientsOf returns who got mail, each once.
func recipientsOf(mails *notifytest.Server) []string {
	var all []string
	for _, m := range mails.Mails() {
		all = append(all, m.To...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
