package provider_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

const square = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M0 0h24v24H0z"/></svg>`

func logoOf(t *testing.T, content string) *users.Logo {
	t.Helper()
	logo, err := users.NewLogo([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return logo
}

// withLogo declares that personio has a logo; nil: none. Its sign-ins ask for consent.
func withLogo(b *providertest.Bench, logo *users.Logo, disabled bool) {
	d := providertest.Declaration()
	for i := range d.Applications {
		if d.Applications[i].ID == providertest.Personio {
			d.Applications[i].Logo, d.Applications[i].Disabled = logo, disabled
			d.Applications[i].SignIn.Trusted = false
		}
	}
	b.Redeclare(d)
}

// S-057: only the present logos of applications that are switched on are there.
func TestLogosThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	first, second := logoOf(t, square), logoOf(t, strings.ReplaceAll(square, "24", "32"))
	withLogo(b, first, false)
	for _, path := range []string{"/logos/", "/logos/personio", "/logos/" + second.Digest, "/logos/" + first.Digest[:63], "/logos/" + first.Digest + "/", "/logos/" + strings.ToUpper(first.Digest)} {
		wantNoLogo(t, b, path)
	}
	withLogo(b, second, false)
	wantNoLogo(t, b, "/logos/"+first.Digest)
	withLogo(b, second, true)
	wantNoLogo(t, b, "/logos/"+second.Digest)
	withLogo(b, first, false)
	if answer := b.Get("/logos/" + first.Digest); answer.StatusCode != http.StatusOK {
		t.Errorf("put back: status %d", answer.StatusCode)
	}
	withLogo(b, nil, false)
	wantNoLogo(t, b, "/logos/"+first.Digest)
	if answer := b.Post("/logos/"+first.Digest, nil); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("posted: status %d, want 405", answer.StatusCode)
	}
}

func wantNoLogo(t *testing.T, b *providertest.Bench, path string) {
	t.Helper()
	answer := b.Get(path)
	if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: status %d, Cache-Control %q; want 404 that is not kept", path, answer.StatusCode, answer.Header.Get("Cache-Control"))
	}
}

// S-057, N202: a logo is shown to anybody, and harmless where it is opened by itself.
func TestALogoIsServedStrictly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	logo := logoOf(t, square)
	withLogo(b, logo, false)
	answer := b.Get("/logos/" + logo.Digest)
	if answer.StatusCode != http.StatusOK || answer.Body != square {
		t.Fatalf("status %d, body %q", answer.StatusCode, answer.Body)
	}
	want := map[string]string{
		"Content-Type":            "image/svg+xml",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Cache-Control":           "public, max-age=31536000, immutable",
		"Set-Cookie":              "",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = answer.Header.Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// pictures are the addresses of the logos on a page.
func pictures(t *testing.T, page string) []string {
	t.Helper()
	var sources []string
	for _, img := range webtest.Parse(t, page).ByID("main").All("img") {
		if img.Attr("alt") != "" || img.Attr("class") != "logo" {
			t.Errorf("a logo is %q with the text %q; want none, because the name is beside it", img.Attr("class"), img.Attr("alt"))
		}
		sources = append(sources, img.Attr("src"))
	}
	return sources
}

// S-057: the sign-in form and the question for consent show the logo of the application, or an arrow.
func TestThePagesOfASignInShowTheLogo(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	logo := logoOf(t, square)
	for _, c := range []struct {
		logo *users.Logo
		want []string
	}{{nil, nil}, {logo, []string{"/logos/" + logo.Digest}}} {
		withLogo(b, c.logo, false)
		browser := b.NewBrowser()
		path := browser.Get(b.Authorize(providertest.Personio)).Header.Get("Location")
		form := browser.Get(path)
		if diff := cmp.Diff(c.want, pictures(t, form.Body)); diff != "" {
			t.Errorf("sign-in form (-want +got):\n%s", diff)
		}
		asked := browser.Get(browser.SignIn(path, providertest.Ada, providertest.Password).Header.Get("Location"))
		if !webtest.Parse(t, asked.Body).ByID("consent-form").Exists() {
			t.Fatalf("status %d, no question for consent", asked.StatusCode)
		}
		if diff := cmp.Diff(c.want, pictures(t, asked.Body)); diff != "" {
			t.Errorf("question (-want +got):\n%s", diff)
		}
		for _, page := range []providertest.Response{form, asked} {
			if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, " img-src 'self';") {
				t.Errorf("policy %q, want pictures of ours alone", policy)
			}
			if hasArrow := strings.Contains(page.Body, "#arrow"); hasArrow != (c.logo == nil) {
				t.Errorf("the strip has an arrow: %t", hasArrow)
			}
		}
	}
}

// source is a directory whose logos come as a test says.
type source struct {
	users.Reader
	logo  func(id users.ApplicationID) (users.Logo, error)
	reads int
}

func (s *source) Logo(_ context.Context, id users.ApplicationID) (users.Logo, error) {
	s.reads++
	return s.logo(id)
}

// A logo that changed between two reads is left out until the next revision, and one that is held is not read again.
func TestTheRegistryReadsLogosOnce(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	logo := logoOf(t, square)
	withLogo(b, logo, false)
	for name, c := range map[string]struct {
		logo users.Logo
		err  error
		want bool
	}{
		"gone":        {users.Logo{}, users.ErrNotFound, false},
		"another one": {*logoOf(t, "<!-- -->"+square), nil, false},
		"the same":    {*logo, nil, true},
	} {
		s := &source{Reader: b.Directory.Read(), logo: func(users.ApplicationID) (users.Logo, error) { return c.logo, c.err }}
		registry := provider.NewRegistry(provider.RegistryConfig{Source: s})
		if err := registry.Refresh(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if a, found := registry.Application(providertest.Personio); !found || (a.Logo != nil) != c.want {
			t.Errorf("%s: application found: %t, logo %v; want one: %t", name, found, a.Logo, c.want)
		}
		other := users.Application{ID: users.ApplicationID(strings.ReplaceAll(name, " ", "-")), Label: name}
		if _, err := b.Directory.AddApplication(t.Context(), "cli:test", other); err != nil { // raises the revision
			t.Fatal(err)
		}
		if err := registry.Refresh(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := map[bool]int{true: 1, false: 2}[c.want]; s.reads != want {
			t.Errorf("%s: read %d times, want %d", name, s.reads, want)
		}
	}
	broken := errors.New("the store does not answer")
	s := &source{Reader: b.Directory.Read(), logo: func(users.ApplicationID) (users.Logo, error) { return users.Logo{}, broken }}
	if err := provider.NewRegistry(provider.RegistryConfig{Source: s}).Refresh(t.Context()); !errors.Is(err, broken) {
		t.Errorf("%v, want the store's error", err)
	}
}
