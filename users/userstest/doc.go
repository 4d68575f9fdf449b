// Package userstest holds what every users.Store must satisfy, and gives tests
// of other packages an empty directory on each engine.
//
// [Run] is the conformance suite. [SQLite] and [PostgreSQL] open an empty
// directory; [Engines] runs a test on both. PostgreSQL is a private server that
// the first test of a process starts and that ends with the process.
package userstest
