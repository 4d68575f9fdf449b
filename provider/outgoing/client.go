// Package outgoing is the one HTTP client for calls that leave the house: to
// HR systems, webhooks, logout endpoints, key sets of others.
//
// Such URLs come from data, so the client assumes the worst of what is at the
// other end. It refuses private addresses at the moment of dialling, when DNS
// has nothing more to say; it follows no redirects and keeps no cookies; it
// reads a bounded body in bounded time; and it repeats only what may be
// repeated, waiting as long as it was told to.
package outgoing

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Config is what a Client needs. The zero value is good.
type Config struct {
	// AllowLoopback permits 127.0.0.0/8 and ::1, for tests and the demo.
	AllowLoopback bool
	// AllowNetworks are permitted although they are not public, such as the
	// network of an HR system in the house.
	AllowNetworks []netip.Prefix
	// Proxy is the URL of an HTTP proxy for all calls. The environment's
	// HTTPS_PROXY is not looked at. The proxy itself may have any address. It
	// resolves names, so it decides what a name may lead to; addresses and
	// localhost in a URL are still judged here.
	Proxy string

	Timeout     time.Duration // of one attempt, body included; default 30 s
	GiveUpAfter time.Duration // no attempt and no wait beyond it; default 2 min
	MaxBytes    int64         // of a body, decompressed; default 16 MiB
	UserAgent   string        // default "Einlass"

	// Observe is told of each attempt: the status of its answer, 0 without one, and how
	// long it took. A call that is refused here makes no attempt. Nil: nobody is told.
	Observe func(status int, took time.Duration)

	Logger   *slog.Logger     // nil discards
	Resolver *net.Resolver    // nil means the system's
	Now      func() time.Time // nil means time.Now
	// Sleep waits for d or until ctx is done, whose error it then returns. Nil
	// means really waiting.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Client makes calls that leave the house. It is safe for concurrent use.
type Client struct {
	cfg     Config
	http    *http.Client
	allowed addresses
}

// Response is an answer that was read to its end, whatever its status.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // decompressed
}

// The client's own errors. A status is an answer and no error.
var (
	// ErrRefusedAddress: the URL leads to an address that is not public.
	ErrRefusedAddress = errors.New("address is not public and not in outgoing.allow_networks")
	// ErrTooLarge: the body exceeds MaxBytes, or was compressed beyond reason.
	ErrTooLarge = errors.New("response is too large")
)

// Limits that nobody needs to set.
const (
	maxHeaderBytes = 256 << 10
	dialTimeout    = 10 * time.Second
)

// New returns a client.
func New(cfg Config) (*Client, error) {
	if cfg.Timeout < 0 || cfg.GiveUpAfter < 0 || cfg.MaxBytes < 0 {
		return nil, errors.New("outgoing: negative limit")
	}
	setDefaults(&cfg)
	c := &Client{cfg: cfg, allowed: addresses{loopback: cfg.AllowLoopback, networks: cfg.AllowNetworks}}
	transport := &http.Transport{
		DialContext:            c.dialer().DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true, // is off otherwise with a dialer of one's own
		TLSHandshakeTimeout:    dialTimeout,
		DisableCompression:     true, // body.go decompresses and watches the ratio
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
	}
	if cfg.Proxy != "" {
		proxy, err := parseProxy(cfg.Proxy)
		if err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyURL(proxy)
		transport.DialContext = (&net.Dialer{Timeout: dialTimeout, Resolver: cfg.Resolver}).DialContext
	}
	c.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func setDefaults(cfg *Config) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.GiveUpAfter == 0 {
		cfg.GiveUpAfter = 2 * time.Minute
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 16 << 20
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "Einlass"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(int, time.Duration) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// parseProxy never repeats the URL in an error, because it may hold a password.
func parseProxy(text string) (*url.URL, error) {
	proxy, err := url.Parse(text)
	if err != nil || proxy.Host == "" || proxy.Scheme != "http" && proxy.Scheme != "https" {
		return nil, errors.New("outgoing: the proxy is not of the form http://host:port")
	}
	return proxy, nil
}

// Close closes the connections that are kept for reuse.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends the request and reads the whole answer. GET and HEAD are repeated
// after connection errors, timeouts and the statuses 429, 500, 502, 503 and
// 504, until GiveUpAfter has passed or ctx is done; then the last answer or
// error is returned. Everything else is sent once; see DoRepeatable.
//
// Errors name the host alone, since paths and queries may hold secrets.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, error) {
	return c.do(ctx, req, req.Method == http.MethodGet || req.Method == http.MethodHead || req.Method == "")
}

// DoRepeatable is Do for a request that does no harm when it arrives twice,
// such as a POST that asks for a token.
func (c *Client) DoRepeatable(ctx context.Context, req *http.Request) (*Response, error) {
	return c.do(ctx, req, true)
}

// observed is attempt, with Observe told of it.
func (c *Client) observed(ctx context.Context, req *http.Request, timeout time.Duration) (*Response, error) {
	start := c.cfg.Now()
	resp, err := c.attempt(ctx, req, timeout)
	status := 0
	if err == nil {
		status = resp.Status
	}
	c.cfg.Observe(status, c.cfg.Now().Sub(start))
	return resp, err
}

// attempt sends the request once.
func (c *Client) attempt(ctx context.Context, req *http.Request, timeout time.Duration) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	try := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("request body: %w", err)
		}
		try.Body = body
	}
	if try.Header == nil {
		try.Header = http.Header{}
	}
	try.Header.Set("Accept-Encoding", "gzip")
	if try.Header.Get("User-Agent") == "" {
		try.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	resp, err := c.http.Do(try)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // its text shows the URL
		}
		return nil, brief{err}
	}
	defer resp.Body.Close()
	body, err := readBody(resp, c.cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}
