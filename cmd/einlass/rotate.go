package main

import (
	"context"
	"time"
)

// rotationLook is how often the age of the signing keys is looked at.
const rotationLook = time.Hour

// rotateKeys gives the signing keys successors when they have become old. Every
// replica looks; the lease keeps two from doing it at once.
func (s *server) rotateKeys(ctx context.Context) error {
	if s.cfg.Keys.RotateEvery == 0 {
		return nil
	}
	ticker := time.NewTicker(rotationLook)
	defer ticker.Stop()
	for {
		if err := s.rotateOldKeys(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "signing keys not rotated; trying again in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (a *app) rotateOldKeys(ctx context.Context) error {
	every := a.cfg.Keys.RotateEvery
	old, err := a.Ring.OlderThan(ctx, every)
	if err != nil || !old {
		return err
	}
	return a.withKeysLease(ctx, func() error {
		old, err := a.Ring.OlderThan(ctx, every) // another process may have been faster
		if err != nil || !old {
			return err
		}
		_, err = a.Ring.Rotate(ctx, a.cfg.Keys.Announce)
		return err
	})
}
