package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/einlass/einlass/provider/web"
)

// formPage is a page with a form, as other packages have them.
var formPage = fstest.MapFS{"page.html": {Data: []byte(`
{{define "title"}}{{.T "form_post.title"}}{{end}}
{{define "content"}}<main id="main"><form method="post" action="{{.Local "/login"}}"></form></main>{{end}}`)}}

// languagePage answers with formPage for an application that asked for uiLocales.
func languagePage(t *testing.T, s *web.Site, uiLocales []string) http.Handler {
	t.Helper()
	page, err := s.Page(formPage, "page.html")
	if err != nil {
		t.Fatal(err)
	}
	return s.Wrap(s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		return page.Render(w, r, http.StatusOK, web.View{Locales: uiLocales}, nil)
	}))
}

func TestTheLanguageIsThePersons(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, query string
		uiLocales   []string
		cookie      string
		accept      string
		want        string
	}{
		{name: "nothing said", want: "en"},
		{name: "the browser's", accept: "de-AT,de;q=0.9,en;q=0.8", want: "de"},
		{name: "English first", accept: "en-GB,de;q=0.5", want: "en"},
		{name: "no usable language", accept: "fr-FR,nl;q=0.8,ja", want: "en"},
		{name: "a usable language later", accept: "fr-FR,de;q=0.2", want: "de"},
		{name: "the earlier choice before the browser's", cookie: "en", accept: "de", want: "en"},
		{name: "the application's wish before the earlier choice", uiLocales: []string{"de-CH", "en"}, cookie: "en", want: "de"},
		{name: "the application's wish in the URL", query: "?ui_locales=fr+de-CH", cookie: "en", want: "de"},
		{name: "the request's wish before that in the URL", query: "?ui_locales=en", uiLocales: []string{"de"}, want: "de"},
		{name: "the choice on this page before a wish in the URL", query: "?ui_locales=de&lang=en", want: "en"},
		{name: "a wish we cannot fulfil", uiLocales: []string{"fr"}, cookie: "de", want: "de"},
		{name: "the choice on this page before all", query: "?lang=en", uiLocales: []string{"de"}, cookie: "de", accept: "de", want: "en"},
		{name: "a choice that does not exist", query: "?lang=fr", accept: "de", want: "de"},
		{name: "garbage", query: "?lang=../../etc", uiLocales: []string{"../../etc", "x\x00"}, cookie: "..", accept: ";;q=;-,*", want: "en"},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		r := get("/login" + tt.query)
		r.Header.Set("Accept-Language", tt.accept)
		if tt.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-einlass-lang", Value: tt.cookie})
		}
		if got := serve(t, languagePage(t, s, tt.uiLocales), r).All("html")[0].Attr("lang"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestOfferedLanguagesAreTheOnlyOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *web.Config) { cfg.Languages = []string{"de"} })
	a := serve(t, languagePage(t, s, []string{"en"}), get("/login?lang=en"))
	if got := a.All("html")[0].Attr("lang"); got != "de" {
		t.Errorf("language %q, want the only one", got)
	}
	if a.All("nav") != nil {
		t.Error("a choice of one language is shown")
	}
}

// N055
func TestHugeLanguageListsCostNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	many := strings.Split(strings.Repeat("xx-de ", 10_000), " ")
	long := []string{strings.Repeat("de-", 20_000)}
	header := strings.Repeat("de-", 10_000)
	for name, uiLocales := range map[string][]string{"many": many, "long": long, "header": nil} {
		r := get("/login")
		r.Header.Set("Accept-Language", header)
		h := languagePage(t, s, uiLocales)
		started := time.Now()
		a := serve(t, h, r)
		if took := time.Since(started); took > time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		if got := a.All("html")[0].Attr("lang"); got != "en" {
			t.Errorf("%s: language %q, want en", name, got)
		}
	}
}

func TestTheLanguageLinksKeepThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *web.Config) { cfg.Languages = []string{"de", "en"} })
	h := languagePage(t, s, nil)
	a := serve(t, h, get("/login?request=abc&x=%22%3E"))
	links := a.All("nav")[0].All("a")
	if len(links) != 2 || links[0].Text() != "Deutsch" || links[0].Attr("lang") != "de" || links[1].Attr("aria-current") != "true" {
		t.Fatalf("language links: %v", links)
	}
	u, err := url.Parse(links[0].Attr("href"))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"request": {"abc"}, "x": {`">`}, "lang": {"de"}}
	if u.Path != "/login" || u.Host != "" || u.Query().Encode() != want.Encode() {
		t.Errorf("link to %s, want /login with the request's parameters", u)
	}

	german := serve(t, h, get(u.String()))
	if got := german.All("html")[0].Attr("lang"); got != "de" {
		t.Errorf("the link leads to a page in %q", got)
	}
	if got := german.All("form")[0].Attr("action"); got != "/login?lang=de" {
		t.Errorf("form action %q loses the choice", got)
	}
	if got := german.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-einlass-lang=de;") {
		t.Errorf("Set-Cookie %q does not remember the choice", got)
	}
}
