package provider

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/einlass/einlass/users"
)

// Bounds of one expression. They are written by administrators, so the bounds
// guard against mistakes.
const (
	maxExpressionBytes = 1000
	maxExpressionNodes = 50
	expressionMemory   = 10_000 // of the evaluator's own units
)

// attributeName is how attributes are called; everything else is an expression.
var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:/-]{0,119}$`)

// expressionFunctions are the functions an expression may call: those on texts
// whose result depends on nothing else and is no larger than what goes in.
var expressionFunctions = []string{"trim", "trimPrefix", "trimSuffix", "upper", "lower", "split", "len", "first", "last", "int", "string"}

// claimSource is where the value of a registered claim comes from: an attribute,
// or an expression over attributes.
type claimSource struct {
	attribute  string
	expression *vm.Program // nil: the attribute as it is
}

// CheckClaim returns why text can be no source of a claim, with its position, or nil.
func CheckClaim(text string) error {
	_, err := compileClaim(text)
	return err
}

// compileClaim makes a claim's source of the name of an attribute, or of an expression of
// the language expr (https://expr-lang.org) such as
//
//	first_name + " " + last_name
//
// in which every attribute is a text, empty for people who do not have it.
func compileClaim(text string) (claimSource, error) {
	if attributeName.MatchString(text) {
		return claimSource{attribute: text}, nil
	}
	if len(text) > maxExpressionBytes {
		return claimSource{}, fmt.Errorf("expression is longer than %d bytes", maxExpressionBytes)
	}
	options := []expr.Option{expr.Env(attributesIn(text)), expr.MaxNodes(maxExpressionNodes), expr.DisableAllBuiltins()}
	for _, name := range expressionFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if position, ok := errors.AsType[*file.Error](err); ok {
		return claimSource{}, fmt.Errorf("line %d, column %d: %s", position.Line, position.Column+1, position.Message)
	}
	if err != nil {
		return claimSource{}, err
	}
	if kind := program.Node().Type(); !isClaimType(kind) {
		return claimSource{}, fmt.Errorf("line 1, column 1: the result is %v, want a text, a number, a truth value or a list of them", kind)
	}
	return claimSource{expression: program}, nil
}

// attributesIn declares every name in an expression as an attribute, which is a
// text: the directory's attributes are free, so that no list of them exists.
func attributesIn(text string) map[string]string {
	declared := map[string]string{}
	tree, err := parser.Parse(text)
	if err != nil {
		return declared // Compile says the same
	}
	ast.Walk(&tree.Node, nameCollector(declared))
	return declared
}

// nameCollector collects the names that an expression looks up.
type nameCollector map[string]string

// Visit implements ast.Visitor.
func (c nameCollector) Visit(node *ast.Node) {
	if name, ok := (*node).(*ast.IdentifierNode); ok {
		c[name.Value] = ""
	}
}

// isClaimType reports whether values of a type can stand in a token.
func isClaimType(t reflect.Type) bool {
	if t == nil {
		return false
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return true
	case reflect.Slice:
		return isClaimType(t.Elem())
	}
	return false
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
func (s claimSource) isAddress() bool {
	return s.expression == nil && s.attribute == users.AttributeEmail
}

// value returns the claim's value for a person, or nil. An expression that
// fails, such as the second part of a text that has one, has no value.
func (s claimSource) value(u users.User) any {
	if s.expression == nil {
		return u.Attribute(s.attribute)
	}
	machine := vm.VM{MemoryBudget: expressionMemory}
	value, err := machine.Run(s.expression, attributesOf(u))
	if err != nil {
		return nil
	}
	return value
}

// attributesOf are a person's attributes as expressions see them. A parked
// address is no longer the person's.
func attributesOf(u users.User) map[string]string {
	all := map[string]string{}
	maps.Copy(all, u.Attributes)
	for _, name := range columnAttributes {
		all[name] = u.Attribute(name)
	}
	if u.EmailKey == "" {
		delete(all, users.AttributeEmail)
	}
	return all
}

// columnAttributes are the attributes that are not among the free ones.
var columnAttributes = []string{
	users.AttributeEmail, users.AttributeUsername, users.AttributeFirstName, users.AttributeLastName, users.AttributeManager,
}
