package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Failures of the password form that are allowed in throttleWindow.
const (
	throttleWindow = 15 * time.Minute

	maxAccountFailures = 10  // per login name, from devices that are not known as that person's
	maxNetworkFailures = 100 // per network, from such devices
	maxDeviceFailures  = 20  // per known device
	maxPersonFailures  = 60  // per person, from all known devices; beyond it none of them counts as known

	maxMismatchEvents = 10 // per network; further mismatches are logged only
)

// budget is a number of failures that a try counts against.
type budget struct {
	key   string
	limit int
}

// throttledError means that a budget is used up.
type throttledError struct {
	retryAfter time.Duration
}

func (e *throttledError) Error() string {
	return fmt.Sprintf("too many failures, again in %s", e.retryAfter)
}

// count counts a try at login and returns what it was counted against, or a
// throttledError. A known device has a budget of its own, so that nobody can lock people
// out of their own machine; whoever has many shares another among all of that
// person. A name that nobody has counts like any other.
func (h *Handler) count(r *http.Request, login string) ([]budget, error) {
	ctx, key := r.Context(), users.KeyOf(login)
	device, user, err := h.knownDevice(r, key)
	if err != nil {
		return nil, err
	}
	if device != "" {
		own := budget{key: "login:device:" + device.Reveal(), limit: maxDeviceFailures}
		shared := budget{key: "login:person:" + string(user), limit: maxPersonFailures}
		if err := h.reserve(ctx, own); err != nil {
			return nil, err
		}
		err := h.reserve(ctx, shared)
		if _, spent := errors.AsType[*throttledError](err); !spent {
			return []budget{own, shared}, err
		}
		if err := h.refund(ctx, []budget{own}); err != nil {
			return nil, err
		}
	}
	var strangers []budget
	if network := web.NetworkOf(web.ClientIP(ctx)); network.IsValid() { // first: beyond it, made-up names leave nothing in the store
		strangers = append(strangers, budget{key: "login:network:" + network.String(), limit: maxNetworkFailures})
	}
	strangers = append(strangers, budget{key: "login:account:" + string(key), limit: maxAccountFailures})
	return strangers, h.reserve(ctx, strangers...)
}

// knownDevice returns the device that a try comes from and whose it is, if it is
// known as that of the person with this key, or nothing. It is looked up for a name
// that nobody has, too, which must not take less time.
func (h *Handler) knownDevice(r *http.Request, key users.LoginKey) (keys.Secret, users.ID, error) {
	device := keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieDevice))
	if device == "" {
		return "", "", nil
	}
	user, err := h.cfg.Users.Read().UserByLogin(r.Context(), key)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return "", "", err
	}
	known, err := h.cfg.Sessions.KnownDevice(r.Context(), device, session.Device{User: user.ID, Epoch: user.Epoch}) // nobody has none
	if err != nil || !known {
		return "", "", err
	}
	return device, user.ID, nil
}

// reserve counts a try against all budgets, or against none and returns a throttledError.
func (h *Handler) reserve(ctx context.Context, budgets ...budget) error {
	for i, b := range budgets {
		verdict, err := h.cfg.Sessions.Reserve(ctx, b.key, b.limit, throttleWindow)
		if err != nil {
			return err
		}
		if verdict.Allowed {
			continue
		}
		if err := h.refund(ctx, budgets[:i]); err != nil {
			return err
		}
		return &throttledError{retryAfter: verdict.RetryAfter}
	}
	return nil
}

func (h *Handler) refund(ctx context.Context, budgets []budget) error {
	for _, b := range budgets {
		if err := h.cfg.Sessions.Refund(ctx, b.key); err != nil {
			return err
		}
	}
	return nil
}
