package main

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// suspendedEvidence returns the signed record of somebody whom an administrator suspended.
func suspendedEvidence(t *testing.T, a *app) evidenceItem {
	t.Helper()
	u, err := a.Directory.Read().UserByLogin(t.Context(), users.KeyOf("ada@acme.example"))
	if err == nil {
		_, err = a.Directory.Suspend(t.Context(), "cli:test", u.ID, `=HYPERLINK("http://evil.example")`)
	}
	if err != nil {
		t.Fatal(err)
	}
	items, err := collectEvidence(t.Context(), a, []users.ID{u.ID}, time.Time{})
	if err != nil || len(items) != 1 {
		t.Fatalf("%d records, %v", len(items), err)
	}
	return items[0]
}

func evidenceHouse(t *testing.T) *app {
	t.Helper()
	cfg := defaultConfig()
	person := defaultUser()
	person.Email = "ada@acme.example"
	cfg.Users = []UserConfig{person}
	return openTestApp(t, cfg)
}

// verdictOn judges a record as the command does, from a file.
func verdictOn(t *testing.T, a *app, item evidenceItem) []string {
	t.Helper()
	text, err := json.Marshal([]evidenceItem{item})
	if err != nil {
		t.Fatal(err)
	}
	var read []evidenceItem
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	log, err := readLogForEvidence(t.Context(), a, read)
	if err != nil {
		t.Fatal(err)
	}
	return log.judge(a.cfg.Issuer, read[0]).Problems
}

// sign signs a changed record with a ring.
func sign(t *testing.T, ring *keys.Ring, record evidenceRecord) evidenceItem {
	t.Helper()
	payload, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ring.SignEvidence(payload)
	if err != nil {
		t.Fatal(err)
	}
	return evidenceItem{Record: payload, Evidence: signed}
}

// N-1: a record proves itself long after its key has left the key set, by the log that names the key.
func TestEvidenceOutlivesItsKey(t *testing.T) {
	t.Parallel()
	a := evidenceHouse(t)
	item := suspendedEvidence(t, a)
	if problems := verdictOn(t, a, item); len(problems) > 0 {
		t.Fatalf("fresh: %q", problems)
	}
	signed, err := keys.VerifyEvidence(item.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.store.DeleteSigningKeys(t.Context(), []string{signed.KeyID}); err != nil {
		t.Fatal(err)
	}
	if problems := verdictOn(t, a, item); len(problems) > 0 {
		t.Errorf("after the key was deleted: %q", problems)
	}
}

// forgetThumbprints makes of the keys of a house what an earlier version has left: nothing in the log names them.
func forgetThumbprints(t *testing.T, a *app) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(a.cfg.Data, fileDirectory))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE signing_keys SET recorded = 0",
		"DELETE FROM event_data WHERE seq IN (SELECT seq FROM events WHERE kind = 'key.rotated')",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// keyEvents counts the events about keys.
func keyEvents(t *testing.T, a *app) int {
	t.Helper()
	n := 0
	_, err := a.Directory.WalkLog(t.Context(), func(e users.Event) {
		if e.Kind == users.EventKeyRotated {
			n++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// N-1: keys of versions that did not write their thumbprints into the log are named there
// at the next start, once each, so that what they sign and have signed is proved.
func TestKeysOfEarlierVersionsAreRecorded(t *testing.T) {
	t.Parallel()
	a := evidenceHouse(t)
	item := suspendedEvidence(t, a)
	forgetThumbprints(t, a)
	if problems := verdictOn(t, a, item); len(problems) != 1 || !strings.Contains(problems[0], "is none of this installation") {
		t.Fatalf("without a thumbprint: %q", problems)
	}
	before := keyEvents(t, a)
	for start := range 3 {
		next, err := openApp(t.Context(), a.cfg, appOptions{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if problems := verdictOn(t, next, item); len(problems) > 0 {
			t.Errorf("start %d: %q", start, problems)
		}
		if n := keyEvents(t, next) - before; n != len(signingAlgs) {
			t.Errorf("start %d: %d events, want one for each of %d keys", start, n, len(signingAlgs))
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// N-1: whoever replaces a key later takes no proof away and gives none: the first word on a key counts.
func TestRecordingAKeyChangesNoEarlierWord(t *testing.T) {
	t.Parallel()
	a, elsewhere := evidenceHouse(t), evidenceHouse(t)
	item := suspendedEvidence(t, a)
	foreign, err := elsewhere.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := keys.VerifyEvidence(item.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range foreign {
		if k.Alg == keys.ES256 {
			k.ID = signed.KeyID
			if err := a.store.PutSigningKeys(t.Context(), []keys.StoredKey{k}, "forged"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if problems := verdictOn(t, a, item); len(problems) > 0 {
		t.Errorf("by the key that was there first: %q", problems)
	}
}

// N-1: who can sign, but not write the log, proves nothing; nor does a key that leaked.
func TestForgedEvidenceIsNotProved(t *testing.T) {
	t.Parallel()
	a, elsewhere := evidenceHouse(t), evidenceHouse(t)
	item := suspendedEvidence(t, a)
	changed := func(change func(r *evidenceRecord)) evidenceRecord {
		r := item.record
		r.Events = slices.Clone(r.Events)
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		item evidenceItem
		want string
	}{
		"by a key of another house": {sign(t, elsewhere.Ring, item.record), "is none of this installation"},
		"about an event that never was": {sign(t, a.Ring, changed(func(r *evidenceRecord) {
			r.Committed.Hash = strings.Repeat("0", 64)
		})), "is not in the log as the record has it"},
		"of an earlier time":       {sign(t, a.Ring, changed(func(r *evidenceRecord) { r.Committed.At = r.Committed.At.Add(-time.Hour) })), "is not in the log"},
		"about an event to come":   {sign(t, a.Ring, changed(func(r *evidenceRecord) { r.Events[0].Seq = 1_000_000 })), "event 1000000 is not in the log"},
		"from a longer log":        {sign(t, a.Ring, changed(func(r *evidenceRecord) { r.LogHead.Seq++ })), "removed from its end"},
		"of another issuer":        {sign(t, a.Ring, changed(func(r *evidenceRecord) { r.Issuer = "https://other.example" })), "another installation"},
		"with another text beside": {evidenceItem{Record: json.RawMessage(`{"reason":"x"}`), Evidence: item.Evidence}, "is not what was signed"},
		"without a signature":      {evidenceItem{Record: item.Record}, "does not verify"},
	} {
		problems := verdictOn(t, a, c.item)
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, c.want) }) {
			t.Errorf("%s: %q, want one with %q", name, problems, c.want)
		}
	}
	signed, err := keys.VerifyEvidence(item.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ring.Revoke(t.Context(), signed.KeyID); err != nil {
		t.Fatal(err)
	}
	if problems := verdictOn(t, a, item); len(problems) != 1 || !strings.Contains(problems[0], "was revoked") {
		t.Errorf("by a key that leaked: %q", problems)
	}
}

// F-101: in a spreadsheet no reason becomes a formula.
func TestEvidenceIsNoFormula(t *testing.T) {
	t.Parallel()
	a := evidenceHouse(t)
	item := suspendedEvidence(t, a)
	var b strings.Builder
	if err := offboardingTable([]evidenceItem{item}, true).writeCSV(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), `,=HYPERLINK`) || strings.Contains(b.String(), `,"=HYPERLINK`) || !strings.Contains(b.String(), "HYPERLINK") {
		t.Errorf("CSV %s", b.String())
	}
}
