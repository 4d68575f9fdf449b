// Package e2e drives the real binary: as processes, over HTTP and in a real browser.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing/porttest"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// binary builds the program once for all tests, as it is built for others.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "einlass-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "einlass")
	build := exec.Command("go", "build", "-o", path, "github.com/einlass/einlass/cmd/einlass")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if dir := os.Getenv(bareVariable); dir != "" {
		fmt.Fprintln(os.Stderr, serveBare(dir, os.Getenv(bareRedisVariable)))
		os.Exit(1)
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a leftover in the temporary folder harms nobody
	}
	os.Exit(code)
}

// stores are what a house keeps its state in.
type stores struct {
	postgres, redis bool
}

func (s stores) String() string {
	name := map[bool]string{false: "sqlite", true: "postgresql"}[s.postgres]
	return name + "+" + map[bool]string{false: "sqlite", true: "redis"}[s.redis]
}

const (
	password   = "correct horse battery staple"
	clientName = "personio"
)

// house is one installation beside a simulated Personio.
type house struct {
	t       testing.TB
	hr      *personiotest.Server
	hrURL   string
	answers atomic.Pointer[http.Handler] // what is at hrURL: hr, unless a test puts something before it
	issuer  string
	address string // of the first replica
	config  string
	env     []string // of its commands, such as NAME=value

	directory sqlstore.Config
}

// newHouse writes a configuration for a company of people; nothing runs yet but Personio.
func newHouse(t *testing.T, s stores, company personiotest.Config) *house {
	t.Helper()
	hr, err := personiotest.New(company)
	must(t, err)
	h := &house{t: t, hr: hr, address: freeAddress(t)}
	h.answer(hr.Handler())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*h.answers.Load()).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	h.hrURL = server.URL
	_, port, err := net.SplitHostPort(h.address)
	must(t, err)
	h.issuer = "http://localhost:" + port
	rp := h.relyingParty(personiotest.OIDC)
	must(t, hr.Connect(rp))
	h.writeConfig(s, rp)
	return h
}

// answer puts a handler where Personio is.
func (h *house) answer(handler http.Handler) { h.answers.Store(&handler) }

// relyingParty is what an administrator types into Personio's form.
func (h *house) relyingParty(profile personiotest.Profile) personiotest.RelyingParty {
	rp := personiotest.FromIssuer(h.issuer)
	rp.Profile, rp.BaseURL, rp.ClientID = profile, h.hrURL, clientName
	rp.ClientSecret = "the-client-secret-of-the-simulated-personio"
	rp.Nonce, rp.PKCE = profile == personiotest.OIDC, profile == personiotest.OIDC
	return rp
}

func (h *house) writeConfig(s stores, rp personiotest.RelyingParty) {
	h.t.Helper()
	dir := h.t.TempDir()
	apiID, apiSecret := h.hr.Credentials()
	uris, err := json.Marshal(rp.RedirectURIs())
	must(h.t, err)
	text := fmt.Sprintf(`issuer: %s
data: %s
insecure_allow_loopback: true
organization: { name: Acme GmbH }
applications:
  - id: personio
    label: Personio
    groups: [everyone]
    launch: { url: %q }
    sign_in:
      client_id: personio
      client_secret: %s
      auth_method: client_secret_post
      redirect_uris: %s
      claims: { email: email }
      id_token_claims: [email]
    import:
      personio: { client_id: %s, client_secret: %s, base_url: %q }
      schedule: "off"
      guard: { max_people: 25, max_percent: 20 }
`, h.issuer, filepath.Join(dir, "data"), rp.LaunchURL(), rp.ClientSecret.Reveal(), uris, apiID, apiSecret.Reveal(), h.hrURL)
	h.directory = sqlstore.Config{Path: filepath.Join(dir, "data", "directory.db")}
	if s.postgres {
		h.directory = sqlstore.Config{URL: userstest.PostgresURL(h.t)}
		_, err := keys.CreateMasterKey(filepath.Join(dir, "master.key"))
		must(h.t, err)
		text += fmt.Sprintf("database_url: %q\nmaster_key_file: %s\n", h.directory.URL, filepath.Join(dir, "master.key"))
	}
	if s.redis {
		text += fmt.Sprintf("redis_url: %q\n", sessiontest.RedisURL(h.t))
	}
	h.config = filepath.Join(dir, "einlass.yaml")
	must(h.t, os.WriteFile(h.config, []byte(text), 0o600))
}

