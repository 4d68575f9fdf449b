package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// progressData is how far a run has come that is under way.
type progressData struct {
	Phase    string // translation key
	Done     int
	Total    int    // -1: unknown
	Left     string // such as 12 s; empty: unknown
	Silent   bool   // its process has not been heard of for long
	Approval bool   // a plan is being looked at again
}

// progressOf returns how far a run has come; nil for one that nobody is busy with.
func progressOf(run users.Run, now time.Time) *progressData {
	silent := now.Sub(run.Progress.At) > users.ImportLease
	approving := run.Approving() && !silent
	if !run.State.Unfinished() && !approving {
		return nil
	}
	p := run.Progress
	data := &progressData{Phase: phaseKeys[p.Phase], Done: p.Done, Total: p.Total, Silent: silent, Approval: approving}
	if left := p.Remaining(); left >= 0 {
		data.Left = shortTime(left)
	}
	return data
}

// shortTime writes a time in units that are the same in our languages.
func shortTime(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return strconv.Itoa(int((d+time.Minute/2)/time.Minute)) + " min"
}

// lookEvery is how often a stream looks how far its run has come.
const lookEvery = time.Second

// getProgress streams how far a run has come, as pieces of its page, until it
// has ended. What it says it reads from the directory, so that any replica can.
func (h *Handler) getProgress(w http.ResponseWriter, r *http.Request, _ users.User) error {
	run, err := h.run(r)
	if err != nil {
		return err
	}
	return web.Stream(w, r, func(ctx context.Context, send func(event string, data []byte) error) error {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			p := progressOf(run, h.cfg.Now())
			event, name, data := "progress", "progress", any(p)
			if p == nil {
				event, name, data = "end", "ended", stateKeys[run.State]
			}
			fragment, err := h.resultPage.Fragment(w, r, name, data)
			if err != nil {
				return err
			}
			if err := send(event, fragment); err != nil || p == nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
			if run, err = h.cfg.Users.Read().Run(ctx, run.ID); err != nil {
				return err
			}
		}
	})
}
