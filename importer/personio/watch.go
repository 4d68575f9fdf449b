package personio

import (
	"crypto/sha256"
	"fmt"

	"github.com/einlass/einlass/importer"
)

// pageWatch recognises pages that were read before.
type pageWatch struct{ seen map[[sha256.Size]byte]bool }

// check is told who is on a page. The same people in the same order again are a
// list that does not get on.
func (w *pageWatch) check(ids [sha256.Size]byte) error {
	if w.seen[ids] && ids != nobody {
		return fmt.Errorf("the same page came twice: %w", importer.ErrCorrupt)
	}
	if w.seen == nil {
		w.seen = map[[sha256.Size]byte]bool{}
	}
	w.seen[ids] = true
	return nil
}

// nobody is the fingerprint of an empty page.
var nobody = sha256.Sum256(nil)

// fingerprint says who is in a list of version 2, in order.
func fingerprint(rows value) (ids [sha256.Size]byte) {
	h := sha256.New()
	for row := range rows.elements() {
		_, _ = h.Write([]byte(row.member(attributeID).text() + "\n")) // a hash does not fail
	}
	h.Sum(ids[:0])
	return ids
}
