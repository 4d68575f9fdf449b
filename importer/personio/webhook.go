package personio

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Bounds of a delivery. Personio gives up waiting after 3 seconds.
const (
	MaxDeliveryBytes = 64 << 10
	deliveryPatience = 2500 * time.Millisecond
	deliveryRetry    = 10 * time.Second // what a full queue asks for; Personio has its own mind
)

// webhookDirectory is the part of the directory that the receiver needs.
type webhookDirectory interface {
	Read() users.Reader
	WebhookAccess(ctx context.Context, application users.ApplicationID) (users.WebhookAccess, error)
	NoteWork(ctx context.Context, work ...users.Work) error
}

// WebhooksConfig is what Webhooks needs. Directory is required.
type WebhooksConfig struct {
	Directory webhookDirectory
	Now       func() time.Time // nil means time.Now
	Logger    *slog.Logger     // nil discards
	// Observe is told what became of each delivery; the connection is empty where
	// there is none of the name that was called. Nil: nobody.
	Observe func(connection users.ApplicationID, result string)
}

// Webhooks receives what Personio says about changes: POST /hooks/personio/{connection}.
//
// Deliveries are not signed, so nothing is believed of one but that a person may
// have changed: they are read again. Duplicates, another order and events that were made up
// by somebody who knows the token therefore do no harm.
type Webhooks struct {
	cfg      WebhooksConfig
	access   atomic.Pointer[map[users.ApplicationID]webhookAccess]
	queue    *workQueue
	refusals *refusals
}

// NewWebhooks returns a receiver that knows no connection yet; call Refresh, and Run beside it.
func NewWebhooks(cfg WebhooksConfig) (*Webhooks, error) {
	if cfg.Directory == nil {
		return nil, errors.New("personio: webhooks need a directory")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(users.ApplicationID, string) {}
	}
	h := &Webhooks{cfg: cfg, queue: newWorkQueue(cfg.Directory.NoteWork), refusals: newRefusals(cfg.Logger)}
	h.access.Store(&map[users.ApplicationID]webhookAccess{})
	return h, nil
}

// Routes returns the receiver's route. It is called by a program of another
// site, so it is exempt from the cross-origin check: the token is its own.
func (h *Webhooks) Routes() []web.Route {
	return []web.Route{{Methods: []string{http.MethodPost}, Path: "/hooks/personio/{connection}", Handler: h.receive}}
}

// Run writes what deliveries ask for, and a line a minute about those that were
// refused, until ctx ends. Deliveries that come later are answered with 503. It returns nil.
func (h *Webhooks) Run(ctx context.Context) error {
	reporting := make(chan struct{})
	go func() {
		defer close(reporting)
		h.refusals.run(ctx)
	}()
	h.queue.run(ctx)
	<-reporting
	return nil
}

// webhookAccess is what opens the receiver of one connection, kept until the
// directory's revision rises.
type webhookAccess struct {
	tokens  []webhookToken
	headers map[string][sha256.Size]byte // all of them have to be there; none: no such way in
	company string                       // empty: any
	broken  bool                         // what is stored cannot be opened
}

type webhookToken struct {
	hash  [sha256.Size]byte
	until time.Time // zero: no end
}

// Refresh reads anew which connections have a receiver and what opens it; to be
// called when the directory's revision has risen.
func (h *Webhooks) Refresh(ctx context.Context) error {
	applications, err := h.cfg.Directory.Read().Applications(ctx)
	if err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	all := map[users.ApplicationID]webhookAccess{}
	var unread []error
	for _, a := range applications {
		if a.Disabled || a.Import == nil || a.Import.Source != users.SourcePersonio {
			continue
		}
		stored, err := h.cfg.Directory.WebhookAccess(ctx, a.ID)
		if err != nil { // of one connection; the others go on
			h.cfg.Logger.ErrorContext(ctx, "webhook deliveries cannot be judged", "connection", a.ID, "error", err)
			all[a.ID] = webhookAccess{broken: true}
			if !errors.Is(err, keys.ErrNotSealedHere) && !errors.Is(err, keys.ErrWrongMasterKey) {
				unread = append(unread, err) // it may pass: to be read again
			}
			continue
		}
		if len(stored.Tokens)+len(stored.Headers) > 0 {
			all[a.ID] = newWebhookAccess(a, stored)
		}
	}
	h.access.Store(&all)
	return errors.Join(unread...)
}

func newWebhookAccess(a users.Application, stored users.WebhookAccess) webhookAccess {
	access := webhookAccess{headers: make(map[string][sha256.Size]byte, len(stored.Headers))}
	for _, t := range stored.Tokens {
		access.tokens = append(access.tokens, webhookToken{hash: t.Token.Hash(), until: t.Until})
	}
	for name, value := range stored.Headers {
		access.headers[name] = value.Hash()
	}
	if a.Import.Webhook != nil {
		access.company = a.Import.Webhook.CompanyID
	}
	return access
}

