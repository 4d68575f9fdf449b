package personio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing"
)

const appID = "EINLASS" // Personio's support asks for it

// errNotFound is a 404 in Personio's own words, not a gateway's.
var errNotFound = errors.New("not found")

// caller makes the calls of one version of the API, with one token for all of
// them.
type caller struct {
	cfg  Config
	root string // of all paths, without a slash at the end
	api  protocol
	pace *pace

	asking chan struct{} // holds one value while a token is asked for

	mu     sync.Mutex // guards what follows
	token  token
	worked bool // the credentials were accepted before: refused now, they were revoked
}

// protocol is what differs between the versions of the API in how they are called.
type protocol struct {
	limits        []rate                                               // of all requests
	bursts        bool                                                 // answers say how many requests may follow at once
	listLimits    []rate                                               // of reads of everybody: a tenth less
	changesLimits []rate                                               // of reads in between imports: a tenth
	authorize     func(cfg Config, root string) (*http.Request, error) // asks for a token
	opened        func(answer value) (token, life value)               // in the answer to that
	refused       func(r *rejection) error                             // what a refusal of that means
	succeeded     func(answer value) bool                              // the answer is none about an error
	refuses       func(answer value) bool                              // the answer is one about an error, in the API's own words
	code          func(answer value) int                               // of an error, in the terms of HTTP; 0: none
}

// request is something to read, or at the webhooks something to write.
type request struct {
	path    string            // below the root
	address string            // instead of root and path, known to be of the same origin; empty: not needed
	query   func() url.Values // nil: none; called again for each attempt
	slow    func()            // called after each timeout; nil: nothing to make easier
	beta    bool              // asks for what Personio has not finished
	method  string            // empty: GET; anything else is sent once
	body    []byte            // JSON
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
func (c *caller) get(ctx context.Context, ask request) (value, error) {
	if err := c.pace.wait(ctx, ask.endpoint()); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(c.cfg.Patience)
	var before *failure
	for attempt := 0; ; attempt++ {
		answer, err := c.attempt(ctx, deadline, ask)
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
		pause := max(failed.retryAfter, jitter(c.cfg.Backoff<<min(attempt, 4)))
		if time.Until(deadline) <= pause {
			return nil, unreachable(cmp.Or(before, failed)) // the last attempt was cut short by us
		}
		before = failed
		c.cfg.Logger.WarnContext(ctx, "source refused, asking again", slog.String("path", ask.path),
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
func (c *caller) attempt(ctx context.Context, deadline time.Time, ask request) (value, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return c.authorized(ctx, ask)
}

// read asks once.
func (c *caller) read(ctx context.Context, ask request, token keys.Secret) (value, error) {
	address := cmp.Or(ask.address, c.root+ask.path)
	if ask.query != nil {
		address += "?" + ask.query().Encode()
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(ask.method, http.MethodGet), address, bytes.NewReader(ask.body))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	if ask.beta {
		req.Header.Set("Beta", "true")
	}
	if ask.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if ask.method != "" {
		return c.send(req, ask.endpoint(), c.cfg.HTTP.Do)
	}
	return c.send(req, ask.endpoint(), c.cfg.HTTP.DoRepeatable)
}

// send returns what the source says in time, if it is a success.
func (c *caller) send(req *http.Request, endpoint string, do func(context.Context, *http.Request) (*outgoing.Response, error)) (value, error) {
	ctx, cancel := context.WithTimeout(req.Context(), c.cfg.RequestTimeout)
	defer cancel()
	var sent atomic.Int32
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Add(1) }})
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Personio-App-ID", appID)
	c.pace.credit.begin(endpoint)
	resp, err := do(ctx, req)
	if err != nil {
		c.pace.credit.end(endpoint, 0, nil)
	}
	switch {
	case err == nil:
		c.pace.credit.end(endpoint, resp.Status, resp.Header)
		return c.judge(resp)
	case isTimeout(err): // the time went by on one answer, or on repeating what was refused
		return nil, &failure{timeout: sent.Load() == 1, cause: err}
	case errors.Is(err, outgoing.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", importer.ErrCorrupt, err)
	}
	return nil, fmt.Errorf("%w: %w", importer.ErrUnreachable, err)
}

// rejection is an answer that is neither a success nor about rights or speed. It is
// an ErrCorrupt to whoever knows nothing better.
type rejection struct {
	status, code int
	answer       value // nil: something that is not the API's JSON
}

func (r *rejection) Error() string {
	if r.answer == nil {
		return fmt.Sprintf("status %d with something that is not the API's JSON: %v", r.status, importer.ErrCorrupt)
	}
	return fmt.Sprintf("status %d, code %d%s: request rejected: %v", r.status, r.code, trace(r.answer), importer.ErrCorrupt)
}

func (r *rejection) Unwrap() error { return importer.ErrCorrupt }

// trace names what Personio's support asks for, if the answer does.
func trace(answer value) string {
	for _, name := range []string{"personio_trace_id", "trace_id"} {
		if id := answer.member(name).text(); traceID.MatchString(id) {
			return ", trace id " + id
		}
	}
	return ""
}

var traceID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// judge sorts answers into success, what may pass, and what will not.
func (c *caller) judge(resp *outgoing.Response) (value, error) {
	answer, err := parse(resp.Body)
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a broken type is no JSON
	isJSON := err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
	if !isJSON {
		answer = nil
	}
	success := isJSON && c.api.succeeded(answer)
	status, code := resp.Status, 0
	if isJSON && !success {
		code = c.api.code(answer)
	}
	if status == http.StatusOK && code >= 400 && code < 600 {
		status = code // a refusal in the clothes of a success
	}
	switch {
	case (status == http.StatusOK || status == http.StatusCreated) && success:
		return answer, nil
	case status == http.StatusNoContent:
		return nil, nil
	case status == http.StatusTooManyRequests || status >= 500:
		return nil, &failure{
			status: status, timeout: status == http.StatusGatewayTimeout,
			retryAfter: outgoing.RetryAfter(resp.Header.Get("Retry-After"), time.Now()),
		}
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && mediaType != "text/html": // a proxy's page
		return nil, fmt.Errorf("status %d%s: %w", status, trace(answer), importer.ErrForbidden)
	case !isJSON:
		return nil, &rejection{status: status}
	case status == http.StatusNotFound && c.api.refuses(answer):
		return nil, errNotFound
	}
	return nil, &rejection{status: status, code: code, answer: answer}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
}
