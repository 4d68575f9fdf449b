package personio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing"
)

const appID = "EINLASS" // Personio's support asks for it

// errNotFound is a 404 in Personio's own words, not a gateway's.
var errNotFound = errors.New("not found")

// request is something to read.
type request struct {
	path  string
	query func() url.Values // nil: none; called again for each attempt
	slow  func()            // called after each timeout; nil: nothing to make easier
}

// failure is an attempt that a later or an easier one may mend.
type failure struct {
	status     int // 0: no answer in time
	timeout    bool
	retryAfter time.Duration
	cause      error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.cause.Error()
	}
	return fmt.Sprintf("status %d", f.status)
}

func (f *failure) Unwrap() error { return f.cause }

// get reads until there is an answer that asking again would not change. A
// source that only refuses is given up after Patience.
//
// The HTTP client repeats what failed quickly within RequestTimeout. What is left
// to do here takes knowledge of the request: after a timeout to ask for less.
func (s *Source) get(ctx context.Context, ask request) (value, error) {
	if err := s.pace.wait(ctx); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(s.cfg.Patience)
	var before *failure
	for attempt := 0; ; attempt++ {
		answer, err := s.attempt(ctx, deadline, ask)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed, again := errors.AsType[*failure](err)
		if !again {
			return answer, err
		}
		if failed.timeout && ask.slow != nil {
			ask.slow()
		}
		pause := max(failed.retryAfter, jitter(s.cfg.Backoff<<min(attempt, 4)))
		if time.Until(deadline) <= pause {
			return nil, unreachable(cmp.Or(before, failed)) // the last attempt was cut short by us
		}
		before = failed
		s.cfg.Logger.WarnContext(ctx, "source refused, asking again", slog.String("path", ask.path),
			slog.Duration("wait", pause), slog.Any("error", err))
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// unreachable is the last word, with the remedy where there is one. Only a
// timeout is also a context.DeadlineExceeded: time runs out with refusals too.
func unreachable(failed *failure) error {
	if failed.timeout {
		return fmt.Errorf("%w: %w: too slow even for few people (%v); credentials that read fewer attributes are answered faster",
			importer.ErrUnreachable, context.DeadlineExceeded, failed)
	}
	return fmt.Errorf("%w: it only refused: %v", importer.ErrUnreachable, failed)
}

// attempt does not outlast the patience with the source.
func (s *Source) attempt(ctx context.Context, deadline time.Time, ask request) (value, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return s.authorized(ctx, ask)
}

// read asks once.
func (s *Source) read(ctx context.Context, ask request, token keys.Secret) (value, error) {
	address := s.root + ask.path
	if ask.query != nil {
		address += "?" + ask.query().Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	return s.send(req)
}

// send returns what the source says in time, if it is a success.
func (s *Source) send(req *http.Request) (value, error) {
	ctx, cancel := context.WithTimeout(req.Context(), s.cfg.RequestTimeout)
	defer cancel()
	var sent atomic.Int32
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Add(1) }})
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Personio-App-ID", appID)
	resp, err := s.cfg.HTTP.DoRepeatable(ctx, req)
	switch {
	case err == nil:
		return s.judge(resp)
	case isTimeout(err): // the time went by on one answer, or on repeating what was refused
		return nil, &failure{timeout: sent.Load() == 1, cause: err}
	case errors.Is(err, outgoing.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", importer.ErrCorrupt, err)
	}
	return nil, fmt.Errorf("%w: %w", importer.ErrUnreachable, err)
}

// errRejected is a refusal that is neither about rights nor about speed.
var errRejected = errors.New("request rejected")

// judge sorts answers into success, what may pass, and what will not.
func (s *Source) judge(resp *outgoing.Response) (value, error) {
	answer, err := parse(resp.Body)
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a broken type is no JSON
	isJSON := err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
	success := isJSON && string(answer.member("success")) == "true"
	status, code := resp.Status, 0
	if isJSON && !success {
		code, _ = strconv.Atoi(string(answer.member("error").member("code"))) // 0 if there is none
	}
	if status == http.StatusOK && code >= 400 && code < 600 {
		status = code // a refusal in the clothes of a success
	}
	switch {
	case status == http.StatusOK && success:
		return answer, nil
	case status == http.StatusTooManyRequests || status >= 500:
		return nil, &failure{
			status: status, timeout: status == http.StatusGatewayTimeout,
			retryAfter: outgoing.RetryAfter(resp.Header.Get("Retry-After"), time.Now()),
		}
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && mediaType != "text/html": // a proxy's page
		return nil, fmt.Errorf("status %d: %w", status, importer.ErrForbidden)
	case !isJSON:
		return nil, fmt.Errorf("status %d with something that is not the API's JSON: %w", status, importer.ErrCorrupt)
	case status == http.StatusNotFound && !success:
		return nil, errNotFound
	}
	return nil, fmt.Errorf("status %d, code %d: %w: %w", status, code, errRejected, importer.ErrCorrupt)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
}
