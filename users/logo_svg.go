package users

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of an SVG beside its size.
const (
	maxSVGDepth    = 64
	maxSVGElements = 2000
	maxSVGDrawn    = 20000 // elements that are drawn, with what is drawn by reference
)

// Namespaces of what may stand in an SVG.
const (
	namespaceSVG   = "http://www.w3.org/2000/svg"
	namespaceXLink = "http://www.w3.org/1999/xlink"
	namespaceXML   = "http://www.w3.org/XML/1998/namespace"
)

// withoutMark takes the byte order mark off the beginning, which some programs write.
func withoutMark(content []byte) []byte { return bytes.TrimPrefix(content, []byte("\ufeff")) }

// checkSVG reads a picture token by token and refuses whatever is not known to be
// harmless: a browser runs scripts of an SVG that is opened by itself, and loads what it refers
// to. The error names line and reason.
func checkSVG(content []byte) error {
	c := svgChecker{decoder: xml.NewDecoder(bytes.NewReader(withoutMark(content))), byID: map[string]*svgElement{}}
	err := c.read()
	if err == nil {
		err = c.checkDrawn()
	}
	if err != nil {
		return fmt.Errorf("SVG, %w; save it as a plain SVG without that, or as a PNG", err)
	}
	return nil
}

// svgChecker is one reading of a picture.
type svgChecker struct {
	decoder *xml.Decoder
	begun   bool          // something was read
	open    []*svgElement // the root first
	count   int
	root    *svgElement
	byID    map[string]*svgElement
}

// svgElement is an element, as far as the cost of drawing depends on it.
type svgElement struct {
	name       string
	line       int
	children   []*svgElement
	references []string // ids of what is drawn with it
	style      strings.Builder

	visit visit
	drawn int // once it is known
}

func (c *svgChecker) read() error {
	for {
		line, _ := c.decoder.InputPos()
		token, err := c.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
			return fmt.Errorf("line %d: not well-formed: %s", syntax.Line, syntax.Msg)
		}
		if err != nil { // another encoding, or another version of XML
			return fmt.Errorf("line %d: want XML 1.0 in UTF-8", line)
		}
		if err := c.token(token, line); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		c.begun = true
	}
	if c.root == nil {
		return errors.New("line 1: there is no element svg")
	}
	return nil
}

func (c *svgChecker) token(token xml.Token, line int) error {
	switch token := token.(type) {
	case xml.ProcInst:
		if c.begun || token.Target != "xml" {
			return fmt.Errorf("the processing instruction %s is not allowed", token.Target)
		}
	case xml.Directive:
		return errors.New("a DOCTYPE or entity is not allowed")
	case xml.StartElement:
		return c.start(token, line)
	case xml.EndElement:
		return c.end()
	case xml.CharData:
		return c.text(string(token))
	}
	return nil // comments
}

func (c *svgChecker) start(token xml.StartElement, line int) error {
	name := token.Name.Local
	switch {
	case token.Name.Space != namespaceSVG || !svgElements[name]:
		return fmt.Errorf("the element %s is not allowed%s", name, inNamespace(token.Name))
	case len(c.open) == 0 && (c.root != nil || name != "svg"):
		return fmt.Errorf("the element %s stands where the one element svg should be", name)
	case len(c.open) == maxSVGDepth:
		return fmt.Errorf("more than %d elements stand in one another", maxSVGDepth)
	case c.count == maxSVGElements:
		return fmt.Errorf("more than %d elements", maxSVGElements)
	}
	e := &svgElement{name: name, line: line}
	for _, a := range token.Attr {
		if err := c.attribute(e, a); err != nil {
			return err
		}
	}
	if len(c.open) == 0 {
		c.root = e
	} else {
		above := c.open[len(c.open)-1]
		above.children = append(above.children, e)
	}
	c.open = append(c.open, e)
	c.count++
	return nil
}

// inNamespace says of a name what cannot be seen of it.
func inNamespace(name xml.Name) string {
	switch name.Space {
	case namespaceSVG:
		return ""
	case "":
		return ` (it needs xmlns="` + namespaceSVG + `")`
	}
	return fmt.Sprintf(" (of %s)", name.Space)
}

func (c *svgChecker) attribute(e *svgElement, a xml.Attr) error {
	name := a.Name.Local
	switch {
	case a.Name.Space == "xmlns", a.Name.Space == "" && name == "xmlns":
		return nil // what is in a namespace is looked at where it is used
	case a.Name.Space == namespaceXML && (name == "space" || name == "lang"):
		return nil
	case a.Name.Space == namespaceXLink && name == "href":
	case a.Name.Space != "" || svgAttributes[name] == nil:
		return fmt.Errorf("the attribute %s is not allowed at %s", name, e.name)
	}
	if err := svgAttributes[name](c, e, a.Value); err != nil {
		return fmt.Errorf("the attribute %s of %s: %w", name, e.name, err)
	}
	return nil
}

func (c *svgChecker) text(text string) error {
	if len(c.open) > 0 {
		if e := c.open[len(c.open)-1]; e.name == elementStyle {
			e.style.WriteString(text)
		}
		return nil
	}
	if strings.TrimSpace(text) != "" {
		return errors.New("text stands outside of the element svg")
	}
	return nil
}

func (c *svgChecker) end() error {
	e := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	if e.name != elementStyle {
		return nil
	}
	if len(e.children) > 0 {
		return errors.New("an element stands in style")
	}
	return checkStyleSheet(e.style.String())
}
