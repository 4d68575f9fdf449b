package importer

import (
	"bytes"
	"compress/flate"
	"encoding/gob"
	"errors"
	"fmt"
	"iter"
)

// spoolChunk is how many people are packed, and later planned, together.
const spoolChunk = 500

// spool keeps the people who wait for the end of the feed, packed in memory: a
// first import of 100,000 people must fit beside everything else, and people's
// data has no business in temporary files. They are packed as gob, which is read three
// times as fast as JSON.
type spool struct {
	open   []Mapped // not packed yet, fewer than spoolChunk
	packed [][]byte
	people int
}

// add appends one person.
func (s *spool) add(m Mapped) error {
	s.people++
	if s.open = append(s.open, m); len(s.open) < spoolChunk {
		return nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return fmt.Errorf("pack people: %w", err)
	}
	if err := errors.Join(gob.NewEncoder(w).Encode(s.open), w.Close()); err != nil {
		return fmt.Errorf("pack people: %w", err)
	}
	s.packed = append(s.packed, bytes.Clone(b.Bytes()))
	s.open = s.open[:0]
	return nil
}

// chunks yields everybody in the order of add, at most spoolChunk at a time.
func (s *spool) chunks() iter.Seq2[[]Mapped, error] {
	return func(yield func([]Mapped, error) bool) {
		for _, packed := range s.packed {
			var people []Mapped
			if err := gob.NewDecoder(flate.NewReader(bytes.NewReader(packed))).Decode(&people); err != nil {
				yield(nil, fmt.Errorf("unpack people: %w", err))
				return
			}
			if !yield(people, nil) {
				return
			}
		}
		if len(s.open) > 0 {
			yield(s.open, nil)
		}
	}
}
