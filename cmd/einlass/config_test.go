package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// writeFile puts a file of mode 0600 into dir and returns its path.
func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// masterKey puts a new master key into dir and returns its path.
func masterKey(t *testing.T, dir string) string {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return writeFile(t, dir, "master.key", "k1:"+base64.StdEncoding.EncodeToString(key)+"\n")
}

// loadText loads text as einlass.yaml of a folder of its own; DIR in text and
// environment stands for that folder, and errors show it as DIR again.
func loadText(t *testing.T, text string, environment ...string) (loadedConfig, string) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "secret", strings.Repeat("s3cret-", 6)+"\n")
	writeFile(t, dir, "empty", "\n")
	file := writeFile(t, dir, "einlass.yaml", strings.ReplaceAll(text, "DIR", dir))
	for i := range environment {
		environment[i] = strings.ReplaceAll(environment[i], "DIR", dir)
	}
	cfg, err := loadConfig(configInput{file: file, environment: environment})
	if err == nil {
		return cfg, ""
	}
	if _, ok := errors.AsType[configError](err); !ok {
		t.Fatalf("loadConfig: error of type %T, want configError", err)
	}
	return cfg, strings.ReplaceAll(err.Error(), dir+"/", "")
}

// S-083 (the setting)
func TestDocumentedConfigurationIsAccepted(t *testing.T) {
	t.Parallel()
	cfg, problems := loadText(t, `
issuer: https://sso.acme.example
listen: 127.0.0.1:8080
management_listen: 127.0.0.1:9090
data: /var/lib/einlass
database_url: ""
redis_url: ""
mail: { smtp: "smtp://mail.acme.example:587", from: "Einlass <sso@acme.example>" }
organization: { name: Acme GmbH, time_zone: Europe/Berlin, languages: [de, en] }
insecure_allow_loopback: false
applications:
  - id: personio
    label: Personio
    groups: [everyone]
    launch: { url: https://acme.personio.de/oauth/authorise }
    sign_in:
      client_id: personio
      client_secret_file: DIR/secret
      auth_method: client_secret_post
      redirect_uris: [https://acme.personio.de/oauth/callback, https://login.personio.com/login/callback]
      claims: { email: email }
      id_token_claims: [email]
    import:
      personio: { client_id: papi-1, client_secret_file: DIR/secret, base_url: https://api.personio.de }
      schedule: 30m
      initial_state: staged
      reactivation: false
      mapping: { nickname: preferred_name, location: "" }
groups:
  - { id: staff, label: Staff }
users:
  - { email: ada@acme.example, first_name: Ada, last_name: Lovelace, state: active, groups: [staff], password_file: DIR/secret, attributes: { nickname: Countess, birthdate: 1815-12-10 } }
`)
	if problems != "" {
		t.Fatalf("problems:\n%s", problems)
	}
	want := users.DeclaredApplication{
		Application: users.Application{
			ID:     "personio",
			Label:  "Personio",
			Groups: []users.GroupID{"everyone"},
			Launch: &users.Launch{URL: "https://acme.personio.de/oauth/authorise"},
			SignIn: &users.SignIn{
				ClientID:      "personio",
				AuthMethod:    "client_secret_post",
				RedirectURIs:  []string{"https://acme.personio.de/oauth/callback", "https://login.personio.com/login/callback"},
				Claims:        map[string]string{"email": "email"},
				IDTokenClaims: []string{"email"},
				Trusted:       true,
				SigningAlg:    "RS256",
			},
			Import: &users.Import{
				Source:       "personio",
				BaseURL:      "https://api.personio.de",
				ClientID:     "papi-1",
				Schedule:     30 * time.Minute,
				Mode:         users.ImportAll,
				Approval:     users.ApprovalAnyone,
				InitialState: users.StateStaged,
				Leave:        users.LeaveSuspends,
				Guard:        users.DefaultGuard,
				Mapping:      users.Mapping{"nickname": "preferred_name", "department": "department"},
			},
		},
	}
	secret := strings.Repeat("s3cret-", 6)
	declared := cfg.Declaration(users.Mapping{"location": "office", "department": "department"})
	if got := declared.Applications[0].Application; !cmp.Equal(want.Application, got) {
		t.Errorf("application (-want +got):\n%s", cmp.Diff(want.Application, got))
	}
	if got := declared.Applications[0]; len(got.ClientSecrets) != 1 || got.ClientSecrets[0].Reveal() != secret || got.ImportSecret.Reveal() != secret {
		t.Error("secrets are not what stands in the file, without its newline")
	}
	ada := declared.Users[0]
	if ada.Password.Reveal() != secret || ada.State != users.StateActive || ada.Attributes["birthdate"] != "1815-12-10" || ada.Groups[0] != "staff" {
		t.Errorf("user is %+v", ada)
	}
}

