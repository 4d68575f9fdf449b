package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// readyTimeout is how long a dependency may take to answer.
const readyTimeout = 2 * time.Second

// managementHandler serves /livez, /readyz and /metrics, for operators only.
// Personio being down is no reason not to be ready.
func (s *server) managementHandler() http.Handler {
	router := mux.NewRouter()
	router.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	router.HandleFunc("/readyz", s.ready)
	router.Handle("/metrics", s.metrics.handler())
	return router
}

// check is the state of one thing that readiness depends on.
type check struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	// Advisory checks are shown and do not count.
	Advisory bool `json:"advisory,omitempty"`
}

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	checks := s.checks(ctx)
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK && !c.Advisory {
			status = http.StatusServiceUnavailable
		}
	}
	if r.URL.Query().Has("verbose") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": status == http.StatusOK, "checks": checks}) // the client may be gone
		return
	}
	if status != http.StatusOK {
		writeText(w, status, "not ready")
		return
	}
	writeText(w, status, "ok")
}

func (s *server) checks(ctx context.Context) []check {
	result := func(name string, err error) check {
		if err != nil {
			return check{Name: name, Error: err.Error()}
		}
		return check{Name: name, OK: true}
	}
	_, errSQL := s.store.Revision(ctx)
	_, errKeys := s.Ring.Signer(signingAlgs[0])
	list := []check{
		result("directory", errSQL),
		result("sessions", s.sessions.Ping(ctx)),
		result("keys", errKeys),
		{Name: "serving", OK: !s.draining.Load()},
	}
	// A key that this server cannot open is no reason to stop serving with the others.
	registry := result("registry", s.registry.Fault())
	registry.Advisory = true
	return append(list, registry, s.declarationCheck(ctx))
}

// declarationCheck tells whether another replica has written another configuration file.
func (s *server) declarationCheck(ctx context.Context) check {
	c := check{Name: "configuration", Advisory: true}
	current, err := s.Directory.DeclarationCurrent(ctx, s.declaration())
	switch {
	case err != nil:
		c.Error = err.Error()
	case !current:
		c.Error = "the directory holds another replica's configuration file"
	default:
		c.OK = true
	}
	return c
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // the client may be gone
}
