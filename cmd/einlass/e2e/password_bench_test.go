package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/einlass/einlass/keys"
)

// typists is how many people type their passwords while others are signed in by a
// live session; typing is how long one of them takes for it.
const (
	typists = 50
	typing  = 3 * time.Second
)

// BenchmarkPassword measures sign-ins by password beside the hash that each needs
// once, and what people with a live session notice while many others type theirs:
// the 95th percentile of how long their whole sign-in takes, 20 of them begun each second.
//
//	go test ./cmd/einlass/e2e -run xxx -bench Password -benchtime 400x
func BenchmarkPassword(b *testing.B) {
	for _, s := range []stores{{}, {redis: true}} {
		b.Run(s.String(), func(b *testing.B) {
			server := startMeasured(b, s)
			b.Run("cost", server.passwordCost)
			b.Run("others", server.passwordsBesideSignIns)
		})
	}
}

func (t target) passwordCost(b *testing.B) {
	people := t.as(keys.EdDSA, 2)
	_, used := people.all(b, make([]string, b.N), func(i int, _ string) (string, error) { return "", t.typePassword(b, i) })
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "sign-in-µs")
	b.ReportMetric(float64(hashTime(b, b.N).Microseconds()), "hash-µs")
	b.ReportMetric(0, "ns/op") // says nothing here
}

// hashTime is what one hash of a password takes, two at a time as in the program.
func hashTime(b *testing.B, n int) time.Duration {
	var hashing sync.WaitGroup
	started := target{pid: os.Getpid()}.processorTime(b)
	for range 2 {
		hashing.Go(func() {
			for range n / 2 {
				argon2.IDKey([]byte(password), []byte("some salt of ours"), 2, 19*1024, 1, 32)
			}
		})
	}
	hashing.Wait()
	return (target{pid: os.Getpid()}.processorTime(b) - started) / time.Duration(max(n/2*2, 1))
}

// typePassword signs somebody in at a new browser.
func (t target) typePassword(b *testing.B, i int) error {
	h := &house{t: b, issuer: t.issuer}
	browser := h.browser()
	defer browser.client.CloseIdleConnections()
	if p := browser.signIn(browser.get(h.issuer+"/portal"), fmt.Sprintf("person%d@acme.example", i%benchPeople)); p.status != http.StatusOK || p.url.Path != "/portal" {
		return fmt.Errorf("status %d at %s", p.status, p.url)
	}
	return nil
}

func (t target) passwordsBesideSignIns(b *testing.B) {
	alone := t.signInsOnTime(b)
	ctx, stop := context.WithCancel(b.Context())
	var people sync.WaitGroup
	for i := range typists {
		people.Go(func() {
			for wait := typing * time.Duration(i) / typists; ; wait = typing {
				select {
				case <-ctx.Done():
					return
				case <-time.After(wait):
				}
				if err := t.typePassword(b, i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	beside := t.signInsOnTime(b)
	stop()
	people.Wait()
	b.ReportMetric(float64(alone.Microseconds())/1000, "p95-alone-ms")
	b.ReportMetric(float64(beside.Microseconds())/1000, "p95-beside-typing-ms")
	b.ReportMetric(0, "ns/op") // says nothing here
}

// signInsOnTime begins b.N sign-ins by live sessions at a fixed rate, whatever the
// ones before take, and returns the 95th percentile of how long they took.
func (t target) signInsOnTime(b *testing.B) time.Duration {
	client := t.as(keys.EdDSA, 8)
	took := make([]time.Duration, b.N)
	var running sync.WaitGroup
	due := time.NewTicker(time.Second / 20)
	defer due.Stop()
	for i := range took {
		<-due.C
		started := time.Now()
		running.Go(func() {
			if _, err := client.signIn(i, ""); err != nil {
				b.Error(err)
			}
			took[i] = time.Since(started)
		})
	}
	running.Wait()
	slices.Sort(took)
	return took[len(took)*95/100]
}
