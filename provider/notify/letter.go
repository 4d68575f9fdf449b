package notify

import (
	"embed"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	"github.com/einlass/einlass/provider/web"
)

//go:embed templates locales
var letterFiles embed.FS

// letter is a mail as people read it, in one language.
type letter struct {
	Lang    string
	Subject string
	Title   string
	Blocks  []block
	Footer  string
}

// block is a part of a letter; what is empty is left out.
type block struct {
	Caption string
	Text    string
	List    []string
	Command string // to be typed
	Rows    []row
	URL     string // where Caption leads
}

type row struct{ Name, Value string }

// stationery holds the templates and texts of one language.
type stationery struct {
	lang  string
	texts map[string]string // of letters
	words *web.Words        // of everything else
	text  *texttemplate.Template
	html  *htmltemplate.Template
}

// newStationery returns the stationery of a language we speak.
func newStationery(lang string) (*stationery, error) {
	s := &stationery{lang: lang}
	file, err := letterFiles.ReadFile("locales/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("notify: language %q: there are no texts in it", lang)
	}
	if err := json.Unmarshal(file, &s.texts); err != nil {
		return nil, fmt.Errorf("notify: texts in %q: %w", lang, err)
	}
	if s.words, err = web.NewWords(lang); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	if s.text, err = texttemplate.ParseFS(letterFiles, "templates/letter.txt"); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	if s.html, err = htmltemplate.ParseFS(letterFiles, "templates/letter.html"); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	return s, nil
}

// say returns a text; pairs are its parameters' names and values.
func (s *stationery) say(key string, pairs ...string) string {
	var replacements []string
	for i := 0; i+1 < len(pairs); i += 2 {
		replacements = append(replacements, "{"+pairs[i]+"}", printable(pairs[i+1]))
	}
	return strings.NewReplacer(replacements...).Replace(s.texts[key])
}

// moment is a time in UTC (RFC 3339) and, where that is another, in the zone of the
// organization; key is the text that says of what.
func (s *stationery) moment(key string, at time.Time, zone *time.Location) []row {
	rows := []row{{s.say("moment", "what", s.say(key), "zone", "UTC"), at.UTC().Format(time.RFC3339)}}
	if zone.String() != time.UTC.String() {
		rows = append(rows, row{s.say("moment", "what", s.say(key), "zone", zone.String()), at.In(zone).Format(s.say("local_time"))})
	}
	return rows
}

// number writes a number as the language does.
func (s *stationery) number(n int) string { return s.words.Number(n) }

// write returns a letter as plain text and as HTML.
func (s *stationery) write(l letter) (text, html string, err error) {
	var plain, rich strings.Builder
	if err := s.text.Execute(&plain, l); err != nil {
		return "", "", fmt.Errorf("letter: %w", err)
	}
	if err := s.html.Execute(&rich, l); err != nil {
		return "", "", fmt.Errorf("letter: %w", err)
	}
	return plain.String(), rich.String(), nil
}

// printable makes one line of a name that others have written: lines of their
// own, invisible and direction-changing characters could fake what is ours.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
	return strings.Join(slices.Collect(strings.FieldsSeq(text)), " ")
}
