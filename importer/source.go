package importer

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Errors of a source, which decide the exit code and the advice.
var (
	// ErrCredentials: the source refused our credentials.
	ErrCredentials = errors.New("credentials refused")
	// ErrRevoked: the credentials worked before and are refused now.
	ErrRevoked = errors.New("credentials revoked")
	// ErrForbidden: the credentials work, the resource is refused.
	ErrForbidden = errors.New("right missing")
	// ErrUnreachable: no answer within the time we are willing to wait. It comes with
	// context.DeadlineExceeded when the source was reached and took too long.
	ErrUnreachable = errors.New("source unreachable")
	// ErrCorrupt: the source answered something that cannot be a complete, consistent list of people.
	ErrCorrupt = errors.New("feed corrupt")
	// ErrAttribute: a mandatory attribute may not be read.
	ErrAttribute = errors.New("mandatory attribute missing")
	// ErrGone: the source does not know this person.
	ErrGone = errors.New("person gone")
)

// Status is a source's word on a person, as read. The four we know are Personio's.
type Status string

// Personio's statuses, compared without regard to case.
const (
	StatusOnboarding Status = "onboarding"
	StatusActive     Status = "active"
	StatusLeave      Status = "leave"
	StatusInactive   Status = "inactive"
)

// Person is one row read from a source.
type Person struct {
	ID     string // decimal, as the source writes it; empty: the row has no usable one and can only be quarantined
	Status Status
	// Attributes holds source attributes by name, flattened to text. A key that
	// is absent was not sent: absent is not empty.
	Attributes map[string]string
	// ManagerID is the source id of the supervisor; empty: none. HasManager is false when
	// the attribute was not sent.
	ManagerID  string
	HasManager bool
}

// Page is what a source yields: some people and what it said about the whole.
type Page struct {
	People    []Person
	Announced int // people the source says there are; -1: it does not say
}

// Query is what a list is asked for.
type Query struct {
	Wanted []string // source attributes; nothing else is asked for
	Filter string   // query string in the source's own syntax; empty: everybody
}

// Several is a Source that can show certain people together.
type Several interface {
	Source
	// People reads people by their ids, who are said to have changed at or after since, in fewer requests
	// than Person would take. Others may be among them; absence means nothing. It yields pages as Changed does.
	People(ctx context.Context, ids []string, since time.Time, wanted []string) iter.Seq2[Page, error]
}

// Source is where people come from. The wanted attributes are those of Wanted,
// less what may not be read: sorted, each once, always with the status. Person may
// be called while a list is read.
type Source interface {
	// Granted returns the attributes that the credentials may read. known is false
	// when the source cannot tell.
	Granted(ctx context.Context) (granted []string, known bool, err error)
	// Pages reads everybody whom the filter lets through. It yields pages until it is exhausted or an error,
	// which ends the iteration and wraps one of the errors of this package, or users.ErrInvalid for a filter
	// that cannot be used.
	Pages(ctx context.Context, query Query) iter.Seq2[Page, error]
	// Changed reads people who changed at or after since, and perhaps others; whoever has gone is not
	// among them, and absence means nothing. It yields pages as Pages does, of which each may repeat people.
	Changed(ctx context.Context, since time.Time, wanted []string) iter.Seq2[Page, error]
	// Person reads one person, whatever a filter says, or ErrGone. That the answer is about them is for the caller to check.
	Person(ctx context.Context, id string, wanted []string) (Person, error)
}
