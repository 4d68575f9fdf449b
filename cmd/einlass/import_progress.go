package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// describeProgress says on one line how far an import is; nothing when it has ended.
func describeProgress(r users.Run, now time.Time) string {
	if !r.State.Unfinished() {
		return ""
	}
	text := r.Progress.String()
	if silent := now.Sub(r.Progress.At); silent > users.ImportLease {
		text += fmt.Sprintf("; not heard of for %s, its process may have died", short(silent))
	}
	return text
}

// describeResult says what an import did to people, and over whom it went if not over everybody.
func describeResult(r users.Run) string {
	text := describeCounts(r.Counts)
	if r.Scope != users.ScopeFull {
		text = string(r.Scope) + ": " + text
	}
	return text
}

// describeRun says how an import goes or went, beside what it does to people.
func describeRun(r users.Run, now time.Time) fields {
	all := fields{
		{"scope", describeScope(r)},
		{"progress", describeProgress(r, now)},
		{"time", describeTime(r.Stats.Time)},
		{"missing", describeAttributes(r.Stats.Missing, "not granted to the credentials; these attributes stay as they are")},
		{"too many", describeAttributes(r.Stats.Surplus, "granted to the credentials and not mapped; the source answers faster without")},
	}
	return slices.DeleteFunc(all, func(pair [2]string) bool { return pair[1] == "" })
}

// describeScope says over whom an import went; nothing if over everybody.
func describeScope(r users.Run) string {
	switch r.Scope {
	case users.ScopeRefresh:
		return "refresh: people who were to be read again"
	case users.ScopeDelta:
		return "delta: people whom the source shows as changed"
	case users.ScopeFull:
	}
	return ""
}

// describeAttributes says what is wrong with the rights to some attributes; nothing when there are none.
func describeAttributes(names []string, wrong string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ", ") + " (" + wrong + ")"
}

// describeTime says where the time of an import went; nothing before it has ended.
func describeTime(t users.RunTime) string {
	if t == (users.RunTime{}) {
		return ""
	}
	pages := "pages"
	if t.Pages == 1 {
		pages = "page"
	}
	text := fmt.Sprintf("%d %s read in %s, the slowest in %s", t.Pages, pages, short(t.Reading), short(t.SlowestPage))
	if t.Planning > 0 {
		text += ", planned in " + short(t.Planning)
	}
	if t.Applying > 0 {
		text += ", applied in " + short(t.Applying)
	}
	return text
}

func short(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

// How a bar is drawn. The line fits into 80 columns.
const (
	barCells = 10
	barPause = 100 * time.Millisecond // between two drawings of one phase
	barWipe  = "\r\x1b[K"             // ECMA-48 EL: the whole line
)

// bar shows on one line of a terminal how far an import is. Whatever else is
// written through it takes the place of that line. The nil bar shows nothing.
type bar struct {
	w io.Writer

	mu    sync.Mutex // guards what follows
	shown users.RunProgress
	drawn bool // the line is on the screen
}

// show draws the line anew, unless it was drawn a moment ago.
func (b *bar) show(p importer.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn && p.Phase == b.shown.Phase && p.At.Sub(b.shown.At) < barPause {
		return
	}
	b.shown, b.drawn = p.RunProgress, true
	line := p.String()
	if percent := p.Percent(); percent >= 0 {
		full := percent * barCells / 100
		line = "[" + strings.Repeat("#", full) + strings.Repeat(" ", barCells-full) + "] " + line
	}
	_, _ = io.WriteString(b.w, barWipe+line) // a terminal that is gone is no reason to stop an import
}

// clear takes the line away.
func (b *bar) clear() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wipe()
}

func (b *bar) wipe() {
	if b.drawn {
		_, _ = io.WriteString(b.w, barWipe) // as in show
		b.drawn = false
	}
}

// Write writes something else, such as a line of the log.
func (b *bar) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wipe()
	return b.w.Write(text)
}
