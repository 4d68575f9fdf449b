package main

import (
	"fmt"
	"strings"
	"testing"
)

// marker is part of every secret in these tests.
const marker = "Tr0ub4dor-and-the-correct-horse"

// Invariant 7: however a secret is mistyped, no message about the file repeats it.
func TestProblemsOfTheFileRepeatNoSecret(t *testing.T) {
	t.Parallel()
	application := base + "applications:\n  - id: p\n    groups: [everyone]\n    sign_in:\n      client_id: p\n      redirect_uris: [https://a.example/cb]\n"
	webhook := base + "applications:\n  - id: p\n    import:\n      personio: { client_id: a, client_secret: b }\n      webhook:\n"
	files := map[string]string{
		"without a blank":     application + "      client_secret:" + marker + "\n",
		"without a key":       application + "      " + marker + " with blanks\n",
		"with a colon":        application + "      client_secret: a: " + marker + "\n",
		"as a mapping":        application + "      client_secret: { " + marker + " }\n",
		"as a list of lists":  application + "      client_secret: [[" + marker + "]]\n",
		"quote left open":     application + "      client_secret: '" + marker + "\n",
		"unknown escape":      application + "      client_secret: \"\\q" + marker + "\"\n",
		"as an alias in flow": application + "      client_secret: [a, *" + marker + "]\n",
		"as a type":           application + "      client_secret: !!int " + marker + "\n",
		"as a type of ours":   application + "      client_secret: !" + marker + "!x y\n",
		"as a merge":          application + "      <<: *" + marker + "\n",
		"as a directive":      "%TAG ! " + marker + "\n%" + marker + "\n---\n" + application,
		"header in one word":  webhook + "        headers: { X-Key:" + marker + " }\n",
		"header twice":        webhook + "        headers: { 'X-Key " + marker + "': a, 'X-Key " + marker + "': a }\n",
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantSilentRefusal(t, text)
		})
	}
	for c := '!'; c <= '~'; c++ { // most of these are good secrets
		wantSilence(t, application+"      client_secret: "+string(c)+marker+"\n")
	}
}

// Invariant 7: a URL with a password in it is refused without being repeated.
func TestProblemsOfURLsRepeatNoPassword(t *testing.T) {
	t.Parallel()
	application := base + "applications:\n  - id: p\n    groups: [everyone]\n"
	signIn := application + "    sign_in:\n      client_id: p\n      auth_method: private_key_jwt\n"
	for name, pattern := range map[string]string{
		"issuer":                 "issuer: %s\n",
		"launch":                 application + "    launch: { url: %s }\n",
		"redirect_uris":          signIn + "      redirect_uris: [%[1]s, %[1]s]\n",
		"post_logout":            signIn + "      post_logout_redirect_uris: [%[1]s, %[1]s]\n",
		"backchannel_logout_uri": signIn + "      backchannel_logout_uri: %s\n",
		"initiate_login_uri":     signIn + "      initiate_login_uri: %s\n",
		"continues_at":           signIn + "      continues_at: [%s]\n",
		"jwks_uri":               signIn + "      jwks_uri: %s\n",
		"base_url":               application + "    import: { personio: { client_id: a, client_secret: b, base_url: %s } }\n",
		"smtp":                   base + "mail: { from: sso@acme.example, smtp: %s }\n",
		"database":               base + "database_url: %s\n",
	} {
		for _, uri := range []string{"https://ada:P@a.example/cb", "'https://ada:P @a b.example/'", "'https://ada:%%zzP@a.example/'", "'ada:P@a.example'", "'https://P@a.example/#x'"} {
			t.Run(name+" "+uri, func(t *testing.T) {
				t.Parallel()
				wantSilentRefusal(t, fmt.Sprintf(pattern, strings.ReplaceAll(strings.ReplaceAll(uri, "%%", "%"), "P", marker)))
			})
		}
	}
}

// wantSilentRefusal fails unless a file is refused without the marker.
func wantSilentRefusal(t *testing.T, text string) {
	t.Helper()
	if wantSilence(t, text) == "" {
		t.Errorf("accepted:\n%s", text)
	}
}

// wantSilence fails if what is said about a file repeats the marker, and returns its problems.
func wantSilence(t *testing.T, text string) string {
	t.Helper()
	cfg, problems := loadText(t, text)
	for _, told := range append(cfg.Warnings, problems) {
		if strings.Contains(told, marker) {
			t.Errorf("told of the secret:\n%s\nfile:\n%s", told, text)
		}
	}
	return problems
}
