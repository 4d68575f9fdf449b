// Package sqlstore implements users.Store and keys.Store on SQLite and on
// PostgreSQL, with one schema and one set of statements for both.
//
// The statements are the files of the folder queries, one each, with numbered
// placeholders; the schema is in the folder migrations. What the engines do
// differently is in sqlite.go and postgresql.go and nowhere else: how to
// connect, how many rows one statement takes, and what their errors mean.
//
// SQLite has one connection that writes and several that read from a snapshot.
// PostgreSQL runs at READ COMMITTED: no statement relies on what an earlier one
// of its transaction has read; versions are compared where they are raised.
package sqlstore
