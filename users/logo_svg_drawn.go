package users

import "fmt"

// visit is how far the cost of an element is known.
type visit int

const (
	notVisited visit = iota
	visiting
	visited
)

// checkDrawn bounds what drawing costs. A few elements that refer to one another
// stand for any number of them: ten uses of ten uses of ten uses.
func (c *svgChecker) checkDrawn() error {
	_, err := c.drawn(c.root)
	return err
}

// drawn returns how many elements are drawn with one, never too few: what it refers
// to counts once for each element in it, because those inherit how they are painted.
func (c *svgChecker) drawn(e *svgElement) (int, error) {
	switch e.visit {
	case visiting:
		return 0, fmt.Errorf("line %d: the element %s refers to itself", e.line, e.name)
	case visited:
		return e.drawn, nil
	}
	e.visit = visiting
	inside, referred := 1, 1
	for _, child := range e.children {
		n, err := c.drawn(child)
		if err != nil {
			return 0, err
		}
		inside += n
	}
	for _, id := range e.references {
		target := c.byID[id]
		if target == nil { // nothing is drawn
			continue
		}
		n, err := c.drawn(target)
		if err != nil {
			return 0, err
		}
		referred += n
	}
	if referred > maxSVGDrawn/inside {
		return 0, fmt.Errorf("line %d: the element %s draws more than %d elements by its references", e.line, e.name, maxSVGDrawn)
	}
	e.visit, e.drawn = visited, inside*referred
	return e.drawn, nil
}
