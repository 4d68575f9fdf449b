package provider

import (
	"errors"
	"net/http"
	"time"

	"github.com/einlass/einlass/provider/web"
)

// How many requests of one network may begin to wait, for a sign-in or as pushed ones, in a minute.
// One that ends with a sign-in is taken back, so a whole company behind one
// address may come in the morning; what only begins is bounded.
const (
	pendingLimit  = 600
	pendingWindow = time.Minute
)

var errTooManyPending = errors.New("too many unfinished requests from this network")

func pendingKey(r *http.Request) string {
	return "pending:" + web.NetworkOf(web.ClientIP(r.Context())).String()
}

// boundPending counts a request that is going to wait.
func (a *Authorizer) boundPending(r *http.Request) error {
	verdict, err := a.cfg.Sessions.Reserve(r.Context(), pendingKey(r), pendingLimit, pendingWindow)
	if err != nil {
		return web.Unavailable(err)
	}
	if !verdict.Allowed {
		return &web.Error{Status: http.StatusTooManyRequests, Key: "error.too_many", Err: errTooManyPending, RetryAfter: verdict.RetryAfter}
	}
	return nil
}

// finishPending takes back what boundPending has counted.
func (a *Authorizer) finishPending(r *http.Request) {
	if err := a.cfg.Sessions.Refund(r.Context(), pendingKey(r)); err != nil {
		a.cfg.Logger.WarnContext(r.Context(), "finished request not taken back from its network's count", "request_id", web.RequestID(r.Context()), "error", err)
	}
}
