package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/notify/notifytest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

// Whoever is staged reaches nobody outside: whatever happens to them, with all followers
// at work, there is no mail to or about them, no call of an application, no code, token or
// claim. Activation lets them out.
//
// B-12
func TestWhoeverIsStagedNeverLeavesTheHouse(t *testing.T) {
	t.Parallel()
	for _, s := range []stores{{}, {postgres: true, redis: true}} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, s, personiotest.Config{People: 12, Seed: 6})
			mails, party := notifytest.New(t), newLogoutParty(t, http.StatusOK)
			h.mailThrough(mails)
			mails.Start()
			h.listenForLogout(t, party)
			h.edit("      schedule: \"off\"\n", "      schedule: \"off\"\n      initial_state: staged\n      guard: { max_people: 1000, max_percent: 100 }\n")
			h.edit("      guard: { max_people: 25, max_percent: 20 }\n", "")
			h.ok("", "admin", "recover", owner)
			h.serve(h.address)
			h.ok("", "import", "run")

			people := h.active()
			moved, left := people[0], people[1]
			must(t, h.hr.SetEmail(moved.ID, "moved@acme.example"))
			must(t, h.hr.SetAttribute(left.Email, "department", "Somewhere Else"))
			h.ok("", "import", "run")
			must(t, h.hr.SetStatus(left.Email, personiotest.Inactive))
			h.ok("", "import", "run")
			must(t, h.hr.SetStatus(left.Email, personiotest.Active))
			h.ok("", "import", "run")
			staged := string(left.Email)
			h.ok("", "users", "suspend", staged)
			must(t, h.hr.SetAttribute(left.Email, "position", "Doorman"))
			h.ok("", "import", "run")
			h.ok(password+"\n", "users", "password", staged)
			h.ok("", "users", "end-sessions", staged)
			h.refuses(t, staged)

			h.settle(t)
			if calls := party.received(); len(calls) != 0 {
				t.Errorf("the application was called %d times", len(calls))
			}
			for _, m := range mails.Mails() {
				_, text, html := m.Read(t)
				if !slices.Equal(m.To, []string{owner}) {
					t.Errorf("mail to %v:\n%s", m.To, text)
				}
				for _, p := range append(h.hr.People(), moved) {
					if strings.Contains(text+html, string(p.Email)) || strings.Contains(text+html, p.LastName) {
						t.Errorf("a mail names %s:\n%s", p.Name(), text)
					}
				}
			}

			// Activated, they are somebody like everybody.
			h.ok("", "users", "activate", staged)
			browser := h.browser()
			browser.signIn(browser.get(h.issuer+"/portal"), staged)
			tokens := h.redeem(t, h.address, browser.code(t, h, h.issuer))
			if status := userinfo(t, h.issuer+"/userinfo", tokens.AccessToken); status != http.StatusOK {
				t.Errorf("userinfo of the activated person: status %d", status)
			}
			h.ok("", "users", "suspend", staged)
			waitFor(t, "the application to be told", func() bool { return len(party.received()) > 0 })
			h.ok("", "users", "activate", staged)
			must(t, h.hr.SetEmail(left.ID, "activated@acme.example"))
			h.ok("", "import", "run")
			h.settle(t)
			if got := recipientsOf(mails); !slices.Contains(got, "activated@acme.example") || !slices.Contains(got, staged) {
				t.Errorf("mail to %v, want the activated person at both addresses", got)
			}
		})
	}
}

// refuses checks that somebody who knows their password gets in nowhere.
func (h *house) refuses(t *testing.T, email string) {
	t.Helper()
	browser := h.browser()
	for _, page := range []string{h.issuer + "/portal", h.hrURL + "/oauth/authorise"} {
		if p := browser.signIn(browser.get(page), email); !strings.HasPrefix(p.url.String(), h.issuer+"/login") {
			t.Errorf("%s from %s led to %s", email, page, p.url)
		}
	}
	rp := h.relyingParty(personiotest.OIDC)
	client := *browser.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Get(h.issuer + "/authorize?" + url.Values{
		"client_id": {rp.ClientID}, "redirect_uri": {rp.RedirectURIs()[0]}, "response_type": {"code"}, "scope": {"openid email"},
		"prompt": {"none"}, "state": {"s"}, "login_hint": {email},
	}.Encode())
	must(t, err)
	_ = answer.Body.Close()
	sent, err := url.Parse(answer.Header.Get("Location"))
	must(t, err)
	if q := sent.Query(); q.Get("error") != "login_required" || q.Has("code") || strings.Contains(sent.String(), email) {
		t.Errorf("without a prompt they are sent to %s", sent)
	}
}

// settle waits until everything in the log has been followed, by a server that runs.
func (h *house) settle(t *testing.T) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), h.directory)
	must(t, err)
	defer store.Close()
	for _, follower := range []string{"mail", "logout"} {
		waitFor(t, "the follower "+follower, func() bool {
			head, _, err := store.EventHead(t.Context())
			must(t, err)
			seen, err := store.Cursor(t.Context(), follower)
			must(t, err)
			deliveries, err := store.CountDeliveries(t.Context(), follower)
			must(t, err)
			return seen >= head && deliveries[users.DeliveryPending] == 0
		})
	}
}

// mailAll lets the house mail what there is to be mailed.
func (h *house) mailAll(t *testing.T) {
	t.Helper()
	server := h.serve(h.address)
	defer server.stop(syscall.SIGTERM)
	h.settle(t)
}
