package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/provider/web"
)

// N141
func TestCookiesAreBoundToTheHost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		secure bool
		want   http.Cookie
	}{
		{true, http.Cookie{Name: "__Host-einlass-session", Value: "v", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{false, http.Cookie{Name: "einlass-session", Value: "v", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		web.Cookies{Secure: tt.secure}.Set(w, web.CookieSession, "v", 0)
		got := w.Result().Cookies()[0]
		if diff := cmp.Diff(tt.want, *got, cmpopts.IgnoreFields(http.Cookie{}, "Raw")); diff != "" {
			t.Errorf("secure %t (-want +got):\n%s", tt.secure, diff)
		}
	}
}

func TestACookieLivesAsLongAsItShould(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	c := web.Cookies{Secure: true}
	c.Set(w, web.CookieDevice, "v", 180*24*time.Hour)
	c.Clear(w, web.CookieSession)
	cookies := w.Result().Cookies()
	if got := cookies[0].MaxAge; got != 180*24*3600 {
		t.Errorf("Max-Age %d, want 180 days", got)
	}
	if cookies[1].MaxAge >= 0 || cookies[1].Value != "" {
		t.Errorf("cleared cookie %v, want one that is gone", cookies[1])
	}
}

func TestTwoDifferentCookiesOfOneNameAreNone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header string
		want         string
	}{
		{"one", "__Host-einlass-session=a", "a"},
		{"none", "", ""},
		{"the same twice", "__Host-einlass-session=a; __Host-einlass-session=a", "a"},
		{"two", "__Host-einlass-session=a; __Host-einlass-session=b", ""},
		{"one is empty", "__Host-einlass-session=; __Host-einlass-session=b", ""},
		{"without the prefix", "einlass-session=a", ""},
		{"one of each name", "einlass-session=a; __Host-einlass-session=b", "b"},
	}
	for _, tt := range tests {
		r := get("/")
		r.Header.Set("Cookie", tt.header)
		got := web.Cookies{Secure: true}.Read(r, web.CookieSession)
		if got != tt.want {
			t.Errorf("%s: read %q, want %q", tt.name, got, tt.want)
		}
	}
}
