package session

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/einlass/einlass/keys"
)

// CodeFault is why a code was not redeemed.
type CodeFault string

// The faults.
const (
	CodeUnknown  CodeFault = "unknown" // or gone since long
	CodeExpired  CodeFault = "expired"
	CodeEnded    CodeFault = "ended" // its session has, or its family was revoked
	CodeClient   CodeFault = "client"
	CodeRedirect CodeFault = "redirect" // the redirect URI is another one than in the authorization request
	CodeVerifier CodeFault = "verifier" // of PKCE
	CodeBare     CodeFault = "bare"     // the verifier is missing
)

// Refused is what can be said of a code that was refused.
type Refused struct {
	Fault CodeFault
	Code  Code // the zero value: it is not kept any more
}

// Explain tells why a redemption with check was refused, after the fact: it is
// for administrators and decides nothing.
func (m *Manager) Explain(ctx context.Context, code keys.Secret, check CodeCheck) (Refused, error) {
	c, err := m.store.Code(ctx, code)
	if errors.Is(err, ErrNotFound) {
		return Refused{Fault: CodeUnknown}, nil
	}
	if err != nil {
		return Refused{}, err
	}
	return Refused{m.faultOf(c, check), c}, nil
}

func (m *Manager) faultOf(c Code, check CodeCheck) CodeFault {
	switch {
	case !m.now().Before(c.Expires):
		return CodeExpired
	case c.Grant.ClientID != check.ClientID:
		return CodeClient
	case c.RedirectURI != check.RedirectURI:
		return CodeRedirect
	case check.Challenge == "" && c.CodeChallenge != "":
		return CodeBare
	case subtle.ConstantTimeCompare([]byte(c.CodeChallenge), []byte(check.Challenge)) != 1:
		return CodeVerifier
	}
	return CodeEnded
}
