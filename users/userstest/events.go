package userstest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var eventPromises = []promise{
	{"an empty log has a beginning", emptyLog},
	{"a transaction without events leaves the log alone", noEvents},
	{"events are numbered, stamped and chained", chained},
	{"payloads are kept byte for byte", payloads},
	{"events about a subject are listed newest first", eventsAbout},
	{"events about a subject are paged by number", eventsAboutAfter},
	{"suspensions are paged by number", suspensionEvents},
	{"of what speaks for an application the newest by each actor is found", readinessEvents},
	{"five hundred events go into one transaction", manyEvents},
}

// event returns an event about subject.
func event(subject string) users.Event {
	return users.Event{Kind: users.EventUserUpdated, Actor: users.ActorSystem, Subject: subject, Payload: `{"a":"b"}`}
}

func appendAll(t *testing.T, s users.Store, events ...users.Event) {
	t.Helper()
	update(t, s, func(tx users.Tx) error {
		for _, e := range events {
			tx.Append(e)
		}
		return nil
	})
}

// CheckLog fails the test unless the log of s is complete and unaltered from its
// first event to its head. It returns the number of events.
func CheckLog(t testing.TB, s users.Reader) int64 {
	t.Helper()
	var last int64
	previous := users.ChainStart()
	for {
		page, err := s.Events(t.Context(), last, 100)
		if err != nil {
			t.Fatalf("events after %d: %v", last, err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.Seq != last+1 {
				t.Fatalf("event %d follows event %d", e.Seq, last)
			}
			if !e.Verify(previous) {
				t.Fatalf("event %d does not verify", e.Seq)
			}
			last, previous = e.Seq, e.Hash
		}
	}
	seq, hash, err := s.EventHead(t.Context())
	if err != nil {
		t.Fatalf("head of the log: %v", err)
	}
	if seq != last || !bytes.Equal(hash, previous) {
		t.Fatalf("head is event %d with hash %x, want %d with %x", seq, hash, last, previous)
	}
	return last
}

func emptyLog(t *testing.T, s users.Store) {
	if n := CheckLog(t, s); n != 0 {
		t.Errorf("%d events, want none", n)
	}
	got, err := s.EventsAbout(t.Context(), "nobody", 10)
	ok(t, "EventsAbout", err)
	same(t, "events about nobody", got, []users.Event{})
}

func noEvents(t *testing.T, s users.Store) {
	appendAll(t, s, event("a"))
	insert(t, s, person("ada"))
	if n := CheckLog(t, s); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// F-101
func chained(t *testing.T, s users.Store) {
	appendAll(t, s, event("a"), event("b"))
	stamped := event("c")
	stamped.At = noon
	before := time.Now().Truncate(time.Millisecond)
	appendAll(t, s, event("d"), stamped)
	if n := CheckLog(t, s); n != 4 {
		t.Fatalf("%d events, want 4", n)
	}
	got, err := s.Events(t.Context(), 2, 10)
	ok(t, "Events", err)
	if len(got) != 2 || got[0].Subject != "d" || got[1].Subject != "c" {
		t.Fatalf("events after the second are %+v, want d and c", got)
	}
	if at := got[0].At; at.Before(before) || at.After(time.Now()) || at.Location() != time.UTC {
		t.Errorf("event is of %v, want now in UTC", at)
	}
	if !got[1].At.Equal(noon) {
		t.Errorf("observation is of %v, want the time it was made", got[1].At)
	}
	if len(got[0].Salt) != 16 || bytes.Equal(got[0].Salt, got[1].Salt) {
		t.Errorf("salts %x and %x, want 16 different bytes each", got[0].Salt, got[1].Salt)
	}
}

func payloads(t *testing.T, s users.Store) {
	texts := []string{`{"b": 1,  "a":2}`, `{"n":1.50,"u":"\u00e4ä🦊"}`, `{}`, ``}
	for _, text := range texts {
		e := event("a")
		e.Payload = text
		appendAll(t, s, e)
	}
	CheckLog(t, s)
	got, err := s.Events(t.Context(), 0, 10)
	ok(t, "Events", err)
	for i, e := range got {
		same(t, "payload", e.Payload, texts[i])
	}
}

func eventsAbout(t *testing.T, s users.Store) {
	for i := range 5 {
		appendAll(t, s, event("ada"), event(fmt.Sprintf("other%d", i)))
	}
	got, err := s.EventsAbout(t.Context(), "ada", 3)
	ok(t, "EventsAbout", err)
	var numbers []int64
	for _, e := range got {
		numbers = append(numbers, e.Seq)
	}
	same(t, "numbers of the newest", numbers, []int64{9, 7, 5})
}

func eventsAboutAfter(t *testing.T, s users.Store) {
	for i := range 5 {
		appendAll(t, s, event("ada"), event(fmt.Sprintf("other%d", i)))
	}
	for after, want := range map[int64][]int64{0: {1, 3, 5}, 5: {7, 9}, 6: {7, 9}, 9: nil} {
		got, err := s.EventsAboutAfter(t.Context(), "ada", after, 3)
		ok(t, "EventsAboutAfter", err)
		var numbers []int64
		for _, e := range got {
			numbers = append(numbers, e.Seq)
		}
		same(t, fmt.Sprintf("numbers after %d", after), numbers, want)
	}
}

// N-1
func suspensionEvents(t *testing.T, s users.Store) {
	for i := range 6 {
		e := event(fmt.Sprint(i))
		if i%2 == 1 {
			e.Kind = users.EventUserSuspended
		}
		appendAll(t, s, e)
	}
	for after, want := range map[int64][]int64{0: {2, 4}, 2: {4, 6}, 6: nil} {
		got, err := s.SuspensionEvents(t.Context(), after, 2)
		ok(t, "SuspensionEvents", err)
		var numbers []int64
		for _, e := range got {
			numbers = append(numbers, e.Seq)
			same(t, "payload", e.Payload, `{"a":"b"}`)
		}
		same(t, fmt.Sprintf("numbers after %d", after), numbers, want)
	}
}

// S-066
func readinessEvents(t *testing.T, s users.Store) {
	about := func(subject string, kind users.EventKind, actor users.Actor) users.Event {
		e := event(subject)
		e.Kind, e.Actor = kind, actor
		return e
	}
	appendAll(t, s,
		about("personio", users.EventSignInCompleted, "user:ada"),
		about("wiki", users.EventSignInCompleted, "user:bob"),
		about("personio", users.EventApplicationPut, "user:bob"),
		about("personio", users.EventImportChecked, "user:ada"),
		about("personio", users.EventSignInCompleted, "user:bob"),
		about("personio", users.EventSignInCompleted, "user:ada"),
		about("personio", users.EventSecretRotated, "user:ada"),
	)
	for application, want := range map[users.ApplicationID][]int64{"personio": {4, 5, 6}, "wiki": {2}, "crm": nil} {
		got, err := s.ReadinessEvents(t.Context(), application)
		ok(t, "ReadinessEvents", err)
		var numbers []int64
		for _, e := range got {
			numbers = append(numbers, e.Seq)
			same(t, "payload", e.Payload, `{"a":"b"}`)
		}
		same(t, fmt.Sprintf("numbers about %s", application), numbers, want)
	}
}

func manyEvents(t *testing.T, s users.Store) {
	var all []users.Event
	for i := range 500 {
		all = append(all, event(fmt.Sprint(i)))
	}
	appendAll(t, s, all...)
	if n := CheckLog(t, s); n != 500 {
		t.Errorf("%d events, want 500", n)
	}
	if errors.Is(s.Update(t.Context(), func(tx users.Tx) error { tx.Append(event("x")); return users.ErrStale }), nil) {
		t.Error("update succeeded, want the error of its function")
	}
	if n := CheckLog(t, s); n != 500 {
		t.Errorf("%d events after a failure, want 500", n)
	}
}
