package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// readSetting returns a settings document and its version, or the zero value and
// version 0 where there is none yet.
func readSetting[T any](ctx context.Context, r Reader, name string) (value T, version int64, err error) {
	document, version, err := r.Setting(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return value, 0, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(document), &value)
	}
	if err != nil {
		err = fmt.Errorf("setting %s: %w", name, err)
	}
	return value, version, err
}

// putSetting writes a settings document whose version still is the one that was read, else ErrStale.
func putSetting(ctx context.Context, tx Tx, name string, value any, version int64) error {
	document, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return tx.PutSetting(ctx, name, string(document), version)
}
