package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := writeFile(t, dir, "einlass.yaml", base+"data: /file\nlisten: 127.0.0.1:1\nmanagement_listen: 127.0.0.1:2\n")
	cfg, err := loadConfig(configInput{
		file:        file,
		environment: []string{"EINLASS_LISTEN=127.0.0.1:3", "EINLASS_MANAGEMENT_LISTEN=127.0.0.1:4", "HOME=/root"},
		flags:       map[string]string{"listen": "127.0.0.1:5"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cfg.Log.Format, cfg.Data, cfg.ManagementListen, cfg.Listen}
	if want := []string{"auto", "/file", "127.0.0.1:4", "127.0.0.1:5"}; !cmp.Equal(got, want) {
		t.Errorf("default, file, environment, flag: got %q, want %q", got, want)
	}
	var shown strings.Builder
	if err := writeConfig(&shown, cfg.entries, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# default", "# " + file + ":2", "# EINLASS_MANAGEMENT_LISTEN", "# --listen"} {
		if !strings.Contains(shown.String(), want+"\n") {
			t.Errorf("listing lacks %q:\n%s", want, shown.String())
		}
	}
}

func TestEnvironmentSetsEveryKindOfKey(t *testing.T) {
	t.Parallel()
	cfg, problems := loadText(t, base,
		"EINLASS_ORGANIZATION_LANGUAGES=en, de",
		"EINLASS_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.1",
		"EINLASS_INSECURE_ALLOW_LOOPBACK=true",
		"EINLASS_TLS_CERT_FILE=DIR/secret",
		"EINLASS_TLS_KEY_FILE=DIR/secret",
		"EINLASS_LOG_LEVEL=debug",
		"EINLASS_REDIS_URL=redis://localhost",
		"EINLASS_TEST_REQUIRE=all",
		"EINLASS_PORT_8080_TCP_ADDR=10.0.0.1",
		"EINLASS_SERVICE_HOST=10.0.0.1",
	)
	if problems != "" {
		t.Fatalf("problems:\n%s", problems)
	}
	got := []string{
		showList(cfg.Organization.Languages), networksValue{&cfg.TrustedProxies}.show(),
		flagValue{&cfg.InsecureAllowLoopback}.show(), levelValue{&cfg.Log.Level}.show(), cfg.RedisURL.Reveal(),
	}
	want := []string{"[en, de]", "[10.0.0.0/8, 192.0.2.1/32]", "true", "debug", "redis://localhost"}
	if !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBrokenEnvironmentIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, variable, want string }{
		{"unknown variable", "EINLASS_ISUER=x", `EINLASS_ISUER: unknown variable; did you mean "EINLASS_ISSUER"?`},
		{"key of a later version", "EINLASS_TLS_ACME=true", `EINLASS_TLS_ACME: not available in this version`},
		{"key of a list", "EINLASS_APPLICATIONS=x", `EINLASS_APPLICATIONS: this key can stand in the file only`},
		{"list of hosts without a scheme", "EINLASS_REDIS_URL=redis:6379", "EINLASS_REDIS_URL: redis_url: want a URL that begins with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster://"},
		{"no flag", "EINLASS_INSECURE_ALLOW_LOOPBACK=1", `EINLASS_INSECURE_ALLOW_LOOPBACK: insecure_allow_loopback: want true or false, found "1"`},
		{"missing file", "EINLASS_REDIS_URL_FILE=DIR/nothing", `EINLASS_REDIS_URL_FILE: redis_url_file: open nothing: no such file or directory`},
		{"secret and its file", "EINLASS_REDIS_URL=redis://localhost", `EINLASS_REDIS_URL: redis_url: EINLASS_REDIS_URL and EINLASS_REDIS_URL_FILE are both set`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			environment := []string{test.variable}
			if test.name == "secret and its file" {
				environment = append(environment, "EINLASS_REDIS_URL_FILE=DIR/secret")
			}
			if _, got := loadText(t, base, environment...); got != test.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestListingHidesSecrets(t *testing.T) {
	t.Parallel()
	key := masterKey(t, t.TempDir())
	cfg, problems := loadText(t, base+`
database_url: postgres://einlass:hunter2@db/einlass?sslmode=require&sslpassword=hunter3
redis_url: redis+sentinel://h1:26379,h2:26379/main
master_key_file: `+key+`
mail: { smtp: "smtp://u:hunter4@mail", from: a@b.example }
outgoing: { proxy: "http://u:hunter5@proxy" }
applications:
  - id: a
    sign_in: { client_id: a, redirect_uris: ['https://a.example'], client_secret: hunter6-hunter6-hunter6-hunter6-hunter6 }
    import: { personio: { client_id: b, client_secret: hunter7 } }
users: [{ email: ada@acme.example, password: hunter8-hunter8 }]
`)
	if problems != "" {
		t.Fatalf("problems:\n%s", problems)
	}
	var shown strings.Builder
	if err := writeConfig(&shown, cfg.entries, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "hunter") {
		t.Errorf("listing shows a secret:\n%s", shown.String())
	}
	for _, want := range []string{
		"database_url: postgres://einlass:redacted@db/einlass?sslmode=require&sslpassword=redacted\n",
		"redis_url: redis+sentinel://h1:26379,h2:26379/main\n",
		"applications[0].sign_in.client_secret: [[redacted]]\n",
		"applications[0].import.schedule: hourly\n",
		"applications[0].import.guard.max_people: 25\n",
		"users[0].password: [redacted]\n",
		"users[0].state: active\n",
	} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("listing lacks %q:\n%s", want, shown.String())
		}
	}
}

// FuzzConfig: whatever the file holds, there is a configuration or a list of problems.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", base, base + "applications: [{ id: a, import: {} }]", "a: &a [*a]", "- x", "{issuer: [}", "? {a: b}\n: c", "issuer: !!binary x",
		base + "users: [{ email: ada@acme.example, attributes: { a: b }, password_file: /dev/null }]",
		base + "applications: [{ id: a, sign_in: { client_secret: [] } }]", "issuer: \"\\x00\"", "<<: {a: b}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := newLoader()
		l.file = "einlass.yaml"
		l.readYAML(text)
		if !l.unreadable {
			l.check()
		}
		l.sortProblems()
		if len(l.problems) > 0 {
			if l.problems.Error() == "" {
				t.Error("problems without a text")
			}
			return
		}
		cfg := l.cfg
		if cfg.Issuer == "" {
			t.Error("accepted a configuration without an issuer")
		}
		if declared := cfg.Declaration(nil); len(declared.Applications) != len(cfg.Applications) {
			t.Error("an application is not declared")
		}
	})
}
