package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// metrics are what the management listener tells a monitoring system. Labels
// are few and never name a person: routes, results, applications.
type metrics struct {
	registry *prometheus.Registry

	requests       *prometheus.HistogramVec
	store          *prometheus.HistogramVec
	upstream       *prometheus.HistogramVec
	attempts       *prometheus.CounterVec
	tokens         *prometheus.CounterVec
	importRuns     *prometheus.CounterVec
	importUsers    *prometheus.CounterVec
	importDuration prometheus.Histogram
	webhooks       *prometheus.CounterVec
}

// Buckets from 1 ms to 10 s: what a person notices.
var secondBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Buckets of an import, from a second to an hour.
var importBuckets = []float64{1, 5, 15, 60, 300, 900, 3600}

func newMetrics() *metrics {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		requests:    histogram("einlass_http_request_duration_seconds", "Time to answer a request.", secondBuckets, "route", "method", "code"),
		store:       histogram("einlass_store_op_duration_seconds", "Time of one operation of a store.", secondBuckets, "backend", "op"),
		upstream:    histogram("einlass_upstream_request_duration_seconds", "Time of one call of another server.", secondBuckets, "upstream", "code"),
		attempts:    counter("einlass_authn_attempts_total", "Attempts to sign in.", "method", "result"),
		tokens:      counter("einlass_tokens_issued_total", "Tokens issued, by client.", "type", "client"),
		importRuns:  counter("einlass_import_runs_total", "Imports that ended here, by result.", "result"),
		importUsers: counter("einlass_import_users_total", "People in imports that ended here, by what changed.", "change"),
		importDuration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "einlass_import_duration_seconds", Help: "Time of an import.", Buckets: importBuckets,
		}),
		webhooks: counter("einlass_webhook_deliveries_total", "Deliveries of webhooks, by what became of them.", "connection", "result"),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "einlass_build_info", Help: "Always 1; the labels say what runs.",
	}, []string{"version", "commit", "go"})
	v := buildVersion()
	build.WithLabelValues(v.Version, v.Commit, v.Go).Set(1)
	m.registry.MustRegister(m.requests, m.store, m.upstream, m.attempts, m.tokens, m.importRuns, m.importUsers, m.importDuration, m.webhooks, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// storeObserver returns what measures the operations of one store; of no metrics, nothing.
func (m *metrics) storeObserver(backend string) func(op string, took time.Duration) {
	if m == nil {
		return nil
	}
	return func(op string, took time.Duration) {
		m.store.WithLabelValues(backend, op).Observe(took.Seconds())
	}
}

// Whom we call: few names, whatever the number of hosts.
const (
	upstreamPersonio    = "personio"    // the source of people
	upstreamApplication = "application" // key sets of clients, and their addresses for sign-out
)

// callObserver returns what measures calls of other servers; of no metrics, nothing.
func (m *metrics) callObserver(upstream string) func(status int, took time.Duration) {
	if m == nil {
		return nil
	}
	return func(status int, took time.Duration) {
		m.upstream.WithLabelValues(upstream, statusClass(status)).Observe(took.Seconds())
	}
}

// statusClass is a status as a label: others choose it, so not each has its own.
func statusClass(status int) string {
	switch {
	case status == 0:
		return "none"
	case status < 200 || status > 599:
		return "other"
	}
	return strconv.Itoa(status/100) + "xx"
}

// answered counts a request.
func (m *metrics) answered(a web.Answer) {
	m.requests.WithLabelValues(a.Route, methodLabel(a), strconv.Itoa(a.Status)).Observe(a.Took.Seconds())
}

// methodLabel is the method of a request as a label. Strangers invent methods,
// also for our routes, and each label stays in memory: so only those that exist
// have their own, and what is no route of ours is one, however it is called.
func methodLabel(a web.Answer) string {
	switch a.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		if a.Route != "" {
			return a.Method
		}
	}
	return "other"
}

// observed counts attempts to sign in.
func (m *metrics) observed(e users.Event) {
	if m == nil {
		return
	}
	switch e.Kind {
	case users.EventSignedIn:
		m.attempts.WithLabelValues("password", "success").Inc()
	case users.EventSignInFailed:
		m.attempts.WithLabelValues("password", "failure").Inc()
	}
}

// issued counts the tokens of one exchange.
func (m *metrics) issued(application users.ApplicationID, kinds []string) {
	for _, kind := range kinds {
		m.tokens.WithLabelValues(kind, string(application)).Inc()
	}
}

