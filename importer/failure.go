package importer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/einlass/einlass/users"
)

// Errors of the engine, beside those of a Source and users.ErrLeaseHeld.
var (
	// ErrHeld: the guard stopped the run before it wrote anything. It can be approved.
	ErrHeld = errors.New("held by the guard")
	// ErrApprover: the connection wants a plan approved by a second person, and this is none.
	ErrApprover = errors.New("approval by a second person is required")
	// ErrSelection: somebody who was chosen is here already or not at the source.
	ErrSelection = fmt.Errorf("%w selection", users.ErrInvalid)
	// ErrStale: the source or the directory moved on since the plan was made.
	ErrStale = errors.New("plan is stale")
)

// Codes of failures that the engine itself looks at.
const (
	codeRevoked = "credentials_revoked"
	codeRefused = "credentials_refused"
	codeStopped = "stopped"
	codeLost    = "lease_lost"
	codeOurs    = "internal"
)

// failure is the kind of an error that stopped a run: its code, and that of what an
// administrator is told about it.
type failure struct{ code, note string }

// failureOf finds of which kind an error is that stopped a run.
func failureOf(err error) failure {
	for _, known := range []struct {
		target error
		failure
	}{
		{ErrRevoked, failure{codeRevoked, noteFailureRevoked}},
		{ErrCredentials, failure{codeRefused, noteFailureRefused}},
		{ErrForbidden, failure{"right_missing", noteFailureRight}},
		{ErrAttribute, failure{"attribute_missing", noteFailureAttribute}},
		{ErrCorrupt, failure{"feed_corrupt", noteFailureCorrupt}},
		{ErrSelection, failure{"selection_invalid", noteFailureSelection}},
		{users.ErrInvalid, failure{"settings_invalid", noteFailureSettings}},
		{users.ErrLeaseLost, failure{codeLost, noteFailureLost}},
	} {
		if errors.Is(err, known.target) {
			return known.failure
		}
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || (isTimeout && timeout.Timeout()):
		return failure{"upstream_timeout", noteFailureTimeout}
	case errors.Is(err, ErrUnreachable):
		return failure{"source_unreachable", noteFailureUnreachable}
	case errors.Is(err, context.Canceled):
		return failure{codeStopped, noteFailureStopped}
	}
	return failure{codeOurs, noteFailureOurs}
}

// ofSource reports whether the source or the settings of the connection are the cause.
func (f failure) ofSource() bool {
	return f.code != codeStopped && f.code != codeLost && f.code != codeOurs
}

// explain says what happened and what to do, for the run's record. The error is
// quoted: it may be the source's own message.
func (f failure) explain(err error) []users.Note {
	return []users.Note{naming(f.note, "cause", normalize(strings.ReplaceAll(err.Error(), "\n", ": ")))}
}
