package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

//go:embed locales/*.json
var localeFiles embed.FS

type knownLanguage struct{ code, name string }

// languages are those we speak, by ISO 639 code, and their own names. English
// is what people see who have none of them.
var languages = []knownLanguage{
	{"en", "English"},
	{"de", "Deutsch"},
}

// catalog holds the sentences of each language on offer.
type catalog struct {
	codes   []string // in the order in which they are offered
	matcher language.Matcher
	matched []string // the code of each of the matcher's languages
	words   map[string]*Words
}

// loadCatalog reads the languages on offer; none means all.
func loadCatalog(offered []string) (*catalog, error) {
	c := &catalog{codes: offered, words: map[string]*Words{}}
	var tags []language.Tag
	for _, known := range languages {
		if len(offered) > 0 && !slices.Contains(offered, known.code) {
			continue
		}
		if len(offered) == 0 {
			c.codes = append(c.codes, known.code)
		}
		words, err := readWords(known.code)
		if err != nil {
			return nil, err
		}
		c.words[known.code] = words
		c.matched = append(c.matched, known.code)
		tags = append(tags, language.MustParse(known.code))
	}
	for _, code := range offered {
		if !c.has(code) {
			return nil, fmt.Errorf("language %q: there are no texts in it", code)
		}
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

func readLocale(code string) (map[string]string, error) {
	file, err := localeFiles.ReadFile("locales/" + code + ".json")
	if err != nil {
		return nil, err
	}
	var texts map[string]string
	if err := json.Unmarshal(file, &texts); err != nil {
		return nil, fmt.Errorf("locale %s: %w", code, err)
	}
	return texts, nil
}

// languageParameter chooses the language of a page in its URL: the links in the
// footer use it, and the choice is remembered in a cookie.
const languageParameter = "lang"

// localesParameter is what an application asks for in the URL to which it sends a
// person (OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2).
const localesParameter = "ui_locales"

// rememberLanguage is how long a choice of language lasts.
const rememberLanguage = 365 * 24 * time.Hour

// Words returns the words of the language in which a request is answered, for a
// handler that needs them before the page is rendered; see View.Words.
func (s *Site) Words(w http.ResponseWriter, r *http.Request) *Words {
	return s.catalog.words[s.chooseLanguage(w, r, nil)]
}

// chooseLanguage returns the language of a page: what the person chose on it,
// what the application asked for (uiLocales, or else in the page's URL), what the person
// chose earlier, what the browser prefers, else English.
func (s *Site) chooseLanguage(w http.ResponseWriter, r *http.Request, uiLocales []string) string {
	query := r.URL.Query()
	if code := query.Get(languageParameter); s.catalog.has(code) {
		s.Cookies.Set(w, CookieLanguage, code, rememberLanguage)
		return code
	}
	if len(uiLocales) == 0 {
		uiLocales = strings.Fields(query.Get(localesParameter))
	}
	if code, ok := s.catalog.match(parseLocales(uiLocales)); ok {
		return code
	}
	if code := s.Cookies.Read(r, CookieLanguage); s.catalog.has(code) {
		return code
	}
	if code, ok := s.catalog.match(parseAcceptLanguage(r.Header.Get("Accept-Language"))); ok {
		return code
	}
	return s.catalog.matched[0]
}

func (c *catalog) has(code string) bool { return c.words[code] != nil }

func (c *catalog) match(wanted []language.Tag) (code string, ok bool) {
	if len(wanted) == 0 {
		return "", false
	}
	_, i, confidence := c.matcher.Match(wanted...)
	return c.matched[i], confidence > language.No
}

// Bounds of what is parsed as a language; beyond them it counts as not sent.
const (
	maxLocales             = 20
	maxLocaleBytes         = 35 // RFC 5646 section 4.4.1
	maxAcceptLanguageBytes = 1024
)

// parseLocales reads language tags and leaves out what is none.
func parseLocales(locales []string) []language.Tag {
	var tags []language.Tag
	for _, locale := range locales[:min(len(locales), maxLocales)] {
		if len(locale) > maxLocaleBytes {
			continue
		}
		if tag, err := language.Parse(locale); err == nil {
			tags = append(tags, tag)
		}
	}
	return tags
}

func parseAcceptLanguage(header string) []language.Tag {
	if len(header) > maxAcceptLanguageBytes {
		return nil
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return nil
	}
	return tags
}
