package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfigBytes is the largest configuration file that is read.
const maxConfigBytes = 1 << 20

// readYAML takes the values of a file. It reads nodes instead of decoding into
// the struct, to know the line of every problem and to find them all.
func (l *loader) readYAML(text []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return
	}
	if err != nil {
		l.failSyntax(text, err)
		return
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		l.unreadable = true
		l.failAt(origin{name: l.file}, "", "want one YAML document, found more")
		return
	}
	root := document.Content[0]
	if !l.plain(root) {
		l.unreadable = true
		return
	}
	l.mapping(root, "", l.cfg.fields())
}

var (
	yamlLine      = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^yaml: unknown anchor '(.*)' referenced$`)
)

const noAnchors = "anchors (&) and aliases (*) are not supported; put a value that begins so in quotes"

// failSyntax notes that the file is no YAML. The parser's messages name what it
// expected and never quote a value, but for one: a secret that begins with *
// and has no quotes around it is the name of an anchor to it.
func (l *loader) failSyntax(file []byte, err error) {
	l.unreadable = true
	from, text := origin{name: l.file}, err.Error()
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		before, _, _ := bytes.Cut(file, []byte("*"+m[1]))
		from.line = 1 + bytes.Count(before, []byte("\n"))
		l.failAt(from, "", noAnchors)
		return
	}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		from.line, _ = strconv.Atoi(m[1]) // empty: no line
		text = m[2]
	}
	l.failAt(from, "", "not YAML: %s", text)
}

// plain refuses anchors, aliases and explicit types anywhere below n. They make
// small files large and values other than they look.
func (l *loader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		l.failAt(l.at(n), "", noAnchors)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		l.failAt(l.at(n), "", "explicit types (!) are not supported; put a value that begins so in quotes")
		return false
	}
	ok := true
	for _, child := range n.Content {
		ok = l.plain(child) && ok
	}
	return ok
}

func (l *loader) at(n *yaml.Node) origin { return origin{l.file, n.Line} }

// member is one key of a mapping in the file with what stands behind it.
type member struct {
	key  *yaml.Node
	node *yaml.Node
}

// mapping reads n, whose keys must be among fields.
func (l *loader) mapping(n *yaml.Node, path string, fields []field) {
	if n.Kind != yaml.MappingNode {
		l.failAt(l.at(n), path, "want a mapping of keys, found %s", nodeName(n))
		return
	}
	members := l.members(n, path, fields)
	for _, f := range fields {
		below := join(path, f.name)
		m, found := members[f.name]
		companion, fromFile := members[f.name+"_file"]
		fromFile = fromFile && f.value != nil && isSecret(f.value)
		switch {
		case found && fromFile:
			l.failAt(l.at(companion.key), below, "%s and %s_file are both set", f.name, f.name)
		case fromFile:
			l.secretFiles(companion, below, f.value)
		case found:
			l.member(m, below, f)
		case path != "" && f.value != nil:
			l.record(below, f.value, origin{})
		case path != "" && !f.optional && f.keys != nil:
			l.recordDefaults(f.keys(), below)
		}
	}
}

// members returns the known keys of a mapping and notes the others.
func (l *loader) members(n *yaml.Node, path string, fields []field) map[string]member {
	names := fieldNames(fields)
	members := map[string]member{}
	for pair := range slices.Chunk(n.Content, 2) {
		key, node := pair[0], pair[1]
		if key.Kind != yaml.ScalarNode {
			l.failAt(l.at(key), path, "want text as a key, found %s", nodeName(key))
			continue
		}
		below := join(path, key.Value)
		switch first, found := members[key.Value]; {
		case found:
			l.failAt(l.at(key), below, "stands here twice, first on line %d", first.key.Line)
		case slices.Contains(names, key.Value):
			members[key.Value] = member{key, node}
		case slices.Contains(laterKeys, anyIndex(below)):
			l.failAt(l.at(key), below, "not available in this version")
		default:
			l.failUnknown(l.at(key), path, key.Value, names)
		}
	}
	return members
}

var printableKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)

// failUnknown notes an unknown key. What does not look like a key is not quoted:
// it may be a value whose key was forgotten.
func (l *loader) failUnknown(from origin, path, name string, known []string) {
	if !printableKey.MatchString(name) {
		l.failAt(from, path, "found something that is no key")
		return
	}
	l.failAt(from, join(path, name), "unknown key%s", didYouMean(name, known))
}

// fieldNames returns the keys that may stand in a mapping.
func fieldNames(fields []field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
		if f.value != nil && isSecret(f.value) {
			names = append(names, f.name+"_file")
		}
	}
	return names
}

// anyIndex turns applications[3].id into applications[].id.
func anyIndex(path string) string { return indexes.ReplaceAllString(path, "[]") }

var indexes = regexp.MustCompile(`\[\d+\]`)

func (l *loader) member(m member, path string, f field) {
	switch {
	case isNull(m.node):
		l.failAt(l.at(m.key), path, "has no value; write one or remove the key")
	case f.value != nil:
		l.leaf(m, path, f.value)
	case f.item != nil:
		l.list(m, path, f)
	default:
		l.mark(path, l.at(m.key))
		l.mapping(m.node, path, f.keys())
	}
}

func (l *loader) list(m member, path string, f field) {
	if m.node.Kind != yaml.SequenceNode {
		l.failAt(l.at(m.key), path, "want a list, found %s", nodeName(m.node))
		return
	}
	l.mark(path, l.at(m.key))
	for i, element := range m.node.Content {
		below := fmt.Sprintf("%s[%d]", path, i)
		l.mark(below, l.at(element))
		l.mapping(element, below, f.item())
	}
}

func (l *loader) leaf(m member, path string, v value) {
	texts, err := nodeTexts(m.node, v.kind())
	if err == nil {
		err = v.parse(texts)
	}
	if err != nil {
		l.failAt(l.at(m.key), path, "%v", err)
		return
	}
	l.record(path, v, l.at(m.key))
	if v.kind() == kindMapping || v.kind() == kindSecretMapping {
		for pair := range slices.Chunk(m.node.Content, 2) {
			l.mark(join(path, pair[0].Value), l.at(pair[0]))
		}
	}
	if hidesSomething(v) {
		l.inlineSecrets = true
	}
}

// hidesSomething reports whether v holds a secret now.
func hidesSomething(v value) bool { return isSecret(v) && strings.Contains(v.show(), "redacted") }

// nodeTexts returns the texts of a node that should be of kind k, as value.parse wants them.
func nodeTexts(n *yaml.Node, k kind) ([]string, error) {
	switch k {
	case kindFlag:
		return scalarText(n, k, "!!bool")
	case kindNumber:
		return scalarText(n, k, "!!int")
	case kindList:
		return listTexts(n, k)
	case kindMapping, kindSecretMapping:
		return mappingTexts(n, k)
	case kindDocument:
		if n.Kind == yaml.MappingNode {
			return documentText(n)
		}
	case kindSecrets:
		if n.Kind == yaml.SequenceNode {
			return listTexts(n, k)
		}
	}
	return scalarText(n, kindText, "!!str")
}

func scalarText(n *yaml.Node, k kind, tag string) ([]string, error) {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == tag:
		return []string{n.Value}, nil
	case n.Kind == yaml.ScalarNode && tag == "!!str":
		return nil, fmt.Errorf("want text, found %s; put it in quotes", nodeName(n))
	}
	return nil, fmt.Errorf("want %s, found %s", k, nodeName(n))
}

func listTexts(n *yaml.Node, k kind) ([]string, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("want a %s, found %s", k, nodeName(n))
	}
	texts := []string{}
	for i, element := range n.Content {
		text, err := scalarText(element, kindText, "!!str")
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		texts = append(texts, text...)
	}
	return texts, nil
}

// mappingTexts returns key and value by turns. Values are taken as written, so
// that dates and numbers among attributes need no quotes. Beside secrets a key is
// quoted only if it looks like one: X-Key:secret, without a blank, is all key.
func mappingTexts(n *yaml.Node, k kind) ([]string, error) {
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("want a %s, found %s", k, nodeName(n))
	}
	texts, seen := []string{}, map[string]bool{}
	for pair := range slices.Chunk(n.Content, 2) {
		key, node := pair[0], pair[1]
		name := strconv.Quote(key.Value)
		if k == kindSecretMapping && !printableKey.MatchString(key.Value) {
			name = "something that is no name"
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("want text as a key, found %s", nodeName(key))
		case node.Kind != yaml.ScalarNode || isNull(node):
			return nil, fmt.Errorf("%s: want text, found %s", name, nodeName(node))
		case seen[key.Value]:
			return nil, fmt.Errorf("%s stands here twice", name)
		}
		seen[key.Value] = true
		texts = append(texts, key.Value, node.Value)
	}
	return texts, nil
}

// documentText returns a mapping as JSON, its values as text, as they are
// written: 42 is as good a name for a key as any.
func documentText(n *yaml.Node) ([]string, error) {
	document, err := documentOf(n)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(document)
	return []string{string(text)}, err
}

func documentOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, element := range n.Content {
			value, err := documentOf(element)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.MappingNode:
		members := map[string]any{}
		for pair := range slices.Chunk(n.Content, 2) {
			name := pair[0].Value
			if _, seen := members[name]; seen {
				return nil, fmt.Errorf("%q stands here twice", name)
			}
			value, err := documentOf(pair[1])
			if err != nil {
				return nil, err
			}
			members[name] = value
		}
		return members, nil
	}
	return n.Value, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// nodeName says what a node is in the words of a person who writes YAML.
func nodeName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "something else"
}