// base is the least that must be configured.
const base = "issuer: https://sso.acme.example\n"

// N220: every kind of broken file is refused with line and key, and never quoted where a secret may stand.
func TestBrokenFileIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty file", "", `issuer: required: the URL under which people reach Einlass, such as https://sso.acme.example`},
		{"unknown key with near name", base + "isuer: x\n", `einlass.yaml:2: isuer: unknown key; did you mean "issuer"?`},
		{"unknown key without near name", base + "telemetry: x\n", `einlass.yaml:2: telemetry: unknown key`},
		{"unknown nested key", base + "organization:\n  timezone: UTC\n", `einlass.yaml:3: organization.timezone: unknown key; did you mean "time_zone"?`},
		{"unknown key of an application", base + "applications:\n  - id: a\n    sign_on: {}\n", `einlass.yaml:4: applications[0].sign_on: unknown key; did you mean "sign_in"?`},
		{"key of a later version", base + "tls:\n  acme: true\n", `einlass.yaml:3: tls.acme: not available in this version`},
		{"mail server without a scheme", base + "mail: { smtp: 'mail.acme.example:587', from: sso@acme.example }\n", `einlass.yaml:2: mail.smtp: want a URL that begins with smtp:// or smtps://`},
		{"mail server without a host", base + "mail: { smtp: 'smtp://:587', from: sso@acme.example }\n", `einlass.yaml:2: mail.smtp: names no host`},
		{"mail server with a bare password", base + "mail: { smtp: 'smtp://u:se/cret@mail.acme.example', from: sso@acme.example }\n", `einlass.yaml:2: mail.smtp: want a URL; write special characters of user name and password as %XX`},
		{"mail server without a password", base + "mail: { smtp: 'smtp://u@mail.acme.example', from: sso@acme.example }\n", `einlass.yaml:2: mail.smtp: want user name and password, or neither`},
		{"mail server with a path", base + "mail: { smtp: 'smtps://mail.acme.example/x', from: sso@acme.example }\n", `einlass.yaml:2: mail.smtp: want nothing behind host and port; write special characters of the password as %XX`},
		{"mail without a sender", base + "mail: { smtp: 'smtp://mail.acme.example' }\n", `einlass.yaml:2: mail.from: required with mail.smtp`},
		{"mail without a server", base + "mail: { from: sso@acme.example }\n", `einlass.yaml:2: mail.smtp: required with mail.from`},
		{"sender that is no address", base + "mail: { smtp: 'smtp://mail.acme.example', from: 'a@b.example, c@d.example' }\n", `einlass.yaml:2: mail.from: want an address such as Einlass <sso@acme.example>, found "a@b.example, c@d.example"`},
		{"unknown policy of summaries", base + "applications:\n  - id: a\n    import: { personio: { client_id: a, client_secret: b }, summary: weekly }\n", `einlass.yaml:4: applications[0].import.summary: want never, changes or always, found "weekly"`},
		{"key of a later version in a list", base + "applications:\n  - { id: hr, import: { personio: { client_id: x, client_secret_file: DIR/secret }, rest: x } }\n", `einlass.yaml:3: applications[0].import.rest: not available in this version`},
		{"rule that breaks off", base + "groups:\n  - id: sales\n    rule: 'department =='\n", `einlass.yaml:4: groups[0].rule: line 1, column 13: unexpected token EOF`},
		{"rule without a truth value", base + "groups:\n  - { id: sales, rule: 'department' }\n", `einlass.yaml:3: groups[0].rule: line 1, column 1: the result is string, want a truth value`},
		{"rule with a function there is not", base + "groups:\n  - { id: sales, rule: 'department == \"a\" || now() == \"b\"' }\n", `einlass.yaml:3: groups[0].rule: line 1, column 22: unknown name now`},
		{"text for a flag", base + "insecure_allow_loopback: maybe\n", `einlass.yaml:2: insecure_allow_loopback: want true or false, found text`},
		{"number for a text", base + "organization: { name: 42 }\n", `einlass.yaml:2: organization.name: want text, found a number; put it in quotes`},
		{"list for a text", base + "data: [a]\n", `einlass.yaml:2: data: want text, found a list`},
		{"text for a list", base + "trusted_proxies: 10.0.0.1\n", `einlass.yaml:2: trusted_proxies: want a list of texts, found text`},
		{"text for a mapping", base + "organization: Acme\n", `einlass.yaml:2: organization: want a mapping of keys, found text`},
		{"mapping for a list of mappings", base + "applications: { id: a }\n", `einlass.yaml:2: applications: want a list, found a mapping`},
		{"text for an element", base + "users:\n  - ada\n", `einlass.yaml:3: users[0]: want a mapping of keys, found text`},
		{"no value", base + "data:\n", `einlass.yaml:2: data: has no value; write one or remove the key`},
		{"duplicate key", base + "listen: :8080\nlisten: :8081\n", `einlass.yaml:3: listen: stands here twice, first on line 2`},
		{"duplicate key of attributes", base + "users:\n  - email: ada@acme.example\n    attributes: { locale: de, locale: en }\n", `einlass.yaml:4: users[0].attributes: "locale" stands here twice`},
		{"anchor", base + "organization: { name: &a Acme }\n", `einlass.yaml:2: anchors (&) and aliases (*) are not supported; put a value that begins so in quotes`},
		{"alias without an anchor", base + "organization:\n  name: *a\n", `einlass.yaml:3: anchors (&) and aliases (*) are not supported; put a value that begins so in quotes`},
		{"explicit type", base + "data: !!str x\n", `einlass.yaml:2: explicit types (!) are not supported; put a value that begins so in quotes`},
		{"two documents", base + "---\nissuer: x\n", `einlass.yaml: want one YAML document, found more`},
		{"not YAML", base + "data: [\n", `einlass.yaml:2: not YAML: did not find expected node content`},
		{"secret in the place of a key", base + "users: [ { email: ada@acme.example, password:hunter2hunter2 } ]\n", `einlass.yaml:2: users[0]: found something that is no key`},
		{"too large", base + "# " + strings.Repeat("x", maxConfigBytes), `einlass.yaml is larger than 1024 KiB`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, test.text); got != test.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestAliasBombIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	text := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		text += strings.ReplaceAll(strings.ReplaceAll("N: &N [*P, *P, *P, *P, *P, *P, *P, *P, *P]\n", "N", string(c)), "P", string(c-1))
	}
	_, got := loadText(t, text)
	if want := "anchors (&) and aliases (*) are not supported"; !strings.Contains(got, want) {
		t.Errorf("problems are\n%s\nwant %q", got, want)
	}
}

