package provider

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// maxHintBytes bounds the ID token that an application gives back to us.
const maxHintBytes = 8 << 10

var errBadHint = errors.New("id_token_hint is no ID token of ours")

// hint is what an ID token says that an application gives back to us.
type hint struct {
	Issuer   string   `json:"iss"`
	Subject  users.ID `json:"sub"`
	Audience string   `json:"aud"`
	SID      string   `json:"sid"`
}

// readHint returns what an ID token says that we signed for a client which is
// still registered. It may have expired, and its key may be retired (OpenID Connect
// RP-Initiated Logout section 2). Everything else is errBadHint: the algorithms are
// fixed, and other things that we sign are no ID tokens (RFC 8725 sections 3.1 and 3.11).
func (p *Provider) readHint(ctx context.Context, text string) (hint, error) {
	if len(text) > maxHintBytes {
		return hint{}, errBadHint
	}
	algs := make([]jose.SignatureAlgorithm, len(p.cfg.SigningAlgs))
	for i, alg := range p.cfg.SigningAlgs {
		algs[i] = jose.SignatureAlgorithm(alg)
	}
	token, err := jose.ParseSignedCompact(text, algs)
	if err != nil || token.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != keys.TypeIDToken {
		return hint{}, errBadHint
	}
	payload, err := p.cfg.Keys.VerifySignature(ctx, token)
	if err != nil {
		return hint{}, errBadHint
	}
	var h hint
	if err := json.Unmarshal(payload, &h); err != nil || h.Issuer != p.cfg.Issuer || h.Subject == "" {
		return hint{}, errBadHint
	}
	if _, found := p.cfg.Registry.client(h.Audience); !found {
		return hint{}, errBadHint
	}
	return h, nil
}
