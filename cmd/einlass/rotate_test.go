package main

import (
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
)

// F-125: old keys get one successor each, however many processes look; young ones none.
func TestOldKeysAreRotatedOnce(t *testing.T) {
	t.Parallel()
	a := openTestApp(t, defaultConfig())
	announced := func() int {
		t.Helper()
		list, err := a.Ring.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, k := range list {
			if k.State == keys.StateAnnounced {
				n++
			}
		}
		return n
	}
	if err := a.rotateOldKeys(t.Context()); err != nil || announced() != 0 {
		t.Errorf("new keys: %d announced, %v", announced(), err)
	}
	old := a.cfg.Keys.RotateEvery + time.Hour
	var err error
	a.Ring, err = keys.NewRing(keys.Config{Store: a.store, Sealer: a.sealer, Now: func() time.Time { return time.Now().Add(old) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.rotateOldKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := announced(); n != len(signingAlgs) {
		t.Errorf("%d keys announced, want one for each algorithm", n)
	}
}
