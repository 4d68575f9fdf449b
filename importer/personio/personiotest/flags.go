package personiotest

import (
	"time"

	"github.com/einlass/einlass/keys"
)

// Flags are the simulator's settings on a command line. The tags are those of
// the flag parser that einlass uses; the zero value means the defaults.
type Flags struct {
	People            int           `name:"people" default:"1200" help:"People in the company."`
	Seed              uint64        `name:"seed" default:"1" help:"The same seed invents the same people."`
	Company           string        `name:"company" help:"Name of the company."`
	Language          string        `name:"language" enum:"en,de" default:"en" help:"Language of labels and messages (${enum})."`
	APIClientID       string        `name:"api-client-id" help:"Client id of the API credentials."`
	APIClientSecret   keys.Secret   `name:"api-client-secret" help:"Client secret of the API credentials; random if empty."`
	Granted           []string      `name:"granted" help:"Attributes that the API credentials may read; all if empty."`
	Scope             []string      `name:"scope" help:"Scopes of the API credentials, such as personio:persons:read; all if empty."`
	TokenTTL          time.Duration `name:"token-ttl" default:"24h" help:"Life of an API token."`
	RateLimits        bool          `name:"rate-limits" help:"Refuse more requests than Personio allows."`
	Delay             time.Duration `name:"delay" help:"Answer each API request after this time."`
	DelayPerAttribute time.Duration `name:"delay-per-attribute" help:"Answer later by this for each attribute asked for."`
	Variant           []string      `name:"variant" help:"Shape of the API's answers, such as tags-as-json; repeatable."`
	Fault             []string      `name:"fault" help:"Misbehaviour of the API as KIND[@ENDPOINT][:TIMES[:AFTER]], such as rate-limited@auth:3; repeatable."`
	WebhookURL        string        `name:"webhook-url" help:"Address that hears of changes, such as https://sso.acme.example/hooks/personio/personio."`
	WebhookToken      keys.Secret   `name:"webhook-token" help:"Authorization header of what is sent there."`

	Profile          string      `name:"profile" enum:"oidc-auth0,oauth2-legacy" default:"oidc-auth0" help:"How the web app signs people in (${enum})."`
	Issuer           string      `name:"issuer" help:"Issuer of the identity provider; the other addresses follow from it. Without it the web app offers no sign-in."`
	AuthorizationURI string      `name:"authorization-uri" help:"Authorization URI, if it does not follow from the issuer."`
	TokenURI         string      `name:"token-uri" help:"Token URI, if it does not follow from the issuer."`
	UserinfoURI      string      `name:"userinfo-uri" help:"Userinfo URI, if it does not follow from the issuer."`
	JWKSURI          string      `name:"jwks-uri" help:"JSON web key set URI, if it does not follow from the issuer."`
	UserinfoMethod   string      `name:"userinfo-method" enum:"GET,POST" default:"GET" help:"How userinfo is asked (${enum})."`
	ClientID         string      `name:"client-id" default:"personio" help:"Client id of the sign-in."`
	ClientSecret     keys.Secret `name:"client-secret" help:"Client secret of the sign-in."`
	Scopes           []string    `name:"scopes" help:"Scopes of the sign-in."`
	CommaScopes      bool        `name:"comma-scopes" help:"Separate scopes by commas."`
	Nonce            bool        `name:"nonce" help:"Send a nonce."`
	PKCE             bool        `name:"pkce" help:"Send a PKCE challenge."`
}

// Config turns the flags into settings of the company and its API.
func (f Flags) Config() (Config, error) {
	cfg := Config{
		Name: f.Company, People: f.People, Seed: f.Seed, Language: f.Language,
		ClientID: f.APIClientID, ClientSecret: f.APIClientSecret, Granted: f.Granted, Scopes: f.Scope, TokenTTL: f.TokenTTL,
		RateLimits: f.RateLimits, Delay: f.Delay, DelayPerAttribute: f.DelayPerAttribute,
	}
	for _, name := range f.Variant {
		cfg.Variants = append(cfg.Variants, Variant(name)) // New refuses unknown ones
	}
	if f.WebhookURL != "" {
		cfg.Webhooks = []Webhook{{URL: f.WebhookURL, Description: "Command line", Token: f.WebhookToken}}
	}
	for _, text := range f.Fault {
		fault, err := ParseFault(text)
		if err != nil {
			return Config{}, err
		}
		cfg.Faults = append(cfg.Faults, fault)
	}
	return cfg, nil
}

// RelyingParty turns the flags into the web app's sign-in, for a web app that
// browsers reach at baseURL. Without an issuer there is none.
func (f Flags) RelyingParty(baseURL string) (rp RelyingParty, configured bool) {
	if f.Issuer == "" {
		return RelyingParty{}, false
	}
	rp = FromIssuer(f.Issuer)
	rp.BaseURL, rp.Profile = baseURL, Profile(f.Profile)
	rp.ClientID, rp.ClientSecret = f.ClientID, f.ClientSecret
	rp.UserinfoMethod, rp.Scopes, rp.CommaScopes = f.UserinfoMethod, f.Scopes, f.CommaScopes
	rp.Nonce, rp.PKCE = f.Nonce, f.PKCE
	overrides := []struct {
		target *string
		value  string
	}{
		{&rp.AuthorizationURI, f.AuthorizationURI}, {&rp.TokenURI, f.TokenURI},
		{&rp.UserinfoURI, f.UserinfoURI}, {&rp.JWKSURI, f.JWKSURI},
	}
	for _, o := range overrides {
		if o.value != "" {
			*o.target = o.value
		}
	}
	return rp, true
}
