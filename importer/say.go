package importer

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

// Words are the texts of one language.
type Words interface {
	// Say returns the text of a key; pairs are its parameters' names and values.
	Say(key string, pairs ...string) string
	// SayCount is Say for a text that says something about a number of things.
	SayCount(key string, count int, pairs ...string) string
	// Number returns a number as the language writes it.
	Number(n int) string
}

// Say returns notes as people read them, one sentence after the other. What a
// version without codes has written stays in English.
func Say(w Words, notes ...users.Note) string {
	var sentences []string
	for _, n := range notes {
		sentences = append(sentences, say(w, n))
	}
	return strings.Join(sentences, " ")
}

func say(w Words, n users.Note) string {
	if n.Code == "" {
		return n.English
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(n.Texts)) {
		pairs = append(pairs, name, n.Texts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(n.Terms)) {
		pairs = append(pairs, name, w.Say(name+"."+n.Terms[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Lists)) {
		pairs = append(pairs, name, strings.Join(n.Lists[name], ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Numbers)) {
		pairs = append(pairs, name, w.Number(n.Numbers[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Times)) {
		pairs = append(pairs, name, sayTime(w, n.Times[name]))
	}
	if count, counts := n.Numbers["count"]; counts {
		return w.SayCount("note."+n.Code, count, pairs...)
	}
	return w.Say("note."+n.Code, pairs...)
}

// sayTime returns a time where the person works.
func sayTime(w Words, t users.LocalTime) string {
	there, err := time.LoadLocation(t.Zone)
	if err != nil { // a zone that the mapper has loaded
		there = time.UTC
	}
	return w.Say("moment.text", "time", t.At.In(there).Format(w.Say("moment.layout")), "zone", there.String())
}

// SayHeld returns why a run is held, as programs know it: the code, the attribute or domain it is
// about, and the sentence.
func SayHeld(w Words, n users.Note) string {
	if n.Code == "" {
		return n.English
	}
	head := n.Subject()
	if about := n.Texts[parameterAbout]; about != "" {
		head += ":" + about
	}
	return head + ": " + Say(w, n)
}
