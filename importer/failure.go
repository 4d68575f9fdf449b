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

// failure is what an administrator is told about an error.
type failure struct {
	code   string
	remedy string
}

// failureOf finds the code and the remedy of an error that stopped a run.
func failureOf(err error) failure {
	for _, known := range []struct {
		target error
		failure
	}{
		{ErrRevoked, failure{codeRevoked, "The source refuses credentials that used to work: they were revoked or replaced. Make new ones there and enter them here."}},
		{ErrCredentials, failure{codeRefused, "The source refuses the credentials. Check client id and secret, and that they were made for this account."}},
		{ErrForbidden, failure{"right_missing", "The credentials work, but may not read people. Grant them the right to read employee data."}},
		{ErrAttribute, failure{"attribute_missing", "The credentials may not read an attribute without which nobody can be imported. Grant it at the source."}},
		{ErrCorrupt, failure{"feed_corrupt", "The source's answer is no complete, consistent list of people. Nothing was changed; the next run tries again."}},
		{ErrSelection, failure{"selection_invalid", "Only new people of the source can be chosen. Correct the choice named here."}},
		{users.ErrInvalid, failure{"settings_invalid", "The settings of the connection cannot be used. Correct what is named here."}},
		{users.ErrLeaseLost, failure{codeLost, "Another process took over. Nothing was lost: its run, or the next one, does the rest."}},
	} {
		if errors.Is(err, known.target) {
			return known.failure
		}
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || (isTimeout && timeout.Timeout()):
		return failure{"upstream_timeout", "The source took too long to answer. Too many attributes may be the cause: choose fewer at the source, make new credentials there and enter them here."}
	case errors.Is(err, ErrUnreachable):
		return failure{"source_unreachable", "The source does not answer. Check its address and the network; the next run tries again."}
	case errors.Is(err, context.Canceled):
		return failure{codeStopped, "The process was stopped. The next run does the rest."}
	}
	return failure{codeOurs, "Something failed on our side. The log says more; the next run tries again."}
}

// ofSource reports whether the source or the settings of the connection are the cause.
func (f failure) ofSource() bool {
	return f.code != codeStopped && f.code != codeLost && f.code != codeOurs
}

// explain says what happened and what to do, for the run's record.
func (f failure) explain(err error) string {
	return f.remedy + " (" + normalize(strings.ReplaceAll(err.Error(), "\n", ": ")) + ")"
}
