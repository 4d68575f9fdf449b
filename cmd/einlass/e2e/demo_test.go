package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// offer is what `einlass demo -o json` prints.
type offer struct {
	Issuer        string  `json:"issuer"`
	Portal        string  `json:"portal"`
	Personio      string  `json:"personio"`
	API           string  `json:"api"`
	Administrator account `json:"administrator"`
	Employee      account `json:"employee"`
}

type account struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// The demo's printed credentials work in a fresh browser, both ways in. With
// -screenshots it takes the README's pictures.
// S-071 S-072
func TestDemo(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	cmd, o := startDemo(t)

	english := look{language: "en", width: 1100}
	p := newTab(t, browser, english)
	p.open(o.Personio)
	p.do(chromedp.Click("#login-with-oauth"), chromedp.WaitVisible("#login-submit"))
	p.picture("login.png")
	p.signIn(o.Employee.Username, o.Employee.Password)
	if who := p.text("#signed-in"); !strings.Contains(who, o.Employee.Username) {
		t.Errorf("SP-initiated: %q", who)
	}
	p.quiet()

	p = newTab(t, browser, english)
	p.open(o.Portal)
	p.signIn(o.Administrator.Username, o.Administrator.Password)
	p.do(chromedp.WaitVisible(`a[href="/portal/launch/personio"]`))
	p.picture("portal.png")
	p.do(chromedp.Click(`a[href="/portal/launch/personio"]`))
	if who := p.text("#signed-in"); !strings.Contains(who, o.Administrator.Username) {
		t.Errorf("IdP-initiated: %q", who)
	}
	p.quiet()

	stopDemo(t, cmd)
}

// startDemo starts a demo and reads what it offers.
func startDemo(t *testing.T, flags ...string) (*exec.Cmd, offer) {
	t.Helper()
	cmd := program(t, append([]string{"demo", "--listen", "127.0.0.1:0", "-o", "json"}, flags...)...)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // unless it has ended
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	var o offer
	must(t, json.Unmarshal([]byte(line), &o))
	return cmd, o
}

func stopDemo(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
}

// With --data the same people are there again, with new passwords.
func TestDemoStartsAgainOnItsData(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "kept")
	var before offer
	for range 2 {
		cmd, o := startDemo(t, "--people", "40", "--data", folder)
		b := (&house{t: t}).browser()
		portal := b.signInAs(b.get(o.Portal), o.Administrator.Username, o.Administrator.Password)
		if portal.url.Path != "/portal" || portal.status != http.StatusOK {
			t.Errorf("the administrator is led to %s, status %d", portal.url, portal.status)
		}
		if before.Portal != "" && (o.Administrator.Username != before.Administrator.Username || o.Employee.Password == before.Employee.Password) {
			t.Errorf("offered %+v, and before %+v", o, before)
		}
		before = o
		stopDemo(t, cmd)
	}
}

// picture writes what the page shows into the folder of -screenshots.
func (p *tab) picture(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	must(p.t, err)
	must(p.t, os.MkdirAll(*screenshots, 0o755))
	must(p.t, os.WriteFile(filepath.Join(*screenshots, name), picture, 0o644))
}
