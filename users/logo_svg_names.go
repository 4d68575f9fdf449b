package users

import (
	"errors"
	"fmt"
	"regexp"
)

const elementStyle = "style"

// setOf makes a set of names.
func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// svgElements draw shapes, or say how. None of them moves, loads, links or runs anything.
var svgElements = setOf(
	"svg", "g", "defs", "symbol", "use", "title", "desc", elementStyle,
	"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan",
	"linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern",
)

// svgProperties are properties of CSS that also are attributes (SVG 2 section 6.6),
// and those that programs write in style alone.
var svgProperties = setOf(
	"clip-path", "clip-rule", "color", "color-interpolation", "color-rendering", "display", "dominant-baseline",
	"fill", "fill-opacity", "fill-rule", "font", "font-family", "font-size", "font-stretch", "font-style", "font-variant",
	"font-weight", "image-rendering", "letter-spacing", "mask", "mask-type", "opacity", "overflow", "paint-order",
	"shape-rendering", "stop-color", "stop-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset",
	"stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor",
	"text-decoration", "text-rendering", "transform", "transform-origin", "vector-effect", "visibility", "word-spacing",
	"writing-mode",
	"enable-background", "isolation", "line-height", "mix-blend-mode", "white-space",
)

// svgRule checks the value of an attribute.
type svgRule func(c *svgChecker, e *svgElement, value string) error

// svgAttributes are the attributes that may stand at any element, with their rules.
var svgAttributes = func() map[string]svgRule {
	rules := map[string]svgRule{
		"id": ruleID, "href": ruleReference, "style": ruleStyle, "type": ruleStyleType,
	}
	for property := range svgProperties {
		rules[property] = ruleValue
	}
	for _, name := range []string{
		"baseProfile", "clipPathUnits", "cx", "cy", "d", "dx", "dy", "fr", "fx", "fy", "gradientTransform",
		"gradientUnits", "height", "lengthAdjust", "maskContentUnits", "maskUnits", "offset", "pathLength",
		"patternContentUnits", "patternTransform", "patternUnits", "points", "preserveAspectRatio", "r", "refX", "refY",
		"rotate", "rx", "ry", "spreadMethod", "textLength", "version", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2",
	} {
		rules[name] = ruleValue
	}
	for _, name := range []string{
		"aria-hidden", "aria-label", "aria-labelledby", "class", "data-name", "focusable", "lang", "role",
	} {
		rules[name] = ruleText
	}
	return rules
}()

var svgID = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

var errOnlyFragment = errors.New(`only references to a part of the picture such as "#part" are allowed`)

// ruleText is for what is shown to nobody, or means nothing by itself.
func ruleText(*svgChecker, *svgElement, string) error { return nil }

// ruleID notes what references can name. A name that stands twice could mean one
// thing here and another in the browser.
func ruleID(c *svgChecker, e *svgElement, value string) error {
	if !svgID.MatchString(value) {
		return fmt.Errorf("want letters, digits, _, . and -, found %q", value)
	}
	if c.byID[value] != nil {
		return fmt.Errorf("%q stands here twice", value)
	}
	c.byID[value] = e
	return nil
}

func ruleReference(_ *svgChecker, e *svgElement, value string) error {
	return e.refer(value)
}

// refer notes that the element shows a part of the picture.
func (e *svgElement) refer(reference string) error {
	if len(reference) < 2 || reference[0] != '#' || !svgID.MatchString(reference[1:]) {
		return errOnlyFragment
	}
	e.references = append(e.references, reference[1:])
	return nil
}

func ruleValue(_ *svgChecker, e *svgElement, value string) error {
	return checkSVGValue(value, e.refer)
}

func ruleStyle(_ *svgChecker, _ *svgElement, value string) error {
	return checkStyle(value)
}

func ruleStyleType(_ *svgChecker, e *svgElement, value string) error {
	if e.name != elementStyle || value != "text/css" {
		return errors.New(`only "text/css" at style is allowed`)
	}
	return nil
}
