package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/provider/web/webtest"
)

// F-110
func TestWordsFollowTheGrammarOfTheirLanguage(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]map[int]string{
		"en": {0: "0 sessions end.", 1: "1 session ends.", 2: "2 sessions end.", 12_345: "12,345 sessions end."},
		"de": {0: "0 Sitzungen enden.", 1: "1 Sitzung endet.", 2: "2 Sitzungen enden.", 12_345: "12.345 Sitzungen enden."},
	} {
		words, err := web.NewWords(lang)
		if err != nil {
			t.Fatal(err)
		}
		if words.Language() != lang {
			t.Errorf("the language of %s is %s", lang, words.Language())
		}
		for n, sentence := range want {
			if got := words.SayCount("note.sessions_end", n, "count", words.Number(n)); got != sentence {
				t.Errorf("%s, %d: %q, want %q", lang, n, got, sentence)
			}
		}
		if got := words.SayCount("note.gains", 1, "applications", "{count}"); got != words.Say("note.gains", "applications", "{count}") {
			t.Errorf("%s: a text without a singular is %q", lang, got)
		}
		if got := words.Say("no.such_text"); got != "no.such_text" {
			t.Errorf("%s: an unknown text is %q", lang, got)
		}
	}
	for _, unknown := range []string{"", "fr", "../en", "EN"} {
		if _, err := web.NewWords(unknown); err == nil {
			t.Errorf("there are words in %q", unknown)
		}
	}
}

// A handler that asks for the words before it renders gets those of the page, and the choice is remembered once.
func TestAHandlerHasTheWordsOfItsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	page, err := s.Page(formPage, "page.html")
	if err != nil {
		t.Fatal(err)
	}
	var asked string
	handler := s.Wrap(s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		words := s.Words(w, r)
		asked = words.Language()
		return page.Render(w, r, http.StatusOK, web.View{Words: words}, nil)
	}))
	for target, want := range map[string]string{"/login?lang=de": "de", "/login?lang=en": "en", "/login": "en"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, get(target))
		if shown := webtest.Parse(t, answer.Body.String()).All("html")[0].Attr("lang"); asked != want || shown != want {
			t.Errorf("%s: the handler has %q, the page is %q; want %q", target, asked, shown, want)
		}
		if n := len(answer.Header().Values("Set-Cookie")); n > 1 {
			t.Errorf("%s: %d cookies", target, n)
		}
	}
}