// opens reports whether the headers of a delivery prove that it comes from the
// source. Every token is compared, in time that tells nothing about it: with TOKEN the
// value configured at Personio is the whole Authorization header, no scheme is added.
func (a webhookAccess) opens(header http.Header, now time.Time) bool {
	match := 0
	given := hashOnly(header.Values("Authorization"))
	for _, t := range a.tokens {
		equal := subtle.ConstantTimeCompare(given[:], t.hash[:])
		if t.until.IsZero() || now.Before(t.until) {
			match |= equal
		}
	}
	all := 1
	for name, want := range a.headers {
		given := hashOnly(header.Values(name))
		all &= subtle.ConstantTimeCompare(given[:], want[:])
	}
	if len(a.headers) > 0 {
		match |= all
	}
	return match == 1
}

// hashOnly returns the hash of a header that stands there once. Otherwise it is
// that of nothing, which no configured value has.
func hashOnly(values []string) [sha256.Size]byte {
	if len(values) != 1 {
		return sha256.Sum256(nil)
	}
	return sha256.Sum256([]byte(values[0]))
}

// What became of a delivery, as metrics and log name it.
const (
	resultAccepted     = "accepted"
	resultUnknown      = "unknown_connection"
	resultUnauthorized = "unauthorized"
	resultNotJSON      = "not_json"
	resultTooLarge     = "too_large"
	resultMalformed    = "malformed"
	resultWrongCompany = "wrong_company"
	resultOverloaded   = "overloaded"
	resultFailed       = "failed"
)

// receive answers one delivery: 202 once what it asks for is in the database.
func (h *Webhooks) receive(w http.ResponseWriter, r *http.Request) error {
	web.Quiet(r)
	connection := users.ApplicationID(mux.Vars(r)["connection"])
	access, known := (*h.access.Load())[connection]
	if !known {
		connection = "" // a name that a stranger made up is no label
	}
	result, err := h.judge(w, r, connection, access, known)
	h.cfg.Observe(connection, result)
	if err != nil {
		h.refusals.note(connection, result)
		return err
	}
	return web.NoBody(w, http.StatusAccepted)
}

// judge walks a delivery through everything that it must pass, the cheapest and
// strictest first: nothing of the body is read before the sender is known.
func (h *Webhooks) judge(w http.ResponseWriter, r *http.Request, connection users.ApplicationID, access webhookAccess, known bool) (string, error) {
	switch {
	case !known:
		return resultUnknown, &web.Error{Status: http.StatusNotFound}
	case access.broken:
		return resultFailed, web.Unavailable(errors.New("what opens the webhook cannot be read"))
	case !access.opens(r.Header, h.cfg.Now()):
		return resultUnauthorized, &web.Error{Status: http.StatusUnauthorized, Err: errors.New("webhook token does not fit")}
	case !isJSON(r.Header):
		return resultNotJSON, &web.Error{Status: http.StatusUnsupportedMediaType, Err: errors.New("delivery is not sent as JSON")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxDeliveryBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return resultTooLarge, err
	}
	if err != nil {
		return resultMalformed, &web.Error{Status: http.StatusBadRequest, Err: fmt.Errorf("delivery ended early: %w", err)}
	}
	d, err := parseDelivery(body)
	if err != nil {
		return resultMalformed, &web.Error{Status: http.StatusBadRequest, Err: err}
	}
	if access.company != "" && d.company != access.company {
		return resultWrongCompany, &web.Error{Status: http.StatusForbidden, Err: errors.New("delivery is about another company")}
	}
	return h.keep(r.Context(), d.work(connection, h.cfg.Now()))
}

// keep waits until work is in the database.
func (h *Webhooks) keep(ctx context.Context, work []users.Work) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryPatience)
	defer cancel()
	err := h.queue.add(ctx, work)
	switch {
	case err == nil:
		return resultAccepted, nil
	case errors.Is(err, errQueueFull):
		// Not 429: Personio takes every 4xx for a final answer and tries again after a 5xx.
		return resultOverloaded, &web.Error{Status: http.StatusServiceUnavailable, Err: err, RetryAfter: deliveryRetry}
	}
	return resultFailed, web.Unavailable(err)
}

// isJSON reports whether a body is sent as plain JSON.
func isJSON(header http.Header) bool {
	types := header.Values("Content-Type")
	if len(types) != 1 || header.Get("Content-Encoding") != "" {
		return false
	}
	kind, params, err := mime.ParseMediaType(types[0])
	charset, given := params["charset"]
	return err == nil && kind == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// webhookHeadersOfHTTP are the headers that Personio or HTTP itself fills.
var webhookHeadersOfHTTP = []string{
	"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer",
	"Expect", "Cookie", "User-Agent", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

// MaxWebhookHeaders is how many custom headers Personio sends.
const MaxWebhookHeaders = 3

// CheckWebhookHeader says why a header of a name cannot prove a delivery, or nothing.
func CheckWebhookHeader(name string) string {
	switch {
	case name == "" || strings.ContainsFunc(name, notInHeaderName):
		return "is no name for a header"
	case http.CanonicalHeaderKey(name) == "Authorization":
		return "is what the token is sent in; set token instead"
	case slices.Contains(webhookHeadersOfHTTP, http.CanonicalHeaderKey(name)):
		return "is a header of HTTP itself, which Personio does not let you set"
	}
	return ""
}

func notInHeaderName(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