// imported counts a run that ended in this process.
func (m *metrics) imported(run users.Run) {
	if m == nil {
		return
	}
	m.importRuns.WithLabelValues(string(run.State)).Inc()
	if !run.FinishedAt.IsZero() {
		m.importDuration.Observe(run.FinishedAt.Sub(run.StartedAt).Seconds())
	}
	if run.State != users.RunDone {
		return
	}
	for change, n := range map[string]int{
		"created": run.Counts.Created, "updated": run.Counts.Updated, "suspended": run.Counts.Suspended,
		"reactivated": run.Counts.Reactivated, "quarantined": run.Counts.Quarantined, "failed": run.Counts.Failed,
	} {
		m.importUsers.WithLabelValues(change).Add(float64(n))
	}
}

// delivered counts a delivery of a webhook.
func (m *metrics) delivered(connection users.ApplicationID, result string) {
	m.webhooks.WithLabelValues(string(connection), result).Inc()
}

// stateCollector reads what is true of the whole installation, whichever
// process did it, at the moment somebody asks.
type stateCollector struct {
	a           *app
	lastSuccess *prometheus.Desc
	paused      *prometheus.Desc
	keyAge      *prometheus.Desc
	deliveries  *prometheus.Desc
}

func newStateCollector(a *app) *stateCollector {
	return &stateCollector{
		a: a,
		lastSuccess: prometheus.NewDesc("einlass_import_last_success_timestamp_seconds",
			"When the last import that was written ended.", []string{"connection"}, nil),
		paused: prometheus.NewDesc("einlass_import_paused",
			"1 while an import that a safeguard held waits for an administrator's approval.", []string{"connection"}, nil),
		keyAge: prometheus.NewDesc("einlass_signing_key_age_seconds",
			"How long the present signing key has been in use.", []string{"alg"}, nil),
		deliveries: prometheus.NewDesc("einlass_deliveries",
			"What has to reach applications (logout) and administrators (mail): waiting, or given up.", []string{"follower", "state"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.lastSuccess
	ch <- c.paused
	ch <- c.keyAge
	ch <- c.deliveries
}

// Collect implements prometheus.Collector. What cannot be read is left out, and
// readiness says why.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	keyInfos, err := c.a.Ring.List(ctx)
	if err != nil {
		return
	}
	for _, k := range keyInfos {
		if k.State == keys.StateInUse {
			ch <- prometheus.MustNewConstMetric(c.keyAge, prometheus.GaugeValue, time.Since(k.UseAt).Seconds(), k.Alg)
		}
	}
	for _, follower := range []string{provider.FollowerLogout, notify.FollowerMail} {
		counts, err := c.a.store.CountDeliveries(ctx, follower)
		if err != nil {
			return
		}
		for _, state := range []users.DeliveryState{users.DeliveryPending, users.DeliveryFailed} {
			ch <- prometheus.MustNewConstMetric(c.deliveries, prometheus.GaugeValue, float64(counts[state]), follower, string(state))
		}
	}
	applications, err := c.a.store.Applications(ctx)
	if err != nil {
		return
	}
	for _, application := range applications {
		if application.Import != nil {
			c.collectRuns(ctx, ch, application.ID)
		}
	}
}

// collectRuns asks for the newest run of a kind, however many came after it. A
// held run waits until a later one is written: those that fail meanwhile, or
// are under way, do not change that.
func (c *stateCollector) collectRuns(ctx context.Context, ch chan<- prometheus.Metric, connection users.ApplicationID) {
	done, err := c.lastRun(ctx, connection, users.RunDone)
	if err != nil {
		return
	}
	held, err := c.lastRun(ctx, connection, users.RunHeld)
	if err != nil {
		return
	}
	paused := 0.0
	if held.StartedAt.After(done.StartedAt) {
		paused = 1
	}
	ch <- prometheus.MustNewConstMetric(c.paused, prometheus.GaugeValue, paused, string(connection))
	if done.ID != "" {
		at := float64(done.FinishedAt.UnixMilli()) / 1000
		ch <- prometheus.MustNewConstMetric(c.lastSuccess, prometheus.GaugeValue, at, string(connection))
	}
}

// lastRun returns the newest run in a state; no ID: there is none.
func (c *stateCollector) lastRun(ctx context.Context, connection users.ApplicationID, state users.RunState) (users.Run, error) {
	run, err := c.a.store.LastRun(ctx, connection, users.ScopeFull, state)
	if errors.Is(err, users.ErrNotFound) {
		return users.Run{}, nil
	}
	return run, err
}
