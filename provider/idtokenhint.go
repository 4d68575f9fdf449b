package provider

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// maxHintBytes bounds the ID token that an application gives back to us; ours are far shorter.
const maxHintBytes = 8 << 10

var errBadHint = errors.New("id_token_hint is no ID token of ours for this client")

// hintAlgs are the algorithms an ID token of ours can have; none is not one of them (RFC 8725 section 3.1).
var hintAlgs = []jose.SignatureAlgorithm{keys.RS256, keys.ES256, keys.EdDSA}

// hintVerifier is the part of the key ring that proves an ID token to be ours.
type hintVerifier interface {
	VerifySignature(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, error)
}

// hint is what an ID token says that an application gives back to us.
type hint struct {
	Issuer   string   `json:"iss"`
	Subject  users.ID `json:"sub"`
	Audience string   `json:"aud"`
	SID      string   `json:"sid"`
}

// verifyHint returns what an ID token says that we signed. It may have expired,
// and its key may be retired: it only says whom the client means (OpenID Connect
// Core section 3.1.2.1). Everything else is errBadHint, other things that we sign
// among them (RFC 8725 section 3.11). For which client it must be is the caller's to check.
func verifyHint(ctx context.Context, ring hintVerifier, issuer, text string) (hint, error) {
	if len(text) > maxHintBytes {
		return hint{}, errBadHint
	}
	token, err := jose.ParseSignedCompact(text, hintAlgs)
	if err != nil || token.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != keys.TypeIDToken {
		return hint{}, errBadHint
	}
	payload, err := ring.VerifySignature(ctx, token)
	if err != nil {
		return hint{}, errBadHint
	}
	var h hint
	if err := json.Unmarshal(payload, &h); err != nil || h.Issuer != issuer || h.Subject == "" {
		return hint{}, errBadHint
	}
	return h, nil
}

// readHint notes whom the request is meant for. A hint that says nothing leaves
// a silent request without anybody to answer for; an interactive one goes on without it.
func (a *Authorizer) readHint(ctx context.Context, c *client, p *session.Params, text string) *oidc.Error {
	if text == "" {
		return nil
	}
	h, err := verifyHint(ctx, a.cfg.Keys, a.cfg.Issuer, text)
	if err == nil && h.Audience == c.ClientID {
		p.HintSubject = string(h.Subject)
		return nil
	}
	if slices.Contains(p.Prompt, oidc.PromptNone) {
		return errLoginRequired()
	}
	return nil
}
