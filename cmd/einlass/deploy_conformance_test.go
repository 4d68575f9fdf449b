package main

import (
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The suite finds Einlass in its network by the name in the configuration, and
// both show a certificate that the other believes.
func TestConformanceSuiteAndServerMeet(t *testing.T) {
	t.Parallel()
	const folder = "conformance"
	var file compose
	if err := yaml.Unmarshal([]byte(deployed(t, folder+"/compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(deployFolder, folder, "einlass.yaml")
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{"config", "validate", "--config", config}, nil, &stdout, &stderr, nil); code != exitOK {
		t.Errorf("config validate: exit code %d\n%s", code, &stderr)
	}
	loaded, err := loadConfig(configInput{file: config})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := url.Parse(loaded.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	server, found := file.Services[issuer.Hostname()]
	if !found || !strings.HasSuffix(loaded.Listen, ":"+issuer.Port()) {
		t.Errorf("issuer %s: there is a service of that name: %v; it listens on %s", issuer, found, loaded.Listen)
	}
	const workdir = "/etc/einlass" // TestContainerWorksBesideItsConfiguration
	cert := path.Join(workdir, loaded.TLS.CertFile)
	for _, mount := range []string{"./einlass.yaml:" + path.Join(workdir, defaultConfigFile) + ":ro", "./tls:" + path.Dir(cert) + ":ro"} {
		if !slices.Contains(server.Volumes, mount) {
			t.Errorf("mounts %q, want %s", server.Volumes, mount)
		}
	}
	if got := server.Environment["SSL_CERT_FILE"]; got != cert {
		t.Errorf("calls trust %q, want %s", got, cert)
	}
	if front := file.Services["nginx"].Volumes; len(front) != 2 || !strings.HasPrefix(front[0], "./"+loaded.TLS.CertFile+":") || !strings.HasPrefix(front[1], "./"+loaded.TLS.KeyFile+":") {
		t.Errorf("the suite's front mounts %q, want the same certificate", front)
	}
	suite, err := url.Parse(loaded.Applications[0].SignIn.RedirectURIs[0])
	if err != nil {
		t.Fatal(err)
	}
	guide := deployed(t, folder+"/README.md")
	if names := "subjectAltName=DNS:" + issuer.Hostname() + ",DNS:" + suite.Hostname() + " "; !strings.Contains(guide, names) {
		t.Errorf("the guide makes no certificate with %s", names)
	}
	files, err := filepath.Glob(filepath.Join(deployFolder, folder, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(guide, "`"+name+"`") {
			t.Errorf("the guide does not say what %s is", name)
		}
	}
}
