package users

import (
	"fmt"
	"time"
)

// RunProgress is how far a run had come at a time.
type RunProgress struct {
	Phase string    `json:"phase,omitempty"` // such as reading
	Done  int       `json:"done,omitempty"`  // people in this phase, or rows where they are applied
	Total int       `json:"total,omitempty"` // -1: unknown
	Since time.Time `json:"since,omitzero"`  // when the phase began
	At    time.Time `json:"at,omitzero"`
}

// Percent returns how much of the phase was done, from 0 to 100, or -1 when the total is unknown.
func (p RunProgress) Percent() int {
	if p.Total <= 0 {
		return -1
	}
	return min(100, p.Done*100/p.Total)
}

// Rate returns how many people a second the phase has done so far; 0 when nothing can be said yet.
func (p RunProgress) Rate() float64 {
	took := p.At.Sub(p.Since)
	if took <= 0 {
		return 0
	}
	return float64(p.Done) / took.Seconds()
}

// Remaining returns how long the rest of the phase takes at that rate, to the second; -1 when that is unknown.
func (p RunProgress) Remaining() time.Duration {
	rate := p.Rate()
	if rate == 0 || p.Total <= 0 {
		return -1
	}
	left := float64(max(0, p.Total-p.Done)) / rate
	return time.Duration(left * float64(time.Second)).Round(time.Second)
}

// String is the progress on one line, in English.
func (p RunProgress) String() string {
	text := fmt.Sprintf("%s %d", p.Phase, p.Done)
	if percent := p.Percent(); percent >= 0 {
		text += fmt.Sprintf("/%d (%d %%)", p.Total, percent)
	}
	if rate := p.Rate(); rate > 0 {
		text += fmt.Sprintf(", %.0f per second", rate)
	}
	if left := p.Remaining(); left >= 0 {
		text += fmt.Sprintf(", %s left", left)
	}
	return text
}

// RunTime is where the time of a run went, in nanoseconds. An approved run has
// read and planned twice, and both count.
type RunTime struct {
	Pages       int           `json:"pages,omitempty"`        // that the source answered
	SlowestPage time.Duration `json:"slowest_page,omitempty"` // also of one that never came
	Reading     time.Duration `json:"reading,omitempty"`      // with everything else that waits for the source
	Planning    time.Duration `json:"planning,omitempty"`
	Applying    time.Duration `json:"applying,omitempty"`
}
