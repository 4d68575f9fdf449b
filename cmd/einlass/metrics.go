package main

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what the management listener tells a monitoring system. Labels
// are few and never name a person.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	store    *prometheus.HistogramVec
}

// Buckets from 1 ms to 10 s: what a person notices.
var secondBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "einlass_http_request_duration_seconds", Help: "Time to answer a request.", Buckets: secondBuckets,
		}, []string{"method", "code"}),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "einlass_store_op_duration_seconds", Help: "Time of one operation of a store.", Buckets: secondBuckets,
		}, []string{"backend", "op"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "einlass_build_info", Help: "Always 1; the labels say what runs.",
	}, []string{"version", "go"})
	if info, ok := debug.ReadBuildInfo(); ok {
		build.WithLabelValues(info.Main.Version, info.GoVersion).Set(1)
	}
	m.registry.MustRegister(m.requests, m.store, build,
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

// measure counts and times requests by method and status.
func (m *metrics) measure(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(m.requests, next)
}
