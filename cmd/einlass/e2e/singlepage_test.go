package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// The npm package oidc-client-ts signs a person in from the scripts of a page at
// another origin, reads userinfo, renews in a hidden frame, revokes, signs out,
// and is told in the frame that nobody is signed in any more.
// S-059 N104
func TestAnApplicationInTheBrowserSignsIn(t *testing.T) {
	t.Parallel()
	library := filepath.Join(nodeModule(t, "oidc-client-ts"), "dist", "browser", "oidc-client-ts.min.js")
	h := newHouse(t, stores{}, personiotest.Config{People: 5, Seed: 3})
	jana := h.somebody()
	text, err := os.ReadFile("testdata/singlepage.html")
	must(t, err)
	page := strings.Replace(string(text), "ISSUER", h.issuer, 1)
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oidc-client-ts.js" {
			http.ServeFile(w, r, library)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, page)
	}))
	t.Cleanup(pages.Close)
	home := strings.Replace(pages.URL, "127.0.0.1", "localhost", 1) // of the same site as the issuer, at another origin
	h.declare(fmt.Sprintf(`{id: pages, label: Pages, groups: [everyone], sign_in: {client_id: pages, auth_method: none, `+
		`redirect_uris: ["%s/"], post_logout_redirect_uris: ["%s/out"]}}`, home, home))
	h.ok("", "import", "run")
	h.ok(password+"\n", "users", "password", jana)
	h.serve(h.address)

	p := newTab(t, chromium(t), look{language: "en", width: 1100})
	p.open(home + "/")
	p.signIn(jana, password)
	if got := p.text("#signed-in"); got != jana+" renewed" {
		t.Fatalf("%q, want %s with a renewed token", got, jana)
	}
	p.do(chromedp.Click("#sign-out"))
	if got := p.text("#signed-out"); got != "login_required" {
		t.Errorf("%q, want login_required after the sign-out", got)
	}
	p.quiet()
}
