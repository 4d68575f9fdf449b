package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// openTestApp opens a house in a throw-away folder.
func openTestApp(t *testing.T, cfg Config) *app {
	t.Helper()
	cfg.Issuer, cfg.Data = "https://sso.acme.example", t.TempDir()
	a, err := openApp(t.Context(), cfg, appOptions{Migrate: true, Logger: slog.New(slog.DiscardHandler), Metrics: newMetrics()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// scrape returns what a monitoring system reads.
func scrape(t *testing.T, m *metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func lacks(t *testing.T, told string, names ...string) {
	t.Helper()
	for _, name := range names {
		if !strings.Contains(told, name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
}

// However long nothing succeeds, an alarm on the age of the last success must
// see it, and a held import stays known until one is written.
func TestLastSuccessIsKnownBehindManyOtherRuns(t *testing.T) {
	t.Parallel()
	cfg := defaultConfig()
	source := defaultImport()
	source.Personio = defaultPersonio()
	source.Personio.ClientID, source.Personio.ClientSecret = "papi-1", "secret"
	application := defaultApplication()
	application.ID, application.Import = "personio", source
	cfg.Applications = []ApplicationConfig{application}
	a := openTestApp(t, cfg)
	a.metrics.registry.MustRegister(newStateCollector(a))

	start := time.Unix(1_700_000_000, 0)
	ran := func(minute int, state users.RunState) {
		t.Helper()
		at := start.Add(time.Duration(minute) * time.Minute)
		err := a.store.Update(t.Context(), func(tx users.Tx) error {
			return tx.InsertRun(t.Context(), users.Run{
				ID: users.NewRunID(), Connection: "personio", State: state, StartedAt: at, FinishedAt: at,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const succeeded = `einlass_import_last_success_timestamp_seconds{connection="personio"} `
	paused := func(value string) string { return `einlass_import_paused{connection="personio"} ` + value }

	told := scrape(t, a.metrics)
	lacks(t, told, paused("0"))
	if strings.Contains(told, succeeded) {
		t.Error("a success is told of before there was one")
	}
	ran(0, users.RunDone)
	ran(1, users.RunHeld)
	for minute := range 150 {
		ran(2+minute, users.RunFailed)
	}
	lacks(t, scrape(t, a.metrics), succeeded+"1.7e+09", paused("1"))
	ran(200, users.RunDone)
	lacks(t, scrape(t, a.metrics), succeeded+"1.700012e+09", paused("0"))
}

// Labels stay few, whatever other servers answer.
func TestCallsOfOthersAreMeasuredByClass(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	observe := m.callObserver(upstreamPersonio)
	for _, status := range []int{0, 100, 200, 204, 302, 404, 429, 503, 600, 999} {
		observe(status, time.Second)
	}
	told := scrape(t, m)
	for code, count := range map[string]string{"none": "1", "2xx": "2", "3xx": "1", "4xx": "2", "5xx": "1", "other": "3"} {
		lacks(t, told, `einlass_upstream_request_duration_seconds_count{code="`+code+`",upstream="personio"} `+count+"\n")
	}
}

// Anybody can invent methods, also for routes that exist: no label of theirs is kept.
func TestInventedMethodsAreOneLabel(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	answered := func(route, method string) {
		m.answered(web.Answer{Route: route, Method: method, Status: http.StatusMethodNotAllowed, Took: time.Second})
	}
	answered("/token", http.MethodPost)
	before := strings.Count(scrape(t, m), "\n")
	for i := range 1000 {
		answered("/token", fmt.Sprint("M", i))
	}
	answered("/token", "post") // methods are case-sensitive
	answered("/token", http.MethodTrace)
	answered("", http.MethodGet)
	told := scrape(t, m)
	lacks(t, told,
		`einlass_http_request_duration_seconds_count{code="405",method="POST",route="/token"} 1`+"\n",
		`einlass_http_request_duration_seconds_count{code="405",method="other",route="/token"} 1002`+"\n",
		`einlass_http_request_duration_seconds_count{code="405",method="other",route=""} 1`+"\n",
	)
	if more := strings.Count(told, "\n") - before; more > 2*(len(secondBuckets)+3) {
		t.Errorf("%d lines more, want those of two labels", more)
	}
}
