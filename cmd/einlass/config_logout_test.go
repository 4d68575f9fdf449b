package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func logoutApplication(lines string) string {
	return base + "applications:\n  - id: a\n    groups: [everyone]\n    sign_in:\n      client_id: a\n      client_secret: " +
		strings.Repeat("s3cret-", 6) + "\n      redirect_uris: ['https://a.example/cb']\n" + lines
}

func TestBrokenLogoutSettingsAreRefused(t *testing.T) {
	t.Parallel()
	const at = "einlass.yaml:9: applications[0].sign_in."
	for name, c := range map[string]struct{ text, want string }{
		"http after sign-out": {logoutApplication("      post_logout_redirect_uris: ['http://a.example/']\n"),
			at + `post_logout_redirect_uris[0]: must begin with https://, found "http://a.example/"`},
		"twice": {logoutApplication("      post_logout_redirect_uris: ['https://a.example/', 'https://a.example/']\n"),
			at + `post_logout_redirect_uris[1]: "https://a.example/" stands here twice`},
		"script after sign-out": {logoutApplication("      post_logout_redirect_uris: ['javascript:alert(1)']\n"),
			at + `post_logout_redirect_uris[0]: want an absolute https URL, found "javascript:alert(1)"`},
		"back-channel by http": {logoutApplication("      backchannel_logout_uri: 'http://127.0.0.1/bye'\n"),
			at + `backchannel_logout_uri: must begin with https:// (http on loopback needs insecure_allow_loopback), found "http://127.0.0.1/bye"`},
		"back-channel with a fragment": {logoutApplication("      backchannel_logout_uri: 'https://a.example/#x'\n"),
			at + `backchannel_logout_uri: must not have a fragment, found "https://a.example/#x"`},
		// OpenID Connect Core section 4; the suite's plan for sign-ins that begin elsewhere registers such a client.
		"start of a sign-in by http": {logoutApplication("      initiate_login_uri: 'http://a.example/start'\n"),
			at + `initiate_login_uri: must begin with https://, found "http://a.example/start"`},
		"rotation in hours": {base + "keys: { rotate_every: 12h }\n",
			"einlass.yaml:2: keys.rotate_every: want at least 1d, or 0 for never, found 12h0m0s"},
		"no announcement": {base + "keys: { announce: 1m }\n",
			"einlass.yaml:2: keys.announce: want at least 15m, found 1m0s"},
		"announced for ever": {base + "keys: { rotate_every: 1d, announce: 24h }\n",
			"einlass.yaml:2: keys.announce: want less than keys.rotate_every"},
		"no duration": {base + "keys: { rotate_every: quarterly }\n",
			`einlass.yaml:2: keys.rotate_every: want a duration such as 90d, 24h or 15m, or 0, found "quarterly"`},
		"negative": {base + "keys: { rotate_every: '-90d' }\n",
			`einlass.yaml:2: keys.rotate_every: want a duration such as 90d, 24h or 15m, or 0, found "-90d"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, c.text); got != c.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestLogoutSettingsAreDeclared(t *testing.T) {
	t.Parallel()
	cfg, problems := loadText(t, logoutApplication("      post_logout_redirect_uris: ['https://a.example/', 'https://a.example/?b']\n"+
		"      backchannel_logout_uri: 'https://a.example/bye'\n")+"keys: { rotate_every: 30d, announce: 36h }\n")
	if problems != "" {
		t.Fatal(problems)
	}
	got := cfg.Declaration(nil).Applications[0].SignIn
	if diff := cmp.Diff([]string{"https://a.example/", "https://a.example/?b"}, got.PostLogoutRedirectURIs); diff != "" {
		t.Errorf("after sign-out (-want +got):\n%s", diff)
	}
	if got.BackchannelLogoutURI != "https://a.example/bye" {
		t.Errorf("back-channel %q", got.BackchannelLogoutURI)
	}
	if want := (KeysConfig{RotateEvery: 30 * 24 * time.Hour, Announce: 36 * time.Hour}); cfg.Keys != want {
		t.Errorf("keys %+v, want %+v", cfg.Keys, want)
	}
	never, problems := loadText(t, base+"keys: { rotate_every: '0' }\n")
	if problems != "" || never.Keys.RotateEvery != 0 {
		t.Errorf("never: %+v\n%s", never.Keys, problems)
	}
}
