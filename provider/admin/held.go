package admin

import (
	"context"

	"github.com/einlass/einlass/importer"
)

// countHeld counts the plans that wait for somebody's decision, of all connections.
func (h *Handler) countHeld(ctx context.Context) (int, error) {
	applications, err := h.cfg.Users.Read().Applications(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range applications {
		if a.Import == nil || a.Disabled {
			continue
		}
		held, err := importer.HeldRuns(ctx, h.cfg.Users.Read(), a.ID, h.cfg.Now())
		if err != nil {
			return 0, err
		}
		n += len(held)
	}
	return n, nil
}
