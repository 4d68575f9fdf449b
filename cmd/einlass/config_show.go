package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// writeConfig prints every setting in force, secrets hidden, with its origin if wanted.
func writeConfig(w io.Writer, entries []entry, origins bool) error {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, e := range entries {
		switch {
		case e.shown == "":
		case origins:
			fmt.Fprintf(tw, "%s: %s\t# %s\n", e.path, e.shown, e.origin)
		default:
			fmt.Fprintf(tw, "%s: %s\n", e.path, e.shown)
		}
	}
	return tw.Flush()
}
