package provider

import (
	"errors"
	"net/http"
	"strings"
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

// checkVisible refuses a request that needs a page of ours where nobody can see one:
// nothing is kept and nothing counted for it. Any web page can have any browser
// send as many of them as it likes, as images, in frames, or in advance.
func checkVisible(r *http.Request) error {
	if canShowPage(r) {
		return nil
	}
	return &web.Error{
		Status: http.StatusForbidden,
		Err:    refusalCause("invalid_request", "A page is needed where the browser shows none (Sec-Fetch-Dest, Sec-Purpose)."),
	}
}

// canShowPage reports whether a page that answers r can be seen: the browser
// asks for it as the document of a window. No frame shows one (frame-ancestors), and
// what a browser fetches in advance it asks for again when it is refused. Browsers that
// do not say what they ask for are believed.
func canShowPage(r *http.Request) bool {
	for _, destination := range r.Header.Values("Sec-Fetch-Dest") {
		if destination != "document" {
			return false
		}
	}
	return !strings.HasPrefix(r.Header.Get("Sec-Purpose"), "prefetch")
}

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
