package importer

import (
	"context"
	"time"

	"github.com/einlass/einlass/users"
)

// ConnectionState is what the imports of a connection are busy with.
type ConnectionState string

// The states.
const (
	ConnectionOff         ConnectionState = "off"          // switched off, or nobody asks for an import
	ConnectionInitialSync ConnectionState = "initial_sync" // reads everybody for the first time
	ConnectionImporting   ConnectionState = "importing"
	ConnectionIdle        ConnectionState = "idle"
)

// ConnectionStatus is how the imports of a connection stand. Its JSON is part of
// the contract with programs.
type ConnectionStatus struct {
	Application users.ApplicationID `json:"application"`
	State       ConnectionState     `json:"state"`
	Progress    *ProgressReport     `json:"progress,omitempty"` // of the run that is under way
	LastRun     *RunReport          `json:"last_run,omitempty"` // over everybody
	NextRun     time.Time           `json:"next_run,omitzero"`
	LastDelta   time.Time           `json:"last_delta,omitzero"`
	NextDelta   time.Time           `json:"next_delta,omitzero"`
	Waiting     int                 `json:"waiting"`                // people who are to be read again
	Since       time.Time           `json:"waiting_since,omitzero"` // since when the first of them is
	RetryAt     time.Time           `json:"retry_at,omitzero"`      // until then the source is left in peace
	ErrorCode   string              `json:"error_code,omitempty"`   // why

	UnderWay users.Run `json:"-"` // the run of Progress
}

// statusReader is the part of the directory that says how imports stand.
type statusReader interface {
	Read() users.Reader
	ImportState(ctx context.Context, connection users.ApplicationID) (users.ImportState, error)
}

// ReadConnectionStatus reads how the imports of a connection stand at now, with sentences in the language of w.
func ReadConnectionStatus(ctx context.Context, d statusReader, app users.Application, now time.Time, w Words) (ConnectionStatus, error) {
	s := ConnectionStatus{Application: app.ID, State: ConnectionIdle}
	if app.Disabled || app.Import == nil || app.Import.Schedule+app.Import.Delta <= 0 {
		s.State = ConnectionOff
	}
	state, err := d.ImportState(ctx, app.ID)
	if err != nil {
		return s, err
	}
	last, err := lastFull(ctx, d.Read(), app.ID)
	if err != nil {
		return s, err
	}
	s.LastDelta = state.Cursor
	if state.RetryAt.After(now) && !last.StartedAt.After(state.FailedAt) {
		s.RetryAt, s.ErrorCode = state.RetryAt, state.ErrorCode
	}
	if err := s.readRuns(ctx, d.Read(), last, w); err != nil {
		return s, err
	}
	return s, s.readWork(ctx, d.Read(), now)
}

// readRuns notes the newest run over everybody, and which one is under way.
func (s *ConnectionStatus) readRuns(ctx context.Context, r users.Reader, last users.Run, w Words) error {
	runs, err := r.RunsOver(ctx, s.Application, users.ScopeFull, recentRuns)
	if err != nil {
		return err
	}
	for _, run := range runs {
		switch {
		case run.State.Unfinished():
			s.UnderWay, s.Progress, s.State = run, newProgressReport(run), ConnectionImporting
			if last.ID == "" && !run.Preview {
				s.State = ConnectionInitialSync
			}
			continue
		case run.Preview && run.ApprovedBy == "":
			continue
		}
		report := NewRunReport(w, run)
		s.LastRun = &report
		return nil
	}
	return nil
}

// readWork notes what is to be done, and when.
func (s *ConnectionStatus) readWork(ctx context.Context, r users.Reader, now time.Time) error {
	work, err := r.WorkOf(ctx, s.Application)
	if err != nil {
		return err
	}
	for _, w := range work {
		switch w.Kind {
		case users.WorkFull:
			s.NextRun = w.Due
		case users.WorkDelta:
			s.NextDelta = w.Due
		case users.WorkPerson:
			if w.Due.After(now) && w.Due.After(s.RetryAt) && w.Attempts == 0 {
				continue // planned for a day of their leave
			}
			s.Waiting++
			if s.Since.IsZero() || w.Noted.Before(s.Since) {
				s.Since = w.Noted
			}
		case users.WorkWindow:
		}
	}
	return nil
}
