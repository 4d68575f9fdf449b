package provider

import (
	"fmt"
	"log/slog"

	"github.com/einlass/einlass/users"
)

// claimSource is where the value of a registered claim comes from: an attribute,
// or an expression over attributes.
type claimSource struct {
	attribute  string // empty: the expression
	expression users.Expression
}

// CheckClaim returns why text can be no source of a claim, with its position, or nil.
func CheckClaim(text string) error {
	_, err := compileClaim(text)
	return err
}

// compileClaim makes a claim's source of the name of an attribute, or of an expression.
func compileClaim(text string) (claimSource, error) {
	if users.IsAccessAttribute(text) {
		return claimSource{}, fmt.Errorf("%s is for us alone", text)
	}
	if users.IsAttributeName(text) {
		return claimSource{attribute: text}, nil
	}
	expression, err := users.CompileExpression(text, users.ResultValue)
	return claimSource{expression: expression}, err
}

// compileClaims compiles the registered claims of a client. What does not
// compile was registered by another version of this program: it is not
// released, and everything else works.
func compileClaims(a users.Application, log *slog.Logger) map[string]claimSource {
	sources := map[string]claimSource{}
	for name, text := range a.SignIn.Claims {
		source, err := compileClaim(text)
		if err != nil {
			log.Error("claim is not released", "application", a.ID, "claim", name, "error", err)
			continue
		}
		sources[name] = source
	}
	return sources
}

// isAddress reports whether the claim is the e-mail address itself, which has rules of its own.
func (s claimSource) isAddress() bool { return s.attribute == users.AttributeEmail }

// value returns the claim's value for a person, or nil. An expression that
// fails has no value.
func (s claimSource) value(u users.User) any {
	if s.attribute != "" {
		return u.Attribute(s.attribute)
	}
	value, err := s.expression.Value(u.ExpressionAttributes())
	if err != nil {
		return nil
	}
	return value
}
