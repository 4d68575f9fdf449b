package importer

import (
	"time"

	"github.com/einlass/einlass/users"
)

// ProgressReport is how far an import is that has not ended.
type ProgressReport struct {
	Phase            string    `json:"phase"`
	Done             int       `json:"done"`
	Total            int       `json:"total"`   // -1: unknown
	Percent          int       `json:"percent"` // -1: unknown
	PerSecond        float64   `json:"per_second"`
	RemainingSeconds float64   `json:"remaining_seconds"` // -1: unknown
	Since            time.Time `json:"since"`
	At               time.Time `json:"at"`
}

// newProgressReport returns nil for a run that has ended.
func newProgressReport(r users.Run) *ProgressReport {
	if !r.State.Unfinished() {
		return nil
	}
	p := r.Progress
	remaining := p.Remaining().Seconds()
	if remaining < 0 {
		remaining = -1
	}
	return &ProgressReport{
		Phase: p.Phase, Done: p.Done, Total: p.Total, Percent: p.Percent(), PerSecond: p.Rate(),
		RemainingSeconds: remaining, Since: p.Since, At: p.At,
	}
}

// TimeReport is where the time of an import went, in seconds.
type TimeReport struct {
	Pages       int     `json:"pages"`
	SlowestPage float64 `json:"slowest_page"`
	Reading     float64 `json:"reading"`
	Planning    float64 `json:"planning"`
	Applying    float64 `json:"applying"`
}

func newTimeReport(t users.RunTime) TimeReport {
	return TimeReport{
		Pages: t.Pages, SlowestPage: t.SlowestPage.Seconds(), Reading: t.Reading.Seconds(),
		Planning: t.Planning.Seconds(), Applying: t.Applying.Seconds(),
	}
}
