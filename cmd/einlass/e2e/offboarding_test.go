package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

const webhookToken = "webhook-token-of-the-house-0123456789abcdef"

// receiveWebhooks lets Personio tell of changes.
func (h *house) receiveWebhooks(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(h.config)
	must(t, err)
	const after = "      schedule: \"off\"\n"
	changed := strings.Replace(string(text), after, after+"      webhook: { token: "+webhookToken+", company_id: '123456' }\n", 1)
	must(t, os.WriteFile(h.config, []byte(changed), 0o600))
}

// tell delivers an event about a person as Personio does, and from a page of a
// stranger's, which must not matter.
func (h *house) tell(t *testing.T, event string, id int64) int {
	t.Helper()
	body := fmt.Sprintf(`{"company_id":"123456","event_name":%q,"occurred_at":"2026-11-21T10:00:00Z","payload":{"person":{"id":"%d"}},"meta":{}}`, event, id)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.issuer+"/hooks/personio/personio", strings.NewReader(body))
	must(t, err)
	r.Header.Set("Authorization", webhookToken)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://stranger.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// evidence is a record as audit offboarding writes it.
type evidence struct {
	Record struct {
		Issuer       string    `json:"issuer"`
		Email        string    `json:"email"`
		By           string    `json:"by"`
		Actor        string    `json:"actor"`
		Reason       string    `json:"reason"`
		HeardAt      time.Time `json:"heard_at"`
		SeenAt       time.Time `json:"seen_at"`
		Run          string    `json:"run"`
		Sessions     int       `json:"sessions_ended"`
		EndedAt      time.Time `json:"sessions_ended_at"`
		CleanedAt    time.Time `json:"cleaned_at"`
		RefusedAfter int       `json:"refused_after"`
		GrantedAfter int       `json:"granted_after"`
		Limits       []string  `json:"cannot_be_shown"`
		Committed    struct {
			Seq int64     `json:"seq"`
			At  time.Time `json:"at"`
		} `json:"committed"`
		Applications []struct {
			ID       string `json:"id"`
			Open     bool   `json:"could_use"`
			Logout   string `json:"logout"`
			Attempts int    `json:"logout_attempts"`
			Error    string `json:"logout_error"`
		} `json:"applications"`
	} `json:"record"`
	JWS string          `json:"jws"`
	Key json.RawMessage `json:"key"`
}

