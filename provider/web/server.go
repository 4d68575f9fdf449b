package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// exchange is what is known about one request and its answer.
type exchange struct {
	id     string
	client netip.Addr
	route  string
	status int   // 0 until the answer begins
	err    error // why it was refused or failed
	gone   bool  // nobody waits for the answer
	quiet  bool  // its log line is for whoever looks for mistakes
}

type exchangeKey struct{}

// exchangeOf returns the exchange that Wrap began; outside Wrap it is empty.
func exchangeOf(r *http.Request) *exchange {
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// RequestID returns the id under which a request's log line, event and error
// page are found. It is ours, never the client's.
func RequestID(ctx context.Context) string {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.id
	}
	return ""
}

// ClientIP returns the address of the client: the peer's, or what a trusted
// proxy says. It is invalid when there is none, as on a Unix socket.
func ClientIP(ctx context.Context) netip.Addr {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.client
	}
	return netip.Addr{}
}

// ClientIPText is ClientIP as events have it: empty when there is none.
func ClientIPText(ctx context.Context) string {
	if ip := ClientIP(ctx); ip.IsValid() {
		return ip.String()
	}
	return ""
}

// Quiet logs this request at level debug, unless it fails in a way that we did
// not foresee: for endpoints that programs call in floods and that count what becomes of it.
func Quiet(r *http.Request) { exchangeOf(r).quiet = true }

// Wrap is what every request passes before it is routed. It names the request,
// sets the strictest headers (handlers relax them), refuses what no handler
// should see, and logs one line.
func (s *Site) Wrap(next http.Handler) http.Handler {
	serve := func(w http.ResponseWriter, r *http.Request) error {
		if err := s.admit(r); err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.cfg.Now()
		client, unread := clientIP(r, s.cfg.TrustedProxies)
		if unread != "" {
			s.warnUnread(r.Context(), client, unread)
		}
		x := &exchange{id: strings.ToLower(rand.Text()), client: client}
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		w = &recorder{ResponseWriter: w, x: x}
		s.setDefaultHeaders(w.Header(), x.id)
		endAfterChunks(w, r)
		defer func() { s.log(r, x, s.cfg.Now().Sub(started)) }()
		if err := call(serve, w, r); err != nil {
			s.fail(w, r, s.ErrorPage, err)
		}
	})
}

// endAfterChunks lets a connection end with the answer to a request whose body
// came in chunks. Whether it had a Content-Length, too, net/http hides; a proxy that believed
// that one would take what follows for somebody else's request (RFC 9112 section 6.1).
func endAfterChunks(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
}

// strictestPolicy is for answers that are no page: nothing may be loaded,
// framed or submitted from them.
const strictestPolicy = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

func (s *Site) setDefaultHeaders(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", strictestPolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if s.Cookies.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// statusGone stands in the log for an answer that nobody waited for.
const statusGone = 499

func (s *Site) log(r *http.Request, x *exchange, took time.Duration) {
	level, status := slog.LevelInfo, x.status
	switch {
	case x.gone:
		status = statusGone
	case status == 0:
		status = http.StatusOK // net/http sends it for a handler that wrote nothing
	case x.quiet && status != http.StatusInternalServerError:
		level = slog.LevelDebug
	case status >= http.StatusInternalServerError || x.err != nil && asError(x.err).Status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("method", r.Method),
		slog.String("route", x.route),
		slog.Int("status", status),
		slog.Duration("duration", took),
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	if s.cfg.Observe != nil {
		s.cfg.Observe(Answer{Route: x.route, Method: r.Method, Status: status, Took: took})
	}
	s.cfg.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// recorder notes the status of an answer for the log.
type recorder struct {
	http.ResponseWriter
	x *exchange
}

func (w *recorder) WriteHeader(status int) {
	if w.x.status == 0 && status >= http.StatusOK {
		w.x.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.x.status == 0 {
		w.x.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
