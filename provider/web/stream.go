package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"
)

// StreamLife is how long a stream of events lasts. It is less than a process that
// ends gives to the answers under way; browsers connect again by themselves.
const StreamLife = 15 * time.Second

// streamWrite is how long a client may take to read one event.
const streamWrite = 10 * time.Second

// Stream answers with server-sent events (HTML Living Standard section 9.2), which
// send writes one by one. Its context ends with the request, and after StreamLife.
func Stream(w http.ResponseWriter, r *http.Request, write func(ctx context.Context, send func(event string, data []byte) error) error) error {
	ctx, done := context.WithTimeout(r.Context(), StreamLife)
	defer done()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // some proxies would wait for the end
	out := http.NewResponseController(w)
	send := func(event string, data []byte) error {
		if err := out.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
		var text bytes.Buffer
		fmt.Fprintf(&text, "event: %s\n", event)
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			fmt.Fprintf(&text, "data: %s\n", line)
		}
		text.WriteByte('\n')
		if _, err := w.Write(text.Bytes()); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
		return out.Flush()
	}
	if err := write(ctx, send); err != nil && ctx.Err() == nil {
		exchangeOf(r).err = err // the answer has begun
	}
	return nil
}
