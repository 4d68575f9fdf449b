package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
)

// F-125: old keys get one successor each, however many processes look; young ones none.
func TestOldKeysAreRotatedOnce(t *testing.T) {
	t.Parallel()
	cfg := defaultConfig()
	cfg.Issuer, cfg.Data = "https://sso.acme.example", t.TempDir()
	a, err := openApp(t.Context(), cfg, appOptions{Migrate: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
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
	time.Sleep(2 * time.Second)
	a.cfg.Keys.RotateEvery = 2 * time.Second
	for range 2 {
		if err := a.rotateOldKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := announced(); n != len(signingAlgs) {
		t.Errorf("%d keys announced, want one for each algorithm", n)
	}
}
