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
		var p pacer
		var sent []time.Time
		began := time.Now()
		for range 1000 {
			if err := p.wait(t.Context()); err != nil {
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
