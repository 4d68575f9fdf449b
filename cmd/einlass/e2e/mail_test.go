package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/notify/notifytest"
	"github.com/einlass/einlass/provider/web/webtest"
)

// mailThrough lets the house mail through a server, after each import that changed somebody.
func (h *house) mailThrough(server *notifytest.Server) {
	h.t.Helper()
	h.edit("applications:\n", "mail: { smtp: '"+server.URL().Reveal()+"', from: 'Einlass <sso@acme.example>' }\napplications:\n")
	h.edit("      schedule: \"off\"\n", "      schedule: \"off\"\n      summary: changes\n")
	roots := filepath.Join(h.t.TempDir(), "roots.pem")
	must(h.t, os.WriteFile(roots, server.Roots(), 0o600))
	h.env = append(h.env, "SSL_CERT_FILE="+roots)
}

// edit replaces something in the configuration file.
func (h *house) edit(before, after string) {
	h.t.Helper()
	text, err := os.ReadFile(h.config)
	must(h.t, err)
	if !strings.Contains(string(text), before) {
		h.t.Fatalf("the configuration has no %q", before)
	}
	must(h.t, os.WriteFile(h.config, []byte(strings.Replace(string(text), before, after, 1)), 0o600))
}

// TestMail: what an import did reaches its administrator, and the link in the
// mail leads through the sign-in to the result.
//
// S-010 S-081 S-097 S-098
func TestMail(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 5})
	server := notifytest.New(t)
	h.mailThrough(server)
	jana := h.somebody()
	h.ok("", "import", "run")
	h.ok("", "admin", "recover", jana)
	h.ok(password+"\n", "users", "password", jana)
	first := h.serve(h.address)
	h.serve(freeAddress(t)) // two follow the log, one mails

	// Nobody changed: no mail. The mail server is away when somebody does.
	h.ok("", "import", "run")
	must(t, h.hr.SetAttribute(personiotest.Email(h.another(jana)), "position", "Chief Admissions Officer"))
	var run runReport
	h.json(&run, "import", "run")
	waitFor(t, "the mail waits for its server", func() bool {
		return strings.Contains(fetch(t, first.manage+"/metrics"), `einlass_deliveries{follower="mail",state="pending"} 1`)
	})
	server.Start()
	waitFor(t, "the mail", func() bool { return len(server.Mails()) > 0 })
	mail := server.Mails()[0]
	header, text, _ := mail.Read(t)
	if len(mail.To) != 1 || mail.To[0] != jana || !strings.Contains(header.Get("Subject"), "Personio") {
		t.Errorf("mail to %v with the subject %q", mail.To, header.Get("Subject"))
	}
	for _, want := range []string{run.ID, "  Geändert: 1\n", "Beginn (UTC): 20", "Beginn (Europe/Berlin): "} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail lacks %q:\n%s", want, text)
		}
	}

	// The link.
	link := regexp.MustCompile(h.issuer + `/admin/imports/\S+`).FindString(text)
	browser := h.browser()
	form := browser.get(link)
	if !strings.HasPrefix(form.url.String(), h.issuer+"/login") {
		t.Fatalf("the link %s led to %s", link, form.url)
	}
	result := browser.signIn(form, jana)
	if result.status != http.StatusOK || result.url.String() != link {
		t.Fatalf("after the sign-in at %s with status %d, want the link", result.url, result.status)
	}
	downloads := webtest.Parse(t, result.body).ByID("downloads").All("a")
	csv := browser.get(h.issuer + downloads[0].Attr("href"))
	if csv.status != http.StatusOK || !strings.Contains(csv.body, `position`) && !strings.Contains(csv.body, "job_title") {
		t.Errorf("the file: status %d\n%s", csv.status, csv.body)
	}

	// Revoked credentials: one alert, however often it is tried.
	h.hr.RevokeCredentials()
	for range 3 {
		if r := h.run("", "import", "run"); r.code != 1 {
			t.Errorf("import with revoked credentials: exit code %d", r.code)
		}
	}
	waitFor(t, "the alert", func() bool { return len(server.Mails()) > 1 })
	_, text, _ = server.Mails()[1].Read(t)
	if !strings.Contains(text, "credentials_revoked") {
		t.Errorf("the alert reads\n%s", text)
	}

	// New ones: the next mail is the one about what changed then.
	h.renewCredentials()
	must(t, h.hr.SetAttribute(personiotest.Email(h.another(jana)), "position", "Doorman"))
	h.json(&run, "import", "run")
	waitFor(t, "the mail after that", func() bool { return len(server.Mails()) > 2 })
	if _, text, _ = server.Mails()[2].Read(t); !strings.Contains(text, run.ID) {
		t.Errorf("the third mail is not about run %s:\n%s", run.ID, text)
	}
	h.ok("", "audit", "verify")
}

// renewCredentials writes new credentials of the source into the configuration.
func (h *house) renewCredentials() {
	h.t.Helper()
	oldID, oldSecret := h.hr.Credentials()
	id, secret := h.hr.RenewCredentials()
	text, err := os.ReadFile(h.config)
	must(h.t, err)
	renew := strings.NewReplacer(oldID, id, oldSecret.Reveal(), secret.Reveal())
	must(h.t, os.WriteFile(h.config, []byte(renew.Replace(string(text))), 0o600))
}

// another returns the address of an active person who is not the one given.
func (h *house) another(than string) string {
	h.t.Helper()
	for _, p := range h.hr.People() {
		if p.Status == personiotest.Active && p.Email != "" && string(p.Email) != than {
			return string(p.Email)
		}
	}
	h.t.Fatal("nobody else is active")
	return ""
}
