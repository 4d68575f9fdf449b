package sqlstore

import (
	"iter"
	"slices"

	"github.com/einlass/einlass/users"
)

// maxRows is the most rows in one statement.
const maxRows = 50

// call is one execution of a statement.
type call struct {
	name  string
	text  string
	often bool // worth keeping compiled: not one of the many texts for an odd number of rows
	args  []any
}

// calls cuts rows into executions of a batch. The common arguments come first in each.
func (c *conn) calls(b batch, rows [][]any, common []any) iter.Seq[call] {
	full := min(maxRows, max(1, c.maxParams/b.width))
	return func(yield func(call) bool) {
		for chunk := range slices.Chunk(rows, full) {
			next := call{
				name:  b.name,
				text:  b.forRows(len(chunk)),
				often: len(chunk) == 1 || len(chunk) == full,
				args:  append(slices.Clone(common), slices.Concat(chunk...)...),
			}
			if !yield(next) {
				return
			}
		}
	}
}

// uniqueRows leaves out rows whose first key columns, at most three, appear again
// later: PostgreSQL refuses a statement that writes one row twice.
func uniqueRows(rows [][]any, key int) [][]any {
	seen := make(map[[3]any]bool, len(rows))
	unique := make([][]any, 0, len(rows))
	for _, row := range slices.Backward(rows) {
		var id [3]any
		copy(id[:key], row)
		if !seen[id] {
			seen[id] = true
			unique = append(unique, row)
		}
	}
	slices.Reverse(unique)
	return unique
}

// keyRows returns one row for each id.
func keyRows(ids []string) [][]any {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id}
	}
	return rows
}

// first returns what a query for one thing found, or users.ErrNotFound.
func first[T any](found []T, err error) (T, error) {
	if err == nil && len(found) == 0 {
		err = users.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// texts returns ids of any kind as texts.
func texts[T ~string](ids []T) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}
