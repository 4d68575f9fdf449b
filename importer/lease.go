package importer

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/einlass/einlass/users"
)

// leaseRenewal is how often a run renews its lease while it reads.
const leaseRenewal = 20 * time.Second

// Who asks for a run waits so long for a lease under which no run is under way.
const (
	leaseWait  = 10 * time.Second
	leaseRetry = 100 * time.Millisecond
)

// finishTimeout bounds what a run still writes after its context has ended.
const finishTimeout = 10 * time.Second

// acquire takes the lease of a connection and renews it until release is
// called. Every call is a holder of its own, so that two runs in one process
// exclude each other like two processes. The returned context ends with
// users.ErrLeaseLost as its cause when somebody else took the lease.
func (e *Engine) acquire(ctx context.Context, connection users.ApplicationID) (held context.Context, lease users.Lease, release func(), err error) {
	lease, err = e.cfg.Directory.AcquireImportLease(ctx, connection, e.cfg.Holder+"/"+rand.Text())
	if err != nil {
		return nil, users.Lease{}, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		e.renew(held, cancel, lease)
	}()
	release = func() {
		cancel(nil)
		<-stopped
		ctx, done := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
		defer done()
		if err := e.cfg.Directory.ReleaseLease(ctx, lease); err != nil {
			e.log.Warn("import lease not released; it ends by itself", "connection", connection, "error", err)
		}
	}
	return held, lease, release, nil
}

// acquireForRun is acquire for somebody who asks for a run. People who are just
// being read again are soon done, and no reason to refuse; another run is, and the
// one returned.
func (e *Engine) acquireForRun(
	ctx context.Context, connection users.ApplicationID,
) (held context.Context, lease users.Lease, release func(), underWay users.Run, err error) {
	for waited := time.Duration(0); ; waited += leaseRetry {
		held, lease, release, err = e.acquire(ctx, connection)
		if !errors.Is(err, users.ErrLeaseHeld) {
			return held, lease, release, users.Run{}, err
		}
		run, err := e.underWay(ctx, connection, err)
		if waited >= leaseWait || run.ID != "" && run.Scope == users.ScopeFull {
			return nil, users.Lease{}, nil, run, err
		}
		select {
		case <-ctx.Done():
			return nil, users.Lease{}, nil, users.Run{}, ctx.Err()
		case <-time.After(leaseRetry):
		}
	}
}

// renew moves the end of the lease while ctx lives. A database that does not
// answer is no reason to stop: writing under a lost lease fails by itself.
func (e *Engine) renew(ctx context.Context, lost context.CancelCauseFunc, lease users.Lease) {
	ticker := time.NewTicker(leaseRenewal)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, err := e.cfg.Directory.RenewImportLease(ctx, lease)
		if errors.Is(err, users.ErrLeaseLost) {
			lost(err)
			return
		}
		if err != nil && ctx.Err() == nil {
			e.log.Warn("import lease not renewed", "lease", lease.Name, "error", err)
		}
	}
}
