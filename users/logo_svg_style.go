package users

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// cssFunctions compute colours and movements, and load nothing.
var cssFunctions = setOf("rgb", "rgba", "hsl", "hsla", "matrix", "translate", "scale", "rotate", "skewx", "skewy")

// cssCall is a function of CSS with what follows up to its end.
var cssCall = regexp.MustCompile(`([A-Za-z0-9_-]*)\s*\(([^()]*)`)

// checkSVGValue checks a value of a property. What url() names is given to refer.
func checkSVGValue(value string, refer func(reference string) error) error {
	if strings.Contains(value, `\`) {
		return errors.New(`a backslash is not allowed`) // it could spell url differently
	}
	for _, call := range cssCall.FindAllStringSubmatch(value, -1) {
		switch name := strings.ToLower(call[1]); {
		case name == "url":
			if err := refer(strings.Trim(call[2], ` '"`)); err != nil {
				return err
			}
		case !cssFunctions[name]:
			return fmt.Errorf("the function %s() is not allowed", name)
		}
	}
	return nil
}

// errStyleURL is for references in style, which are allowed in attributes alone:
// to which elements a rule of a style sheet applies is not followed here.
var errStyleURL = errors.New(`url() is not allowed in style; write it as an attribute such as fill="url(#part)"`)

// checkStyle checks declarations such as "fill:#fff; stroke:none".
func checkStyle(declarations string) error {
	for declaration := range strings.SplitSeq(declarations, ";") {
		if strings.TrimSpace(declaration) == "" {
			continue
		}
		property, value, _ := strings.Cut(declaration, ":")
		if property = strings.ToLower(strings.TrimSpace(property)); !svgProperties[property] {
			return fmt.Errorf("the property %q is not allowed in style", property)
		}
		if err := checkSVGValue(value, func(string) error { return errStyleURL }); err != nil {
			return err
		}
	}
	return nil
}

// cssSelectors are names of elements, classes and ids.
var cssSelectors = regexp.MustCompile(`^[A-Za-z0-9_.#,>*\s-]+$`)

// checkStyleSheet checks rules such as ".a{fill:#fff}".
func checkStyleSheet(sheet string) error {
	rules := strings.Split(sheet, "}")
	for _, rule := range rules[:len(rules)-1] {
		selectors, declarations, found := strings.Cut(rule, "{")
		if !found || !cssSelectors.MatchString(selectors) || strings.Contains(declarations, "{") {
			return fmt.Errorf("the rule %.60q is not allowed in style", strings.TrimSpace(rule)+"}")
		}
		if err := checkStyle(declarations); err != nil {
			return err
		}
	}
	if last := strings.TrimSpace(rules[len(rules)-1]); last != "" {
		return fmt.Errorf("%.60q is not allowed in style", last)
	}
	return nil
}
