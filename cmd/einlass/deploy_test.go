package main

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const deployFolder = "../../deploy"

// compose is what these tests look at in a Compose file.
type compose struct {
	Services map[string]struct {
		Environment     map[string]string
		Secrets         []string
		Volumes         []string
		Tmpfs           []string
		ReadOnly        bool   `yaml:"read_only"`
		StopGracePeriod string `yaml:"stop_grace_period"`
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// composeFiles returns the Compose files by name.
func composeFiles(t *testing.T) map[string]compose {
	t.Helper()
	files := map[string]compose{}
	for _, name := range []string{"compose.yaml", "compose.cluster.yaml"} {
		var c compose
		if err := yaml.Unmarshal([]byte(deployed(t, name)), &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files[name] = c
	}
	return files
}

// The configuration, with what a Compose file puts into the environment and
// into files, has no mistake, and nothing in it is unknown.
func TestDeployedConfigurationIsAccepted(t *testing.T) {
	t.Parallel()
	for name, file := range composeFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets := t.TempDir()
			for _, secret := range []string{"personio-client", "personio-api"} {
				writeFile(t, secrets, secret, strings.Repeat("s3cret-", 6)+"\n")
			}
			writeFile(t, secrets, "database-url", "postgres://einlass:s3cret@postgres/einlass\n")
			if err := os.Rename(masterKey(t, secrets), filepath.Join(secrets, "master-key")); err != nil {
				t.Fatal(err)
			}
			mounted := strings.NewReplacer("/run/secrets/", secrets+"/")
			var environment []string
			for variable, value := range file.Services["einlass"].Environment {
				environment = append(environment, variable+"="+mounted.Replace(value))
			}
			config := writeFile(t, secrets, "einlass.yaml", mounted.Replace(deployed(t, "einlass.yaml")))
			var stdout, stderr strings.Builder
			code := run(t.Context(), []string{"config", "validate", "--config", config}, nil, &stdout, &stderr, environment)
			if code != exitOK || stderr.String() != "" {
				t.Errorf("config validate: exit code %d\n%s", code, &stderr)
			}
			loaded, err := loadConfig(configInput{file: config, environment: environment})
			if err != nil {
				t.Fatal(err)
			}
			if len(loaded.TrustedProxies) == 0 {
				t.Error("no proxy is trusted, so all people would share one network's limits")
			}
			for _, host := range []string{"acme.personio.de/", "login.personio.com/", "auth.personio.de/"} { // U-27
				if !slices.ContainsFunc(loaded.Applications[0].SignIn.RedirectURIs, func(uri string) bool {
					return strings.HasPrefix(uri, "https://"+host)
				}) {
					t.Errorf("no redirect URI at %s", host)
				}
			}
			if (loaded.DatabaseURL == "") != slices.Contains(file.Services["einlass"].Volumes, "data:"+loaded.Data) {
				t.Errorf("data is %s; volumes are %q", loaded.Data, file.Services["einlass"].Volumes)
			}
		})
	}
}

func TestComposeFilesDeclareWhatTheyUse(t *testing.T) {
	t.Parallel()
	for name, file := range composeFiles(t) {
		for service, s := range file.Services {
			for _, secret := range s.Secrets {
				if got := file.Secrets[secret].File; got != "./secrets/"+secret {
					t.Errorf("%s: %s uses the secret %s, whose file is %q", name, service, secret, got)
				}
				if !strings.Contains(deployed(t, name), "> deploy/secrets/"+secret) {
					t.Errorf("%s does not say how to make the secret %s", name, secret)
				}
			}
			for _, variable := range slices.Sorted(maps.Keys(s.Environment)) {
				secret, isSecret := strings.CutPrefix(s.Environment[variable], "/run/secrets/")
				if isSecret && !slices.Contains(s.Secrets, secret) {
					t.Errorf("%s: %s of %s is no secret of its", name, variable, service)
				}
			}
			for _, volume := range s.Volumes {
				source, _, _ := strings.Cut(volume, ":")
				if _, declared := file.Volumes[source]; !declared && source != "./einlass.yaml" {
					t.Errorf("%s: %s mounts %s, which nobody declares", name, service, source)
				}
			}
		}
	}
}

// What stops the server waits until it has answered everybody: first those who
// sign in, then those who watch it.
func TestDeploymentsWaitUntilTheServerHasStopped(t *testing.T) {
	t.Parallel()
	waits := map[string]string{}
	for name, file := range composeFiles(t) {
		waits[name] = file.Services["einlass"].StopGracePeriod
	}
	unit := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(deployed(t, "einlass.service"))
	if unit == nil {
		t.Fatal("einlass.service has no TimeoutStopSec")
	}
	waits["einlass.service"] = unit[1]
	for name, text := range waits {
		wait, err := time.ParseDuration(text)
		if err != nil || wait < 2*(drainTimeout+queueTimeout) {
			t.Errorf("%s waits for %q, want %s or more", name, text, 2*(drainTimeout+queueTimeout))
		}
	}
}

// Commands inside a container, the health check among them, find the
// configuration without being told where it is.
func TestContainerWorksBesideItsConfiguration(t *testing.T) {
	t.Parallel()
	image := deployed(t, "Containerfile")
	_, final, _ := strings.Cut(image, "\nFROM gcr.io/distroless/static-debian12:nonroot\n")
	workdir := regexp.MustCompile(`(?m)^WORKDIR (\S+)$`).FindStringSubmatch(final)
	if workdir == nil {
		t.Fatal("the image has no working folder")
	}
	for name, file := range composeFiles(t) {
		mount := "./einlass.yaml:" + path.Join(workdir[1], defaultConfigFile) + ":ro"
		s := file.Services["einlass"]
		if !slices.Contains(s.Volumes, mount) {
			t.Errorf("%s mounts %q, want %s", name, s.Volumes, mount)
		}
		embedded := s.Environment["EINLASS_DATABASE_URL_FILE"] == ""
		if s.ReadOnly && embedded && !slices.Contains(s.Tmpfs, "/tmp") {
			t.Errorf("%s: SQLite has no folder for temporary files", name)
		}
	}
	for _, line := range []string{`ENTRYPOINT ["/einlass"]`, `CMD ["serve"]`, `CMD ["/einlass", "healthcheck"]`} {
		if !strings.Contains(final, line) {
			t.Errorf("the image lacks %s", line)
		}
	}
}
