package importer

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var eight = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// scheduled are runs of the schedule, the newest first, started the given minutes after eight.
func scheduled(code string, minutes ...int) []users.Run {
	var runs []users.Run
	for _, m := range minutes {
		runs = append(runs, users.Run{
			Connection: hr, Actor: users.ActorImport(hr), StartedAt: eight.Add(time.Duration(m) * time.Minute), ErrorCode: code,
		})
	}
	return runs
}

// S-078
func TestFirstStartOfAConnection(t *testing.T) {
	t.Parallel()
	byHand := users.Run{Connection: hr, Actor: "cli:ada", StartedAt: eight.Add(30 * time.Minute)}
	for _, c := range []struct {
		name string
		runs []users.Run
		now  int // minutes after eight
		want int
	}{
		{"never run: at once", nil, 0, 0},
		{"overdue: at once, for the hour that was missed last", scheduled("", 0), 200, 180},
		{"overdue by exactly two hours", scheduled("", 0), 120, 120},
		{"not due yet: at its minute", scheduled("", 0), 10, 60},
		{"a run by hand does not move the minute", append([]users.Run{byHand}, scheduled("", 0)...), 40, 60},
		{"only a run by hand: an hour after it", []users.Run{byHand}, 40, 90},
	} {
		if got := nextStart(c.runs, time.Hour, eight.Add(time.Duration(c.now)*time.Minute)); !got.Equal(eight.Add(time.Duration(c.want) * time.Minute)) {
			t.Errorf("%s: %s, want %d minutes after eight", c.name, got.Format(time.TimeOnly), c.want)
		}
	}
}

// S-079
func TestLaterStartsKeepTheMinute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ended int // minutes after eight
		want  int
	}{
		{"a run of 10 minutes", 10, 60},
		{"a run of exactly an hour", 60, 120},
		{"a run of 130 minutes", 130, 180},
	} {
		if got := following(eight, time.Hour, eight.Add(time.Duration(c.ended)*time.Minute)); !got.Equal(eight.Add(time.Duration(c.want) * time.Minute)) {
			t.Errorf("%s: %s, want %d minutes after eight", c.name, got.Format(time.TimeOnly), c.want)
		}
	}
}

// N339
func TestRefusedCredentialsAreTriedLessAndLess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		runs []users.Run
		want time.Duration
	}{
		{"none", nil, time.Hour},
		{"one success", scheduled("", 0), time.Hour},
		{"one refusal", scheduled("credentials_revoked", 0), 2 * time.Hour},
		{"three refusals", scheduled("credentials_revoked", 3, 2, 1), 8 * time.Hour},
		{"many refusals", scheduled("credentials_refused", 9, 8, 7, 6, 5, 4, 3), 24 * time.Hour},
		{"a success after refusals", append(scheduled("", 9), scheduled("credentials_revoked", 8, 7)...), time.Hour},
		{"unreachable is tried as usual", scheduled("source_unreachable", 2, 1), time.Hour},
	} {
		if got := backOff(c.runs, time.Hour); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := backOff(scheduled("credentials_revoked", 0), 48*time.Hour); got != 48*time.Hour {
		t.Errorf("an interval beyond the longest pause: %s, want it unchanged", got)
	}
}

// N335
func TestWhatAnotherProcessRanIsNotRunAgain(t *testing.T) {
	t.Parallel()
	for minutes, want := range map[int]bool{-60: false, -31: false, -29: true, 0: true, 1: true} {
		if got := served(scheduled("", minutes), eight, time.Hour); got != want {
			t.Errorf("a run %d minutes from the due time: served %v, want %v", minutes, got, want)
		}
	}
	if served([]users.Run{{Connection: hr, Actor: "cli:ada", StartedAt: eight}}, eight, time.Hour) {
		t.Error("a run by hand counts as the scheduled one")
	}
}
