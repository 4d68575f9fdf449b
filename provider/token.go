package provider

import (
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// grantHandler exchanges one kind of grant for tokens.
type grantHandler func(r *http.Request, c *client, in params) (tokenResponse, error)

// grants are the grant types that are served, one file each.
func (p *Provider) grants() map[string]grantHandler {
	return map[string]grantHandler{
		string(oidc.GrantTypeCode):         p.exchangeCode,    // grant_code.go
		string(oidc.GrantTypeRefreshToken): p.exchangeRefresh, // grant_refresh.go
	}
}

// tokenResponse is a successful answer (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	IDToken     string `json:"id_token"`
	Scope       string `json:"scope"`

	RefreshToken string `json:"refresh_token,omitempty"`
}

// kinds names the tokens of an answer.
func (t tokenResponse) kinds() []string {
	kinds := []string{"access_token", "id_token"}
	if t.RefreshToken != "" {
		kinds = append(kinds, "refresh_token")
	}
	return kinds
}

// token answers a token request.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) error {
	c, in, err := p.readClient(w, r)
	if err != nil {
		return err
	}
	exchange, found := p.grants()[in.get("grant_type")]
	switch {
	case in.get("grant_type") == "":
		return refuse(errInvalidRequest("The grant_type is missing."))
	case !found:
		return refuse(errUnsupportedGrantType())
	}
	answer, err := exchange(r, c, in)
	if err != nil {
		return err
	}
	p.cfg.TokensIssued(c.application.ID, answer.kinds())
	if watched := callOf(r.Context()); watched != nil {
		watched.done(users.CallTokensSent, users.FactTokens, strings.Join(answer.kinds(), ", "))
	}
	return web.JSON(w, http.StatusOK, answer)
}

// expiresIn is the life of a token in whole seconds.
func expiresIn(expires, now time.Time) int64 { return int64(expires.Sub(now) / time.Second) }

// readClient decodes what a client sends itself, and authenticates it. Nothing
// of it may stand in the URL (RFC 6749 section 2.3.1).
func (p *Provider) readClient(w http.ResponseWriter, r *http.Request) (*client, params, error) {
	if r.URL.RawQuery != "" {
		return nil, params{}, refuse(errInvalidRequest("Parameters belong in the body."))
	}
	in, err := formParams(w, r)
	if err != nil {
		return nil, params{}, err
	}
	if in.broken || len(in.repeated) > 0 {
		return nil, params{}, refuse(errInvalidRequest("The request is not properly encoded, or a parameter occurs more than once."))
	}
	c, err := p.authenticateClient(r, in)
	return c, in, err
}
