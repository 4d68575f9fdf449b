package personiotest_test

import (
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

func TestFlagsBecomeSettings(t *testing.T) {
	t.Parallel()
	flags := personiotest.Flags{
		People: 10, Seed: 3, Granted: []string{"email"}, Scope: []string{"employees:read"}, TokenTTL: time.Hour, RateLimits: true,
		WebhookURL: "http://127.0.0.1:8080/hooks/personio/personio", WebhookToken: "hook-secret",
		Variant: []string{"tags-as-json"}, Fault: []string{"slow@auth:1", "html"},
		Profile: "oauth2-legacy", Issuer: "http://localhost:8080", ClientID: "personio", ClientSecret: "secret",
		TokenURI: "http://localhost:8080/other-token",
	}
	cfg, err := flags.Config()
	want := personiotest.Config{
		People: 10, Seed: 3, Granted: []string{"email"}, Scopes: []string{"employees:read"}, TokenTTL: time.Hour, RateLimits: true,
		Webhooks: []personiotest.Webhook{{URL: "http://127.0.0.1:8080/hooks/personio/personio", Description: "Command line", Token: "hook-secret"}},
		Variants: []personiotest.Variant{personiotest.TagsAsJSON},
		Faults: []personiotest.Fault{
			{Kind: personiotest.Slow, Endpoint: personiotest.EndpointAuth, Times: 1},
			{Kind: personiotest.HTML, Endpoint: personiotest.EndpointEmployees},
		},
	}
	if diff := cmp.Diff(want, cfg); diff != "" || err != nil {
		t.Errorf("settings: error %v, difference (-want +got):\n%s", err, diff)
	}
	rp, configured := flags.RelyingParty("http://127.0.0.1:8081")
	wantRP := personiotest.RelyingParty{
		Profile: personiotest.LegacyOAuth2, BaseURL: "http://127.0.0.1:8081", ClientID: "personio", ClientSecret: "secret",
		Issuer: "http://localhost:8080", AuthorizationURI: "http://localhost:8080/authorize",
		TokenURI: "http://localhost:8080/other-token", UserinfoURI: "http://localhost:8080/userinfo", JWKSURI: "http://localhost:8080/jwks",
	}
	if diff := cmp.Diff(wantRP, rp); diff != "" || !configured {
		t.Errorf("relying party: configured %t, difference (-want +got):\n%s", configured, diff)
	}
	if _, configured := (personiotest.Flags{}).RelyingParty("http://127.0.0.1:8081"); configured {
		t.Error("a relying party without an issuer")
	}
}

func TestBrokenFlagsAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := (personiotest.Flags{Fault: []string{"earthquake"}}).Config(); err == nil {
		t.Error("an unknown fault was accepted")
	}
	cfg, err := personiotest.Flags{Variant: []string{"upside-down"}}.Config()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := personiotest.New(cfg); err == nil {
		t.Error("an unknown variant was accepted")
	}
}

func TestFlagsAreReadByTheFlagParser(t *testing.T) {
	t.Parallel()
	var command struct {
		Personio struct {
			personiotest.Flags `embed:""`
		} `cmd:""`
	}
	parser, err := kong.New(&command)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse([]string{
		"personio", "--people=5", "--fault=slow@auth:1", "--fault=html", "--variant=tags-as-json,big-ids", "--client-secret=s3cret", "--delay=2s",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := command.Personio.Flags
	want := personiotest.Flags{
		People: 5, Seed: 1, Language: "en", TokenTTL: 24 * time.Hour, Delay: 2 * time.Second,
		Variant: []string{"tags-as-json", "big-ids"}, Fault: []string{"slow@auth:1", "html"},
		Profile: "oidc-auth0", UserinfoMethod: "GET", ClientID: "personio", ClientSecret: "s3cret",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags differ (-want +got):\n%s", diff)
	}
}
