package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/csvfile"
	"github.com/einlass/einlass/users"
)

type importPeople struct {
	actorFlags
	showFlags
	File        string `arg:"" help:"CSV file in UTF-8 whose first line names attributes, email among them; - is standard input."`
	Application string `help:"Id of the application; may be left out when only one imports from files."`
	Preview     bool   `help:"Show what the file would change, and keep that plan for approve."`
	Complete    bool   `help:"The file lists everybody: whoever is missing has left."`
	Mode        string `placeholder:"all|new|updates" help:"Whom to change: all, only new people, or only people who are here. Default: the connection's mode."`
}

func (c importPeople) Run(ctx context.Context, s *shell) error {
	req, err := startFlags{Mode: c.Mode}.request()
	if err != nil {
		return err
	}
	file, err := readPeople(s, c.File)
	if err != nil {
		return err
	}
	req.Preview, req.Given.Source, req.Some = c.Preview, file, !c.Complete
	s = s.watching(c.Output)
	return s.with(ctx, func(a *app) error {
		var err error
		if req.Actor, err = c.actor(ctx, a); err != nil {
			return err
		}
		if req.Connection, err = findConnection(ctx, a, c.Application, fromFiles); err != nil {
			return err
		}
		run, err := a.Imports.Run(ctx, req)
		s.bar.clear()
		return printRun(ctx, s, a, c.Output, run, err)
	})
}

// readPeople reads a CSV file, or standard input. A file that cannot be used is a mistake of who named it.
func readPeople(s *shell, path string) (importer.Source, error) {
	var r io.Reader = s.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close() // it was only read
		r = f
	}
	file, err := csvfile.Read(r)
	if errors.Is(err, users.ErrInvalid) {
		return nil, usagef("%s: %w", path, err)
	}
	return file, err
}

// sourceOf says where the people of a connection come from.
type sourceOf func(i users.Import) bool

func fromFiles(i users.Import) bool { return i.Source == users.SourceCSV }

func fromAnywhere(users.Import) bool { return true }

func fromService(i users.Import) bool { return i.Source != users.SourceCSV }
