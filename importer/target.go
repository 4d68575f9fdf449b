package importer

import (
	"fmt"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// attributeState is calculated from the status and never mapped.
const attributeState = "state"

// MappingProblem is one thing that is wrong with a mapping.
type MappingProblem struct {
	OnCreate bool // in the mapping for people who are created or linked
	Target   string
	Text     string
}

// CheckMapping returns everything that is wrong with the mapping of a connection
// and with the one for people who are created or linked, by target.
func CheckMapping(m, onCreate users.Mapping) []MappingProblem {
	var problems []MappingProblem
	for _, target := range slices.Sorted(maps.Keys(m)) {
		if text := checkTarget(target, m[target], m[users.AttributeManager]); text != "" {
			problems = append(problems, MappingProblem{Target: target, Text: text})
		}
	}
	for _, target := range slices.Sorted(maps.Keys(onCreate)) {
		text := checkTarget(target, onCreate[target], m[users.AttributeManager])
		switch _, both := m[target]; {
		case slices.Contains([]string{users.AttributeEmail, users.AttributeUsername, users.AttributeManager}, target):
			text = "every import looks after it"
		case both:
			text = "it is filled by every import as well; take it out of the one or the other"
		}
		if text != "" {
			problems = append(problems, MappingProblem{OnCreate: true, Target: target, Text: text})
		}
	}
	return problems
}

// checkTarget says why a target cannot be filled from text, or nothing.
func checkTarget(target, text, manager string) string {
	switch {
	case target == attributeState || target == sourceStatus:
		return "it is calculated from the source's status and cannot be mapped"
	case users.IsAccessAttribute(target):
		return "it is calculated from the source's dates (import.access) and cannot be mapped"
	case !users.IsAttributeName(target):
		return fmt.Sprintf("%q is no name for an attribute", target)
	case text == "":
		return "want a source attribute or an expression, found nothing"
	case target == users.AttributeEmail || target == users.AttributeManager:
		if !users.IsAttributeName(text) {
			return "want the source attribute itself, not an expression" // identity and links are the source's word
		}
		return ""
	}
	source, err := compileSource(text)
	switch {
	case err != nil:
		return "want a source attribute or an expression: " + err.Error()
	case manager != "" && slices.Contains(source.attributes(), manager):
		return manager + " is the manager, a person and no text"
	}
	return ""
}

// valueSource is where the value of one target comes from: a source attribute,
// or an expression over source attributes.
type valueSource struct {
	attribute  string // empty: the expression
	expression users.Expression
}

func compileSource(text string) (valueSource, error) {
	if users.IsAttributeName(text) {
		return valueSource{attribute: text}, nil
	}
	expression, err := users.CompileExpression(text, users.ResultText)
	return valueSource{expression: expression}, err
}

// compileSources compiles the texts of a mapping that CheckMapping has found nothing wrong with.
func compileSources(m users.Mapping) map[string]valueSource {
	sources := make(map[string]valueSource, len(m))
	for target, text := range m {
		if source, err := compileSource(text); err == nil {
			sources[target] = source
		}
	}
	return sources
}

// attributes are the source attributes that must have been sent.
func (s valueSource) attributes() []string {
	if s.attribute != "" {
		return []string{s.attribute}
	}
	return s.expression.Attributes()
}

// value returns the value for a person, not normalized. It was sent only if
// every attribute was that it could come from: absent is not empty. An
// expression sees normalized values; an error means that it fails for these.
func (s valueSource) value(attributes map[string]string) (value string, sent bool, err error) {
	if s.attribute != "" {
		value, sent = attributes[s.attribute]
		return value, sent, nil
	}
	read := make(map[string]string, len(s.expression.Attributes()))
	for _, name := range s.expression.Attributes() {
		value, sent := attributes[name]
		if !sent {
			return "", false, nil
		}
		read[name] = normalize(value)
	}
	result, err := s.expression.Value(read)
	value, _ = result.(string) // compileSource lets no other result through
	return value, err == nil, err
}
