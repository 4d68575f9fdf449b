package importer

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

func TestWhoWaitsComesOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	var s spool
	var want []Mapped
	for i := range 2*spoolChunk + 1 {
		m := Mapped{ID: fmt.Sprint(i), Status: StatusActive, Hash: "abc", Values: map[string]string{"email": fmt.Sprintf("p%d@bücher.example", i), "office": ""}}
		switch i % 4 {
		case 1:
			m.Manager, m.HasManager, m.Zone, m.OnCreate = "7", true, "Europe/Berlin", map[string]string{"team": "A\x00\u2028B"}
		case 2:
			m.Gone, m.Failed = true, []string{"access_until", "region"}
		case 3:
			m.Status, m.LeaveKind, m.HasLeaveKind = StatusLeave, "sick", true
			m.Leave, m.LeaveUntil, m.Unshown = users.AccessKeep, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), true
		}
		want = append(want, m)
		if err := s.add(m); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // planned twice
		var got []Mapped
		for people, err := range s.chunks() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, people...)
		}
		if diff := cmp.Diff(want, got); diff != "" || s.people != len(want) {
			t.Fatalf("%d people (-went in +came out):\n%s", s.people, diff)
		}
	}
	s.packed[1] = s.packed[1][:len(s.packed[1])/2]
	failed := false
	for _, err := range s.chunks() {
		failed = failed || err != nil
	}
	if !failed {
		t.Error("half of a packet was read")
	}
}
