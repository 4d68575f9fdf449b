package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

const afterLogout = "https://app.example/bye"

// logoutParty is an application that wants to know of sign-outs.
type logoutParty struct {
	server *httptest.Server

	mu     sync.Mutex // guards the fields below
	status int
	tokens []string
}

func newLogoutParty(t *testing.T, status int) *logoutParty {
	t.Helper()
	p := &logoutParty{status: status}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tokens = append(p.tokens, r.PostFormValue("logout_token"))
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *logoutParty) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.tokens = status, nil
}

func (p *logoutParty) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tokens...)
}

// listenForLogout registers the addresses of an application for sign-out.
func (h *house) listenForLogout(t *testing.T, p *logoutParty) {
	t.Helper()
	text, err := os.ReadFile(h.config)
	must(t, err)
	const after = "      id_token_claims: [email]\n"
	changed := strings.Replace(string(text), after, after+"      post_logout_redirect_uris: ['"+afterLogout+"']\n"+
		"      backchannel_logout_uri: "+p.server.URL+"/bye\n", 1)
	must(t, os.WriteFile(h.config, []byte(changed), 0o600))
}

// sidOf returns the session of a token.
func sidOf(t *testing.T, token string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(t, err)
	var claims struct {
		SID string `json:"sid"`
	}
	must(t, json.Unmarshal(payload, &claims))
	return claims.SID
}

// The application does not answer when somebody signs out, and the server is
// killed right after the redirect. After the restart the application is told all the same.
// N126 oidcc-backchannel-rp-initiated-logout
func TestKillAfterSignOutLosesNoLogoutToken(t *testing.T) {
	t.Parallel()
	for _, s := range []stores{{}, {postgres: true, redis: true}} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, s, personiotest.Config{People: 20, Seed: 3})
			party := newLogoutParty(t, http.StatusServiceUnavailable)
			h.listenForLogout(t, party)
			server, browser := h.signedIn()
			tokens := h.redeem(t, h.address, browser.code(t, h, h.issuer))

			client := *browser.client
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			answer, err := client.Get(h.issuer + "/end_session?" + url.Values{
				"id_token_hint": {tokens.IDToken}, "post_logout_redirect_uri": {afterLogout}, "state": {"s"},
			}.Encode())
			must(t, err)
			_ = answer.Body.Close()
			server.stop(syscall.SIGKILL)
			if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != afterLogout+"?state=s" {
				t.Fatalf("status %d, Location %q", answer.StatusCode, got)
			}
			party.answer(http.StatusOK)
			h.serve(h.address)
			waitFor(t, "the logout token", func() bool { return len(party.received()) > 0 })
			if got, want := sidOf(t, party.received()[0]), sidOf(t, tokens.IDToken); got != want {
				t.Errorf("sid %q, want %q", got, want)
			}
			if p := browser.get(h.issuer + "/portal"); p.url.Path != "/login" {
				t.Errorf("after signing out: %s", p.url)
			}
			h.ok("", "audit", "verify")
		})
	}
}
