package personio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
)

// webhookEvents are those that concern whom we import. On a first day and on a
// last one there are events of their own.
var webhookEvents = []string{
	"person.created", "person.updated", "person.deleted",
	"employment.created", "employment.updated", "employment.updated.cost-centers", "employment.deleted",
	"employment.started", "employment.terminated",
}

// hook is a webhook as Personio shows it: without its token.
type hook struct {
	id, url, status, auth, changedAt string
	events                           []string
}

func decodeHook(v value) hook {
	if wrapped := v.member("_data"); wrapped.isObject() {
		v = wrapped
	}
	h := hook{
		id: v.member("id").text(), url: v.member("url").text(), status: v.member("status").text(),
		auth: v.member("auth_type").text(), changedAt: v.member("updated_at").text(),
	}
	for event := range v.member("enabled_events").elements() {
		h.events = append(h.events, event.text())
	}
	return h
}

// isAs reports whether all that can be seen of a webhook is as it has to be. More
// events than ours are somebody's wish.
func (h hook) isAs(address string) bool {
	return h.url == address && h.status == "ENABLED" && h.auth == "TOKEN" && len(h.missing()) == 0
}

func (h hook) missing() []string {
	return slices.DeleteFunc(slices.Clone(webhookEvents), func(event string) bool { return slices.Contains(h.events, event) })
}

// body is what makes a webhook as it has to be.
func (h hook) body(address string, token keys.Secret) ([]byte, error) {
	body, err := json.Marshal(map[string]any{
		"url": address, "description": "Einlass", "status": "ENABLED", "auth_type": "TOKEN", "token": token.Reveal(),
		"enabled_events": slices.Concat(h.events, h.missing()),
	})
	if err != nil {
		return nil, fmt.Errorf("encode webhook: %w", err)
	}
	return body, nil
}

// maxHooks is far more than an account has webhooks.
const maxHooks = 10_000

// hooks lists the webhooks of an account.
func (s *SourceV2) hooks(ctx context.Context) ([]hook, error) {
	var all []hook
	for rows, err := range s.pages(ctx, listV2{path: "/v2/webhooks"}) {
		if err != nil {
			return nil, fmt.Errorf("list webhooks: %w", err)
		}
		for row := range rows.elements() {
			if len(all) == maxHooks {
				return nil, fmt.Errorf("list webhooks: more than %d: %w", maxHooks, importer.ErrCorrupt)
			}
			all = append(all, decodeHook(row))
		}
	}
	return all, nil
}

// writeHook registers a webhook, or changes the one with an id. One that
// cannot be changed is made anew.
func (s *SourceV2) writeHook(ctx context.Context, h hook, address string, token keys.Secret) (hook, error) {
	body, err := h.body(address, token)
	if err != nil {
		return hook{}, err
	}
	if h.id != "" {
		path := "/v2/webhooks/" + url.PathEscape(h.id)
		answer, err := s.write(ctx, request{method: http.MethodPatch, path: path, body: body})
		_, isRejection := errors.AsType[*rejection](err)
		switch {
		case err == nil:
			return decodeHook(answer), nil
		case isRejection && h.auth != "TOKEN": // headers cannot be taken away by a change
			if _, err := s.write(ctx, request{method: http.MethodDelete, path: path}); err != nil && !errors.Is(err, errNotFound) {
				return hook{}, fmt.Errorf("delete webhook: %w", err)
			}
		case !errors.Is(err, errNotFound):
			return hook{}, fmt.Errorf("change webhook: %w", err)
		}
	}
	answer, err := s.write(ctx, request{method: http.MethodPost, path: "/v2/webhooks", body: body})
	if err != nil {
		return hook{}, fmt.Errorf("register webhook: %w", err)
	}
	return decodeHook(answer), nil
}

// write sends something once.
func (c *caller) write(ctx context.Context, ask request) (value, error) {
	if err := c.pace.wait(ctx, ask.endpoint()); err != nil {
		return nil, err
	}
	answer, err := c.attempt(ctx, time.Now().Add(c.cfg.RequestTimeout), ask)
	if failed, isFailure := errors.AsType[*failure](err); isFailure {
		return nil, fmt.Errorf("%w: %v", importer.ErrUnreachable, failed)
	}
	return answer, err
}