// N220 S-024 S-027
func TestBrokenValueIsRefused(t *testing.T) {
	t.Parallel()
	const loopback = "issuer: http://localhost:8080\ninsecure_allow_loopback: true\n"
	tests := []struct{ name, text, want string }{
		{"http issuer", "issuer: http://sso.acme.example\n", `einlass.yaml:1: issuer: must begin with https://, found "http://sso.acme.example"`},
		{"http issuer on loopback", "issuer: http://localhost\n", `einlass.yaml:1: issuer: must begin with https:// (http on loopback needs insecure_allow_loopback), found "http://localhost"`},
		{"http issuer elsewhere with loopback allowed", "issuer: http://sso.acme.example\ninsecure_allow_loopback: true\n", `einlass.yaml:1: issuer: must begin with https://, found "http://sso.acme.example"`},
		{"issuer with a slash", "issuer: https://sso.acme.example/\n", `einlass.yaml:1: issuer: want scheme and host only, without path, query and trailing slash, found "https://sso.acme.example/"`},
		{"issuer with a query", "issuer: https://sso.acme.example?a=b\n", `einlass.yaml:1: issuer: want scheme and host only, without path, query and trailing slash, found "https://sso.acme.example?a=b"`},
		{"issuer with a fragment", "issuer: 'https://sso.acme.example#a'\n", `einlass.yaml:1: issuer: must not have a fragment, found "https://sso.acme.example#a"`},
		{"issuer with the default port", "issuer: https://sso.acme.example:443\n", `einlass.yaml:1: issuer: want it as browsers write it, in lower case and without the default port, found "https://sso.acme.example:443"`},
		{"relative issuer", "issuer: sso.acme.example\n", `einlass.yaml:1: issuer: want an absolute https URL, found "sso.acme.example"`},
		{"listen without a port", base + "listen: localhost\n", `einlass.yaml:2: listen: want host:port such as 127.0.0.1:8080, found "localhost"`},
		{"listen on a name", base + "listen: sso.acme.example:443\n", `einlass.yaml:2: listen: want an IP address or localhost before the port, found "sso.acme.example:443"`},
		{"one port for both", base + "management_listen: 127.0.0.1:8080\n", `einlass.yaml:2: management_listen: is the same as listen`},
		{"another database", base + "database_url: mysql://root:hunter2@db/einlass\nmaster_key_file: DIR/key\n",
			"einlass.yaml:2: database_url: want a URL that begins with postgres://, postgresql://\n" +
				"einlass.yaml:3: master_key_file: master key file: open key: no such file or directory"},
		{"database without a master key", base + "database_url: postgres://db/einlass\n", `master_key_file: required with database_url: every replica needs the same keys`},
		{"redis without a scheme", base + "redis_url: redis:6379\n", `einlass.yaml:2: redis_url: want a URL that begins with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster://`},
		{"unknown zone", base + "organization: { time_zone: Europe/Bonn }\n", `einlass.yaml:2: organization.time_zone: want the IANA name of a zone such as Europe/Berlin, found "Europe/Bonn"`},
		{"unknown language", base + "organization: { languages: [de, fr] }\n", `einlass.yaml:2: organization.languages[1]: want de or en, found "fr"`},
		{"no language", base + "organization: { languages: [] }\n", `einlass.yaml:2: organization.languages: want at least one of de or en`},
		{"proxy that is no network", base + "trusted_proxies: [proxy.acme.example]\n", `einlass.yaml:2: trusted_proxies: want addresses or networks such as 10.0.0.0/8, found "proxy.acme.example"`},
		{"certificate without a key", base + "tls: { cert_file: c.pem }\n", `einlass.yaml:2: tls.key_file: required with tls.cert_file`},
		{"unknown level", base + "log: { level: loud }\n", `einlass.yaml:2: log.level: want debug, info, warn or error, found "loud"`},
		{"duplicate group", base + "groups: [{ id: a }, { id: a }]\n", `einlass.yaml:2: groups[1].id: "a" stands here twice, first as number 1`},
		{"built-in group", base + "groups: [{ id: everyone }]\n", `einlass.yaml:2: groups[0].id: everyone is built in`},
		{"bad group id", base + "groups: [{ id: Sales Team }]\n", `einlass.yaml:2: groups[0].id: want 1 to 40 of a-z, 0-9 and -, found "Sales Team"`},
		{"bad address", base + "users: [{ email: ada }]\n", `einlass.yaml:2: users[0].email: invalid e-mail address: needs exactly one @`},
		{"address twice", base + "users: [{ email: ada@acme.example }, { email: Ada@ACME.example }]\n", `einlass.yaml:2: users[1].email: person number 1 signs in with it already`},
		{"unknown group of a person", base + "groups: [{ id: staff }]\nusers: [{ email: ada@acme.example, groups: [stuff] }]\n", `einlass.yaml:3: users[0].groups[0]: unknown group "stuff"; did you mean "staff"?`},
		{"unknown state", base + "users: [{ email: ada@acme.example, state: gone }]\n", `einlass.yaml:2: users[0].state: want active, staged or suspended, found "gone"`},
		{"access window as an attribute", base + "users: [{ email: ada@acme.example, attributes: { access_until: 2026-01-01T00:00:00Z } }]\n", `einlass.yaml:2: users[0].attributes: access_until is not set here`},
		{"column as an attribute", base + "users: [{ email: ada@acme.example, attributes: { manager: bob } }]\n", `einlass.yaml:2: users[0].attributes: manager is not set here`},
		{"short password", base + "users: [{ email: ada@acme.example, password: hunter2 }]\n", `einlass.yaml:2: users[0].password: invalid password: at least 8 characters are needed, 15 are recommended`},
		{"secret and its file", base + "users:\n  - email: ada@acme.example\n    password: long-enough-for-us\n    password_file: DIR/secret\n", `einlass.yaml:5: users[0].password: password and password_file are both set`},
		{"missing secret file", base + "users:\n  - email: ada@acme.example\n    password_file: DIR/nothing\n", `einlass.yaml:4: users[0].password_file: open nothing: no such file or directory`},
		{"empty secret file", base + "users:\n  - email: ada@acme.example\n    password_file: DIR/empty\n", `einlass.yaml:4: users[0].password_file: empty is empty`},
		{"long description", base + "applications:\n  - id: a\n    description: " + strings.Repeat("ü", 257) + "\n", `einlass.yaml:4: applications[0].description: want at most 256 characters, found 257`},
		{"launch by http", base + "applications:\n  - id: a\n    launch: { url: 'http://a.example' }\n", `einlass.yaml:4: applications[0].launch.url: must begin with https://, found "http://a.example"`},
		{"launch of a script", loopback + "applications:\n  - id: a\n    launch: { url: 'javascript:alert(1)' }\n", `einlass.yaml:5: applications[0].launch.url: want an absolute https URL, found "javascript:alert(1)"`},
		{"guard that never holds", base + "applications:\n  - id: a\n    import:\n      personio: { client_id: a, client_secret: b }\n      guard: { max_people: 0, max_percent: 200 }\n",
			"einlass.yaml:6: applications[0].import.guard.max_people: want 1 or more, found 0\n" +
				"einlass.yaml:6: applications[0].import.guard.max_percent: want 1 to 100, found 200"},
		{"schedule of seconds", base + "applications:\n  - id: a\n    import:\n      personio: { client_id: a, client_secret: b, base_url: 'https://api.personio.de/v1' }\n      schedule: 30s\n",
			"einlass.yaml:5: applications[0].import.personio.base_url: want the root of the API without its version, found \"https://api.personio.de/v1\"\n" +
				"einlass.yaml:6: applications[0].import.schedule: want hourly, off or a duration of at least 1m such as 30m, found \"30s\""},
		{"mode and filter that cannot be", base + "applications:\n  - id: a\n    import:\n      personio: { client_id: a, client_secret: b }\n      mode: selected\n      filter: email=ada@acme.example&limit=5\n",
			"einlass.yaml:6: applications[0].import.mode: want all, new or updates, found \"selected\"\n" +
				"einlass.yaml:7: applications[0].import.filter: invalid filter: limit is set by the importer"},
		{"secret of a public client", base + "applications:\n  - id: a\n    groups: [everyone]\n    sign_in:\n      client_id: a\n      auth_method: none\n      client_secret: x\n      redirect_uris: ['https://a.example']\n",
			"einlass.yaml:8: applications[0].sign_in.client_secret: a client with auth_method none has no secret"},
		{"delta of seconds", base + "applications:\n  - id: a\n    import:\n      personio: { client_id: a, client_secret: b }\n      delta: 29s\n",
			`einlass.yaml:6: applications[0].import.delta: want off or a duration of at least 30s such as 60s, found "29s"`},
		{"import without a source", base + "applications:\n  - id: a\n    import: { schedule: off }\n", `einlass.yaml:4: applications[0].import: want a source: personio, or source: csv`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, got := loadText(t, test.text); got != test.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestBrokenSignInIsRefused(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s3cret-", 6)
	tests := []struct{ name, change, want string }{
		{"redirect by http", "redirect_uris: ['http://a.example/cb']", `redirect_uris[0]: must begin with https://, found "http://a.example/cb"`},
		{"redirect to loopback", "redirect_uris: ['http://127.0.0.1/cb']", `redirect_uris[0]: must begin with https:// (http on loopback needs insecure_allow_loopback), found "http://127.0.0.1/cb"`},
		{"redirect with a fragment", "redirect_uris: ['https://a.example/cb#']", `redirect_uris[0]: must not have a fragment, found "https://a.example/cb#"`},
		{"redirect with a user", "redirect_uris: ['https://a@b.example/cb']", `redirect_uris[0]: must not carry a user name or password, found a URL with an @`},
		{"redirect with a wildcard", "redirect_uris: ['https://*.example/cb']", `redirect_uris[0]: must not have a wildcard, found "https://*.example/cb"`},
		{"redirect with a backslash", `redirect_uris: ['https://a.example\cb']`, `redirect_uris[0]: want an absolute https URL, found "https://a.example\\cb"`},
		{"relative redirect", "redirect_uris: [/cb]", `redirect_uris[0]: want an absolute https URL, found "/cb"`},
		{"redirect of an own scheme", "redirect_uris: ['app:/cb']", `redirect_uris[0]: want an absolute https URL, found "app:/cb"`},
		{"redirect twice", "redirect_uris: ['https://a.example/cb', 'https://a.example/cb']", `redirect_uris[1]: "https://a.example/cb" stands here twice`},
		{"no redirect", "redirect_uris: []", `redirect_uris: want at least one`},
		{"unknown method", "auth_method: post", `auth_method: want client_secret_post, client_secret_basic, none or private_key_jwt, found "post"`},
		{"unknown algorithm", "signing_alg: HS256", `signing_alg: want RS256, ES256 or EdDSA, found "HS256"`},
		{"claim of the protocol", "claims: { sub: email }", `claims: "sub" is set by the protocol and cannot carry an attribute`},
		{"broken expression", "claims: { name: 'first_name +' }", `claims: name: want an attribute or an expression: line 1, column 12: unexpected token EOF`},
		{"expression with a side effect", "claims: { name: 'now()' }", `claims: name: want an attribute or an expression: line 1, column 1: unknown name now`},
		{"unknown claim in the ID token", "id_token_claims: [email]", `id_token_claims[0]: "email" is not among claims`},
		{"short secret", "client_secret: " + secret[:31], `client_secret: shorter than 32 characters; make one with: openssl rand -base64 32`},
		{"no secret", "client_secret: ''", `client_secret: shorter than 32 characters; make one with: openssl rand -base64 32`},
		{"repeated secret", "client_secret: " + strings.Repeat("a", 40), `client_secret: the same character again and again; make one with: openssl rand -base64 32`},
		{"example secret", "client_secret: change-me-" + secret, `client_secret: an example value; make one with: openssl rand -base64 32`},
		{"one bad secret of two", "client_secret: [" + secret + ", short]", `client_secret[1]: shorter than 32 characters; make one with: openssl rand -base64 32`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lines := map[string]string{"client_secret": secret, "redirect_uris": "['https://a.example/cb']"}
			text := base + "applications:\n  - id: a\n    groups: [everyone]\n    sign_in:\n      client_id: a\n      " + test.change + "\n"
			for _, key := range []string{"client_secret", "redirect_uris"} {
				if !strings.HasPrefix(test.change, key+":") {
					text += "      " + key + ": " + lines[key] + "\n"
				}
			}
			want := "einlass.yaml:7: applications[0].sign_in." + test.want
			if _, got := loadText(t, text); got != want {
				t.Errorf("problems are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestEveryProblemIsReportedInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	_, got := loadText(t, `listen: here
isuer: https://sso.acme.example
groups: [{ id: a }, { id: a }]
applications:
  - label: X
  - id: b
    launch: {}
tls: { acme: {} }
`, "EINLASS_LOG_LEVEL=loud", "EINLASS_LISTN=1")
	want := `einlass.yaml:1: listen: want host:port such as 127.0.0.1:8080, found "here"
einlass.yaml:2: isuer: unknown key; did you mean "issuer"?
einlass.yaml:3: groups[1].id: "a" stands here twice, first as number 1
einlass.yaml:5: applications[0].id: required
einlass.yaml:7: applications[1].launch.url: want an absolute https URL, found ""
einlass.yaml:8: tls.acme: not available in this version
EINLASS_LOG_LEVEL: log.level: want debug, info, warn or error, found "loud"
EINLASS_LISTN: unknown variable; did you mean "EINLASS_LISTEN"?
issuer: required: the URL under which people reach Einlass, such as https://sso.acme.example`
	if got != want {
		t.Errorf("problems are\n%s\nwant\n%s", got, want)
	}
}

// N221: what gives everything away must not be readable by others.
func TestReadableSecretsAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := masterKey(t, dir)
	inline := writeFile(t, dir, "inline.yaml", base+"users: [{ email: ada@acme.example, password: long-enough-for-us }]\n")
	plain := writeFile(t, dir, "plain.yaml", base+"redis_url: redis://localhost\nmaster_key_file: "+key+"\n")
	for _, file := range []string{key, inline, plain} {
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, file, want string }{
		{"configuration with a secret", inline, inline + ": holds secrets and is open to others (mode 0640); make it 0600, or move the secrets to files of their own"},
		{"master key", plain, plain + ":3: master_key_file: master key file: " + key + " has mode 0640: other users of this machine can get at it; run chmod 600 " + key},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := loadConfig(configInput{file: test.file})
			if err == nil || err.Error() != test.want {
				t.Errorf("error is\n%v\nwant\n%s", err, test.want)
			}
			allowed, err := loadConfig(configInput{file: test.file, environment: []string{"EINLASS_INSECURE_ALLOW_READABLE_SECRETS=true"}})
			if err != nil || len(allowed.Warnings) != 1 {
				t.Errorf("allowed: error %v, warnings %q, want one warning", err, allowed.Warnings)
			}
		})
	}
}

// N223
func TestWeakMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := writeFile(t, dir, "master.key", "k1:"+strings.Repeat("A", 43)+"=\n")
	file := writeFile(t, dir, "einlass.yaml", base+"master_key_file: "+key+"\n")
	_, err := loadConfig(configInput{file: file})
	want := file + ":2: master_key_file: master key file " + key + ": line 1: the key is not random; make one with: openssl rand -base64 32"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestReadableSecretFileIsAWarning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := writeFile(t, dir, "redis", "redis://:hunter2@localhost")
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(configInput{environment: []string{"EINLASS_ISSUER=https://sso.acme.example", "EINLASS_REDIS_URL_FILE=" + secret}})
	want := []string{"EINLASS_REDIS_URL_FILE: redis_url_file: " + secret + " is open to others (mode 0644); make it 0600"}
	if err != nil || !cmp.Equal(cfg.Warnings, want) {
		t.Errorf("error %v, warnings %q, want %q", err, cfg.Warnings, want)
	}
}
