package personio

import (
	"testing"
	"testing/synctest"
	"time"
)

// Personio refuses more than 15 reads a second and 300 a minute.
func TestPaceKeepsBelowTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(Config{}, version1)
		var sent []time.Time
		began := time.Now()
		for range 1000 {
			if err := p.wait(withPurpose(t.Context(), ofEverybody), "/list"); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
		}
		for i, at := range sent {
			if i >= 15 && at.Sub(sent[i-15]) < time.Second {
				t.Fatalf("16 requests in %s", at.Sub(sent[i-15]))
			}
			if i >= 300 && at.Sub(sent[i-300]) < time.Minute {
				t.Fatalf("301 requests in %s", at.Sub(sent[i-300]))
			}
		}
		if took := time.Since(began); took > 205*time.Second {
			t.Errorf("1000 pages take %s, want 205 s at most", took)
		}
	})
}

// B-10, U-30: reads in between imports take a tenth of what Personio allows.
func TestChangesAreReadAtATenthOfTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pacer{limits: version1.changesLimits}
		var sent []time.Time
		for range 100 {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
		}
		for i, at := range sent {
			if i >= 30 && at.Sub(sent[i-30]) < time.Minute {
				t.Fatalf("31 requests in %s, want at most 30 a minute", at.Sub(sent[i-30]))
			}
			if i >= 2 && at.Sub(sent[i-2]) < time.Second {
				t.Fatalf("3 requests in %s, want at most 1.5 a second", at.Sub(sent[i-2]))
			}
		}
	})
}

func TestPaceCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pacer{off: true}
		began := time.Now()
		for range 1000 {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("1000 requests waited for %s", took)
		}
	})
}
