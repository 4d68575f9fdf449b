package personio

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"unicode/utf8"
)

// value is one JSON value, known to be valid; nil is one that was not sent.
//
// A page is walked in place, because its members come in many shapes and few of
// them are needed: decoding it into Go values takes four times as long.
type value []byte

// parse validates text, which must be exactly one value.
func parse(text []byte) (value, error) {
	if !json.Valid(text) {
		return nil, errors.New("not valid JSON")
	}
	return bytes.TrimSpace(text), nil
}

func (v value) isObject() bool { return len(v) > 0 && v[0] == '{' }
func (v value) isArray() bool  { return len(v) > 0 && v[0] == '[' }
func (v value) isString() bool { return len(v) > 0 && v[0] == '"' }

// isEmpty recognises the ways in which the source writes that there is nothing:
// null, "", and [] also where an object is meant.
func (v value) isEmpty() bool {
	if v.isArray() {
		return len(bytes.TrimSpace(v[1:len(v)-1])) == 0
	}
	return len(v) == 0 || string(v) == "null" || string(v) == `""`
}

// text returns the contents of a string, and any other value as it is written.
func (v value) text() string {
	if !v.isString() {
		return string(v)
	}
	contents := v[1 : len(v)-1]
	if !bytes.ContainsRune(contents, '\\') && utf8.Valid(contents) {
		return string(contents)
	}
	var text string
	_ = json.Unmarshal(v, &text) // v is a valid string
	return text
}

// members yields the names and values of an object, in order; nothing if v is
// something else.
func (v value) members() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		if !v.isObject() {
			return
		}
		for i := next(v, 1); v[i] != '}'; {
			end := skip(v, i)
			name := v[i:end]
			i = next(v, end) // the colon
			i = next(v, i+1) // the value
			end = skip(v, i)
			if !yield(name.text(), v[i:end]) {
				return
			}
			i = following(v, end)
		}
	}
}

// elements yields the values in an array; nothing if v is something else.
func (v value) elements() iter.Seq[value] {
	return func(yield func(value) bool) {
		if !v.isArray() {
			return
		}
		for i := next(v, 1); v[i] != ']'; {
			end := skip(v, i)
			if !yield(v[i:end]) {
				return
			}
			i = following(v, end)
		}
	}
}

// member returns the first value with a name, or nil.
func (v value) member(name string) value {
	for key, member := range v.members() {
		if key == name {
			return member
		}
	}
	return nil
}

// next returns the index of the first byte from i that is no space.
func next(v value, i int) int {
	for v[i] == ' ' || v[i] == '\t' || v[i] == '\n' || v[i] == '\r' {
		i++
	}
	return i
}

// following returns the index of what comes after a value and its comma.
func following(v value, end int) int {
	i := next(v, end)
	if v[i] == ',' {
		i = next(v, i+1)
	}
	return i
}

// skip returns the index after the value that begins at i.
func skip(v value, i int) int {
	depth := 0
	for {
		switch v[i] {
		case '"':
			i = skipString(v, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			if depth == 0 {
				return skipLiteral(v, i)
			}
			i++
		}
		if depth == 0 {
			return i
		}
	}
}

func skipString(v value, i int) int {
	for i++; v[i] != '"'; i++ {
		if v[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipLiteral(v value, i int) int {
	for i < len(v) && !strings.ContainsRune(" \t\n\r,]}", rune(v[i])) {
		i++
	}
	return i
}
