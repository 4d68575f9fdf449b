package web

import "strings"

// Part is a piece of a sentence: plain text, or the value of a parameter, which
// a page may emphasise.
type Part struct {
	Text  string
	Value bool
}

// parts cuts a sentence at its parameters, written {name}, and fills in their
// values from pairs of name and value. A parameter without a value stays as it is.
func parts(sentence string, pairs []string) []Part {
	var out []Part
	add := func(text string, value bool) {
		if text != "" {
			out = append(out, Part{Text: text, Value: value})
		}
	}
	for {
		before, rest, found := strings.Cut(sentence, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			add(sentence, false)
			return out
		}
		add(before, false)
		if value, known := lookUp(pairs, name); known {
			add(value, true)
		} else {
			add("{"+name+"}", false)
		}
		sentence = after
	}
}

func lookUp(pairs []string, name string) (value string, known bool) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == name {
			return pairs[i+1], true
		}
	}
	return "", false
}

// parameters returns the names of a sentence's parameters in order of appearance.
func parameters(sentence string) []string {
	var names []string
	for {
		_, rest, found := strings.Cut(sentence, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return names
		}
		names = append(names, name)
		sentence = after
	}
}
