package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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

// Codes of reasons to hold or refuse a run.
const (
	heldMassSuspension   = "mass_suspension"
	heldShrunkFeed       = "shrunk_feed"
	heldFilterChanged    = "filter_changed"
	heldEmptiedColumn    = "emptied_column"
	heldUnknownStatuses  = "unknown_statuses"
	heldNewDomain        = "new_domain"
	refusedMissingColumn = "missing_mandatory" // no hold: the run fails
)

// Reason is why a run must not be applied without a named administrator's approval.
type Reason struct {
	Code    string
	Subject string // the attribute or domain; empty for the others
	Text    string // the numbers
}

// String is the reason as it is stored: code, subject, numbers.
func (r Reason) String() string {
	if r.Subject == "" {
		return r.Code + ": " + r.Text
	}
	return r.Code + ":" + r.Subject + ": " + r.Text
}

// ParseReason reads a reason as it is stored. Of other text it makes a reason
// without code.
func ParseReason(stored string) Reason {
	head, text, found := strings.Cut(stored, ": ")
	if !found {
		return Reason{Text: stored}
	}
	code, subject, _ := strings.Cut(head, ":")
	return Reason{Code: code, Subject: subject, Text: text}
}

// GuardInput is everything the guard judges by.
type GuardInput struct {
	Settings users.Guard
	Stats    users.FeedStats  // of this run
	Last     *users.FeedStats // of the last full run that was applied; nil: there is none
	Known    int              // remembered people who are not gone

	// The rolling 24 hours before this run: people who lost access by runs that
	// nobody approved, and the active people (without roles) at its start.
	Losses       int
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

// Judge returns why a run must not be applied as it is, or nothing. A first run
// has no other to be compared with.
func Judge(in GuardInput) []Reason {
	var reasons []Reason
	reasons = append(reasons, in.missing()...)
	reasons = append(reasons, in.shrunk()...)
	reasons = append(reasons, in.suspensions()...)
	if in.Last != nil && in.Stats.People > 0 {
		reasons = append(reasons, in.emptied()...)
		reasons = append(reasons, in.domains()...)
	}
	return append(reasons, in.unknown()...)
}

// unknown finds statuses that nobody knows.
func (in GuardInput) unknown() []Reason {
	n := in.Stats.UnknownStatuses
	if n*100 <= unknownPercent*in.Stats.People {
		return nil
	}
	return []Reason{{Code: heldUnknownStatuses, Text: fmt.Sprintf(
		"%d of %d people have a status we do not know (limit %d %%)", n, in.Stats.People, unknownPercent)}}
}

// judgeSome is Judge for a run over some people. They are compared with the last
// full run only if they are representativePercent of those whom it read.
func judgeSome(in GuardInput, last users.FeedStats) []Reason {
	reasons := in.suspensions()
	in.Last = &last
	if n := in.Stats.People; n < minActiveForPercent || n*100 < representativePercent*last.People {
		return reasons
	}
	reasons = append(reasons, in.emptied()...)
	reasons = append(reasons, in.domains()...)
	return append(reasons, in.unknown()...)
}

// missing finds mandatory attributes that nobody has any more.
func (in GuardInput) missing() []Reason {
	var reasons []Reason
	if in.Stats.People == 0 && in.Nameless > 0 {
		reasons = append(reasons, Reason{Code: refusedMissingColumn, Subject: sourceID,
			Text: fmt.Sprintf("none of %d rows has an id", in.Nameless)})
	}
	for _, name := range []string{in.Email, sourceStatus} {
		if in.Stats.People > 0 && in.Stats.Filled[name] == 0 {
			reasons = append(reasons, Reason{Code: refusedMissingColumn, Subject: name,
				Text: fmt.Sprintf("none of %d people has a value", in.Stats.People)})
		}
	}
	return reasons
}

// shrunk compares how many people were read with how many there should be.
func (in GuardInput) shrunk() []Reason {
	read := in.Stats.Listed()
	var reasons []Reason
	switch {
	case read == 0 && in.Known > 0:
		reasons = append(reasons, Reason{Code: heldShrunkFeed, Text: fmt.Sprintf("nobody was read, %d people are known", in.Known)})
	case in.Last != nil && in.Filter != in.LastFilter:
		if in.Hidden > 0 {
			reasons = append(reasons, Reason{Code: heldFilterChanged, Text: fmt.Sprintf(
				"%d people were read by another filter, %d the last time; %d who are known are left out",
				read, in.Last.Listed(), in.Hidden)})
		}
	case in.Last != nil && shrunk(read, in.Last.Listed()):
		reasons = append(reasons, Reason{Code: heldShrunkFeed, Text: fmt.Sprintf(
			"%d people were read, %d the last time (limit %d %% fewer)", read, in.Last.Listed(), shrunkPercent)})
	}
	// What is announced may count rows or people, with those the list does not show or without them.
	if n := in.Stats.Announced; n >= 0 && (n < read || n > max(in.Stats.People, in.Rows)) {
		reasons = append(reasons, Reason{Code: heldShrunkFeed, Text: fmt.Sprintf(
			"%d people were read, the source announced %d", in.Stats.People, n)})
	}
	return reasons
}

// shrunk reports whether now is shrunkPercent or more below before.
func shrunk(now, before int) bool {
	return before > 0 && (before-now)*100 >= shrunkPercent*before
}

// suspensions adds this run to the losses of the window.
func (in GuardInput) suspensions() []Reason {
	if in.Stats.LosingAccess == 0 {
		return nil // the run takes nothing away, whatever was taken before
	}
	limits := effectiveGuard(in.Settings)
	losing := in.Losses + in.Stats.LosingAccess
	active := max(in.ActiveBefore, in.Stats.Active)
	var reasons []Reason
	if losing > limits.MaxPeople {
		text := fmt.Sprintf("%d people would lose access within 24 hours (limit %d)", losing, limits.MaxPeople)
		if advice := RecommendedMaxPeople(active); advice > limits.MaxPeople {
			text += fmt.Sprintf("; for %d active people we recommend a limit of %d", active, advice)
		}
		reasons = append(reasons, Reason{Code: heldMassSuspension, Text: text})
	}
	if active >= minActiveForPercent && losing*100 > limits.MaxPercent*active {
		reasons = append(reasons, Reason{Code: heldMassSuspension, Text: fmt.Sprintf(
			"%d of %d active people would lose access within 24 hours (limit %d %%)", losing, active, limits.MaxPercent)})
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
func (in GuardInput) emptied() []Reason {
	var reasons []Reason
	for _, name := range slices.Sorted(maps.Keys(in.Stats.Filled)) {
		before, now := in.Last.Filled[name], in.Stats.Filled[name]
		wasFilled := in.Last.People > 0 && before*100 >= columnFilledPercent*in.Last.People
		if slices.Contains(in.Stats.Missing, name) || !wasFilled || now*100 >= columnEmptyPercent*in.Stats.People {
			continue
		}
		reasons = append(reasons, Reason{Code: heldEmptiedColumn, Subject: name, Text: fmt.Sprintf(
			"filled for %d of %d people, the last time for %d of %d", now, in.Stats.People, before, in.Last.People)})
	}
	return reasons
}

// domains finds e-mail domains that many people have and nobody had.
func (in GuardInput) domains() []Reason {
	if len(in.Last.Domains) == 0 {
		return nil
	}
	var reasons []Reason
	for _, domain := range slices.Sorted(maps.Keys(in.Stats.Domains)) {
		n := in.Stats.Domains[domain]
		if _, known := in.Last.Domains[domain]; known || n*100 <= newDomainPercent*in.Stats.People {
			continue
		}
		reasons = append(reasons, Reason{Code: heldNewDomain, Subject: domain, Text: fmt.Sprintf(
			"%d of %d people have it, nobody had it the last time", n, in.Stats.People)})
	}
	return reasons
}
