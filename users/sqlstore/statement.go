package sqlstore

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed queries/*.sql
var queries embed.FS

// statement is one SQL text.
type statement struct {
	name string // of its file; labels errors and metrics
	text string
}

// load returns the statement of queries/name.sql without its comment lines. It
// panics when there is none: the build is broken.
func load(name string) statement {
	file, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	lines := strings.Split(strings.TrimSpace(string(file)), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "--") })
	return statement{name: name, text: strings.Join(lines, "\n")}
}

// batch is a statement over any number of rows. Its file shows it for one row:
//
//	DELETE FROM waivers WHERE connection_id = $1 AND user_id IN (VALUES ($2))
//
// For two rows the parenthesis after VALUES is repeated with the next numbers:
//
//	DELETE FROM waivers WHERE connection_id = $1 AND user_id IN (VALUES ($2), ($3))
//
// Parameters outside the parenthesis are the same for all rows and have the lower numbers.
type batch struct {
	statement
	tuple  string   // the parenthesis as written
	pieces []string // the text of tuple around its parameters
	params []int    // the parameters between the pieces
	common int      // parameters outside the tuple
	width  int      // parameters of the tuple
}

var (
	valuesTuple = regexp.MustCompile(`VALUES\s*(\((?:[^()]|\([^()]*\))*\))`)
	placeholder = regexp.MustCompile(`\$(\d+)`)
)

// loadBatch is load for a statement over any number of rows.
func loadBatch(name string) batch { return parseBatch(load(name)) }

// parseBatch panics unless there is exactly one VALUES, with parameters numbered as batch demands.
func parseBatch(s statement) batch {
	b := batch{statement: s}
	found := valuesTuple.FindAllStringSubmatch(b.text, -1)
	if len(found) != 1 {
		panic(fmt.Sprintf("query %s: %d lists of values, want 1", s.name, len(found)))
	}
	b.tuple = found[0][1]
	b.pieces = placeholder.Split(b.tuple, -1)
	b.params = numbers(b.tuple)
	outside := numbers(strings.Replace(b.text, b.tuple, "", 1))
	b.common = len(distinct(outside))
	b.width = len(distinct(b.params))
	for i, number := range distinct(append(outside, b.params...)) {
		common, ofRow := slices.Contains(outside, number), slices.Contains(b.params, number)
		if number != i+1 || common != (i < b.common) || common == ofRow {
			panic(fmt.Sprintf("query %s: the row's parameters must follow the common ones, without a gap", s.name))
		}
	}
	return b
}

// forRows returns the text for n rows.
func (b batch) forRows(n int) string {
	if n == 1 {
		return b.text
	}
	var list strings.Builder
	for row := range n {
		if row > 0 {
			list.WriteString(", ")
		}
		for i, param := range b.params {
			list.WriteString(b.pieces[i])
			list.WriteByte('$')
			list.WriteString(strconv.Itoa(param + row*b.width))
		}
		list.WriteString(b.pieces[len(b.pieces)-1])
	}
	return strings.Replace(b.text, b.tuple, list.String(), 1)
}

// numbers returns the numbers of the placeholders in text, in their order.
func numbers(text string) []int {
	var all []int
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			panic(err)
		}
		all = append(all, n)
	}
	return all
}

func distinct(all []int) []int {
	return slices.Compact(slices.Sorted(slices.Values(all)))
}
