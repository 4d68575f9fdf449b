package importer

import (
	"context"
	"errors"

	"github.com/einlass/einlass/users"
)

// ErrNotServing: no Serve of this process is under way that a run could be left to.
var ErrNotServing = errors.New("imports are not served by this process")

// Start begins what Run does and leaves the rest to Serve, so that nobody has to
// wait for it and the process does before it ends. The run is the one that has begun,
// or, with users.ErrLeaseHeld, the one under way; its end is in its record. Errors
// are those of Run before anything is read, and ErrNotServing.
func (e *Engine) Start(ctx context.Context, req Request) (users.Run, error) {
	return e.leave(ctx, func(ctx context.Context, began func(users.Run, error)) {
		a, run, err := e.begin(ctx, req)
		began(run, err)
		if err == nil {
			_, _ = a.carryOut() // it is recorded and logged
		}
	})
}

// StartApproval begins what Approve does and leaves the rest to Serve. With
// users.ErrLeaseHeld the run is the one under way. Why the source could not be read
// again is noted in the run, which stays approvable.
func (e *Engine) StartApproval(ctx context.Context, id users.RunID, actor users.Actor) (users.Run, error) {
	return e.leave(ctx, func(ctx context.Context, began func(users.Run, error)) {
		a, run, err := e.beginApproval(ctx, id, actor, Given{})
		began(run, err)
		if err == nil {
			_, _ = a.approve() // it is recorded and logged
		}
	})
}

// leave has Serve do job and returns what it says when it has begun.
func (e *Engine) leave(ctx context.Context, job func(ctx context.Context, began func(users.Run, error))) (users.Run, error) {
	type beginning struct {
		run users.Run
		err error
	}
	begun := make(chan beginning, 1)
	left := e.background(func(ctx context.Context) {
		job(ctx, func(run users.Run, err error) { begun <- beginning{run, err} })
	})
	if !left {
		return users.Run{}, ErrNotServing
	}
	select {
	case b := <-begun:
		return b.run, b.err
	case <-ctx.Done():
		return users.Run{}, ctx.Err()
	}
}

// background has Serve do job beside its own work, if one is under way.
func (e *Engine) background(job func(ctx context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving == nil {
		return false
	}
	e.serving(job)
	return true
}

// serve lets background hand jobs to a Serve until it is called with nil.
func (e *Engine) serve(do func(job func(ctx context.Context))) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serving = do
}

// attempt is a run under way and the lease under which it is.
type attempt struct {
	engine  *Engine
	ctx     context.Context // ends with the lease
	app     users.Application
	track   *tracker
	release func()

	approver users.Actor       // of an approval
	ended    users.RunProgress // how far the run of an approval had come before
}
