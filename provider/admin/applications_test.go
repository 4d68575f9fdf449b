package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
)

// B-04: from the portal to the calls of an application without typing an address.
func TestApplicationsLeadToTheirCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for who, want := range map[string]int{
		helpdesk: http.StatusForbidden, providertest.Ada: http.StatusForbidden,
		auditor: http.StatusOK, administrator: http.StatusOK, owner: http.StatusOK,
	} {
		wantStatus(t, who, signedIn(t, b, who).Get("/admin/applications"), want)
	}
	browser := signedIn(t, b, auditor)
	page := webtest.Parse(t, browser.Get("/admin/applications?lang=en").Body)
	var calls, current []string
	for _, a := range page.All("a") {
		if href := a.Attr("href"); strings.HasSuffix(href, "/log") {
			calls = append(calls, href)
			wantStatus(t, href, browser.Get(href), http.StatusOK)
		}
		if a.Attr("aria-current") == "page" {
			current = append(current, a.Attr("href"))
		}
	}
	if got := strings.Join(calls, " "); !strings.Contains(got, callsPath) || len(calls) < 2 {
		t.Errorf("the page leads to %q, want the calls of each application", got)
	}
	if len(current) != 1 || current[0] != "/admin/applications" {
		t.Errorf("current in the sidebar: %q", current)
	}
	if secret := providertest.SecretOf(providertest.Personio).Reveal(); strings.Contains(page.Text(), secret) {
		t.Error("the page shows a secret")
	}
}
