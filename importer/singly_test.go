package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"
)

// oddSource answers for one person at a time.
type oddSource map[string]error

func (s oddSource) Granted(context.Context) ([]string, bool, error) { return nil, false, nil }

func (s oddSource) Pages(context.Context, Query) iter.Seq2[Page, error] {
	return func(func(Page, error) bool) {}
}

func (s oddSource) Changed(context.Context, time.Time, []string) iter.Seq2[Page, error] {
	return func(func(Page, error) bool) {}
}

func (s oddSource) Person(_ context.Context, id string, _ []string) (Person, error) {
	return Person{ID: id, Status: StatusActive}, s[id]
}

// Whoever cannot be shown keeps nobody else from being read: a leaver among them least of all.
func TestOnePersonWhoCannotBeReadKeepsNobodyElse(t *testing.T) {
	t.Parallel()
	ids := []string{"1", "2", "3", "4"}
	for name, c := range map[string]struct {
		source                 oddSource
		answered, gone, failed int
		err                    error
	}{
		"all answered":            {oddSource{}, 4, 0, 0, nil},
		"one is gone":             {oddSource{"2": ErrGone}, 4, 1, 0, nil},
		"one is forbidden":        {oddSource{"1": ErrForbidden}, 3, 0, 1, nil},
		"one is garbled":          {oddSource{"1": ErrCorrupt}, 3, 0, 1, nil},
		"all are garbled":         {oddSource{"1": ErrCorrupt, "2": ErrCorrupt, "3": ErrCorrupt, "4": ErrCorrupt}, 0, 0, 4, nil},
		"all are forbidden":       {oddSource{"1": ErrForbidden, "2": ErrForbidden, "3": ErrForbidden, "4": ErrForbidden}, 0, 0, 0, ErrForbidden},
		"credentials are refused": {oddSource{"3": ErrCredentials}, 0, 0, 0, ErrCredentials},
	} {
		reads, err := readSingly(t.Context(), c.source, ids, nil)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", name, err, c.err)
		}
		if reads == nil {
			reads = newPersonReads()
		}
		got := fmt.Sprint(len(reads.answered), len(reads.gone), len(reads.failed))
		if want := fmt.Sprint(c.answered, c.gone, c.failed); got != want {
			t.Errorf("%s: answered, gone and failed %s, want %s", name, got, want)
		}
	}
}

func TestAFormulaIsDefusedWhereverACellMayBegin(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "x;=HYPERLINK(1)": "x;'=HYPERLINK(1)", "a\t@b": "a\t'@b", "a\n-b": "a\n'-b",
		"Müller-Lüdenscheidt": "Müller-Lüdenscheidt", "a; b": "a; b", "ada@acme.example": "ada@acme.example", "": "",
	} {
		if got := SpreadsheetCell(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}
