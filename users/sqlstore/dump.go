package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// Dump returns the rows of every table as text, in order, by the name of the
// table. It holds everything in memory and shows what is sealed or hashed as it
// is stored: it is for tests that ask what something has written.
func (s *Store) Dump(ctx context.Context) (map[string][]string, error) {
	dump := map[string][]string{}
	err := s.conn.query(ctx, s.engine.tables, func(rows *sql.Rows) error {
		var table string
		err := rows.Scan(&table)
		dump[table] = nil
		return err
	})
	if err != nil {
		return nil, err
	}
	for table := range dump {
		// The name is one the database itself has given.
		whole := statement{name: "dump", text: `SELECT * FROM "` + table + `"`}
		err := s.conn.query(ctx, whole, func(rows *sql.Rows) error {
			line, err := dumpRow(rows)
			dump[table] = append(dump[table], line)
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.Sort(dump[table])
	}
	return dump, nil
}

// dumpRow writes a row as "column=value column=value".
func dumpRow(rows *sql.Rows) (string, error) {
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return "", err
	}
	var line strings.Builder
	for i, column := range columns {
		if i > 0 {
			line.WriteByte(' ')
		}
		if hash, isBytes := values[i].([]byte); isBytes {
			fmt.Fprintf(&line, "%s=%x", column, hash)
			continue
		}
		fmt.Fprintf(&line, "%s=%v", column, values[i])
	}
	return line.String(), nil
}
