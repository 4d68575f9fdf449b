package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

// exitCode is how the program ends. Scripts rely on it.
type exitCode int

const (
	exitOK      exitCode = 0
	exitFailed  exitCode = 1 // it was tried and did not work
	exitUsage   exitCode = 2 // unknown command, person, application or run; broken configuration
	exitRefused exitCode = 3 // a safeguard said no
)

// usageError is a mistake of whoever typed the command.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errNotConfirmed refuses what would interrupt people's work.
var errNotConfirmed = errors.New("refused without --yes")

// safeguards are the errors that mean: it could be done, but should not be done unasked.
var safeguards = []error{
	errNotConfirmed,
	errNotDemo,
	errWillFail,
	errNotReady,
	users.ErrLeaseHeld,
	users.ErrLeaseLost,
	importer.ErrHeld,
	importer.ErrApprover,
	importer.ErrStale,
	importer.ErrAttribute,
	sqlstore.ErrSchemaNewer,
	sqlstore.ErrSchemaOlder,
}

func exitCodeOf(err error) exitCode {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[configError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if slices.ContainsFunc(safeguards, func(safeguard error) bool { return errors.Is(err, safeguard) }) {
		return exitRefused
	}
	return exitFailed
}
