package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/einlass/einlass/importer"
)

// Formats of results.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatCSV   = "csv"
)

// listFlags are the flags of commands that print a list.
type listFlags struct {
	Output string `short:"o" enum:"table,json,csv" default:"table" help:"Format: ${enum}."`
}

// showFlags are the flags of commands that print one thing.
type showFlags struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: ${enum}."`
}

// table is a list for people and spreadsheets.
type table struct {
	header []string
	rows   [][]string
}

// writeList prints a list in the wanted format; items are what JSON shows.
func writeList(w io.Writer, format string, t table, items any) error {
	switch format {
	case formatJSON:
		return writeJSON(w, items)
	case formatCSV:
		return t.writeCSV(w)
	}
	return t.write(w)
}

func writeJSON(w io.Writer, item any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(item)
}

func (t table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ToUpper(strings.Join(t.header, "\t")))
	for _, row := range t.rows {
		cells := make([]string, 0, len(row))
		for _, cell := range row {
			cells = append(cells, printable(cell))
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}

func (t table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.header); err != nil {
		return err
	}
	for _, row := range t.rows {
		cells := make([]string, 0, len(row))
		for _, cell := range row {
			cells = append(cells, importer.SpreadsheetCell(cell))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// printable replaces what could move the cursor or recolour a terminal: names
// and titles are other people's input.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}

// fields prints name and value of one thing, a line each.
type fields [][2]string

func (f fields) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, pair := range f {
		fmt.Fprintf(tw, "%s\t%s\n", pair[0], printable(pair[1]))
	}
	return tw.Flush()
}

// showTime prints a moment in UTC, or nothing when there is none.
func showTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// writeJSONLine prints an object on one line, for scripts that read lines.
func writeJSONLine(w io.Writer, item any) error { return json.NewEncoder(w).Encode(item) }
