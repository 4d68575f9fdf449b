package importer

import (
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// claim is a person's wish for addresses or user names that they do not hold yet.
type claim struct {
	id       string
	user     users.ID // empty: the person is new
	email    users.LoginKey
	username users.LoginKey
	keys     []users.LoginKey // of the two, those not held yet
	values   map[string]string
	held     []holding // of keys, those somebody else holds
	idle     bool      // the mode leaves the person alone: the claim only stands in the way of others
}

// holding says who holds a key that somebody else wants.
type holding struct {
	key     users.LoginKey
	holder  users.User
	records []users.Person // of the holder, at every connection
	waived  string         // the source status an administrator overruled for the holder
}

// verdict is what becomes of a claim. The zero verdict grants it.
type verdict struct {
	reason string // why it is refused
	detail []users.Note
	phase  int // of the person's row; 0: any, the row is part of no hand-over

	link       *users.User    // the user the new person is from now on
	linkReason string         // linked_by_email, linked_account, rehire_keep or rehire_suspended
	records    []users.Person // of link, as they are before the run
	unlinked   []users.Person // records of link that lose their user
	parks      []holding      // holders who lose the address
	handOver   bool           // an address goes to or comes from somebody else in this run
	givesUp    bool           // of these, it goes
}

// newClaim returns the claim of a person who may ask for addresses: known to the
// rules, not away for good, with a sound address and not out of our reach. It
// returns false if there is nothing to claim.
func (r Rules) newClaim(m Mapped, u users.User) (claim, bool) {
	s := m.standing()
	email, sent := m.Values[users.AttributeEmail]
	switch {
	case m.ID == "" || privileged(u):
		return claim{}, false
	case u.ID == "" && (!r.admits(m) || !sent):
		return claim{}, false
	case s != standingPresent && s != standingOnLeave:
		return claim{}, false
	case sent && checkEmail(email) != nil:
		return claim{}, false
	}
	c := claim{id: m.ID, user: u.ID, email: u.EmailKey, username: u.UsernameKey, values: m.arriving()}
	if sent {
		c.email = users.KeyOf(email)
	}
	if username := m.Values[users.AttributeUsername]; username != "" {
		c.username = users.KeyOf(username)
	}
	for _, key := range []users.LoginKey{c.email, c.username} {
		if key != "" && key != u.EmailKey && key != u.UsernameKey && !slices.Contains(c.keys, key) {
			c.keys = append(c.keys, key)
		}
	}
	return c, len(c.keys) > 0
}

// claim registers a claim together with those who hold what it asks for.
func (f *Feed) claim(c claim) {
	for _, key := range c.keys {
		first, claimed := f.claims[key]
		if claimed && first != c.id {
			f.contested[key] = struct{}{}
			continue
		}
		f.claims[key] = c.id
	}
	if c.user != "" || (len(c.held) > 0 && !c.idle) {
		f.contenders[c.id] = c
	}
}

// resolve decides all claims, once everybody has been seen. The order in which
// they came plays no part.
func (f *Feed) resolve() {
	for _, id := range slices.Sorted(maps.Keys(f.contenders)) {
		if len(f.contenders[id].held) > 0 {
			f.decide(id, nil)
		}
	}
}

// leave forgets the claims of people of whom something newer is known than the
// feed says, and of all who want an address that one of these users had when they
// were read, or that somebody has who is left so. Those are returned.
func (f *Feed) leave(ids map[string]struct{}, changed map[users.ID]struct{}) (others []string) {
	changed = maps.Clone(changed)
	for found := true; found; {
		found = false
		for id, c := range f.contenders {
			_, left := ids[id]
			depends := slices.ContainsFunc(c.held, func(h holding) bool { _, is := changed[h.holder.ID]; return is })
			if !left && !depends {
				continue
			}
			delete(f.contenders, id)
			found = true
			if c.user != "" {
				changed[c.user] = struct{}{}
			}
			if !left {
				others = append(others, id)
			}
		}
	}
	slices.Sort(others)
	return others
}

// verdict returns what was decided for a person's claim.
func (f *Feed) verdict(c claim) verdict {
	if refused := f.contest(c); refused.reason != "" {
		return refused
	}
	return f.verdicts[c.id]
}

// contest refuses what several people want: none of them gets it.
func (f *Feed) contest(c claim) verdict {
	for _, key := range c.keys {
		if _, several := f.contested[key]; !several {
			continue
		}
		if key == c.email {
			return verdict{reason: reasonEmailDuplicate, detail: told(noteEmailDuplicate)}
		}
		return verdict{reason: reasonUsernameDuplicate, detail: told(noteUsernameDuplicate)}
	}
	return verdict{}
}

// decide returns the verdict on a claim. path holds the claims that wait for
// it; meeting one of them again means that addresses go round in a circle.
func (f *Feed) decide(id string, path []string) verdict {
	if v, done := f.verdicts[id]; done {
		return v
	}
	if i := slices.Index(path, id); i >= 0 {
		for _, member := range path[i:] {
			f.swapped[member] = struct{}{}
		}
		return verdict{reason: reasonEmailSwap}
	}
	v := f.judge(f.contenders[id], append(path, id))
	if _, swapped := f.swapped[id]; swapped {
		v = verdict{reason: reasonEmailSwap, detail: told(noteEmailSwap)}
	}
	f.verdicts[id] = v
	return v
}

func (f *Feed) judge(c claim, path []string) verdict {
	if f.entries[c.id].duplicate {
		return verdict{reason: reasonDuplicateID}
	}
	if refused := f.contest(c); refused.reason != "" {
		return refused
	}
	v := verdict{}
	var releasing []string // source ids that must give up an address first
	for _, h := range c.held {
		if v.concerns(h.holder.ID) {
			continue
		}
		if _, taken := f.taken[h.holder.ID]; taken || privileged(h.holder) {
			return f.refused(c, h)
		}
		releaser := f.releaser(h)
		joins := releaser == "" && f.joins(c, h)
		switch {
		case releaser == "" && !joins && !f.free(c, h):
			return f.refused(c, h)
		case !f.rules.changesPeopleHere():
			return verdict{reason: ReasonExists, detail: []users.Note{naming(noteExists, "name", h.holder.DisplayName())}}
		case releaser != "":
			if f.decide(releaser, path).reason != "" {
				return f.refused(c, h)
			}
			releasing = append(releasing, releaser)
		case len(h.records) == 0:
			v.link, v.linkReason = &h.holder, reasonLinkedByEmail
		case joins:
			v.link, v.linkReason, v.records, v.unlinked = &h.holder, reasonLinkedAccount, h.records, f.recordsHere(h)
		default:
			if refused := f.succeed(c, h, &v); refused.reason != "" {
				return refused
			}
		}
	}
	return f.grant(v, releasing)
}

// concerns reports whether the verdict already disposes of a holder.
func (v verdict) concerns(holder users.ID) bool {
	return (v.link != nil && v.link.ID == holder) ||
		slices.ContainsFunc(v.parks, func(h holding) bool { return h.holder.ID == holder })
}

// free reports whether nobody needs what the holder has: a local user becomes
// the person's own, and whoever left may lose an address.
func (f *Feed) free(c claim, h holding) bool {
	if len(h.records) == 0 {
		return c.mayTake(h)
	}
	return f.left(h)
}

// mayTake reports whether the claim could make the holder's user the person's own.
func (c claim) mayTake(h holding) bool { return c.user == "" && h.key == c.email }

// joins reports whether the claim is that of the holder in another account: both
// connections are declared to mean the same people, the names are the same, some
// connection shows the holder at work, and none of this one does.
func (f *Feed) joins(c claim, h holding) bool {
	return c.mayTake(h) && f.rules.link(h.records) && c.proof(h.holder) == proofSame && !f.left(h) && f.leftBy(h, f.recordsHere(h))
}

// recordsHere returns the records of a holder at the connection of the run.
func (f *Feed) recordsHere(h holding) []users.Person {
	var here []users.Person
	for _, p := range h.records {
		if p.Connection == f.rules.Connection {
			here = append(here, p)
		}
	}
	return here
}

// refused is the verdict when a holder keeps what the claim asks for.
func (f *Feed) refused(c claim, h holding) verdict {
	other := otherConnection(h.records, f.rules.Connection)
	switch {
	case privileged(h.holder):
		return verdict{reason: reasonPrivilegedUser, detail: told(notePrivilegedHolder)}
	case h.key == c.email && other != "":
		return verdict{reason: reasonOtherAccount, detail: f.explainConflict(c, h, other)}
	case h.key == c.email:
		return verdict{reason: reasonEmailTaken, detail: []users.Note{naming(noteEmailTaken, "name", h.holder.DisplayName())}}
	}
	return verdict{reason: reasonUsernameTaken, detail: []users.Note{naming(noteUsernameTaken, "name", h.holder.DisplayName())}}
}

// releaser returns the source id of a holder who wants another address in this
// run and so frees this one; empty if there is none.
func (f *Feed) releaser(h holding) string {
	for _, p := range h.records {
		c, wants := f.contenders[p.SourceID]
		if p.Connection == f.rules.Connection && wants && c.user == h.holder.ID && h.key != c.email && h.key != c.username {
			return p.SourceID
		}
	}
	return ""
}

// left reports whether a holder works here no longer, by every source that knows
// them. Somebody whom an administrator keeps active in spite of the source stays.
func (f *Feed) left(h holding) bool {
	return f.leftBy(h, h.records)
}

// leftBy is left by the word of some records.
func (f *Feed) leftBy(h holding, records []users.Person) bool {
	if rememberedStanding(h.waived) == standingLeft {
		return false
	}
	for _, p := range records {
		s := rememberedStanding(p.Status)
		if e, known := f.entries[p.SourceID]; known && p.Connection == f.rules.Connection {
			if s = e.standing; e.duplicate {
				s = standingUnknown
			}
		}
		if s != standingLeft {
			return false
		}
	}
	return true
}

// succeed lets c have the address of somebody who left: as the same person if
// that is proven, else by taking the address from the old user.
func (f *Feed) succeed(c claim, h holding, v *verdict) verdict {
	here := f.recordsHere(h)
	if c.mayTake(h) && (len(here) > 0 || f.rules.link(h.records)) {
		switch c.proof(h.holder) {
		case proofSame:
			v.link, v.linkReason, v.records, v.unlinked = &h.holder, users.ReasonRehireKeep, h.records, here
			if !f.rules.Reactivation && suspendedBy(h.holder, f.rules.Connection) {
				v.linkReason = users.ReasonRehireSuspended
			}
			return verdict{}
		case proofConflict:
			return verdict{reason: reasonRehireConflict, detail: told(noteRehireConflict)}
		case proofNone:
		}
	}
	v.parks = append(v.parks, h)
	return verdict{}
}

// proof is what speaks for two records being one human being, beside the address.
type proof uint8

const (
	proofNone proof = iota
	proofSame
	proofConflict
)

// proofTargets are compared beside the names. Where any is mapped, one must match.
var proofTargets = []string{"birth_date", "personnel_number"}

func (c claim) proof(u users.User) proof {
	for _, target := range []string{users.AttributeFirstName, users.AttributeLastName} {
		// KeyOf folds case and compatibility forms, which is as far as two spellings are one name.
		if name := users.KeyOf(c.values[target]); name == "" || name != users.KeyOf(u.Attribute(target)) {
			return proofNone
		}
	}
	mapped, matched := false, false
	for _, target := range proofTargets {
		now, sent := c.values[target]
		before := u.Attribute(target)
		switch {
		case now != "" && before != "" && now != before:
			return proofConflict
		case now != "" && now == before:
			matched = true
		}
		mapped = mapped || sent || before != ""
	}
	if mapped && !matched {
		return proofNone
	}
	return proofSame
}

// grant notes what a granted claim means for the others and orders the rows.
func (f *Feed) grant(v verdict, releasing []string) verdict {
	for _, id := range releasing {
		r := f.verdicts[id]
		r.handOver, r.givesUp, r.phase = true, true, max(r.phase, phaseRelease)
		f.verdicts[id] = r
		v.handOver, v.phase = true, max(v.phase, r.phase+1)
	}
	if v.link != nil {
		f.taken[v.link.ID] = struct{}{}
	}
	for _, p := range v.unlinked {
		f.moved[p.SourceID] = struct{}{}
		v.phase = max(v.phase, phaseRelease+1)
	}
	for _, h := range v.parks {
		f.taken[h.holder.ID], f.parked[h.holder.ID] = struct{}{}, struct{}{}
		v.phase = max(v.phase, phaseRelease+1)
	}
	return v
}
