package importer

import (
	"context"

	"github.com/einlass/einlass/users"
)

// CreatedBy returns the people whom a run has created.
func CreatedBy(ctx context.Context, r users.Reader, run users.RunID) ([]users.ID, error) {
	var ids []users.ID
	for c, err := range rowsOf(ctx, r, run, users.OutcomeApplied) {
		if err != nil {
			return nil, err
		}
		if c.Kind == users.ChangeCreate {
			ids = append(ids, c.User)
		}
	}
	return ids, nil
}
