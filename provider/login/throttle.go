package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Failures of the password form that are allowed in throttleWindow.
const (
	throttleWindow = 15 * time.Minute

	maxAccountFailures = 10  // per login name, from devices that are not known as that person's
	maxNetworkFailures = 100 // per network, from such devices
	maxDeviceFailures  = 20  // per known device

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

// budgets returns what a try at login counts against. A device that the person
// has signed in from before has a budget of its own, so that nobody can lock people out of
// their own machine. A name that nobody has counts like any other.
func (h *Handler) budgets(r *http.Request, login string) ([]budget, error) {
	key := users.KeyOf(login)
	if device := keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieDevice)); device != "" {
		known, err := h.knowsDevice(r.Context(), device, key)
		if err != nil {
			return nil, err
		}
		if known {
			return []budget{{key: "login:device:" + device.Reveal(), limit: maxDeviceFailures}}, nil
		}
	}
	all := []budget{{key: "login:account:" + string(key), limit: maxAccountFailures}}
	if network := web.NetworkOf(web.ClientIP(r.Context())); network.IsValid() {
		all = append(all, budget{key: "login:network:" + network.String(), limit: maxNetworkFailures})
	}
	return all, nil
}

// knowsDevice reports whether device is a known device of the person with this
// key. It is looked up for a name that nobody has, too, which must not take less time.
func (h *Handler) knowsDevice(ctx context.Context, device keys.Secret, key users.LoginKey) (bool, error) {
	user, err := h.cfg.Users.Read().UserByLogin(ctx, key)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return false, err
	}
	return h.cfg.Sessions.KnownDevice(ctx, device, user.ID) // nobody has no device
}

// reserve counts a try against all budgets, or against none and returns a throttledError.
func (h *Handler) reserve(ctx context.Context, budgets []budget) error {
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
