// Package importertest is the contract of a source of people: what
// importer.Source promises, whoever is behind it. Each implementation runs [Run]
// with a [House] of its own.
package importertest
