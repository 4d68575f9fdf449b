package users_test

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

func TestProgressSaysHowFarHowFastAndHowLong(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	progress := func(done, total int, took time.Duration) users.RunProgress {
		return users.RunProgress{Phase: "reading", Done: done, Total: total, Since: start, At: start.Add(took)}
	}
	for _, test := range []struct {
		name    string
		p       users.RunProgress
		percent int
		left    time.Duration
		text    string
	}{
		{"at the start", progress(0, -1, 0), -1, -1, "reading 0"},
		{"nothing done for a while", progress(0, 100, time.Second), 0, -1, "reading 0/100 (0 %)"},
		{"a clock that went back", progress(50, 100, -time.Second), 50, -1, "reading 50/100 (50 %)"},
		{"an unknown total", progress(300, -1, 2*time.Second), -1, -1, "reading 300, 150 per second"},
		{"nobody to come", progress(0, 0, time.Second), -1, -1, "reading 0"},
		{"on the way", progress(300, 1200, 2*time.Second), 25, 6 * time.Second, "reading 300/1200 (25 %), 150 per second, 6s left"},
		{"a long way", progress(100, 100_000, time.Second), 0, 999 * time.Second, "reading 100/100000 (0 %), 100 per second, 16m39s left"},
		{"more than announced", progress(120, 100, time.Second), 100, 0, "reading 120/100 (100 %), 120 per second, 0s left"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.p.Percent() != test.percent || test.p.Remaining() != test.left || test.p.String() != test.text {
				t.Errorf("%d %%, %s left, %q; want %d %%, %s left, %q",
					test.p.Percent(), test.p.Remaining(), test.p, test.percent, test.left, test.text)
			}
		})
	}
}
