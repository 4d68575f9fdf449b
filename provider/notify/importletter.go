package notify

import (
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// importNews is everything that a letter about an import says. Who is concerned
// is not in it: the results are behind the link, where only administrators get.
type importNews struct {
	told         users.ImportFinished
	run          users.Run
	application  string // label
	organization string
	zone         *time.Location
	link         string
}

// importLetter writes to an administrator about a run.
func (s *stationery) importLetter(n importNews) letter {
	application := printable(n.application)
	l := letter{Lang: s.lang, Footer: s.say("footer", "organization", n.organization)}
	switch n.told.State {
	case users.RunHeld:
		l.Subject = s.say("subject.held", "application", application)
		l.Blocks = s.heldBlocks(n, application)
	case users.RunFailed:
		l.Subject = s.say("subject.failed", "application", application)
		l.Blocks = s.failedBlocks(n, application)
	case users.RunDone, users.RunReading, users.RunPreviewed, users.RunApplying, users.RunInterrupted, users.RunStale:
		l.Subject = s.say("subject.done", "application", application)
		l.Blocks = []block{{Text: s.say("lead.done", "application", application)}}
	}
	if n.told.NewlyQuarantined > 0 {
		l.Subject = s.say("subject.quarantine", "application", application)
		l.Blocks = append(l.Blocks, block{Text: s.say("quarantine", "count", s.number(n.told.NewlyQuarantined))})
	}
	l.Title = l.Subject
	if n.told.State != users.RunFailed || n.told.Counts != (users.Counts{}) {
		l.Blocks = append(l.Blocks, s.people(n.told))
	}
	l.Blocks = append(l.Blocks, s.times(n.run, n.zone), block{
		Caption: s.say("results"), URL: n.link, Text: s.say("results.life", "run", string(n.run.ID)),
	})
	return l
}

// heldBlocks says why a run was held and how to let it through.
func (s *stationery) heldBlocks(n importNews, application string) []block {
	lead := block{Text: s.say("lead.held", "application", application)}
	for _, reason := range n.told.Held {
		lead.List = append(lead.List, printable(importer.Say(s.words, reason)))
	}
	blocks := []block{
		lead,
		{Text: s.say("approve"), Command: "einlass import approve " + string(n.run.ID)},
		{Text: s.say("approve.newer"), Command: "einlass import list --application " + string(n.run.Connection)},
	}
	if n.told.Alert {
		blocks = append(blocks, block{Text: s.say("again.held")})
	}
	return blocks
}

// failedBlocks says why a run failed and what to do.
func (s *stationery) failedBlocks(n importNews, application string) []block {
	blocks := []block{
		{Text: s.say("lead.failed", "application", application)},
		{Text: s.say("error", "code", n.told.ErrorCode, "text", importer.Say(s.words, n.run.Error...))},
	}
	if n.told.Alert {
		blocks = append(blocks, block{Text: s.say("again.failed")})
	}
	return blocks
}

// people is the table of figures.
func (s *stationery) people(told users.ImportFinished) block {
	c := told.Counts
	b := block{Caption: s.say("people.done")}
	if told.State == users.RunHeld {
		b.Caption = s.say("people.planned")
	}
	for _, figure := range []struct {
		key string
		n   int
	}{
		{"created", c.Created}, {"updated", c.Updated}, {"suspended", c.Suspended}, {"reactivated", c.Reactivated},
		{"unchanged", c.Unchanged}, {"skipped", c.Skipped}, {"quarantined", c.Quarantined}, {"failed", c.Failed},
	} {
		b.Rows = append(b.Rows, row{s.say(figure.key), s.number(figure.n)})
	}
	return b
}

// times is when a run began and ended.
func (s *stationery) times(run users.Run, zone *time.Location) block {
	b := block{Caption: s.say("times"), Rows: s.moment("started", run.StartedAt, zone)}
	if !run.FinishedAt.IsZero() { // else approved, and being applied by now
		b.Rows = append(b.Rows, s.moment("finished", run.FinishedAt, zone)...)
	}
	return b
}
