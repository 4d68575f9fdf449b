package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gorilla/mux"
)

// HandlerFunc answers a request or returns why it could not. It must not have
// written anything when it returns an error.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Route is one line of a route table. A GET route names HEAD, too.
type Route struct {
	Methods []string
	Path    string // a gorilla/mux template
	Handler HandlerFunc
}

// Error is an error whose answer is known. Everything else is answered with
// status 500 and none of its text.
type Error struct {
	Status     int
	Key        string        // translation key of the sentence; empty: the usual one for Status
	Err        error         // the cause, for the log; may be nil
	RetryAfter time.Duration // zero: no Retry-After
	SignOut    bool          // the error page leads to sign-out instead of the portal
}

// unavailableRetry is when to try again while a store does not answer.
const unavailableRetry = 10 * time.Second

// Unavailable is the answer when something we depend on does not answer.
func Unavailable(cause error) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Err: cause, RetryAfter: unavailableRetry}
}

// Error is for the log; people get the sentence of Key.
func (e *Error) Error() string {
	text := fmt.Sprintf("status %d", e.Status)
	if e.Key != "" {
		text += " " + e.Key
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorRenderer answers a request with e.
type ErrorRenderer func(w http.ResponseWriter, r *http.Request, e *Error) error

// Handle makes a handler of h whose errors are answered with the error page.
func (s *Site) Handle(h HandlerFunc) http.Handler {
	return s.HandleAs(s.ErrorPage, h)
}

// HandleAs makes a handler of h whose errors are answered by render: for
// endpoints that programs call. A panic is an error, too.
func (s *Site) HandleAs(render ErrorRenderer, h HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route := mux.CurrentRoute(r); route != nil {
			exchangeOf(r).route, _ = route.GetPathTemplate() // a route without a path has no name in the log
		}
		if err := call(h, w, r); err != nil {
			s.fail(w, r, render, err)
		}
	})
}

// ErrorHandler answers every request with the error page of status: for what
// the router itself refuses.
func (s *Site) ErrorHandler(status int) http.Handler {
	return s.Handle(func(http.ResponseWriter, *http.Request) error { return &Error{Status: status} })
}

// call runs h and turns a panic into an error with its stack.
func call(h HandlerFunc, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler: // the documented way to cut a connection
			panic(v)
		default:
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(w, r)
}

// fail notes err for the request's log line and answers with it, unless the
// answer has begun or nobody waits for it any more.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, render ErrorRenderer, err error) {
	x := exchangeOf(r)
	x.err = err
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		x.gone = true
		return
	}
	if x.status != 0 {
		return
	}
	e := asError(err)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", RetryAfter(e.RetryAfter))
	}
	if failed := call(func(w http.ResponseWriter, r *http.Request) error { return render(w, r, e) }, w, r); failed != nil {
		x.err = errors.Join(err, fmt.Errorf("error page: %w", failed))
		if x.status == 0 {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		}
	}
}

// asError gives every error its answer.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	return &Error{Status: http.StatusInternalServerError, Err: err}
}

// RetryAfter is the value of the Retry-After header: d in whole seconds, rounded
// up (RFC 9110 section 10.2.3).
func RetryAfter(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
