package importer

import (
	"context"
	"time"

	"github.com/einlass/einlass/users"
)

// Pauses after reads of single people or changes that failed.
const (
	minFailurePause = 2 * time.Second
	maxFailurePause = 5 * time.Minute // of those whose credentials were refused: the first
)

// failurePause is how long the source is left in peace after so many failures in
// a row, from 1.
func failurePause(failures int) time.Duration {
	return doubled(minFailurePause, failures-1, maxFailurePause)
}

// refusedPause is failurePause where the credentials were refused: asking again
// does not help, and may lock the client out.
func refusedPause(failures int) time.Duration {
	return doubled(maxFailurePause, failures-1, maxBackOff)
}

// doubled doubles d so many times, up to limit.
func doubled(d time.Duration, times int, limit time.Duration) time.Duration {
	for range times {
		if d *= 2; d >= limit {
			return limit
		}
	}
	return d
}

// isRefusal reports whether a failure is one of the credentials.
func isRefusal(code string) bool { return code == codeRevoked || code == codeRefused }

// failed keeps work for later that the source has not let us do. An error that is
// not the source's comes back.
func (w *worker) failed(ctx context.Context, scope users.RunScope, work []users.Work, err error) error {
	e := w.engine
	err = e.precise(ctx, w.app.ID, err)
	f := failureOf(err)
	if !f.ofSource() || ctx.Err() != nil {
		return err
	}
	state, now := w.state, e.now()
	if isRefusal(state.ErrorCode) != isRefusal(f.code) {
		state.Failures = 0
	}
	state.Failures++
	state.FailedAt, state.ErrorCode = now, f.code
	pause := failurePause(state.Failures)
	if isRefusal(f.code) {
		pause = refusedPause(state.Failures)
		if state.Failures == 1 {
			if err := w.tellRefused(ctx, scope, err); err != nil {
				return err
			}
		}
	}
	state.RetryAt = now.Add(pause)
	e.log.Warn("source not read; trying again later", "connection", w.app.ID, "wait", pause, "error", err)
	for i := range work {
		work[i].Due = state.RetryAt
		work[i].Attempts++
	}
	return w.settle(ctx, users.Settlement{Delayed: work, State: &state})
}

// tellRefused leaves a failed run, so that somebody hears of credentials that
// are refused, unless the last import of everybody has said so.
func (w *worker) tellRefused(ctx context.Context, scope users.RunScope, refusal error) error {
	e := w.engine
	runs, err := e.fullRuns(ctx, w.app.ID)
	if err != nil {
		return err
	}
	if len(runs) > 0 && isRefusal(runs[0].ErrorCode) {
		return nil
	}
	options, err := Request{}.options(w.app)
	if err != nil {
		return err
	}
	run := e.newRun(w.app, options)
	run.Actor, run.Scope = users.ActorImport(w.app.ID), scope
	if err := e.start(ctx, w.lease, run, w.beside); err != nil {
		return err
	}
	err = e.fail(ctx, e.track(w.lease, &run), refusal)
	e.logRun(run, err)
	return nil
}
