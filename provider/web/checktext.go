package web

import (
	"fmt"
	"html/template"
	"slices"
	"text/template/parse"
)

// checkTexts returns an error if a template asks for a text that does not
// exist in every language, or names other parameters than the text has.
func (c *catalog) checkTexts(t *template.Template) error {
	for _, defined := range t.Templates() {
		if defined.Tree == nil {
			continue
		}
		for _, use := range textUses(defined.Tree.Root) {
			if err := c.checkUse(use); err != nil {
				return err
			}
		}
	}
	return nil
}

// textUse is one call of T or Parts with a literal key.
type textUse struct {
	key        string
	parameters []string
}

func (c *catalog) checkUse(use textUse) error {
	for code, words := range c.words {
		sentence, exists := words.texts[use.key]
		if !exists {
			return fmt.Errorf("text %s does not exist in %s", use.key, code)
		}
		for _, name := range parameters(sentence) {
			if !slices.Contains(use.parameters, name) {
				return fmt.Errorf("text %s needs parameter %s", use.key, name)
			}
		}
	}
	return nil
}

// textUses finds the calls of T and Parts below a node of a template.
func textUses(node parse.Node) []textUse {
	var uses []textUse
	visit := func(nodes ...parse.Node) {
		for _, n := range nodes {
			uses = append(uses, textUses(n)...)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			visit(n.Nodes...)
		}
	case *parse.ActionNode:
		visit(n.Pipe)
	case *parse.TemplateNode:
		visit(n.Pipe)
	case *parse.IfNode:
		visit(n.Pipe, n.List, n.ElseList)
	case *parse.RangeNode:
		visit(n.Pipe, n.List, n.ElseList)
	case *parse.WithNode:
		visit(n.Pipe, n.List, n.ElseList)
	case *parse.PipeNode:
		if n != nil {
			for _, command := range n.Cmds {
				visit(command)
			}
		}
	case *parse.CommandNode:
		if use, ok := asTextUse(n); ok {
			uses = append(uses, use)
		}
		visit(n.Args...)
	}
	return uses
}

// asTextUse reads a command such as `.T "login.continue" "application" .Data.Label`.
func asTextUse(command *parse.CommandNode) (textUse, bool) {
	var method string
	switch n := command.Args[0].(type) {
	case *parse.FieldNode: // .T
		method = n.Ident[len(n.Ident)-1]
	case *parse.VariableNode: // $.T
		method = n.Ident[len(n.Ident)-1]
	}
	if method != "T" && method != "Parts" || len(command.Args) < 2 {
		return textUse{}, false
	}
	key, isLiteral := command.Args[1].(*parse.StringNode)
	if !isLiteral {
		return textUse{}, false
	}
	use := textUse{key: key.Text}
	for i := 2; i < len(command.Args); i += 2 {
		if name, ok := command.Args[i].(*parse.StringNode); ok {
			use.parameters = append(use.parameters, name.Text)
		}
	}
	return use, true
}
