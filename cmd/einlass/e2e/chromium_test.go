package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// need returns the path of a program, or skips the test; EINLASS_TEST_REQUIRE=all makes that a failure.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		unavailable(t, program+" is not installed")
	}
	return path
}

func unavailable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("EINLASS_TEST_REQUIRE") == "all" {
		t.Fatal(why)
	}
	t.Skip("skipped: " + why)
}

// axe returns the source of axe-core, from the file that EINLASS_TEST_AXE names.
func axe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("EINLASS_TEST_AXE")
	if path == "" {
		unavailable(t, "EINLASS_TEST_AXE names no axe.min.js")
	}
	source, err := os.ReadFile(path)
	must(t, err)
	return string(source)
}

// tab is one page of a real browser with cookies of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex // guards console
	console []string
}

// chromium starts a browser that talks to loopback only.
func chromium(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(need(t, "chromium")), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx)) // starts it
	return ctx
}

// look is how a person sees pages.
type look struct {
	language string // de or en
	dark     bool
	width    int64 // CSS pixels
}

func (l look) String() string {
	return fmt.Sprintf("%s-%s-%d", l.language, map[bool]string{false: "light", true: "dark"}[l.dark], l.width)
}

// newTab opens a page without cookies.
func newTab(t *testing.T, browser context.Context, l look) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stop)
	p := &tab{t: t, ctx: ctx}
	go p.listen()
	p.wear(l)
	return p
}

// listen notes what the page says on the console.
func (p *tab) listen() {
	for message, err := range chromedp.Console(p.ctx) {
		if err != nil {
			return
		}
		p.mu.Lock()
		p.console = append(p.console, message.String())
		p.mu.Unlock()
	}
}

// wear changes language, theme and width from the next page on.
func (p *tab) wear(l look) {
	p.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[l.dark]
	p.do(
		chromedp.EmulateViewport(l.width, 800),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
				Headers: network.Headers{"Accept-Language": l.language},
			})
			if err != nil {
				return err
			}
			_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
	)
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		where, _ := chromedp.Run(p.ctx, chromedp.Location()) // only to explain err
		p.t.Fatalf("at %s: %v", where, err)
	}
}

func (p *tab) open(url string) { p.t.Helper(); p.do(chromedp.Navigate(url)) }

// signIn fills in the form as a person does, with the keyboard.
func (p *tab) signIn(email, secret string) {
	p.t.Helper()
	p.do(
		chromedp.Clear("#username"),
		chromedp.SendKeys("#username", email),
		chromedp.SendKeys("#password", secret),
		chromedp.Click("#login-submit"),
	)
}

// text waits for an element and returns its text.
func (p *tab) text(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Text(selector))
	if err != nil {
		where, _ := chromedp.Run(p.ctx, chromedp.Location()) // only to explain err
		p.t.Fatalf("%s at %s: %v", selector, where, err)
	}
	return text
}

func (p *tab) location() string {
	p.t.Helper()
	where, err := chromedp.Run(p.ctx, chromedp.Location())
	must(p.t, err)
	return where
}

// quiet fails the test if the page complained, for example about its policy.
func (p *tab) quiet(allowed ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
messages:
	for _, m := range p.console {
		for _, a := range allowed {
			if strings.Contains(m, a) {
				continue messages
			}
		}
		p.t.Errorf("the console says: %s", m)
	}
	p.console = nil
}