// N-1 N244 B-08: a leaver goes through the real program with two applications, one of which is dead, and the record shows each hop.
func TestLeaverLeavesEvidence(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3})
	party := newLogoutParty(t, http.StatusOK)
	h.listenForLogout(t, party)
	h.receiveWebhooks(t)
	h.declare(`{ id: wiki, groups: [everyone], sign_in: { client_id: wiki, auth_method: none, redirect_uris: ['https://wiki.example/cb'], ` +
		`backchannel_logout_uri: 'http://` + freeAddress(t) + `/bye' } }`)
	_, browser := h.signedIn()
	jana := h.somebody()
	tokens := h.redeem(t, h.address, browser.code(t, h, h.issuer))
	wiki := browser.getNoFollow(t, h.issuer+"/authorize?"+url.Values{
		"client_id": {"wiki"}, "redirect_uri": {"https://wiki.example/cb"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode())
	if !strings.Contains(wiki, "code=") {
		t.Fatalf("the wiki got no code: %s", wiki)
	}

	must(t, h.hr.SetStatus(personiotest.Email(jana), personiotest.Inactive))
	if status := h.tell(t, "employment.terminated", h.idOf(t, jana)); status != http.StatusAccepted {
		t.Fatalf("the webhook was answered with %d, want 202", status)
	}
	var records []evidence
	waitFor(t, "the record to be complete", func() bool {
		h.json(&records, "audit", "offboarding", jana)
		if len(records) != 1 {
			return false
		}
		told := map[string]string{}
		for _, a := range records[0].Record.Applications {
			if a.Logout != "waiting" || a.Attempts > 0 {
				told[a.ID] = a.Logout
			}
		}
		return told["personio"] == "confirmed" && told["wiki"] == "waiting" && !records[0].Record.CleanedAt.IsZero()
	})
	if p := browser.get(h.issuer + "/portal"); p.url.Path != "/login" {
		t.Errorf("the portal afterwards: %s", p.url)
	}
	if status := userinfo(t, h.issuer+"/userinfo", tokens.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("userinfo afterwards: status %d", status)
	}
	r := records[0].Record
	if r.Issuer != h.issuer || r.Email != jana || r.By != "import" || r.Actor != "import:personio" || r.Reason != "status_inactive" || r.Run == "" {
		t.Errorf("who and why: %+v", r)
	}
	hops := []time.Time{r.HeardAt, r.SeenAt, r.Committed.At, r.EndedAt, r.CleanedAt}
	for i, at := range hops {
		if at.IsZero() || i > 0 && at.Before(hops[i-1]) {
			t.Errorf("hop %d at %s: want heard, seen, committed, sessions ended and cleaned in this order: %v", i+1, at, hops)
		}
	}
	if r.Sessions != 1 || r.GrantedAfter != 0 || len(party.received()) != 1 {
		t.Errorf("%d sessions, %d grants afterwards, %d calls of personio", r.Sessions, r.GrantedAfter, len(party.received()))
	}
	for _, a := range r.Applications {
		if !a.Open || a.ID == "wiki" && a.Error == "" || a.ID == "personio" && a.Attempts != 1 {
			t.Errorf("application %+v", a)
		}
	}
	if said := strings.Join(r.Limits, "\n"); !strings.Contains(said, "wiki has not confirmed") || !strings.Contains(said, "Personio ends its own web session") {
		t.Errorf("what cannot be shown:\n%s", said)
	}
	if shown := h.ok("", "users", "show", jana); !strings.Contains(shown, "einlass audit offboarding "+jana) {
		t.Errorf("users show does not name it:\n%s", shown)
	}
	h.checkEvidence(t, jana, records)
}

// checkEvidence exports the records of a person and verifies them, whole and tampered with.
func (h *house) checkEvidence(t *testing.T, email string, records []evidence) {
	t.Helper()
	exported := h.ok("", "audit", "offboarding", email, "--since", "1d", "-o", "json")
	file := filepath.Join(t.TempDir(), "evidence.json")
	verify := func(text string) result {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		return h.run("", "audit", "verify-evidence", file)
	}
	if r := verify(exported); r.code != 0 || !strings.Contains(r.stdout, "proved") {
		t.Errorf("verify: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	h.ok("", "keys", "rotate")
	if r := verify(exported); r.code != 0 {
		t.Errorf("verify after a rotation: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	body := strings.Split(records[0].JWS, ".")
	for name, tampered := range map[string]string{
		"another reason beside the signature": strings.Replace(exported, `"reason": "status_inactive"`, `"reason": "status_active"`, 1),
		"another payload":                     strings.Replace(exported, body[0]+".", body[0]+".e", 1),
		"no signature":                        strings.Replace(exported, `"jws": "`, `"jws": "x`, 1),
		"no key":                              strings.Replace(exported, `"kty": "EC"`, `"kty": "oct"`, 1),
		"an event of another time":            strings.Replace(exported, r3339(records[0].Record.Committed.At), "2020-01-01T00:00:00Z", 1),
	} {
		if tampered == exported {
			t.Errorf("%s: nothing was changed", name)
			continue
		}
		if r := verify(tampered); r.code != 1 || strings.Contains(r.stdout, " proved") {
			t.Errorf("%s: exit code %d\n%s%s", name, r.code, r.stdout, r.stderr)
		}
	}
	if r := verify(`{"not": "a list"}`); r.code != 2 {
		t.Errorf("another file: exit code %d", r.code)
	}
	rows, err := csv.NewReader(strings.NewReader(h.ok("", "audit", "offboarding", "-o", "csv"))).ReadAll()
	must(t, err)
	if len(rows) != 2 || rows[1][1] != email || len(rows[0]) != len(rows[1]) {
		t.Errorf("CSV %q", rows)
	}
	if out := h.ok("", "audit", "offboarding", "--since", "2999-01-01", "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("since a day that has not come: %s", out)
	}
	if r := h.run("", "audit", "offboarding", "--since", "yesterday"); r.code != 2 {
		t.Errorf("--since yesterday: exit code %d, want 2", r.code)
	}
	h.ok("", "audit", "verify")
}

func r3339(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// idOf returns the person's id at Personio.
func (h *house) idOf(t *testing.T, email string) int64 {
	t.Helper()
	for _, p := range h.hr.People() {
		if string(p.Email) == email {
			return p.ID
		}
	}
	t.Fatalf("%s does not work here", email)
	return 0
}

// getNoFollow returns where the browser would be led from an address.
func (b *browser) getNoFollow(t *testing.T, target string) string {
	t.Helper()
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Get(target)
	must(t, err)
	_ = answer.Body.Close()
	return answer.Header.Get("Location")
}
