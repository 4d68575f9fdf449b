package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
)

// REL-9: a key is revoked by a command that knows a newer master key than the
// server. The server gives the leaked key up, says what it cannot open, and
// signs with the successor once it has been started with the new file.
func TestRevocationReachesServersWithAnOlderMasterKey(t *testing.T) {
	t.Parallel()
	cfg := defaultConfig()
	cfg.Issuer, cfg.Listen, cfg.ManagementListen, cfg.Data = "https://sso.acme.example", "127.0.0.1:0", "", t.TempDir()
	start := func() *server {
		t.Helper()
		s, err := openServer(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	defer func() { _ = s.close() }()
	leaked := kidInUse(t, s.app, keys.RS256)
	if !strings.Contains(get(t, s.handler, cfg.Issuer+"/jwks"), leaked) {
		t.Fatal("the key in use is not published")
	}

	path := filepath.Join(cfg.Data, fileMasterKey)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	above := masterKey(t, t.TempDir())
	line, err := os.ReadFile(above)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(line, old...), 0o600); err != nil {
		t.Fatal(err)
	}
	command, err := openApp(t.Context(), cfg, appOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Close() }()
	if _, err := command.Ring.Revoke(t.Context(), leaked); err != nil {
		t.Fatal(err)
	}

	if err := s.registry.Refresh(t.Context()); err == nil {
		t.Error("the server opens what was sealed with a key it does not have")
	}
	if published := get(t, s.handler, cfg.Issuer+"/jwks"); strings.Contains(published, leaked) {
		t.Errorf("the server still publishes the revoked key: %s", published)
	}
	if _, err := s.Ring.Signer(keys.RS256); err == nil {
		t.Error("the server still signs with RS256, for which it has no key")
	}
	told := get(t, s.managementHandler(), "/readyz?verbose")
	for _, want := range []string{`"ready":false`, `{"name":"keys","ok":false`, `{"name":"registry","ok":false,"error":"registry: signing key is damaged`} {
		if !strings.Contains(told, want) {
			t.Errorf("/readyz?verbose lacks %s: %s", want, told)
		}
	}

	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = start()
	if next := kidInUse(t, s.app, keys.RS256); next == leaked || !strings.Contains(get(t, s.handler, cfg.Issuer+"/jwks"), next) {
		t.Errorf("after a start with the new file: %s signs, and is not the published successor", next)
	}
	if told := get(t, s.managementHandler(), "/readyz?verbose"); !strings.Contains(told, `"ready":true`) || !strings.Contains(told, `{"name":"registry","ok":true`) {
		t.Errorf("after a start with the new file: /readyz?verbose: %s", told)
	}
}

func kidInUse(t *testing.T, a *app, alg string) string {
	t.Helper()
	list, err := a.Ring.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if k.Alg == alg && k.State == keys.StateInUse {
			return k.ID
		}
	}
	t.Fatalf("no key is in use for %s", alg)
	return ""
}

// get returns what a handler answers, whatever the status.
func get(t *testing.T, h http.Handler, target string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return answer.Body.String()
}