// declare adds an application to the configuration, which ends with those while the stores are embedded.
func (h *house) declare(application string) {
	h.t.Helper()
	text, err := os.ReadFile(h.config)
	must(h.t, err)
	must(h.t, os.WriteFile(h.config, fmt.Appendf(text, "  - %s\n", application), 0o600))
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a command to its end.
func (h *house) run(stdin string, args ...string) result {
	h.t.Helper()
	cmd := h.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		h.t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ok runs a command that must succeed and returns its output.
func (h *house) ok(stdin string, args ...string) string {
	h.t.Helper()
	r := h.run(stdin, args...)
	if r.code != 0 {
		h.t.Fatalf("einlass %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// json runs a command with -o json and decodes what it prints.
func (h *house) json(into any, args ...string) {
	h.t.Helper()
	out := h.ok("", append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		h.t.Fatalf("einlass %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (h *house) command(args ...string) *exec.Cmd {
	h.t.Helper()
	cmd := program(h.t, append([]string{"--config", h.config}, args...)...)
	cmd.Env = append(cmd.Env, h.env...)
	return cmd
}

// program returns a command of the binary, without the variables that are for the test.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	must(t, err)
	cmd := exec.Command(path, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "EINLASS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

// replica is a running server.
type replica struct {
	h       *house
	cmd     *exec.Cmd
	address string
	manage  string // base URL of the management listener
	log     *bytes.Buffer
}

// serve starts a server at an address and waits until it is ready.
func (h *house) serve(address string) *replica {
	h.t.Helper()
	management := freeAddress(h.t)
	r := &replica{h: h, address: address, manage: "http://" + management, log: &bytes.Buffer{}}
	r.cmd = h.command("serve", "--listen", address, "--management-listen", management)
	r.cmd.Stderr = r.log
	must(h.t, r.cmd.Start())
	h.t.Cleanup(func() { r.stop(syscall.SIGTERM) })
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(r.manage + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return r
			}
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("the server is not ready: %v\n%s", err, r.log)
		}
	}
}

// stop ends the server with a signal and waits; it may have ended already.
func (r *replica) stop(signal syscall.Signal) {
	if r.cmd.ProcessState != nil {
		return
	}
	_ = r.cmd.Process.Signal(signal)
	_ = r.cmd.Wait() // killed processes report the signal
}

// browser follows redirects and keeps cookies, like a person's, but without a screen.
type browser struct {
	h      *house
	client *http.Client
}

func (h *house) browser() *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	return &browser{h, &http.Client{Jar: jar, Timeout: 2 * time.Minute}}
}

// page is what a browser shows in the end.
type page struct {
	url    *url.URL
	status int
	body   string
}

func (b *browser) get(target string) page {
	b.h.t.Helper()
	answer, err := b.client.Get(target)
	must(b.h.t, err)
	return b.read(answer)
}

func (b *browser) read(answer *http.Response) page {
	b.h.t.Helper()
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(b.h.t, err)
	return page{answer.Request.URL, answer.StatusCode, string(body)}
}

// signIn fills in the sign-in form of a page and returns where it leads.
func (b *browser) signIn(p page, email string) page {
	b.h.t.Helper()
	return b.signInAs(p, email, password)
}

func (b *browser) signInAs(p page, username, password string) page {
	b.h.t.Helper()
	action, form := providertest.FormOf(b.h.t, p.body, "password")
	form.Set("username", username)
	form.Set("password", password)
	target, err := p.url.Parse(action)
	must(b.h.t, err)
	answer, err := b.client.PostForm(target.String(), form)
	must(b.h.t, err)
	return b.read(answer)
}

// open imports, gives somebody a password, and starts the server; email is theirs.
func (h *house) open() (server *replica, email string) {
	h.t.Helper()
	email = h.somebody()
	h.ok("", "import", "run")
	h.ok(password+"\n", "users", "password", email)
	return h.serve(h.address), email
}

// signedIn opens the house and signs somebody in at the portal.
func (h *house) signedIn() (*replica, *browser) {
	h.t.Helper()
	server, jana := h.open()
	browser := h.browser()
	browser.signIn(browser.get(h.issuer+"/portal"), jana)
	return server, browser
}

// signedInAs says whom the simulated Personio has let in, or nobody.
func (p page) signedInAs(t *testing.T) string {
	t.Helper()
	text, _ := providertest.Element(t, p.body, "signed-in")
	return text
}

func freeAddress(t testing.TB) string {
	t.Helper()
	address, err := porttest.Address()
	must(t, err)
	return address
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
