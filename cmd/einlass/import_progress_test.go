package main

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

var nine = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// atWork is a run that is reading since nine.
func atWork(done int, took time.Duration) users.Run {
	return users.Run{ID: "r1", State: users.RunReading, Progress: users.RunProgress{
		Phase: importer.ProgressReading, Done: done, Total: 1200, Since: nine, At: nine.Add(took),
	}}
}

func TestARunUnderWayShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	run := atWork(300, 2*time.Second)
	want := &importer.ProgressReport{
		Phase: "reading", Done: 300, Total: 1200, Percent: 25, PerSecond: 150, RemainingSeconds: 6, Since: nine, At: nine.Add(2 * time.Second),
	}
	if diff := cmp.Diff(want, importer.NewRunReport(web.English(), run).Progress); diff != "" {
		t.Errorf("progress as JSON (-want +got):\n%s", diff)
	}
	for silent, want := range map[time.Duration]string{
		time.Second:     "reading 300/1200 (25 %), 150 per second, 6s left",
		3 * time.Minute: "reading 300/1200 (25 %), 150 per second, 6s left; not heard of for 3m0s, its process may have died",
	} {
		if got := describeProgress(run, run.Progress.At.Add(silent)); got != want {
			t.Errorf("after %s: %q, want %q", silent, got, want)
		}
	}
	run.State = users.RunDone
	if ended := importer.NewRunReport(web.English(), run); ended.Progress != nil || describeProgress(run, nine) != "" {
		t.Error("an ended run shows progress, want none")
	}
	unknown := atWork(0, 0)
	unknown.Progress.Total = -1
	if p := importer.NewRunReport(web.English(), unknown).Progress; p.Percent != -1 || p.RemainingSeconds != -1 || p.PerSecond != 0 {
		t.Errorf("nothing known: %+v", p)
	}
}

func TestTimeOfARunIsShownInWords(t *testing.T) {
	t.Parallel()
	for want, spent := range map[string]users.RunTime{
		"": {},
		"1 page read in 2m4s, the slowest in 30.012s": {Pages: 1, SlowestPage: 30012 * time.Millisecond, Reading: 124 * time.Second},
		"50 pages read in 4.2s, the slowest in 900ms, planned in 300ms, applied in 1m5s": {
			Pages: 50, SlowestPage: 900 * time.Millisecond, Reading: 4200 * time.Millisecond, Planning: 300 * time.Millisecond, Applying: 65 * time.Second,
		},
	} {
		if got := describeTime(spent); got != want {
			t.Errorf("time: %q, want %q", got, want)
		}
	}
}

// S-076: one line, drawn again and again, which leaves nothing behind.
func TestTheBarIsOneLineThatMakesRoomForOthers(t *testing.T) {
	t.Parallel()
	var screen strings.Builder
	b := &bar{w: &screen}
	draw := func(r users.Run) { b.show(importer.Progress{Run: r.ID, RunProgress: r.Progress}) }
	draw(atWork(300, 2*time.Second))
	draw(atWork(310, 2*time.Second+barPause/2)) // too soon
	draw(atWork(1200, 8*time.Second))
	slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func([]string, slog.Attr) slog.Attr { return slog.Attr{} }})).Info("")
	planning := atWork(0, 8*time.Second)
	planning.Progress.Phase, planning.Progress.Total, planning.Progress.Since = importer.ProgressPlanning, -1, planning.Progress.At
	draw(planning)
	b.clear()
	b.clear()
	want := barWipe + "[##        ] reading 300/1200 (25 %), 150 per second, 6s left" +
		barWipe + "[##########] reading 1200/1200 (100 %), 150 per second, 0s left" +
		barWipe + "\n" +
		barWipe + "planning 0" +
		barWipe
	if diff := cmp.Diff(want, screen.String()); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
	var nobody *bar
	nobody.clear()
}

func TestOnlyATerminalShowsABar(t *testing.T) {
	t.Parallel()
	device, err := os.Open(os.DevNull) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for _, test := range []struct {
		name   string
		stderr io.Writer
		format string
		want   bool
	}{
		{"a file", &strings.Builder{}, formatTable, false},
		{"a terminal, but JSON", device, formatJSON, false},
		{"a terminal", device, formatTable, true},
	} {
		s := &shell{stderr: test.stderr}
		watched := s.watching(test.format)
		if got := watched.bar != nil; got != test.want || leadsToTerminal(watched.stderr) != leadsToTerminal(test.stderr) {
			t.Errorf("%s: bar %t, want %t", test.name, got, test.want)
		}
	}
}
