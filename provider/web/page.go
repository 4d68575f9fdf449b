package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Page is a template in our layout. Its files define two templates: "title",
// and "content" with the page's <main>. Both see a [Frame].
type Page struct {
	site     *Site
	template *template.Template
}

// Page parses a page of another package into the layout, from one file or from
// several that make it together. It fails when the page uses a text that does not exist.
func (s *Site) Page(files fs.FS, names ...string) (*Page, error) {
	t, err := template.ParseFS(templateFiles, "templates/layout.html")
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFS(files, names...); err != nil {
		return nil, err
	}
	if err := s.catalog.checkTexts(t); err != nil {
		return nil, fmt.Errorf("page %s: %w", strings.Join(names, ", "), err)
	}
	return &Page{site: s, template: t}, nil
}

// View is how a page is shown, beside its data.
type View struct {
	// FormTargets are origins beside our own to which the page's forms lead, also
	// through a redirect after the POST: browsers apply form-action to it. Each comes
	// from FormTarget of a registered address.
	FormTargets []string
	// Locales is what the application asked for (ui_locales), if it does not stand in the page's URL.
	Locales []string
	// Words is what Site.Words has returned for the request, if the handler asked.
	Words *Words
	// Here is the local URL under which GET shows this page, for the language links.
	// Empty: the request's own, if it was a GET.
	Here string
	// NoReferrer is for pages whose URL concerns nobody. Pages with forms of
	// ours need the referrer, or browsers send Origin: null.
	NoReferrer bool
	// NoLanguages leaves out the language links.
	NoLanguages bool
}

// Render answers with the page.
func (p *Page) Render(w http.ResponseWriter, r *http.Request, status int, v View, data any) error {
	return p.render(w, r, status, v, pagePolicy(v.FormTargets), "", data)
}

// Fragment returns a template that the page defines, by itself and as the page
// would show it with data, for scripts that put it into the page.
func (p *Page) Fragment(w http.ResponseWriter, r *http.Request, name string, data any) ([]byte, error) {
	var fragment bytes.Buffer
	if err := p.template.ExecuteTemplate(&fragment, name, p.frame(w, r, View{}, data)); err != nil {
		return nil, fmt.Errorf("fragment: %w", err)
	}
	return fragment.Bytes(), nil
}

func (p *Page) frame(w http.ResponseWriter, r *http.Request, v View, data any) Frame {
	if v.Words == nil {
		v.Words = p.site.catalog.words[p.site.chooseLanguage(w, r, v.Locales)]
	}
	query := r.URL.Query()
	return Frame{
		Lang:         v.Words.code,
		Organization: p.site.cfg.OrganizationName,
		Links:        p.site.cfg.Links,
		RequestID:    RequestID(r.Context()),
		Data:         data,
		site:         p.site,
		words:        v.Words,
		chosen:       query.Get(languageParameter),
		wished:       query.Get(localesParameter),
	}
}

func (p *Page) render(w http.ResponseWriter, r *http.Request, status int, v View, policy, nonce string, data any) error {
	f := p.frame(w, r, v, data)
	f.Nonce = nonce
	if !v.NoLanguages {
		f.Languages = p.site.languageLinks(r, v.Here, f.Lang)
	}
	var body bytes.Buffer
	if err := p.template.ExecuteTemplate(&body, "layout", f); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	if v.NoReferrer {
		h.Set("Referrer-Policy", "no-referrer")
	}
	return Write(w, status, "text/html; charset=utf-8", body.Bytes())
}

// Frame is what a page's template sees. Data is the page's own struct.
type Frame struct {
	Lang         string
	Languages    []LanguageLink
	Organization string
	Links        Links
	RequestID    string
	Nonce        string
	Data         any

	site   *Site
	words  *Words
	chosen string // the language parameter of the page's URL
	wished string // what an application asks for there
}

// T returns a text in the page's language; pairs are its parameters' names and values.
func (f Frame) T(key string, pairs ...string) string { return f.words.Say(key, pairs...) }

// Parts is T in pieces, so that a page can emphasise values. A text that does
// not exist shows as its key.
func (f Frame) Parts(key string, pairs ...string) []Part {
	return f.words.parts(key, pairs)
}

// Number returns a number as the page's language writes it.
func (f Frame) Number(n int) string {
	return f.words.Number(n)
}

// Local returns a local path for a form or link that keeps the language chosen
// in this page's URL, which beats what the application asks for there.
func (f Frame) Local(path string) string {
	switch {
	case f.chosen == f.Lang:
		return withParameter(path, languageParameter, f.chosen)
	case f.wished != "":
		return withParameter(path, localesParameter, f.wished)
	}
	return path
}

// With is the frame for a template about a part of the page.
func (f Frame) With(data any) Frame {
	f.Data = data
	return f
}

// Asset returns the URL of a static file.
func (f Frame) Asset(name string) string { return f.site.urls[name] }

// LanguageLink shows the same page in another language.
type LanguageLink struct {
	Code    string
	Name    string // in the language itself
	URL     string
	Current bool
}

func (s *Site) languageLinks(r *http.Request, here, current string) []LanguageLink {
	if here == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		here = r.URL.RequestURI()
	}
	if here == "" || len(s.catalog.codes) < 2 {
		return nil
	}
	var links []LanguageLink
	for _, code := range s.catalog.codes {
		i := slices.IndexFunc(languages, func(l knownLanguage) bool { return l.code == code })
		links = append(links, LanguageLink{
			Code:    code,
			Name:    languages[i].name,
			URL:     withParameter(here, languageParameter, code),
			Current: code == current,
		})
	}
	return links
}

// withParameter sets a parameter of a local URL.
func withParameter(local, name, value string) string {
	u, err := url.Parse(local)
	if err != nil {
		return local
	}
	q := u.Query()
	q.Set(name, value)
	return (&url.URL{Path: u.Path, RawQuery: q.Encode()}).String()
}
