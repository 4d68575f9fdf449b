package users

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
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

// IsAttributeName reports whether text can be the name of an attribute. Where
// either may stand, such a text is an attribute and any other an expression.
func IsAttributeName(text string) bool { return attributeName.MatchString(text) }

// expressionFunctions are the functions an expression may call: those on texts
// whose result depends on nothing else and is no larger than what goes in.
var expressionFunctions = []string{"trim", "trimPrefix", "trimSuffix", "upper", "lower", "split", "len", "first", "last", "int", "string"}

// wholeEnvironment would let an expression read attributes without naming them.
const wholeEnvironment = "$env"

// ExpressionResult is what an expression must result in, in the words of the
// error when it does not.
type ExpressionResult string

// The results.
const (
	ResultValue ExpressionResult = "a text, a number, a truth value or a list of them"
	ResultText  ExpressionResult = "a text"
	ResultTruth ExpressionResult = "a truth value"
)

// allows reports whether values of a type are such a result.
func (r ExpressionResult) allows(t reflect.Type) bool {
	switch {
	case t == nil:
		return false
	case r == ResultText:
		return t.Kind() == reflect.String
	case r == ResultTruth:
		return t.Kind() == reflect.Bool
	case t.Kind() == reflect.Slice:
		return r.allows(t.Elem())
	}
	return slices.Contains([]reflect.Kind{reflect.String, reflect.Bool, reflect.Int, reflect.Float64}, t.Kind())
}

// Expression is a compiled expression of the language expr (https://expr-lang.org)
// over attributes, such as
//
//	first_name + " " + last_name
//
// in which every attribute is a text, empty for people who do not have it. It is
// safe for concurrent use.
type Expression struct {
	program    *vm.Program
	attributes []string
}

// CompileExpression compiles an expression that must have a result of the given
// kind. The error says what is wrong, with line and column where it has a place.
func CompileExpression(text string, want ExpressionResult) (Expression, error) {
	if len(text) > maxExpressionBytes {
		return Expression{}, fmt.Errorf("expression is longer than %d bytes", maxExpressionBytes)
	}
	names := namesIn(text)
	if _, found := names[wholeEnvironment]; found {
		return Expression{}, errors.New(wholeEnvironment + " cannot be used; name the attribute itself")
	}
	options := []expr.Option{expr.Env(names), expr.MaxNodes(maxExpressionNodes), expr.DisableAllBuiltins()}
	for _, name := range expressionFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if place, ok := errors.AsType[*file.Error](err); ok {
		return Expression{}, fmt.Errorf("%s: %s", position(place), place.Message)
	}
	if err != nil {
		return Expression{}, err
	}
	if kind := program.Node().Type(); !want.allows(kind) {
		return Expression{}, fmt.Errorf("line 1, column 1: the result is %v, want %s", kind, want)
	}
	return Expression{program: program, attributes: slices.Sorted(maps.Keys(names))}, nil
}

func position(e *file.Error) string { return fmt.Sprintf("line %d, column %d", e.Line, e.Column+1) }

// namesIn declares every name in an expression as an attribute, which is a
// text: the directory's attributes are free, so that no list of them exists.
func namesIn(text string) map[string]string {
	names := map[string]string{}
	tree, err := parser.Parse(text)
	if err != nil {
		return names // Compile says the same
	}
	ast.Walk(&tree.Node, nameCollector(names))
	return names
}

// nameCollector collects the names that an expression looks up.
type nameCollector map[string]string

// Visit implements ast.Visitor.
func (c nameCollector) Visit(node *ast.Node) {
	if name, ok := (*node).(*ast.IdentifierNode); ok {
		c[name.Value] = ""
	}
}

// Attributes returns the names of the attributes that the expression reads,
// sorted. The list belongs to the expression.
func (e Expression) Attributes() []string { return e.attributes }

// Value evaluates the expression. It fails where the values do not fit, such as
// for the second part of a text that has one; the error names the place, and
// none of the values.
func (e Expression) Value(attributes map[string]string) (any, error) {
	machine := vm.VM{MemoryBudget: expressionMemory}
	value, err := machine.Run(e.program, attributes)
	if err == nil {
		return value, nil
	}
	if place, ok := errors.AsType[*file.Error](err); ok {
		return nil, fmt.Errorf("the expression fails at %s", position(place))
	}
	return nil, errors.New("the expression fails")
}

// ExpressionAttributes are a person's attributes as expressions see them. A
// parked address is no longer the person's. The map is the caller's.
func (u User) ExpressionAttributes() map[string]string {
	all := make(map[string]string, len(u.Attributes)+len(columnAttributes))
	maps.Copy(all, u.Attributes)
	for _, name := range columnAttributes {
		all[name] = u.Attribute(name)
	}
	if u.EmailKey == "" {
		delete(all, AttributeEmail)
	}
	return all
}

// columnAttributes are the attributes that are not among the free ones.
var columnAttributes = []string{AttributeEmail, AttributeUsername, AttributeFirstName, AttributeLastName, AttributeManager}
