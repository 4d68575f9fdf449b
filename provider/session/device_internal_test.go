package session

import (
	"errors"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// J: whoever had the password when it was stored may hold it.
func TestADeviceWithoutAnEpochIsKnownUnderNone(t *testing.T) {
	t.Parallel()
	s, _ := openFile(t)
	m, err := NewManager(Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	user, end := users.NewID(), time.Now().Add(time.Hour)
	h := NewHandle(user)
	tag, hash, _ := locate(h)
	value, errEncode := encode(handleKey(tag, hash), end, user) // as before devices had an epoch
	_, errPut := s.exec(t.Context(), s.putDevice, handleKey(tag, hash), end.UnixMilli(), value)
	if err := errors.Join(errEncode, errPut); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Device(t.Context(), h, time.Now()); err != nil || got != (Device{User: user}) {
		t.Errorf("device %+v, %v, want one of %s without an epoch", got, err, user)
	}
	for epoch := range int64(3) {
		if known, err := m.KnownDevice(t.Context(), h, Device{User: user, Epoch: epoch}); err != nil || known {
			t.Errorf("under epoch %d: known %v, %v, want unknown", epoch, known, err)
		}
	}
}
