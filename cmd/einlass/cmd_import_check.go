package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// errWillFail says that people will not get into an application.
var errWillFail = errors.New("sign-ins will fail")

type importCheck struct {
	actorFlags
	listFlags
	credentialFlags
	Application string `arg:"" optional:"" help:"Id of the application; may be left out when only one imports."`
}

func (c importCheck) Run(ctx context.Context, s *shell) error {
	given, err := c.given(s)
	if err != nil {
		return err
	}
	return s.with(ctx, func(a *app) error {
		connection, err := findConnection(ctx, a, c.Application, fromService)
		if err != nil {
			return err
		}
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		found, err := a.Imports.Check(ctx, connection, given)
		if errors.Is(err, users.ErrInvalid) || errors.Is(err, users.ErrNotFound) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		found.Tell(web.English())
		if err := (checkup{found}).write(s, c.Output); err != nil {
			return err
		}
		if err := a.Directory.RecordComparison(ctx, actor, connection, found.Comparison()); err != nil {
			return err
		}
		if found.Failing > 0 {
			return fmt.Errorf("%w: %d people", errWillFail, found.Failing)
		}
		return nil
	})
}

// checkup prints what a check found.
type checkup struct{ importer.Checkup }

func (c checkup) write(s *shell, format string) error {
	t := table{header: []string{"finding", "cause", "fails", "name", "email", "source_email", "status", "state", "remedy"}}
	for _, f := range c.Findings {
		t.rows = append(t.rows, []string{
			string(f.Kind), f.Cause, strconv.FormatBool(f.Fails), f.Name, f.Email, f.SourceEmail, f.Status, string(f.State), f.Remedy,
		})
	}
	if format == formatTable {
		if err := c.fields().write(s.stdout); err != nil {
			return err
		}
		if len(t.rows) == 0 {
			return nil
		}
		fmt.Fprintln(s.stdout)
	}
	return writeList(s.stdout, format, t, c.Checkup)
}

func (c checkup) fields() fields {
	rate := "nobody to compare"
	if c.Compared > 0 {
		rate = fmt.Sprintf("%d of %d (%.1f %%)", c.Matched, c.Compared, 100*float64(c.Matched)/float64(c.Compared))
	}
	f := fields{
		{"application", string(c.Application)},
		{"at work there", strconv.Itoa(c.People)},
		{"same address", rate},
	}
	if c.SignIn {
		f = append(f, [2]string{"without access", strconv.Itoa(c.NoAccess)}, [2]string{"will fail", strconv.Itoa(c.Failing)})
	} else {
		f = append(f, [2]string{"sign-in", "nobody signs in to this application, so only addresses are compared"})
	}
	if len(c.Missing) > 0 {
		f = append(f, [2]string{"not granted", strings.Join(c.Missing, ", ")})
	}
	if len(c.Surplus) > 0 {
		f = append(f, [2]string{"granted needlessly", strings.Join(c.Surplus, ", ")})
	}
	return f
}
