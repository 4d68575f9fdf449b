package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/einlass/einlass/users"
)

// planHash digests a plan so that two plans with the same effect are equal,
// whatever the order of the feed and the random ids of people yet to be created.
type planHash struct {
	rows [][sha256.Size]byte
}

// add takes one row into the digest.
func (p *planHash) add(c users.RunChange) {
	h := sha256.New()
	writeText(h, c.SourceID)
	writeText(h, string(c.Kind))
	writeText(h, c.Reason)
	if c.Kind != users.ChangeQuarantine {
		if c.Kind != users.ChangeCreate && c.Before != users.BeforeFollows {
			writeText(h, string(c.User))
		}
		writeText(h, strconv.Itoa(c.Phase))
		writeText(h, c.Status)
		writeText(h, c.ContentHash)
		writeText(h, c.ManagerSourceID)
		writeText(h, string(c.InitialState))
		for _, name := range c.ChangedFields() {
			writeText(h, name)
			if name == users.AttributeManager {
				continue // an id, maybe a new one; ManagerSourceID says who it is
			}
			writeText(h, c.Fields[name].Before)
			writeText(h, c.Fields[name].After)
		}
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	p.rows = append(p.rows, sum)
}

// sum returns the digest of all rows in hexadecimal.
func (p *planHash) sum() string {
	slices.SortFunc(p.rows, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for _, row := range p.rows {
		h.Write(row[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
