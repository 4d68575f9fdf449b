package personiotest

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	leeway       = time.Minute // clocks differ
	maxDocument  = 1 << 20     // of a key set or userinfo
	checkNonce   = "nonce"
	checkSubject = "sub"
)

// idClaims are the claims of an ID token that the relying party looks at.
type idClaims struct {
	jwt.Claims
	Nonce           string `json:"nonce"`
	AuthorizedParty string `json:"azp"`
}

// verifyIDToken checks what OpenID Connect Core section 3.1.3.7 asks of a
// client. The answer to "which check failed" is in the refusal.
func verifyIDToken(ctx context.Context, client *http.Client, rp RelyingParty, raw, nonce string, now time.Time) (idClaims, error) {
	algorithms := []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
	token, err := jwt.ParseSigned(raw, algorithms)
	if err != nil {
		return idClaims{}, refuse("signature", "The ID token is not a signed token of a known kind.", err)
	}
	keySet, err := fetchKeys(ctx, client, rp.JWKSURI)
	if err != nil {
		return idClaims{}, refuse("jwks", "The identity provider's keys could not be read.", err)
	}
	claims, err := verifySignature(token, keySet)
	if err != nil {
		return idClaims{}, refuse("signature", "The signature of the ID token is wrong.", err)
	}
	if claims.Expiry == nil {
		return idClaims{}, refuse("exp", "The ID token has no expiry.", nil)
	}
	expected := jwt.Expected{Issuer: rp.Issuer, AnyAudience: jwt.Audience{rp.ClientID}, Time: now}
	if err := claims.ValidateWithLeeway(expected, leeway); err != nil {
		return idClaims{}, refuse(failedClaim(err), "The ID token is not meant for us, or not now.", err)
	}
	if len(claims.Audience) > 1 && claims.AuthorizedParty != rp.ClientID {
		return idClaims{}, refuse("azp", "The ID token was issued to somebody else.", nil)
	}
	if subtle.ConstantTimeCompare([]byte(claims.Nonce), []byte(nonce)) != 1 {
		return idClaims{}, refuse(checkNonce, "The ID token belongs to another sign-in.", nil)
	}
	if claims.Subject == "" {
		return idClaims{}, refuse(checkSubject, "The ID token does not say whom it is about.", nil)
	}
	return claims, nil
}

// verifySignature returns the claims if one of the keys fits.
func verifySignature(token *jwt.JSONWebToken, keySet jose.JSONWebKeySet) (idClaims, error) {
	candidates := keySet.Keys
	if kid := token.Headers[0].KeyID; kid != "" {
		candidates = keySet.Key(kid)
	}
	err := errors.New("no key with this id")
	for _, key := range candidates {
		if !key.Valid() || !key.IsPublic() || (key.Use != "" && key.Use != "sig") {
			continue
		}
		var claims idClaims
		if err = token.Claims(key, &claims); err == nil {
			return claims, nil
		}
	}
	return idClaims{}, fmt.Errorf("verify signature: %w", err)
}

func failedClaim(err error) string {
	switch {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return "iss"
	case errors.Is(err, jwt.ErrInvalidAudience):
		return "aud"
	case errors.Is(err, jwt.ErrExpired):
		return "exp"
	case errors.Is(err, jwt.ErrNotValidYet):
		return "nbf"
	}
	return "iat"
}

func fetchKeys(ctx context.Context, client *http.Client, uri string) (jose.JSONWebKeySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	if err := fetchJSON(client, req, &set); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	return set, nil
}

// fetchJSON decodes a 200 answer of bounded size.
func fetchJSON(client *http.Client, req *http.Request, into any) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxDocument)).Decode(into)
}
