package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// healthTimeout is how long the server may take to say that it is ready.
const healthTimeout = 5 * time.Second

type healthcheckCommand struct{}

// Run asks /readyz of the server that runs with the same configuration, so that
// a container needs no other program for its health check.
func (healthcheckCommand) Run(ctx context.Context, s *shell) error {
	cfg, _, err := s.load(nil)
	if err != nil {
		return err
	}
	if cfg.ManagementListen == "" {
		return usagef("management_listen is empty, so the server answers no health check")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+localAddress(cfg.ManagementListen)+"/readyz", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}} // through no proxy
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(printable(strings.TrimSpace(string(body))))
	}
	_, err = fmt.Fprintln(s.stdout, "ready")
	return err
}

// localAddress turns the address of a listener on all interfaces into one that can be called.
func localAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen // refused by the check of the configuration
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

type versionCommand struct{ showFlags }

// versionJSON says what was built, from which commit, by which compiler.
type versionJSON struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func (c versionCommand) Run(s *shell) error {
	v := buildVersion()
	if c.Output == formatJSON {
		return json.NewEncoder(s.stdout).Encode(v)
	}
	_, err := fmt.Fprintf(s.stdout, "einlass %s, commit %s, %s\n", v.Version, v.Commit, v.Go)
	return err
}

func buildVersion() versionJSON {
	v := versionJSON{Version: "unknown", Commit: "unknown", Go: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version, v.Go = cmp.Or(info.Main.Version, v.Version), info.GoVersion
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Commit = setting.Value
		}
	}
	return v
}
