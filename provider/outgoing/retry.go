package outgoing

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Waits between attempts are at least firstWait and grow to about maxWait. A server may ask for
// more, up to maxRetryAfter; who asks for more than absurdRetryAfter is not
// believed.
const (
	firstWait        = time.Second
	maxWait          = 30 * time.Second
	maxRetryAfter    = 15 * time.Minute
	absurdRetryAfter = 24 * time.Hour
)

// do repeats a repeatable request until it succeeds or the time is up.
func (c *Client) do(ctx context.Context, req *http.Request, repeatable bool) (*Response, error) {
	if err := check(req, repeatable); err != nil {
		return nil, err
	}
	host := req.URL.Scheme + "://" + req.URL.Host
	if err := c.allowed.checkHost(req.URL.Hostname()); err != nil {
		return nil, describe(req.Method, host, err)
	}
	start := c.cfg.Now()
	for number := 0; ; number++ {
		left := c.cfg.GiveUpAfter - c.cfg.Now().Sub(start)
		resp, err := c.observed(ctx, req, min(c.cfg.Timeout, left))
		if !repeatable || ctx.Err() != nil || !again(resp, err) {
			return resp, describe(req.Method, host, err)
		}
		wait := c.wait(number, resp)
		left = c.cfg.GiveUpAfter - c.cfg.Now().Sub(start)
		if deadline, ok := ctx.Deadline(); ok {
			left = min(left, time.Until(deadline))
		}
		if wait >= left {
			return resp, describe(req.Method, host, err)
		}
		c.logRetry(ctx, host, number, wait, resp, err)
		if c.cfg.Sleep(ctx, wait) != nil {
			return resp, describe(req.Method, host, err)
		}
	}
}

// check finds what no repetition would mend.
func check(req *http.Request, repeatable bool) error {
	if req.URL == nil || req.URL.Host == "" || req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return errors.New("outgoing: the URL needs https (or http) and a host")
	}
	if repeatable && req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return errors.New("outgoing: the body of a repeatable request cannot be read twice (GetBody is not set)")
	}
	return nil
}

func describe(method, host string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", method, host, err)
}

func (c *Client) logRetry(ctx context.Context, host string, number int, wait time.Duration, resp *Response, err error) {
	cause := slog.Any("error", err)
	if err == nil {
		cause = slog.Int("status", resp.Status)
	}
	c.cfg.Logger.InfoContext(ctx, "outgoing call is repeated", "host", host, "attempt", number+1, "wait", wait, cause)
}

// maxErrorText bounds the text of an error, in bytes.
const maxErrorText = 512

// brief is an error with a bounded text: those of net/http quote what a server
// sent instead of an answer, however long it is.
type brief struct{ error }

func (b brief) Error() string {
	text := b.error.Error()
	if len(text) <= maxErrorText {
		return text
	}
	return strings.ToValidUTF8(text[:maxErrorText], "") + "…"
}

func (b brief) Unwrap() error { return b.error }

// again reports whether another attempt may help.
func again(resp *Response, err error) bool {
	if err != nil {
		_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
		return !untrusted && !errors.Is(err, ErrRefusedAddress) && !errors.Is(err, ErrTooLarge) &&
			!errors.Is(err, errUnknownEncoding)
	}
	switch resp.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// wait returns how long to wait after attempt number: firstWait and a random
// part of a doubling span, so that callers who failed together do not come back
// together, but at least what the server asked for.
func (c *Client) wait(number int, resp *Response) time.Duration {
	span := maxWait
	if number < 5 { // 1, 2, 4, 8, 16 s
		span = firstWait << number
	}
	wait := firstWait + jitter(span)
	if resp != nil {
		wait = max(wait, RetryAfter(resp.Header.Get("Retry-After"), c.cfg.Now()))
	}
	return wait
}

// jitter returns a random duration up to d.
func jitter(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)+1))
	if err != nil { // never since Go 1.24
		return d
	}
	return time.Duration(n.Int64())
}

// RetryAfter reads a Retry-After header, which is a number of seconds or an
// HTTP date (RFC 9110 section 10.2.3). It returns how long to wait, from 0 to 15
// minutes, and 0 for what is missing, past, malformed or absurd.
func RetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	if wait < 0 || wait > absurdRetryAfter {
		return 0
	}
	return min(wait, maxRetryAfter)
}
