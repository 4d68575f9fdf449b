package login_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
)

// brokenText matches a text that lost a parameter or was not found.
var brokenText = regexp.MustCompile(`\{[a-z_]+\}|\b(layout|login|logout)\.[a-z_]+\b`)

func TestPagesAreWholeInEveryLanguage(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	_, path := openForm(t, b, browser)
	for _, lang := range []string{"en", "de"} {
		form := browser.Get(path + "&lang=" + lang)
		action, fields := providertest.FormOf(t, form.Body, "password")
		for name, answer := range map[string]providertest.Response{
			"form":            form,
			"form for portal": browser.Get("/login?lang=" + lang),
			"refused form":    browser.Post(action, fields),
			"confirmation":    browser.Get("/logout?lang=" + lang),
		} {
			html := webtest.Parse(t, answer.Body).All("html")[0]
			if got := html.Attr("lang"); got != lang {
				t.Errorf("%s: language %q, want %q", name, got, lang)
			}
			if found := brokenText.FindString(html.Text()); found != "" {
				t.Errorf("%s in %s shows %q", name, lang, found)
			}
			if len(html.All("style")) > 0 || len(html.WithAttr("style")) > 0 || len(html.All("script")) > 0 {
				t.Errorf("%s: script or inline style", name)
			}
			for _, input := range html.All("input") {
				if id := input.Attr("id"); input.Attr("type") != "hidden" && !hasLabel(html, id) {
					t.Errorf("%s: #%s has no label", name, id)
				}
			}
		}
	}
}

func hasLabel(page webtest.Node, id string) bool {
	return slices.ContainsFunc(page.All("label"), func(label webtest.Node) bool { return label.Attr("for") == id })
}
