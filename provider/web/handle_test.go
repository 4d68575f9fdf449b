package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/web"
)

func TestUnknownErrorsAreAnsweredWithNoneOfTheirText(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newSite(t, withLog(&log))
	h := s.Wrap(s.Handle(func(http.ResponseWriter, *http.Request) error { return errors.New("disk sda1 is full") }))

	a := serve(t, h, get("/x?code=secret"))
	if a.Status != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", a.Status)
	}
	if strings.Contains(a.Body, "sda1") {
		t.Error("the page contains the cause")
	}
	if a.ByID("error").Text() == "" {
		t.Error("the page has no text in #error")
	}
	id := a.Header.Get("X-Request-Id")
	if got := a.ByID("reference").Text(); got != id || id == "" {
		t.Errorf("reference %q, want the request id %q", got, id)
	}
	lines := logLines(t, &log)
	if len(lines) != 1 {
		t.Fatalf("%d log lines, want 1", len(lines))
	}
	line := lines[0]
	if line["request_id"] != id || line["error"] != "disk sda1 is full" || line["level"] != "ERROR" {
		t.Errorf("log line %v lacks request id, cause or level", line)
	}
	if strings.Contains(fmt.Sprint(line), "secret") {
		t.Error("the log line contains the query")
	}
}

func TestErrorsSayWhatTheirKeySays(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	h := s.Wrap(s.Handle(func(http.ResponseWriter, *http.Request) error {
		cause := errors.New("who knows")
		return fmt.Errorf("sign-in: %w", &web.Error{Status: 400, Key: "login.start_again", Err: cause, RetryAfter: 1500 * time.Millisecond})
	}))
	a := serve(t, h, get("/"))
	if a.Status != http.StatusBadRequest || !strings.Contains(a.ByID("error").Text(), "start again") {
		t.Errorf("status %d and text %q, want 400 and the sentence", a.Status, a.ByID("error").Text())
	}
	if got := a.Header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q, want 2", got)
	}
}

func TestEveryStatusHasASentence(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, status := range []int{400, 403, 404, 405, 413, 415, 421, 431, 500, 503} {
		a := serve(t, s.Wrap(s.ErrorHandler(status)), get("/"))
		text := a.ByID("error").Text()
		if a.Status != status || text == "" || strings.HasPrefix(text, "error.") {
			t.Errorf("status %d: got %d with %q", status, a.Status, text)
		}
	}
}

func TestAPanicIsAnErrorPage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newSite(t, withLog(&log))
	for name, h := range map[string]http.Handler{
		"in a handler": s.Handle(func(http.ResponseWriter, *http.Request) error { panic("lost") }),
		"outside one":  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("lost") }),
	} {
		if a := serve(t, s.Wrap(h), get("/")); a.Status != http.StatusInternalServerError || !a.ByID("error").Exists() {
			t.Errorf("%s: status %d, want the error page with 500", name, a.Status)
		}
	}
	for _, line := range logLines(t, &log) {
		if !strings.Contains(fmt.Sprint(line["error"]), "panic: lost") {
			t.Errorf("log line %v lacks the panic", line)
		}
	}
}

func TestAnAbortedAnswerStaysAborted(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("http.ErrAbortHandler did not reach the server")
		}
	}()
	serve(t, s.Wrap(s.Handle(func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })), get("/"))
}

func TestAClientThatLeftIsNoError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newSite(t, withLog(&log))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	serve(t, s.Wrap(s.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		return fmt.Errorf("read: %w", r.Context().Err())
	})), get("/").WithContext(ctx))
	line := logLines(t, &log)[0]
	if line["level"] != "INFO" || line["status"] != 499.0 {
		t.Errorf("log line %v, want level INFO and status 499", line)
	}
}

func TestErrorsOfProgramsAreAnsweredByTheirRenderer(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	render := func(w http.ResponseWriter, _ *http.Request, e *web.Error) error {
		return web.JSON(w, e.Status, map[string]string{"error": "server_error"})
	}
	h := s.Wrap(s.HandleAs(render, func(http.ResponseWriter, *http.Request) error { panic("lost") }))
	a := serve(t, h, get("/token"))
	if a.Status != 500 || a.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(a.Body, `{"error":`) {
		t.Errorf("got %d %s %q, want JSON", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" {
		t.Error("the answer may be cached")
	}
}

// What goes wrong on our side is an error in the log, however it is answered.
func TestAFailureIsLoggedAsOneWhateverItsAnswer(t *testing.T) {
	t.Parallel()
	for status, level := range map[int]string{http.StatusServiceUnavailable: "ERROR", http.StatusBadRequest: "INFO"} {
		var log bytes.Buffer
		s := newSite(t, withLog(&log))
		render := func(w http.ResponseWriter, _ *http.Request, _ *web.Error) error { return web.Redirect(w, "/elsewhere") }
		serve(t, s.Wrap(s.HandleAs(render, func(http.ResponseWriter, *http.Request) error {
			return &web.Error{Status: status, Err: errors.New("lost")}
		})), get("/"))
		if line := logLines(t, &log)[0]; line["level"] != level || line["status"] != 303.0 || !strings.Contains(fmt.Sprint(line["error"]), "lost") {
			t.Errorf("log line %v, want level %s with the cause", line, level)
		}
	}
}

func TestAnErrorAfterTheAnswerBeganIsOnlyLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newSite(t, withLog(&log))
	a := serve(t, s.Wrap(s.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		_ = web.Write(w, http.StatusOK, "text/plain", []byte("half"))
		return errors.New("the other half is lost")
	})), get("/"))
	if a.Status != http.StatusOK || a.Body != "half" {
		t.Errorf("got %d %q, want what had been sent", a.Status, a.Body)
	}
	if line := logLines(t, &log)[0]; line["error"] != "the other half is lost" {
		t.Errorf("log line %v lacks the cause", line)
	}
}

func TestTheLogNamesTheRoute(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newSite(t, withLog(&log))
	router := mux.NewRouter()
	router.Handle("/portal/launch/{application}", s.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		return web.Redirect(w, "https://wiki.acme.example/")
	}))
	serve(t, s.Wrap(router), get("/portal/launch/wiki"))
	line := logLines(t, &log)[0]
	if line["msg"] != "request" || line["route"] != "/portal/launch/{application}" || line["status"] != 303.0 || line["method"] != "GET" {
		t.Errorf("log line %v", line)
	}
	if _, has := line["duration"]; !has {
		t.Error("log line lacks the duration")
	}
}

func TestTheRequestIDIsNeverTheClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var seen string
	h := s.Wrap(s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		seen = web.RequestID(r.Context())
		return web.NoBody(w, http.StatusNoContent)
	}))
	r := get("/")
	r.Header.Set("X-Request-Id", "mine")
	a := serve(t, h, r)
	if got := a.Header.Get("X-Request-Id"); got != seen || len(got) != 26 || got == "mine" {
		t.Errorf("X-Request-Id %q, want the 26 characters of %q", got, seen)
	}
}
