package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/providertest"
)

// companies is an installation for two companies. Each has a Personio of its own,
// whose application is bound to the group of its people by rule.
type companies struct {
	*house
	second    *personiotest.Server
	secondURL string
}

func newCompanies(t *testing.T) *companies {
	t.Helper()
	h := newHouse(t, stores{}, personiotest.Config{People: 12, Seed: 3})
	second, err := personiotest.New(personiotest.Config{Name: "Zweite GmbH", Domain: "zweite.example", People: 12, Seed: 4})
	must(t, err)
	server := httptest.NewServer(second.Handler())
	t.Cleanup(server.Close)
	c := &companies{house: h, second: second, secondURL: server.URL}
	for _, p := range h.hr.People() {
		must(t, h.hr.SetAttribute(p.Email, "subcompany", "Acme GmbH"))
	}
	for _, p := range second.People() {
		must(t, second.SetAttribute(p.Email, "subcompany", "Zweite GmbH"))
	}

	rp := personiotest.FromIssuer(h.issuer)
	rp.Profile, rp.BaseURL, rp.ClientID = personiotest.OIDC, server.URL, "zweite"
	rp.ClientSecret = "the-client-secret-of-the-second-personio-account"
	must(t, second.Connect(rp))
	uris, err := json.Marshal(rp.RedirectURIs())
	must(t, err)
	id, secret := second.Credentials()
	h.declare(fmt.Sprintf(`{ id: zweite, label: Personio Zweite, groups: [zweite], launch: { url: %q },`+
		` sign_in: { client_id: %s, client_secret: %s, auth_method: client_secret_post, redirect_uris: %s, claims: { email: email }, id_token_claims: [email] },`+
		` import: { schedule: "off", personio: { client_id: %s, client_secret: %s, base_url: %q } } }`,
		rp.LaunchURL(), rp.ClientID, rp.ClientSecret.Reveal(), uris, id, secret.Reveal(), server.URL))
	text, err := os.ReadFile(h.config)
	must(t, err)
	text = []byte(strings.Replace(string(text), "groups: [everyone]", "groups: [acme]", 1) + `groups:
  - { id: acme, rule: 'company == "Acme GmbH"' }
  - { id: zweite, rule: 'company == "Zweite GmbH"' }
`)
	must(t, os.WriteFile(h.config, text, 0o600))
	return c
}

// Everybody signs in at the Personio of their own company, and is told why not
// at the other one, which hears access_denied.
// S-036 S-141
func TestTwoCompaniesEachSignInAtTheirOwnPersonio(t *testing.T) {
	t.Parallel()
	c := newCompanies(t)
	ofSecond := ""
	for _, p := range c.second.People() {
		if p.Status == personiotest.Active {
			ofSecond = string(p.Email)
			break
		}
	}
	ofFirst := c.somebody()
	var runs [2]runReport
	c.json(&runs[0], "import", "run", "personio")
	c.json(&runs[1], "import", "run", "zweite")
	for email, connection := range map[string]string{ofFirst: "personio", ofSecond: "zweite"} {
		c.ok(password+"\n", "users", "password", email)
		var person struct {
			Sources []struct {
				Application string `json:"application"`
				ID          string `json:"id"`
				Status      string `json:"status"`
				ChangedBy   string `json:"changed_by"`
			} `json:"sources"`
		}
		c.json(&person, "users", "show", email)
		run := runs[0].ID
		if connection == "zweite" {
			run = runs[1].ID
		}
		if len(person.Sources) != 1 || person.Sources[0].Application != connection || person.Sources[0].ID == "" ||
			person.Sources[0].Status != "active" || person.Sources[0].ChangedBy != run {
			t.Errorf("sources of %s: %+v, want one of %s by run %s", email, person.Sources, connection, run)
		}
		text := c.ok("", "users", "show", email)
		if !strings.Contains(text, connection+" "+person.Sources[0].ID+", status active, last changed by import "+run) {
			t.Errorf("users show %s does not say where they come from:\n%s", email, text)
		}
	}
	c.serve(c.address)
	for _, try := range []struct{ email, own, other string }{{ofFirst, c.hrURL, c.secondURL}, {ofSecond, c.secondURL, c.hrURL}} {
		b := c.browser()
		inside := b.signIn(b.get(try.own+"/oauth/authorise"), try.email)
		if who := inside.signedInAs(t); !strings.Contains(who, try.email) {
			t.Errorf("%s is not let into their own Personio, but led to %s", try.email, inside.url)
		}
		denied := b.get(try.other + "/oauth/authorise")
		if _, shown := providertest.Element(t, denied.body, "error"); denied.status != http.StatusForbidden || !shown {
			t.Errorf("%s at the other company's Personio: status %d at %s", try.email, denied.status, denied.url)
			continue
		}
		back := b.get(refusalLink(t, denied.body)).url
		if !strings.HasPrefix(back.String(), try.other) || back.Query().Get("error") != "access_denied" {
			t.Errorf("%s is led back to %s, want access_denied at the application", try.email, back)
		}
	}
	var applications []string
	for _, email := range []string{ofFirst, ofSecond} {
		var person struct {
			Groups []string `json:"groups"`
		}
		c.json(&person, "users", "show", email)
		applications = append(applications, strings.Join(person.Groups, " "))
	}
	if diff := cmp.Diff([]string{"acme", "zweite"}, applications); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// refusalLink returns where the page that denies access leads: back to the application, with the error.
func refusalLink(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "href" && strings.Contains(a.Val, "error=access_denied") {
				return a.Val
			}
		}
	}
	t.Fatalf("the page has no way back to the application:\n%s", page)
	return ""
}
