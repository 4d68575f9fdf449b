package users

import (
	"encoding/json"
	"strings"
	"time"
)

// Note is something that people are told about an import, each in their own
// language: a code for which every language has a sentence, and what it names.
// Codes and names are stored and given to programs, so they stay what they are;
// the sentences are in package provider/web.
type Note struct {
	// Code is what is told; after a dot follows which of several sentences tells it.
	Code    string               `json:"code,omitempty"`
	Texts   map[string]string    `json:"texts,omitempty"`   // names and quotations, told as they are
	Terms   map[string]string    `json:"terms,omitempty"`   // words that each language has, such as a status
	Lists   map[string][]string  `json:"lists,omitempty"`   // several names
	Numbers map[string]int       `json:"numbers,omitempty"` // by "count" a sentence chooses singular or plural
	Times   map[string]LocalTime `json:"times,omitempty"`

	// English is the whole sentence where a version wrote it that had no codes.
	English string `json:"english,omitempty"`
}

// LocalTime is a time and the zone in which people are told of it.
type LocalTime struct {
	At   time.Time `json:"at"`
	Zone string    `json:"zone"` // IANA name
}

// Subject is the code without which of its sentences it is.
func (n Note) Subject() string {
	subject, _, _ := strings.Cut(n.Code, ".")
	return subject
}

// UnmarshalJSON implements json.Unmarshaler. It takes a text for the sentence of
// a version that had no codes.
func (n *Note) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*n = Note{}
		return json.Unmarshal(data, &n.English)
	}
	type plain Note
	return json.Unmarshal(data, (*plain)(n))
}

// NotesText is how notes are stored: as a JSON array, empty for none.
func NotesText(notes []Note) (string, error) {
	if len(notes) == 0 {
		return "", nil
	}
	text, err := json.Marshal(notes)
	return string(text), err
}

// ParseNotes reads what NotesText has written, or the sentence of a version that had no codes.
func ParseNotes(stored string) ([]Note, error) {
	if stored == "" {
		return nil, nil
	}
	if !strings.HasPrefix(stored, `[{"`) {
		return []Note{{English: stored}}, nil
	}
	var notes []Note
	err := json.Unmarshal([]byte(stored), &notes)
	return notes, err
}

// Codes of why a row of a plan was not applied.
const (
	NoteMovedOn  = "moved_on"  // somebody else changed the person meanwhile
	NoteKeyTaken = "key_taken" // the address or user name was taken meanwhile
	NoteSealed   = "sealed"
	NoteHasRole  = "has_role"
)
