package importer

import (
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// The numbers of invariant 5 that are not settings, in percent.
const (
	minActiveForPercent = 5  // people; below, a percentage says nothing
	shrunkPercent       = 10 // fewer ids than the last full run
	columnFilledPercent = 20 // a column that was filled for so many
	columnEmptyPercent  = 5  // and now for fewer than so many was emptied
	unknownPercent      = 5  // people with a status we do not know
	newDomainPercent    = 20 // people with an e-mail domain that nobody had

	representativePercent = 20 // of the people of the last full run, below which some people say nothing of a column
)

// guardWindow is how far back losses of access add up.
const guardWindow = 24 * time.Hour

// refusedMissingColumn is the code of a reason for which a run fails instead of being held, so that nobody is told of it.
const refusedMissingColumn = "missing_mandatory"

// parameterAbout names the attribute or domain that a reason is about, where it is about one.
const parameterAbout = "about"

// subjects returns what reasons are about, each once.
func subjects(reasons []users.Note) []string {
	var all []string
	for _, r := range reasons {
		if !slices.Contains(all, r.Subject()) {
			all = append(all, r.Subject())
		}
	}
	return all
}

// held is why a run must not be applied without a named administrator's approval,
// about an attribute or domain unless that is empty.
func held(code, about string, numbers map[string]int) users.Note {
	n := users.Note{Code: code, Numbers: numbers}
	if about != "" {
		n.Texts = map[string]string{parameterAbout: about}
	}
	return n
}

// GuardInput is everything the guard judges by.
type GuardInput struct {
	Settings users.Guard
	Stats    users.FeedStats  // of this run
	Last     *users.FeedStats // of the last full run that was applied; nil: there is none
	Known    int              // remembered people who are not gone

	// The rolling 24 hours before this run: people who lost access, or will on a
	// later day, by runs that nobody approved, and the active people (without roles) at its start.
	Losses       int
	LossesLater  int
	ActiveBefore int

	Filter     string // what the list was asked for
	LastFilter string // what it was asked for by the last full run that was applied
	Hidden     int    // remembered people whom the list did not show

	Rows     int    // of the list, also those that came twice or without a usable id
	Nameless int    // of Rows, those without a usable id
	Email    string // the source attribute of the e-mail address
}

// RecommendedMaxPeople is what Guard.MaxPeople should be for a number of active
// people: the default, and above 2,500 one percent.
func RecommendedMaxPeople(active int) int {
	return max(users.DefaultGuard.MaxPeople, active/100)
}

// Judge returns why a run must not be applied as it is without a named
// administrator's approval, or nothing. A first run
// has no other to be compared with.
func Judge(in GuardInput) []users.Note {
	var reasons []users.Note
	reasons = append(reasons, in.missing()...)
	reasons = append(reasons, in.shrunk()...)
	reasons = append(reasons, in.losses()...)
	if in.Last != nil && in.Stats.People > 0 {
		reasons = append(reasons, in.emptied()...)
		reasons = append(reasons, in.domains()...)
	}
	return append(reasons, in.unknown()...)
}

// unknown finds statuses that nobody knows.
func (in GuardInput) unknown() []users.Note {
	n := in.Stats.UnknownStatuses
	if n*100 <= unknownPercent*in.Stats.People {
		return nil
	}
	return []users.Note{held(noteHeldUnknown, "", map[string]int{"count": n, "people": in.Stats.People, "limit": unknownPercent})}
}

// judgeSome is Judge for a run over some people. They are compared with the last
// full run only if they are representativePercent of those whom it read.
func judgeSome(in GuardInput, last users.FeedStats) []users.Note {
	reasons := in.losses()
	in.Last = &last
	if n := in.Stats.People; n < minActiveForPercent || n*100 < representativePercent*last.People {
		return reasons
	}
	reasons = append(reasons, in.emptied()...)
	reasons = append(reasons, in.domains()...)
	return append(reasons, in.unknown()...)
}

// missing finds mandatory attributes that nobody has any more, of ids that most have not.
func (in GuardInput) missing() []users.Note {
	var reasons []users.Note
	if in.Nameless > in.Stats.People {
		reasons = append(reasons, held(refusedMissingColumn, sourceID, map[string]int{"count": in.Nameless}))
	}
	for _, name := range []string{in.Email, sourceStatus} {
		if in.Stats.People > 0 && in.Stats.Filled[name] == 0 {
			reasons = append(reasons, held(refusedMissingColumn, name, map[string]int{"count": in.Stats.People}))
		}
	}
	return reasons
}

// shrunk compares how many people were read with how many there should be.
func (in GuardInput) shrunk() []users.Note {
	read := in.Stats.Listed()
	var reasons []users.Note
	switch {
	case read == 0 && in.Known > 0:
		reasons = append(reasons, held(noteHeldNobody, "", map[string]int{"count": in.Known}))
	case in.Last != nil && in.Filter != in.LastFilter:
		if in.Hidden > 0 {
			reasons = append(reasons, held(noteHeldFilter, "", map[string]int{"count": read, "before": in.Last.Listed(), "hidden": in.Hidden}))
		}
	case in.Last != nil && shrunk(read, in.Last.Listed()):
		reasons = append(reasons, held(noteHeldFewer, "", map[string]int{"count": read, "before": in.Last.Listed(), "limit": shrunkPercent}))
	}
	// What is announced may count rows or people, with those the list does not show or without them.
	if n := in.Stats.Announced; n >= 0 && (n < read || n > max(in.Stats.People, in.Rows)) {
		reasons = append(reasons, held(noteHeldAnnounced, "", map[string]int{"count": in.Stats.People, "announced": n}))
	}
	return reasons
}

// shrunk reports whether now is shrunkPercent or more below before.
func shrunk(now, before int) bool {
	return before > 0 && (before-now)*100 >= shrunkPercent*before
}

// losses adds this run to the losses of the window. Access that ends on a later
// day counts when that day is read, because when it comes the clock asks nobody; and
// it counts apart, by the same limits.
func (in GuardInput) losses() []users.Note {
	return append(
		in.tooMany(lossNotes{noteHeldPeople, noteHeldAdvised, noteHeldPercent}, in.Losses, in.Stats.LosingAccess),
		in.tooMany(lossNotes{noteEndsPeople, noteEndsAdvised, noteEndsPercent}, in.LossesLater, in.Stats.LosingLater)...)
}

// lossNotes are the codes of a loss that is too large, by which limit.
type lossNotes struct{ people, advised, percent string }

// tooMany compares those of this run and those before it with the limits.
func (in GuardInput) tooMany(notes lossNotes, before, now int) []users.Note {
	if now == 0 {
		return nil // the run takes nothing away, whatever was taken before
	}
	limits := effectiveGuard(in.Settings)
	losing := before + now
	active := max(in.ActiveBefore, in.Stats.Active)
	var reasons []users.Note
	if losing > limits.MaxPeople {
		reason := held(notes.people, "", map[string]int{"count": losing, "limit": limits.MaxPeople})
		if advice := RecommendedMaxPeople(active); advice > limits.MaxPeople {
			reason.Code, reason.Numbers["active"], reason.Numbers["advice"] = notes.advised, active, advice
		}
		reasons = append(reasons, reason)
	}
	if active >= minActiveForPercent && losing*100 > limits.MaxPercent*active {
		reasons = append(reasons, held(notes.percent, "", map[string]int{"count": losing, "active": active, "limit": limits.MaxPercent}))
	}
	return reasons
}

// effectiveGuard fills in what is not set.
func effectiveGuard(g users.Guard) users.Guard {
	if g.MaxPeople == 0 {
		g.MaxPeople = users.DefaultGuard.MaxPeople
	}
	if g.MaxPercent == 0 {
		g.MaxPercent = users.DefaultGuard.MaxPercent
	}
	return g
}

// emptied finds mapped columns that were filled and are not any more. A column
// that may no longer be read is reported elsewhere and changes nobody.
func (in GuardInput) emptied() []users.Note {
	var reasons []users.Note
	for _, name := range slices.Sorted(maps.Keys(in.Stats.Filled)) {
		before, now := in.Last.Filled[name], in.Stats.Filled[name]
		wasFilled := in.Last.People > 0 && before*100 >= columnFilledPercent*in.Last.People
		if slices.Contains(in.Stats.Missing, name) || !wasFilled || now*100 >= columnEmptyPercent*in.Stats.People {
			continue
		}
		reasons = append(reasons, held(noteHeldEmptied, name, map[string]int{
			"count": now, "people": in.Stats.People, "before": before, "people_before": in.Last.People,
		}))
	}
	return reasons
}

// domains finds e-mail domains that many people have and nobody had.
func (in GuardInput) domains() []users.Note {
	if len(in.Last.Domains) == 0 {
		return nil
	}
	var reasons []users.Note
	for _, domain := range slices.Sorted(maps.Keys(in.Stats.Domains)) {
		n := in.Stats.Domains[domain]
		if _, known := in.Last.Domains[domain]; known || n*100 <= newDomainPercent*in.Stats.People {
			continue
		}
		reasons = append(reasons, held(noteHeldDomain, domain, map[string]int{"count": n, "people": in.Stats.People}))
	}
	return reasons
}
