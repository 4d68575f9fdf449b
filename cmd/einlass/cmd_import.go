package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

type importCommands struct {
	Run     importRun     `cmd:"" help:"Import now."`
	Preview importPreview `cmd:"" help:"Show what an import would change, and keep that plan for approve."`
	People  importPeople  `cmd:"" help:"Import people from a CSV file."`
	List    importList    `cmd:"" help:"List imports, newest first."`
	Show    importShow    `cmd:"" help:"Show one import with its changes and their reasons."`
	Status  importStatus  `cmd:"" help:"Say how imports stand: what is under way, the last and the next one, and who waits to be read again."`
	Why     importWhy     `cmd:"" help:"Say what imports did about one person, and why nothing if nothing."`
	Check   importCheck   `cmd:"" help:"Compare the source with the directory and say who will fail at sign-in. Changes nothing."`
	Webhook importWebhook `cmd:"" help:"Put the webhook at Personio in order, or say how to make it by hand."`
	Approve importApprove `cmd:"" help:"Apply exactly the plan of a preview, or of an import that a safeguard held."`
}

// startFlags say what to import.
type startFlags struct {
	actorFlags
	showFlags
	credentialFlags
	Application string   `arg:"" optional:"" help:"Id of the application; may be left out when only one imports."`
	Mode        string   `placeholder:"all|new|updates" help:"Whom to change: all, only new people, or only people who are here. Default: the connection's mode."`
	Select      []string `sep:"none" placeholder:"PERSON" help:"Create only this new person, by source id or e-mail address, and change nobody else; repeatable. See import preview --mode new."`
	Reconcile   bool     `help:"Compare everybody with the directory, also those whom the source shows unchanged, and repair what differs."`
}

// request is what the flags ask for, without connection and actor.
func (f startFlags) request() (importer.Request, error) {
	req := importer.Request{Mode: users.ImportMode(f.Mode), Selected: f.Select, Reconcile: f.Reconcile}
	switch {
	case len(f.Select) > 0 && (f.Mode != "" || f.Reconcile):
		return req, usagef("--select goes with neither --mode nor --reconcile: only who is selected is created")
	case len(f.Select) > 0:
		req.Mode = users.ImportSelected
	case f.Mode != "" && !slices.Contains(importModes, req.Mode):
		return req, usagef("--mode: want %s, found %q", oneOf(importModes), f.Mode)
	}
	return req, nil
}

type importRun struct{ startFlags }

func (c importRun) Run(ctx context.Context, s *shell) error { return c.start(ctx, s, false) }

type importPreview struct{ startFlags }

func (c importPreview) Run(ctx context.Context, s *shell) error { return c.start(ctx, s, true) }

func (f startFlags) start(ctx context.Context, s *shell, preview bool) error {
	req, err := f.request()
	if err != nil {
		return err
	}
	if req.Given, err = f.given(s); err != nil {
		return err
	}
	s = s.watching(f.Output)
	return s.with(ctx, func(a *app) error {
		req.Preview = preview
		var err error
		if req.Actor, err = f.actor(ctx, a); err != nil {
			return err
		}
		if req.Connection, err = findConnection(ctx, a, f.Application, fromService); err != nil {
			return err
		}
		run, err := a.Imports.Run(ctx, req)
		s.bar.clear()
		return printRun(ctx, s, a, f.Output, run, err)
	})
}

// printRun prints a run whatever became of it, and passes on why it failed.
// Nothing is printed when it could not even be asked for.
func printRun(ctx context.Context, s *shell, a *app, format string, run users.Run, runErr error) error {
	if errors.Is(runErr, users.ErrInvalid) || errors.Is(runErr, users.ErrNotFound) {
		return usageError{runErr}
	}
	if run.ID == "" {
		return runErr
	}
	return errors.Join(runErr, writeRun(context.WithoutCancel(ctx), s.stdout, a.Directory.Read(), format, run))
}

