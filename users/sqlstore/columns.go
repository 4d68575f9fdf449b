package sqlstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

// millis is how times are stored: Unix milliseconds, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment scans what millis stored.
type moment struct{ into *time.Time }

// Scan implements sql.Scanner.
func (m moment) Scan(stored any) error {
	ms, ok := stored.(int64)
	if !ok {
		return fmt.Errorf("time stored as %T", stored)
	}
	*m.into = time.Time{}
	if ms != 0 {
		*m.into = time.UnixMilli(ms).UTC()
	}
	return nil
}

// flag is how booleans are stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// nullable is NULL for the empty text, so that many rows of a UNIQUE column may lack it.
func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// document scans a JSON text into a value.
type document struct{ into any }

// Scan implements sql.Scanner.
func (d document) Scan(stored any) error {
	text, ok := stored.(string)
	if !ok {
		return fmt.Errorf("document stored as %T", stored)
	}
	return json.Unmarshal([]byte(text), d.into)
}

// jsonText is how documents are stored.
func jsonText(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

// notes scans what notesTexts returns.
type notes struct{ into *[]users.Note }

// Scan implements sql.Scanner.
func (n notes) Scan(stored any) error {
	text, ok := stored.(string)
	if !ok {
		return fmt.Errorf("notes stored as %T", stored)
	}
	var err error
	*n.into, err = users.ParseNotes(text)
	return err
}

// notesTexts is how several columns of notes are stored.
func notesTexts(columns ...[]users.Note) ([]string, error) {
	texts := make([]string, len(columns))
	for i, column := range columns {
		text, err := users.NotesText(column)
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}
