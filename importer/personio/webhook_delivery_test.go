package personio

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/einlass/einlass/users"
)

// REL-6 N248: whatever is posted, it is refused or asks for something, and for no more than it may.
func FuzzParseDelivery(f *testing.F) {
	for _, body := range []string{
		`{"company_id":"123456","event_name":"person.created","occurred_at":"2026-11-17T09:00:03Z","payload":{"person":{"id":"9000003"}}}`,
		`{"event_name":"employment.updated","payload":{"person":{"id":"9000002"},"employment":{"id":"5b7f0a6e-0002"}},"meta":{}}`,
		`{"event_name":"absence_period.created","payload":{"absence_period":{"person_id":7}}}`,
		`{"event_name":"person.updated","payload":{"persons":["1",2,{"id":3},[4],null,"x",{"id":{"id":"5"}}]}}`,
		`{"event_name":"person.updated","payload":{"id":"1","\u0069d":"2"}}`,
		`{"event_name":"person\u002eupdated","payload":[[[{"person":"\ud800"}]]]}`,
		`{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}`,
		`{}`, `[]`, `null`, "\xff", `{"payload":1e999}`, ` { "event_name" : "person." } `,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := parseDelivery(body)
		if err != nil {
			if strings.Contains(err.Error(), "%") || len(d.people) > 0 {
				t.Errorf("an error with %d people: %v", len(d.people), err)
			}
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatal("accepted what is no JSON")
		}
		if len(d.people) > maxDeliveryPeople || len(d.people) == 0 && !d.others {
			t.Errorf("%d people, others %t", len(d.people), d.others)
		}
		for i, id := range d.people {
			if strings.Trim(id, "0123456789") != "" || id == "" || id[0] == '0' || len(id) > 19 || slices.Contains(d.people[:i], id) {
				t.Errorf("person %q", id)
			}
		}
		var whole map[string]json.RawMessage // the standard library reads the same object
		if err := json.Unmarshal(body, &whole); err != nil {
			t.Fatalf("accepted what the standard library does not read as an object: %v", err)
		}
		var event string
		if err := json.Unmarshal(whole["event_name"], &event); len(d.people) > 0 && (err != nil || !isPersonEvent(event)) {
			t.Errorf("people of the event %q, %v", event, err)
		}
		for _, w := range d.work("personio", time.Unix(1, 0)) {
			if w.Connection != "personio" || w.Noted.IsZero() || (w.Kind == users.WorkPerson) == (w.Subject == "") {
				t.Errorf("work %+v", w)
			}
		}
	})
}
