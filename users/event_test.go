package users

import (
	"testing"
	"time"
)

func chainOf(t *testing.T, kinds ...EventKind) []Event {
	t.Helper()
	var events []Event
	for _, kind := range kinds {
		e, err := NewEvent(kind, ActorSystem, "subject", map[string]string{"name": "Ada"})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	Chain(events, 0, ChainStart(), time.Date(2026, 11, 21, 8, 0, 0, 123456789, time.UTC))
	return events
}

// N213: whoever changes one field of one event breaks the chain there.
// F-101
func TestEventVerifyFindsEveryAlteration(t *testing.T) {
	t.Parallel()
	alterations := map[string]func(*Event){
		"seq":     func(e *Event) { e.Seq++ },
		"at":      func(e *Event) { e.At = e.At.Add(time.Millisecond) },
		"kind":    func(e *Event) { e.Kind = EventUserSuspended },
		"actor":   func(e *Event) { e.Actor = "cli:mallory" },
		"subject": func(e *Event) { e.Subject = "somebody else" },
		"payload": func(e *Event) { e.Payload = `{"name":"Eve"}` },
		"salt":    func(e *Event) { e.Salt[0] ^= 1 },
		"border of kind and actor": func(e *Event) {
			e.Kind, e.Actor = e.Kind+EventKind(e.Actor[:1]), e.Actor[1:]
		},
	}
	for name, alter := range alterations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := chainOf(t, EventUserCreated, EventUserUpdated)
			if !events[0].Verify(ChainStart()) || !events[1].Verify(events[0].Hash) {
				t.Fatal("an unaltered chain does not verify")
			}
			alter(&events[1])
			if events[1].Verify(events[0].Hash) {
				t.Error("the altered event verifies")
			}
		})
	}
}

// Personal data can be erased without breaking the proof.
func TestEventVerifiesAfterItsDataIsErased(t *testing.T) {
	t.Parallel()
	e := chainOf(t, EventUserCreated)[0]
	e.Salt, e.Payload = nil, ""
	if !e.Verify(ChainStart()) {
		t.Error("an erased event no longer verifies")
	}
	e.DataHash = []byte("something else")
	if e.Verify(ChainStart()) {
		t.Error("an erased event verifies with another data hash")
	}
}
