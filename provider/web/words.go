package web

import (
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Words are the texts of one language, for pages and for whatever else people read.
type Words struct {
	code    string
	tag     language.Tag
	texts   map[string]string
	numbers *message.Printer
}

// NewWords returns the words of a language that we speak, by its ISO 639 code.
func NewWords(code string) (*Words, error) {
	for _, known := range languages {
		if known.code == code {
			return readWords(code)
		}
	}
	return nil, fmt.Errorf("language %q: there are no texts in it", code)
}

// English returns the words in which programs and commands answer.
func English() *Words {
	words, err := readWords("en")
	if err != nil {
		panic(err) // the build is broken: the texts are embedded
	}
	return words
}

func readWords(code string) (*Words, error) {
	texts, err := readLocale(code)
	if err != nil {
		return nil, err
	}
	tag := language.MustParse(code)
	return &Words{code: code, tag: tag, texts: texts, numbers: message.NewPrinter(tag)}, nil
}

// Language is the ISO 639 code.
func (w *Words) Language() string { return w.code }

// Say returns a text; pairs are its parameters' names and values. A text that does
// not exist is its key.
func (w *Words) Say(key string, pairs ...string) string {
	var text strings.Builder
	for _, part := range w.parts(key, pairs) {
		text.WriteString(part.Text)
	}
	return text.String()
}

// SayCount is Say for a text that says something about a number of things. If
// the language has another sentence for that number, it is the text of the key with
// "_" and the number's plural form (CLDR): sessions_one beside sessions.
func (w *Words) SayCount(key string, count int, pairs ...string) string {
	if form := key + "_" + w.pluralForm(count); w.texts[form] != "" {
		key = form
	}
	return w.Say(key, pairs...)
}

func (w *Words) pluralForm(n int) string {
	forms := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}
	return forms[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)]
}

// Number returns a number as the language writes it.
func (w *Words) Number(n int) string { return w.numbers.Sprintf("%d", n) }

// parts is Say in pieces.
func (w *Words) parts(key string, pairs []string) []Part {
	sentence, exists := w.texts[key]
	if !exists {
		sentence = key
	}
	return parts(sentence, pairs)
}
