package users_test

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

func TestWorkIsNotedWithTheTimeItWasHeardOf(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		before := time.Now().Add(-time.Millisecond)
		heard := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
		b.must(b.NoteWork(t.Context()))
		b.must(b.NoteWork(t.Context(),
			users.Work{Kind: users.WorkPerson, Connection: personio, Subject: "1"},
			users.Work{Kind: users.WorkPerson, Connection: personio, Subject: "2", Noted: heard}))
		work, err := b.Read().WorkOf(t.Context(), personio)
		b.must(err)
		if len(work) != 2 || work[1].Noted.Before(before) || !work[0].Noted.Equal(heard) || !work[0].Due.Equal(heard) {
			t.Errorf("work %+v since %v", work, before)
		}
	})
}
