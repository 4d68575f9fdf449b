package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/einlass/einlass/users"
)

// StreamCSV writes a line for each person of a run (RFC 4180), without ever holding
// more than a page of them. No cell is taken for a formula, see SpreadsheetCell. The sentences are in the language of words.
func StreamCSV(
	ctx context.Context, directory reportReader, run users.Run, words Words, w io.Writer, opts CSVOptions,
) error {
	r := newReport(words, run)
	out, err := newCSV(w, opts)
	if err != nil {
		return err
	}
	for page, err := range r.pages(ctx, directory) {
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := out.Write(r.cells(c)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// StreamJSON writes what [Report.WriteJSON] writes of a run, likewise.
func StreamJSON(ctx context.Context, directory reportReader, run users.Run, words Words, w io.Writer) error {
	r := newReport(words, run)
	rows, err := directory.RunChanges(ctx, run.ID, "", 0, 0, 1)
	if err != nil {
		return err
	}
	r.RowsRemoved = len(rows) == 0 && concernedSomebody(run)
	var frame bytes.Buffer
	if err := r.WriteJSON(&frame); err != nil {
		return err
	}
	// No text of a run can hold these quotes as they are.
	empty := []byte(`"changes": []`)
	place := bytes.LastIndex(frame.Bytes(), empty) + len(empty) - 1
	head, tail := frame.Bytes()[:place], frame.Bytes()[place:]
	if _, err := w.Write(head); err != nil {
		return err
	}
	n := 0
	for page, err := range changesOf(ctx, directory, run.ID, words) {
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := writeItem(w, c, n == 0); err != nil {
				return err
			}
			n++
		}
	}
	if n > 0 {
		tail = append([]byte("\n  "), tail...)
	}
	_, err = w.Write(tail)
	return err
}

// writeItem writes a person into the list of a report, as WriteJSON lays it out.
func writeItem(w io.Writer, c ChangeReport, first bool) error {
	var item bytes.Buffer
	if !first {
		item.WriteByte(',')
	}
	item.WriteString("\n    ")
	encoder := json.NewEncoder(&item)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("    ", "  ")
	if err := encoder.Encode(c); err != nil {
		return err
	}
	_, err := w.Write(bytes.TrimSuffix(item.Bytes(), []byte("\n")))
	return err
}

// pages yields the report page by page, with the managers of each named.
func (r *Report) pages(ctx context.Context, directory reportReader) func(yield func([]ChangeReport, error) bool) {
	return func(yield func([]ChangeReport, error) bool) {
		if r.State != users.RunDone {
			if err := r.readArriving(ctx, directory); err != nil {
				yield(nil, err)
				return
			}
		}
		for page, err := range changesOf(ctx, directory, r.ID, r.words) {
			if err == nil {
				err = r.nameManagers(ctx, directory, page)
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// readArriving remembers the addresses of those managers whom a plan creates: the
// directory does not know them yet. It reads the plan twice, and keeps managers alone.
func (r *Report) readArriving(ctx context.Context, directory reportReader) error {
	managers := map[users.ID]string{}
	for phase, seq := 0, 0; ; {
		rows, err := directory.RunChanges(ctx, r.ID, "", phase, seq, reportPage)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			if f := row.Fields[users.AttributeManager]; f.After != "" {
				managers[users.ID(f.After)] = ""
			}
		}
		phase, seq = rows[len(rows)-1].Phase, rows[len(rows)-1].Seq
	}
	for phase, seq := 0, 0; len(managers) > 0; {
		rows, err := directory.RunChangesOf(ctx, r.ID, users.ChangeCreate, phase, seq, reportPage)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			if _, manages := managers[row.User]; manages {
				managers[row.User] = row.Email
			}
		}
		phase, seq = rows[len(rows)-1].Phase, rows[len(rows)-1].Seq
	}
	r.arriving = managers
	return nil
}
