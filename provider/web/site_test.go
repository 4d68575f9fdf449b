package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/provider/web/webtest"
)

// newSite returns a site for https://sso.acme.example, changed by change.
func newSite(t *testing.T, change func(*web.Config)) *web.Site {
	t.Helper()
	cfg := web.Config{Issuer: &url.URL{Scheme: "https", Host: "sso.acme.example"}, OrganizationName: "Acme"}
	if change != nil {
		change(&cfg)
	}
	s, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get returns a request for a path of the site's own host.
func get(target string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "https://sso.acme.example"+target, nil)
}

// serve sends a request through a handler and returns the answer.
func serve(t *testing.T, h http.Handler, r *http.Request) webtest.Answer {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return webtest.ReadAnswer(t, recorder.Result())
}

// logLines decodes JSON log lines.
func logLines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for decoder := json.NewDecoder(log); ; {
		var line map[string]any
		err := decoder.Decode(&line)
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

func withLog(log *bytes.Buffer) func(*web.Config) {
	return func(cfg *web.Config) { cfg.Logger = slog.New(slog.NewJSONHandler(log, nil)) }
}

func TestNewRefusesAnIssuerItCannotServe(t *testing.T) {
	t.Parallel()
	for name, issuer := range map[string]*url.URL{
		"none":       nil,
		"no host":    {Scheme: "https"},
		"other":      {Scheme: "ftp", Host: "sso.acme.example"},
		"with path":  {Scheme: "https", Host: "sso.acme.example", Path: "/sso"},
		"with query": {Scheme: "https", Host: "sso.acme.example", RawQuery: "a=b"},
	} {
		if _, err := web.New(web.Config{Issuer: issuer}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewRefusesALanguageWithoutTexts(t *testing.T) {
	t.Parallel()
	_, err := web.New(web.Config{Issuer: &url.URL{Scheme: "https", Host: "a.example"}, Languages: []string{"de", "fr"}})
	if err == nil {
		t.Error("no error for French")
	}
}
