package session

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRedisURLRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                        "",
		"no scheme":                      "localhost:6379",
		"another scheme":                 "http://:hunter2@localhost",
		"an unknown topology":            "redis+ring://:hunter2@a,b",
		"no host":                        "redis://:hunter2@",
		"an empty host in a list":        "redis+cluster://:hunter2@a:1,,b:2",
		"a port that is none":            "redis://:hunter2@localhost:redis",
		"several hosts without topology": "redis://:hunter2@a:1,b:2",
		"a database that is no number":   "redis://:hunter2@localhost/zero",
		"a negative database":            "redis://:hunter2@localhost/-1",
		"parameters":                     "redis://:hunter2@localhost/0?db=1",
		"parameters behind the host":     "redis://:hunter2@localhost?db=1",
		"a bad escape":                   "redis://:hunter2%zz@localhost",
		"sentinels without master":       "redis+sentinel://:hunter2@a:1,b:2",
		"a cluster with a database":      "redis+cluster://:hunter2@a:1,b:2/1",
		"a bare IPv6 address":            "redis://:hunter2@::1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseRedisURL(text)
			if err == nil {
				t.Fatalf("accepted %q", text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

func TestParseRedisURL(t *testing.T) {
	t.Parallel()
	type options struct {
		Addrs              []string
		Username, Password string
		DB                 int
		Master             string
		Cluster, TLS       bool
	}
	for text, want := range map[string]options{
		"redis://localhost":                  {Addrs: []string{"localhost:6379"}},
		"redis://localhost/":                 {Addrs: []string{"localhost:6379"}},
		"redis://[::1]:7000/3":               {Addrs: []string{"[::1]:7000"}, DB: 3},
		"redis://[::1]":                      {Addrs: []string{"[::1]:6379"}},
		"rediss://eve:p%40ss%2F:@r.example":  {Addrs: []string{"r.example:6379"}, Username: "eve", Password: "p@ss/:", TLS: true},
		"redis+sentinel://:pw@a,b:7/main":    {Addrs: []string{"a:26379", "b:7"}, Password: "pw", Master: "main"},
		"redis+sentinel://a/main/2":          {Addrs: []string{"a:26379"}, Master: "main", DB: 2},
		"rediss+sentinel://a/main":           {Addrs: []string{"a:26379"}, Master: "main", TLS: true},
		"redis+cluster://u:pw@a:1,b:2,c":     {Addrs: []string{"a:1", "b:2", "c:6379"}, Username: "u", Password: "pw", Cluster: true},
		"rediss+cluster://a:1":               {Addrs: []string{"a:1"}, Cluster: true, TLS: true},
		"redis://:pass@word@localhost:6379/": {Addrs: []string{"localhost:6379"}, Password: "pass@word"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			opt, err := parseRedisURL(text)
			if err != nil {
				t.Fatal(err)
			}
			got := options{
				opt.Addrs, opt.Username, opt.Password, opt.DB, opt.MasterName, opt.IsClusterMode, opt.TLSConfig != nil,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseRedisURL(f *testing.F) {
	for _, seed := range []string{"redis://u:p@[::1]:1/2", "redis+sentinel://a,b/m/0", "rediss+cluster://:p@a:1,b:2", "redis://%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		opt, err := parseRedisURL(text)
		if err == nil && len(opt.Addrs) == 0 {
			t.Errorf("no address in %q", text)
		}
	})
}
