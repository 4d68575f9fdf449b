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
	var l textList
	l.add(c.SourceID)
	l.add(string(c.Kind))
	l.add(c.Reason)
	if c.Kind != users.ChangeQuarantine {
		if c.Kind != users.ChangeCreate && c.Before != users.BeforeFollows {
			l.add(string(c.User))
		}
		l.add(strconv.Itoa(c.Phase))
		l.add(c.Status)
		l.add(c.ContentHash)
		l.add(c.ManagerSourceID)
		l.add(string(c.InitialState))
		for _, name := range c.ChangedFields() {
			l.add(name)
			if name == users.AttributeManager {
				continue // an id, maybe a new one; ManagerSourceID says who it is
			}
			l.add(c.Fields[name].Before)
			l.add(c.Fields[name].After)
		}
	}
	p.rows = append(p.rows, sha256.Sum256(l))
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