// writeRun writes a run with what it changes. For programs that is a page at a
// time, whatever the size of the import.
func writeRun(ctx context.Context, w io.Writer, directory users.Reader, format string, run users.Run) error {
	out := bufio.NewWriter(w)
	var err error
	switch format {
	case formatJSON:
		err = importer.StreamJSON(ctx, directory, run, web.English(), out)
	case formatCSV:
		err = importer.StreamCSV(ctx, directory, run, web.English(), out, importer.CSVOptions{})
	default:
		var read importer.Report
		if read, err = importer.ReadReport(ctx, directory, run, web.English()); err == nil {
			err = (&report{read}).write(out)
		}
	}
	return errors.Join(err, out.Flush())
}

// findConnection returns the named application's import, or the only one there is
// of those whose people come from there.
func findConnection(ctx context.Context, a *app, name string, from sourceOf) (users.ApplicationID, error) {
	applications, err := a.Directory.Read().Applications(ctx)
	if err != nil {
		return "", err
	}
	var connections []string
	for _, application := range applications {
		if application.Import == nil || application.Disabled && string(application.ID) != name {
			continue
		}
		if from(*application.Import) {
			connections = append(connections, string(application.ID))
		} else if string(application.ID) == name {
			return "", usagef("the people of %s come from elsewhere: its source is %s", name, application.Import.Source)
		}
	}
	switch {
	case name != "" && slices.Contains(connections, name):
		return users.ApplicationID(name), nil
	case name != "":
		return "", usagef("no application %q imports people%s", name, didYouMean(name, connections))
	case len(connections) == 0:
		return "", usagef("no application imports people this way: declare one with import in the configuration")
	case len(connections) > 1:
		return "", usagef("several applications import people; name one of %s", strings.Join(connections, ", "))
	}
	return users.ApplicationID(connections[0]), nil
}

type importList struct {
	listFlags
	Application string `placeholder:"ID" help:"Only imports of this application."`
	Limit       int    `default:"50" help:"How many at most. Default: ${default}."`
}

func (c importList) Run(ctx context.Context, s *shell) error {
	if c.Limit < 1 {
		return usagef("--limit must be at least 1")
	}
	return s.with(ctx, func(a *app) error {
		if c.Application != "" {
			if _, err := findApplication(ctx, a, c.Application); err != nil {
				return err
			}
		}
		runs, err := a.Directory.Read().Runs(ctx, users.ApplicationID(c.Application), c.Limit)
		if err != nil {
			return err
		}
		t := table{header: []string{"id", "application", "state", "started_at", "actor", "result"}}
		items := make([]importer.RunReport, 0, len(runs))
		now, words := time.Now(), web.English()
		for _, run := range runs {
			items = append(items, importer.NewRunReport(words, run))
			t.rows = append(t.rows, []string{
				string(run.ID), string(run.Connection), string(run.State), showTime(run.StartedAt), string(run.Actor),
				cmp.Or(describeProgress(run, now), describeResult(run)),
			})
		}
		return writeList(s.stdout, c.Output, t, items)
	})
}

type importShow struct {
	listFlags
	ID string `arg:"" name:"run" help:"Id of the import."`
}

func (c importShow) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		run, err := findRun(ctx, a, c.ID)
		if err != nil {
			return err
		}
		return printRun(ctx, s, a, c.Output, run, nil)
	})
}

type importApprove struct {
	actorFlags
	showFlags
	credentialFlags
	File string `placeholder:"FILE" help:"The CSV file again, if the plan was made from one."`
	ID   string `arg:"" name:"run" help:"Id of the import."`
}

func (c importApprove) Run(ctx context.Context, s *shell) error {
	given, err := c.given(s)
	if err != nil {
		return err
	}
	if c.File != "" {
		if given.Source, err = readPeople(s, c.File); err != nil {
			return err
		}
	}
	s = s.watching(c.Output)
	return s.with(ctx, func(a *app) error {
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		planned, err := findRun(ctx, a, c.ID)
		if err != nil {
			return err
		}
		run, err := a.Imports.ApproveFrom(ctx, planned.ID, actor, given)
		s.bar.clear()
		return printRun(ctx, s, a, c.Output, run, err)
	})
}

func findRun(ctx context.Context, a *app, id string) (users.Run, error) {
	run, err := a.Directory.Read().Run(ctx, users.RunID(id))
	if errors.Is(err, users.ErrNotFound) {
		return users.Run{}, usagef("no import has the id %q; see einlass import list", id)
	}
	return run, err
}
