package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/einlass/einlass/provider/web"
)

// flushed is a connection that notes what was flushed.
type flushed struct {
	*httptest.ResponseRecorder
	upTo []int
}

func (f *flushed) FlushError() error {
	f.upTo = append(f.upTo, f.Body.Len())
	return nil
}

func TestEventsAreSentOneByOneAndLinesStayData(t *testing.T) {
	t.Parallel()
	out := &flushed{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil)
	err := web.Stream(deadlines{out}, r, func(_ context.Context, send func(event string, data []byte) error) error {
		return errors.Join(send("progress", []byte("<p>\nevent: end\n</p>")), send("end", []byte("over")))
	})
	want := "event: progress\ndata: <p>\ndata: event: end\ndata: </p>\n\nevent: end\ndata: over\n\n"
	if err != nil || out.Body.String() != want || len(out.upTo) != 2 {
		t.Errorf("sent %q, flushed up to %v, error %v; want %q in two pieces", out.Body.String(), out.upTo, err, want)
	}
	if got := out.Header().Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
}

// deadlines takes deadlines as a connection does.
type deadlines struct{ *flushed }

func (deadlines) SetWriteDeadline(time.Time) error { return nil }

func TestAStreamEndsBeforeAnEndingProcessStopsWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil)
		_ = web.Stream(httptest.NewRecorder(), r, func(ctx context.Context, _ func(event string, data []byte) error) error {
			<-ctx.Done()
			return nil
		})
		if took := time.Since(started); took != web.StreamLife {
			t.Errorf("the stream lasted %s, want %s", took, web.StreamLife)
		}
	})
}

func TestAStreamToNobodyEnds(t *testing.T) {
	t.Parallel()
	out := httptest.NewRecorder() // cannot take deadlines
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil)
	sent := 0
	err := web.Stream(out, r, func(_ context.Context, send func(event string, data []byte) error) error {
		for {
			if err := send("progress", nil); err != nil {
				return err
			}
			sent++
		}
	})
	if err != nil || sent > 0 || strings.Contains(out.Body.String(), "progress") {
		t.Errorf("sent %d, error %v; want none", sent, err)
	}
}
