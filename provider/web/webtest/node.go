package webtest

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Node is an element of a page, or nothing.
type Node struct {
	html *html.Node
}

// Exists reports whether the element was found.
func (n Node) Exists() bool { return n.html != nil }

// ByID returns the element with this id.
func (n Node) ByID(id string) Node {
	found := n.find(func(e Node) bool { return e.Attr("id") == id })
	if len(found) == 0 {
		return Node{}
	}
	return found[0]
}

// All returns the elements of a tag in document order.
func (n Node) All(tag string) []Node {
	return n.find(func(e Node) bool { return e.html.Data == tag })
}

// WithAttr returns the elements that have an attribute.
func (n Node) WithAttr(name string) []Node {
	return n.find(func(e Node) bool { return e.HasAttr(name) })
}

func (n Node) find(match func(Node) bool) []Node {
	if n.html == nil {
		return nil
	}
	var found []Node
	for d := range n.html.Descendants() {
		if e := (Node{d}); d.Type == html.ElementNode && match(e) {
			found = append(found, e)
		}
	}
	return found
}

// Attr is the value of an attribute, empty if there is none.
func (n Node) Attr(name string) string {
	value, _ := n.attr(name)
	return value
}

// HasAttr reports whether the element has an attribute.
func (n Node) HasAttr(name string) bool {
	_, has := n.attr(name)
	return has
}

func (n Node) attr(name string) (string, bool) {
	if n.html == nil {
		return "", false
	}
	for _, a := range n.html.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// Text is the text of the element with single spaces.
func (n Node) Text() string {
	if n.html == nil {
		return ""
	}
	var text strings.Builder
	for d := range n.html.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
			text.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// Fields are the names and values of the inputs in the element.
func (n Node) Fields() url.Values {
	fields := url.Values{}
	for _, input := range n.All("input") {
		fields.Add(input.Attr("name"), input.Attr("value"))
	}
	return fields
}
