package personiotest

import (
	"fmt"
	"slices"
)

// Variant is a shape in which the API has been seen to write the same facts.
// Several may be switched on together.
type Variant string

// The variants. Those that concern some people concern every tenth.
const (
	SupervisorIDOnly   Variant = "supervisor-id-only"      // the supervisor object has nothing but the id
	NoTypes            Variant = "no-types"                // attributes without type and universal_id
	EmptyStrings       Variant = "empty-objects-as-string" // "" instead of null
	EmptyLists         Variant = "empty-objects-as-list"   // [] instead of null
	CompactOffsets     Variant = "compact-offsets"         // +0100 instead of +01:00
	BareDates          Variant = "bare-dates"              // 2021-01-01 without time
	TagsAsJSON         Variant = "tags-as-json"            // a list encoded in a string
	BigIDs             Variant = "big-ids"                 // beyond 2^53
	IDsAsStrings       Variant = "ids-as-strings"          // "1000001" instead of 1000001
	UpperCaseEmails    Variant = "upper-case-emails"
	DuplicateEmails    Variant = "duplicate-emails"    // some have the address of the person before them
	NullEmails         Variant = "null-emails"         // some have null
	EmptyEmails        Variant = "empty-emails"        // some have ""
	UnknownStatuses    Variant = "unknown-statuses"    // some have a status nobody knows
	NoStatus           Variant = "no-status"           // nobody's status is sent
	UnknownSupervisors Variant = "unknown-supervisors" // some report to a person who is not listed
	SupervisorCycle    Variant = "supervisor-cycle"    // the head of the company reports to the next person
	RenamedLabels      Variant = "renamed-labels"      // the customer renamed every attribute
	PagedDelta         Variant = "paged-delta"         // updated_since honours limit and offset
	LocalSince         Variant = "local-since"         // updated_since without a zone is a time in Berlin

	OmittedEmpty        Variant = "omitted-empty"         // version 2 leaves out what is empty instead of writing null
	LongAttributeIDs    Variant = "long-attribute-ids"    // version 2 writes dynamic_<hash>.<number>
	TypedCustomValues   Variant = "typed-custom-values"   // version 2 writes numbers as numbers
	MisspeltLastDay     Variant = "misspelt-last-day"     // version 2 says last_working_date, as its example does
	WrappedSinglePerson Variant = "wrapped-single-person" // version 2 wraps one person into _data
)

// Variants returns all variants.
func Variants() []Variant {
	return []Variant{
		SupervisorIDOnly, NoTypes, EmptyStrings, EmptyLists, CompactOffsets, BareDates, TagsAsJSON, BigIDs, IDsAsStrings,
		UpperCaseEmails, DuplicateEmails, NullEmails, EmptyEmails, UnknownStatuses, NoStatus, UnknownSupervisors,
		SupervisorCycle, RenamedLabels, PagedDelta, LocalSince,
		OmittedEmpty, LongAttributeIDs, TypedCustomValues, MisspeltLastDay, WrappedSinglePerson,
	}
}

// Valid reports whether v is one of the variants.
func (v Variant) Valid() bool { return slices.Contains(Variants(), v) }

// SetVariant switches a variant on or off.
func (s *Server) SetVariant(v Variant, on bool) error {
	if !v.Valid() {
		return fmt.Errorf("unknown variant %q", v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.variants[v] = on
	return nil
}
