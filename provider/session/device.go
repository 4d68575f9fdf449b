package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Device says whose a known device is: a browser that the person has signed in
// from under this epoch. What ends their sessions makes it unknown, because whoever
// had their password until then may hold devices, too.
type Device struct {
	User  users.ID `json:"user"`
	Epoch int64    `json:"epoch"` // 0, which is nobody's: stored before devices had one
}

// UnmarshalJSON also reads the id alone that was stored before.
func (d *Device) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		*d = Device{}
		return json.Unmarshal(text, &d.User)
	}
	type plain Device
	return json.Unmarshal(text, (*plain)(d))
}

// RememberDevice makes the browser a known device of d and returns the secret for its cookie.
func (m *Manager) RememberDevice(ctx context.Context, d Device) (keys.Secret, error) {
	h := NewHandle(d.User)
	return h, m.store.PutDevice(ctx, h, d, m.now().Add(m.life.Device))
}

// KnownDevice reports whether device is a known one of d.
func (m *Manager) KnownDevice(ctx context.Context, device keys.Secret, d Device) (bool, error) {
	if device == "" {
		return false, nil
	}
	known, err := m.store.Device(ctx, device, m.now())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return known == d && d.Epoch > 0, err
}
