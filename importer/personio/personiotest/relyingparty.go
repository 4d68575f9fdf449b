package personiotest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/einlass/einlass/keys"
)

// Profile is a way in which Personio signs people in elsewhere.
type Profile string

// The two generic methods that Personio offers.
const (
	// LegacyOAuth2 is the form "OAuth 2.0": state, no nonce, no PKCE; userinfo
	// decides and the ID token is ignored.
	LegacyOAuth2 Profile = "oauth2-legacy"
	// OIDC is the form "Open ID Connect (OIDC)": the ID token is verified, then
	// userinfo is asked.
	OIDC Profile = "oidc-auth0"
)

// Callbacks of the web app. Of the real service they are at three hosts; here
// all are below RelyingParty.BaseURL.
const (
	callbackLegacy = "/oauth/callback"
	callbackOIDC   = "/login/callback"
	callbackMobile = "/providers/oauth/callback"
)

// RelyingParty is what an administrator types into Personio's form, and how the
// relying party behaves where Personio's behaviour is not known.
type RelyingParty struct {
	Profile Profile // default: oidc-auth0
	BaseURL string  // where browsers reach the web app, such as http://127.0.0.1:8081

	ClientID         string
	ClientSecret     keys.Secret
	AuthorizationURI string
	TokenURI         string
	UserinfoURI      string
	UserinfoMethod   string // GET (default) or POST
	Issuer           string // oidc-auth0 only
	JWKSURI          string // oidc-auth0 only
	Scopes           []string
	CommaScopes      bool   // openid,email instead of openid email
	ClaimField       string // default: email

	Nonce bool // oidc-auth0 only
	PKCE  bool // oidc-auth0 only; S256

	CodeDelay time.Duration // before a code is redeemed
	ReuseCode bool          // redeem each code twice
	ClockSkew time.Duration // our clock is ahead by this
}

// FromIssuer fills in the endpoints that Einlass has below its issuer.
func FromIssuer(issuer string) RelyingParty {
	root := strings.TrimSuffix(issuer, "/")
	return RelyingParty{
		Issuer:           issuer,
		AuthorizationURI: root + "/authorize",
		TokenURI:         root + "/token",
		UserinfoURI:      root + "/userinfo",
		JWKSURI:          root + "/jwks",
	}
}

// RedirectURIs returns what must be registered at the identity provider.
func (rp RelyingParty) RedirectURIs() []string {
	return []string{rp.redirectURI(callbackLegacy), rp.redirectURI(callbackOIDC), rp.redirectURI(callbackMobile)}
}

// LaunchURL is what a tile in a portal opens: it starts the sign-in.
func (rp RelyingParty) LaunchURL() string { return rp.redirectURI("/oauth/authorise") }

func (rp RelyingParty) redirectURI(path string) string {
	return strings.TrimSuffix(rp.BaseURL, "/") + path
}

// callback is the redirect URI of the profile's ordinary sign-in.
func (rp RelyingParty) callback() string {
	if rp.Profile == LegacyOAuth2 {
		return callbackLegacy
	}
	return callbackOIDC
}

func (rp RelyingParty) withDefaults() RelyingParty {
	rp.Profile = cmp.Or(rp.Profile, OIDC)
	rp.UserinfoMethod = cmp.Or(rp.UserinfoMethod, http.MethodGet)
	rp.ClaimField = cmp.Or(rp.ClaimField, "email")
	if len(rp.Scopes) == 0 && rp.Profile == LegacyOAuth2 {
		rp.Scopes = []string{"openid"}
	}
	if len(rp.Scopes) == 0 {
		rp.Scopes = []string{"openid", "email", "profile"}
	}
	return rp
}

// validate reports everything that is missing, as a form would.
func (rp RelyingParty) validate() error {
	var problems []error
	type field struct{ name, uri string }
	fields := []field{
		{"base URL", rp.BaseURL}, {"authorization URI", rp.AuthorizationURI}, {"token URI", rp.TokenURI}, {"userinfo URI", rp.UserinfoURI},
	}
	switch rp.Profile {
	case LegacyOAuth2:
		if rp.Nonce || rp.PKCE {
			problems = append(problems, errors.New("the old method has neither nonce nor PKCE"))
		}
	case OIDC:
		fields = append(fields, field{"issuer", rp.Issuer}, field{"JSON web key set URI", rp.JWKSURI})
	default:
		problems = append(problems, fmt.Errorf("unknown profile %q", rp.Profile))
	}
	for _, f := range fields {
		if u, err := url.Parse(f.uri); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			problems = append(problems, fmt.Errorf("%s: %q is no http(s) address", f.name, f.uri))
		}
	}
	if rp.ClientID == "" || rp.ClientSecret == "" {
		problems = append(problems, errors.New("client id and client secret are required"))
	}
	if rp.UserinfoMethod != http.MethodGet && rp.UserinfoMethod != http.MethodPost {
		problems = append(problems, fmt.Errorf("userinfo by %s: want GET or POST", rp.UserinfoMethod))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("relying party: %w", err)
	}
	return nil
}

// oauth2 is the configuration of the flow that ends at redirectURI.
func (rp RelyingParty) oauth2(redirectURI string) *oauth2.Config {
	scopes := rp.Scopes
	if rp.CommaScopes {
		scopes = []string{strings.Join(scopes, ",")}
	}
	return &oauth2.Config{
		ClientID:     rp.ClientID,
		ClientSecret: rp.ClientSecret.Reveal(),
		Endpoint:     oauth2.Endpoint{AuthURL: rp.AuthorizationURI, TokenURL: rp.TokenURI, AuthStyle: oauth2.AuthStyleInParams},
		RedirectURL:  redirectURI,
		Scopes:       scopes,
	}
}
