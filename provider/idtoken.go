package provider

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// idTokenLife is how long an application may take an ID token for new.
const idTokenLife = 15 * time.Minute

// idTokenBody are the claims every ID token has (OpenID Connect Core section 2).
type idTokenBody struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Expires  int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	AuthTime int64    `json:"auth_time"`
	Nonce    string   `json:"nonce,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	Party    string   `json:"azp"`
	AtHash   string   `json:"at_hash"`
	SID      string   `json:"sid"`
}

// reservedClaims are the ones a registration cannot set.
var reservedClaims = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "sid",
}

// idToken returns the signed ID token that goes with an access token: one
// signature for each exchange, by the algorithm the client is registered with.
func (p *Provider) idToken(c *client, g session.Grant, u users.User, token keys.Secret) (string, error) {
	atHash, err := oidc.ClaimHash(token.Reveal(), jose.SignatureAlgorithm(c.SigningAlg))
	if err != nil {
		return "", fmt.Errorf("id token: %w", err)
	}
	now := p.cfg.Now()
	body, err := json.Marshal(idTokenBody{
		Issuer:   p.cfg.Issuer,
		Subject:  string(g.User),
		Audience: g.ClientID,
		Expires:  now.Add(idTokenLife).Unix(),
		IssuedAt: now.Unix(),
		AuthTime: g.AuthTime.Unix(),
		Nonce:    g.Nonce,
		ACR:      g.ACR,
		AMR:      g.AMR,
		Party:    g.ClientID,
		AtHash:   atHash,
		SID:      g.SID,
	})
	if err != nil {
		return "", fmt.Errorf("id token: %w", err)
	}
	claims := idTokenClaims(c, storedClaims(g.Claims), u)
	for _, name := range reservedClaims {
		delete(claims, name)
	}
	if body, err = claims.appendTo(body); err != nil {
		return "", fmt.Errorf("id token: %w", err)
	}
	signer, err := p.cfg.Keys.Signer(c.SigningAlg)
	if err != nil {
		return "", fmt.Errorf("id token: %w", err)
	}
	return signer.Sign(body, keys.TypeIDToken)
}
