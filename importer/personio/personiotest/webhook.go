package personiotest

import (
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/einlass/einlass/keys"
)

// Webhook is a registration as an administrator or a client makes it.
type Webhook struct {
	URL           string
	Description   string
	Token         keys.Secret            // the whole value of Authorization
	CustomHeaders map[string]keys.Secret // instead of the token, at most 3
	Events        []EventName            // nil: all that concern people
	Disabled      bool
}

// webhook is one registration, as the API keeps it.
type webhook struct {
	id          string
	url         string
	description string
	events      []EventName
	status      string
	authType    string
	token       string
	headers     map[string]string
	createdAt   time.Time
	updatedAt   time.Time
}

// Words of a registration.
const (
	hookEnabled  = "ENABLED"
	hookDisabled = "DISABLED"
	authNone     = "NONE"
	authToken    = "TOKEN"
	authCustom   = "CUSTOM"

	maxCustomHeaders = 3
)

// webhooks keeps the registrations, and what is to be delivered to them.
type webhooks struct {
	now func() time.Time

	mu         sync.Mutex // guards what follows
	last       int        // number of the latest registration
	registered map[string]webhook
	waiting    []delivery
	done       []Delivery
	wake       chan struct{} // has room for one; nil: nobody waits for deliveries
}

// AddWebhook registers a webhook as an administrator does by hand. It replaces
// one of the same address.
func (s *Server) AddWebhook(w Webhook) (id string, err error) {
	h := webhook{
		url: w.URL, description: w.Description, events: w.Events, status: hookEnabled,
		authType: authToken, token: w.Token.Reveal(), headers: map[string]string{},
	}
	if len(w.CustomHeaders) > 0 {
		h.authType = authCustom
	}
	for name, value := range w.CustomHeaders {
		h.headers[name] = value.Reveal()
	}
	if h.events == nil {
		h.events = EventNames()
	}
	if w.Disabled {
		h.status = hookDisabled
	}
	if err := h.check(); err != nil {
		return "", err
	}
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	maps.DeleteFunc(s.hooks.registered, func(_ string, other webhook) bool { return other.url == h.url })
	return s.hooks.add(h).id, nil
}

// ChangeWebhook does what an administrator can do to a registration; to delete it,
// change is nil. An unknown id is an error.
func (s *Server) ChangeWebhook(id string, change func(w *Webhook)) error {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	h, found := s.hooks.registered[id]
	if !found {
		return errors.New("no such webhook")
	}
	if change == nil {
		delete(s.hooks.registered, id)
		return nil
	}
	w := h.shown()
	change(&w)
	h.url, h.description, h.events, h.token = w.URL, w.Description, w.Events, w.Token.Reveal()
	h.status = hookEnabled
	if w.Disabled {
		h.status = hookDisabled
	}
	s.hooks.registered[id] = h
	return nil
}

// Webhooks returns the registrations by id.
func (s *Server) Webhooks() map[string]Webhook {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	all := map[string]Webhook{}
	for id, h := range s.hooks.registered {
		all[id] = h.shown()
	}
	return all
}

func (h webhook) shown() Webhook {
	w := Webhook{
		URL: h.url, Description: h.description, Token: keys.Secret(h.token),
		Events: slices.Clone(h.events), Disabled: h.status == hookDisabled,
	}
	for name, value := range h.headers {
		if w.CustomHeaders == nil {
			w.CustomHeaders = map[string]keys.Secret{}
		}
		w.CustomHeaders[name] = keys.Secret(value)
	}
	return w
}

// add gives a registration its id. The caller holds the lock.
func (h *webhooks) add(w webhook) webhook {
	h.last++
	w.id, w.createdAt = "wh-"+strconv.Itoa(h.last), h.now()
	w.updatedAt = w.createdAt
	h.registered[w.id] = w
	return w
}

var errWebhook = errors.New("a webhook needs an https address, a description, known events, and a token or at most three headers")

// check refuses what Personio would not deliver to.
func (h webhook) check() error {
	u, err := url.Parse(h.url)
	if err != nil || u.Host == "" || u.User != nil || h.description == "" || len(h.events) == 0 {
		return errWebhook
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLocal(u.Hostname())) { // so that it can be tried on one machine
		return errWebhook
	}
	for _, name := range h.events {
		if !slices.Contains(EventNames(), name) {
			return errWebhook
		}
	}
	return h.checkAuth()
}

func (h webhook) checkAuth() error {
	if h.status != hookEnabled && h.status != hookDisabled {
		return errWebhook
	}
	switch h.authType {
	case authNone:
		if h.token != "" || len(h.headers) > 0 {
			return errWebhook
		}
	case authToken:
		if h.token == "" || len(h.headers) > 0 {
			return errWebhook
		}
	case authCustom:
		if h.token != "" || len(h.headers) == 0 || len(h.headers) > maxCustomHeaders {
			return errWebhook
		}
	default:
		return errWebhook
	}
	for name := range h.headers {
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "", "Host", "Content-Length", "Content-Type", "Connection", "Transfer-Encoding", "User-Agent":
			return errWebhook
		}
	}
	return nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// webhookBody is what a client sends. What a change does not name stays.
type webhookBody struct {
	URL           *string           `json:"url"`
	Description   *string           `json:"description"`
	EnabledEvents []EventName       `json:"enabled_events"`
	Status        *string           `json:"status"`
	AuthType      *string           `json:"auth_type"`
	Token         *string           `json:"token"`
	CustomHeaders map[string]string `json:"custom_headers"`
}

// change applies a body to a registration.
func (h webhook) change(b webhookBody) webhook {
	for field, value := range map[*string]*string{
		&h.url: b.URL, &h.description: b.Description, &h.status: b.Status, &h.authType: b.AuthType, &h.token: b.Token,
	} {
		if value != nil {
			*field = *value
		}
	}
	if b.EnabledEvents != nil {
		h.events = b.EnabledEvents
	}
	if b.CustomHeaders != nil {
		h.headers = b.CustomHeaders
	}
	return h
}

// describe is how the API shows a registration: without its secrets.
func (h webhook) describe() map[string]any {
	return map[string]any{
		"id": h.id, "url": h.url, "description": h.description, "enabled_events": h.events, "status": h.status, "auth_type": h.authType,
		"created_at": h.createdAt.UTC().Format(time.RFC3339), "updated_at": h.updatedAt.UTC().Format(time.RFC3339),
	}
}

func readWebhookBody(r *http.Request) (webhookBody, error) {
	var b webhookBody
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return b, errWebhook
	}
	return b, json.NewDecoder(r.Body).Decode(&b)
}
