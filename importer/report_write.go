package importer

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/einlass/einlass/users"
)

// CSVOptions say for whom a CSV file is. The zero value is for programs.
type CSVOptions struct {
	Semicolon bool // separates cells as spreadsheets do where the comma is the decimal sign
	ByteOrder bool // begins with a mark by which spreadsheets know UTF-8
}

// csvHeader names the columns of StreamCSV; programs rely on them.
var csvHeader = []string{"source_id", "name", "email", "status", "change", "reason", "detail", "effect", "fields", "outcome", "error"}

// newCSV begins a CSV file with its header.
func newCSV(w io.Writer, opts CSVOptions) (*csv.Writer, error) {
	if opts.ByteOrder {
		if _, err := io.WriteString(w, "\uFEFF"); err != nil {
			return nil, err
		}
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if opts.Semicolon {
		out.Comma = ';'
	}
	return out, out.Write(csvHeader)
}

// cells are the line of one person.
func (r *Report) cells(c ChangeReport) []string {
	cells := []string{
		c.SourceID, c.Name, c.Email, c.Status, string(c.Kind), c.Reason, c.Detail, c.Effect, r.describeFields(c), string(c.Outcome), c.Error,
	}
	for i := range cells {
		cells[i] = SpreadsheetCell(cells[i])
	}
	return cells
}

// WriteJSON writes the report to w for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// describeFields lists the attributes that change. Of a new person every one is new.
func (r *Report) describeFields(c ChangeReport) string {
	if c.Kind == users.ChangeCreate {
		return ""
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		f := c.Fields[name]
		fields = append(fields, fmt.Sprintf("%s: %q → %q", name, r.ShowField(name, f.Before), r.ShowField(name, f.After)))
	}
	return strings.Join(fields, "; ")
}

// innerFormula is where a spreadsheet that takes semicolons or tabs for the ends of cells would begin a formula.
var innerFormula = regexp.MustCompile("([;\t\r\n\"])([=+@＝＋－＠-])")

// SpreadsheetCell returns a cell that no spreadsheet takes for a formula: what
// begins like it is preceded by an apostrophe (OWASP, CSV injection).
func SpreadsheetCell(cell string) string {
	cell = innerFormula.ReplaceAllString(cell, "$1'$2")
	if cell != "" && strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
