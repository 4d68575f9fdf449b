package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/web"
)

func TestStaticFilesMayBeKeptForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	page := render(t, s, s.SignedOut, "/x")
	var files []string
	for _, link := range page.All("link") {
		files = append(files, link.Attr("href"))
	}
	for _, use := range page.All("use") {
		file, _, _ := strings.Cut(use.Attr("href"), "#")
		files = append(files, file)
	}
	if len(files) < 3 {
		t.Fatalf("files %v, want icon, style sheet and symbols", files)
	}
	for _, file := range files {
		a := serve(t, s.Wrap(s.Static()), get(file))
		if a.Status != http.StatusOK || a.Body == "" {
			t.Errorf("%s: status %d", file, a.Status)
		}
		if got := a.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", file, got)
		}
		if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/css") && got != "image/svg+xml" {
			t.Errorf("%s: Content-Type %q", file, got)
		}
	}
}

// N384
func TestOtherStaticPathsAreNotCached(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, path := range []string{"/static/", "/static/app.css", "/static/app.000000000000.css", "/static/x/app.css"} {
		a := serve(t, s.Wrap(s.Static()), get(path))
		if a.Status != http.StatusNotFound || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d, Cache-Control %q", path, a.Status, a.Header.Get("Cache-Control"))
		}
	}
}

func TestTheStyleSheetKeepsToItsTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	css := serve(t, s.Wrap(s.Static()), get(styleSheet(t, s))).Body
	tokens, rest, found := strings.Cut(css, "@layer base {")
	if !found || !strings.Contains(tokens, "color-scheme: light dark") {
		t.Fatal("the style sheet has no layer of tokens before its base")
	}
	for _, line := range strings.Split(rest, "\n") {
		if strings.Contains(line, ": #") || strings.Contains(line, "rgb(") {
			t.Errorf("colour outside the tokens: %s", strings.TrimSpace(line))
		}
		if strings.Contains(line, "font-size:") && !strings.Contains(line, "font-size: var(") {
			t.Errorf("type size outside the tokens: %s", strings.TrimSpace(line))
		}
		if strings.Contains(line, "border-radius:") && !strings.Contains(line, "border-radius: var(") {
			t.Errorf("radius outside the tokens: %s", strings.TrimSpace(line))
		}
	}
}

func styleSheet(t *testing.T, s *web.Site) string {
	t.Helper()
	for _, link := range render(t, s, s.SignedOut, "/x").All("link") {
		if link.Attr("rel") == "stylesheet" {
			return link.Attr("href")
		}
	}
	t.Fatal("no style sheet")
	return ""
}
