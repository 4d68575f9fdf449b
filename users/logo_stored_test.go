package users_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/einlass/einlass/users"
)

func logoOf(t *testing.T, body string) *users.Logo {
	t.Helper()
	logo, err := users.NewLogo([]byte(svg(body)))
	if err != nil {
		t.Fatal(err)
	}
	return logo
}

// S-025, S-057: a logo is checked wherever it comes in, and the log knows it by its digest.
func TestLogosOfApplications(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		script := *logoOf(t, "")
		script.Content = []byte(svg("<script/>"))
		for name, bad := range map[string]users.Application{
			"script":         {ID: "bad", Label: "Bad", Logo: &script},
			"no content":     {ID: "bad", Label: "Bad", Logo: &users.Logo{}},
			"unknown colour": {ID: "bad", Label: "Bad", Color: "pink"},
		} {
			if _, err := b.AddApplication(ctx, admin, bad); !errors.Is(err, users.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
		declared := func(logo *users.Logo) users.Declaration {
			return users.Declaration{Applications: []users.DeclaredApplication{{Application: users.Application{ID: "wiki", Label: "Wiki", Logo: logo}}}}
		}
		if _, err := b.Declare(ctx, declared(&script)); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("declared with a script: %v, want ErrInvalid", err)
		}
		added, first, second := logoOf(t, ""), logoOf(t, "<g/>"), logoOf(t, "<g/><g/>")
		_, err := b.AddApplication(ctx, admin, users.Application{ID: "crm", Label: "CRM", Logo: added})
		b.must(err)
		for _, logo := range []*users.Logo{first, second} {
			changed, err := b.Declare(ctx, declared(logo))
			b.must(err)
			stored, err := b.Read().Logo(ctx, "wiki")
			b.must(err)
			if !changed || string(stored.Content) != string(logo.Content) {
				t.Errorf("changed: %t; stored %q, want %q", changed, stored.Content, logo.Content)
			}
		}
		changed, err := b.Declare(ctx, declared(nil))
		b.must(err)
		if _, err := b.Read().Logo(ctx, "wiki"); !changed || !errors.Is(err, users.ErrNotFound) {
			t.Errorf("without the key: changed %t, %v; want it gone", changed, err)
		}
		if stored, err := b.Read().Logo(ctx, "crm"); err != nil || stored.Digest != added.Digest {
			t.Errorf("logo of another application: %v, %v", stored, err)
		}
		var payloads string
		for _, e := range append(b.events(users.EventApplicationPut), b.events(users.EventDeclared)...) {
			payloads += e.Payload
		}
		for _, logo := range []*users.Logo{added, first, second} {
			if !strings.Contains(payloads, logo.Digest) {
				t.Errorf("the log does not know the digest %s: %s", logo.Digest, payloads)
			}
		}
		if strings.Contains(payloads, "viewBox") || strings.Contains(payloads, "PHN2Z") { // as it is, and as base64
			t.Errorf("the log has the content of a logo: %s", payloads)
		}
	})
}

// An application that leaves the file keeps its logo, because it may be declared again.
func TestAnApplicationThatIsSwitchedOffKeepsItsLogo(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		logo := logoOf(t, "")
		_, err := b.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{{Application: users.Application{ID: "wiki", Label: "Wiki", Logo: logo}}}})
		b.must(err)
		_, err = b.Declare(t.Context(), users.Declaration{})
		b.must(err)
		if stored, err := b.Read().Logo(t.Context(), "wiki"); err != nil || stored.Digest != logo.Digest {
			t.Errorf("logo %v, %v", stored, err)
		}
	})
}
