package provider_test

import (
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// N029: the error page repeats nothing of the request but its own reference.
func TestErrorPagesRepeatNothing(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for name, text := range map[string]string{
		"HTML":                   `<img src=x onerror="alert(1)">`,
		"format directives":      "%s%n%!d(MISSING){{.Data}}",
		"right-to-left override": "personio\u202egpj.exe",
		"10 KiB":                 strings.Repeat("hostile-", 1280),
	} {
		for _, pairs := range [][]string{
			{"client_id", text}, {"redirect_uri", text}, {"client_id", "nobody", "error", text, "error_description", text, "state", text},
		} {
			answer := b.Get(b.Authorize(providertest.Personio, pairs...))
			reference, _ := providertest.Element(t, answer.Body, "reference")
			if answer.StatusCode != http.StatusBadRequest || reference == "" || len(answer.Body) > 8<<10 {
				t.Errorf("%s as %s: status %d, reference %q, %d bytes", name, pairs[0], answer.StatusCode, reference, len(answer.Body))
			}
			for _, form := range []string{text, html.EscapeString(text), url.QueryEscape(text)} {
				if strings.Contains(answer.Body, form) {
					t.Errorf("%s as %s: the page repeats it", name, pairs[0])
				}
			}
		}
	}
}

// N033: an address that nobody trusted vouches for is not the client's, for the throttle and for the log.
func TestForwardedAddressesOfStrangersDoNotCount(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "client_id": {"personio"}, "client_secret": {strings.Repeat("x", 40)}}
	for i := range 31 {
		address := "203.0.113." + strconv.Itoa(i)
		answer := b.Post("/token", form, "X-Forwarded-For", address, "Forwarded", "for="+address, "X-Real-IP", address)
		if limited := answer.StatusCode == http.StatusTooManyRequests; limited != (i == 30) {
			t.Errorf("failure %d: status %d", i+1, answer.StatusCode)
		}
	}
	failures := b.FlushEvents(users.EventClientAuthFailed)
	if len(failures) == 0 {
		t.Fatal("no events")
	}
	for _, e := range failures {
		if !strings.Contains(e.Payload, `"ip":"127.0.0.1"`) {
			t.Errorf("event %s, want the address of the peer", e.Payload)
		}
	}
}

// N094: one document, whatever the request says about the host.
func TestDiscoveryIsTheSameForEverybody(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	const path = "/.well-known/openid-configuration"
	want := b.Get(path).Body
	for name, answer := range map[string]providertest.Response{
		"query":             b.Get(path + "?issuer=https://evil.test"),
		"forwarded headers": b.Get(path, "X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "https", "X-Original-URL", "/evil"),
	} {
		if answer.StatusCode != http.StatusOK || answer.Body != want {
			t.Errorf("%s: status %d, body %s", name, answer.StatusCode, answer.Body)
		}
	}
	for _, path := range []string{path + "/", "/." + path, "/evil.test" + path, "/.well-known/openid-configuration/personio"} {
		if answer := b.Get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, answer.StatusCode)
		}
	}
}
