package importer

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// maxDuplicateIDs is how many ids may come twice with different content before
// the whole feed counts as corrupt.
const maxDuplicateIDs = 3

// Feed is what one whole read said about everybody, as far as the plan of one
// person depends on the others: ids, standings, and who wants which address.
type Feed struct {
	rules      Rules
	entries    map[string]entry
	duplicates int // ids that came with different content

	claims     map[users.LoginKey]string   // wanted address or user name → the source id that came first
	contested  map[users.LoginKey]struct{} // wanted by several
	contenders map[string]claim            // claims that depend on somebody else, or that free an address

	verdicts map[string]verdict
	swapped  map[string]struct{}   // source ids that exchange addresses in a circle
	taken    map[users.ID]struct{} // users who are linked or lose their address to somebody in this run
	parked   map[users.ID]struct{} // of taken: those who lose it

	mistakable map[string]users.LoginKey // source id → address that theirs looks like
	moved      map[string]struct{}       // source ids whose user goes on under another id

	nameless users.Counts // rows of people without an entry
}

// entry is what is kept of one source id.
type entry struct {
	hash      [16]byte // first digits of the content hash, which tell repeats from contradictions
	standing  standing
	duplicate bool
	changed   bool // not as remembered: waits in the spool
	user      bool // has a user here
	unread    bool // not part of the feed
	effect    uint8
}

// effects orders the kinds of change by strength; a person is counted once, by the strongest.
var effects = []users.ChangeKind{
	users.ChangeRecord, users.ChangeSkip, users.ChangeQuarantine, users.ChangeUpdate,
	users.ChangeReactivate, users.ChangeSuspend, users.ChangeLink, users.ChangeCreate,
}

// NewFeed returns an empty Feed for people who are imported by rules.
func NewFeed(rules Rules) *Feed {
	return &Feed{
		rules:      rules,
		entries:    map[string]entry{},
		claims:     map[users.LoginKey]string{},
		contested:  map[users.LoginKey]struct{}{},
		contenders: map[string]claim{},
		verdicts:   map[string]verdict{},
		swapped:    map[string]struct{}{},
		taken:      map[users.ID]struct{}{},
		parked:     map[users.ID]struct{}{},
		moved:      map[string]struct{}{},
	}
}

// sighting is what reading a person means for the feed.
type sighting uint8

const (
	sightedFirst sighting = iota
	sightedAgain          // the same content once more: pages drifted, nothing to do
	sightedOther          // the same id with other content
)

// see notes that m was read. More than maxDuplicateIDs contradicting ids make it
// return ErrCorrupt.
func (f *Feed) see(m Mapped) (sighting, error) {
	var e entry
	copy(e.hash[:], m.Hash)
	before, known := f.entries[m.ID]
	if !known {
		e.standing, e.unread = m.standing(), m.Gone || m.Unshown
		f.entries[m.ID] = e
		return sightedFirst, nil
	}
	if before.hash == e.hash {
		return sightedAgain, nil
	}
	if !before.duplicate {
		before.duplicate = true
		f.entries[m.ID] = before
		f.duplicates++
	}
	if f.duplicates > maxDuplicateIDs {
		return sightedOther, fmt.Errorf("%w: %d ids came twice with different content", ErrCorrupt, f.duplicates)
	}
	return sightedOther, nil
}

// wait notes that the person is not as remembered and will be planned. It
// reports whether that was not known yet.
func (f *Feed) wait(id string) bool {
	e := f.entries[id]
	if e.changed {
		return false
	}
	e.changed = true
	f.entries[id] = e
	return true
}

// concerned returns the source ids, sorted, of the people who were read and are
// not as remembered, or whom one of the rows is about.
func (f *Feed) concerned(rows []users.RunChange) []string {
	var ids []string
	for id, e := range f.entries {
		if e.changed {
			ids = append(ids, id)
		}
	}
	for _, row := range rows {
		if f.saw(row.SourceID) {
			ids = append(ids, row.SourceID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ids returns the source ids of everybody who was part of the feed.
func (f *Feed) ids() []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(f.entries)), func(id string) bool { return !f.saw(id) })
}

// hasUser notes that the person has a user here.
func (f *Feed) hasUser(id string) {
	e := f.entries[id]
	e.user = true
	f.entries[id] = e
}

// saw reports whether the person was part of the feed.
func (f *Feed) saw(id string) bool {
	e, known := f.entries[id]
	return known && !e.unread
}

// shows reports whether the feed shows a person as remembered.
func (f *Feed) shows(id string, known remembered) bool {
	shown := f.entries[id].hash
	return string(shown[:]) == hex.EncodeToString(known.hash[:len(shown)/2])
}

// note counts what a row does to its person.
func (f *Feed) note(row users.RunChange) {
	if row.SourceID == "" {
		*countOf(&f.nameless, row.Kind, false)++
		return
	}
	e, known := f.entries[row.SourceID]
	if !known {
		e.unread, e.user = true, row.User != ""
	}
	e.effect = max(e.effect, effectOf(row.Kind))
	f.entries[row.SourceID] = e
}

// counts is what the noted rows amount to, in people.
func (f *Feed) counts() users.Counts {
	counts := f.nameless
	for _, e := range f.entries {
		switch {
		case e.effect > 0:
			*countOf(&counts, effects[e.effect-1], e.user)++
		case e.unread:
		case e.user:
			counts.Unchanged++
		default:
			counts.Skipped++
		}
	}
	return counts
}

// effectOf returns the strength of a kind: its place in effects, from 1.
func effectOf(kind users.ChangeKind) uint8 { return uint8(slices.Index(effects, kind) + 1) }

// countOf returns where a person counts. What changes only our memory of somebody
// leaves them unchanged, or skipped if they never had a user.
func countOf(c *users.Counts, kind users.ChangeKind, hasUser bool) *int {
	switch kind {
	case users.ChangeCreate:
		return &c.Created
	case users.ChangeUpdate, users.ChangeLink:
		return &c.Updated
	case users.ChangeSuspend:
		return &c.Suspended
	case users.ChangeReactivate:
		return &c.Reactivated
	case users.ChangeQuarantine:
		return &c.Quarantined
	case users.ChangeRecord:
		if hasUser {
			return &c.Unchanged
		}
	case users.ChangeSkip:
	}
	return &c.Skipped
}
