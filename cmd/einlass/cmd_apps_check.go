package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// errNotReady says that something speaks against letting people in by no other way.
var errNotReady = errors.New("not yet: do not make the sign-in mandatory")

type appsCheck struct {
	showFlags
	ID string `arg:"" help:"Id of the application."`
}

func (c appsCheck) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		application, err := findApplication(ctx, a, c.ID)
		if err != nil {
			return err
		}
		if application.SignIn == nil {
			return usagef("%s has no sign-in: nobody can be made to use it", c.ID)
		}
		zone, err := a.cfg.zone()
		if err != nil {
			return err
		}
		found, err := a.Directory.Readiness(ctx, application, a.cfg.Issuer, zone)
		if err != nil {
			return err
		}
		if err := c.print(s, newReadinessJSON(found)); err != nil {
			return err
		}
		if !found.Ready() {
			return fmt.Errorf("%w for %s", errNotReady, application.ID)
		}
		return nil
	})
}

// readinessJSON is what speaks for and against making a sign-in mandatory.
type readinessJSON struct {
	Application users.ApplicationID  `json:"application"`
	Ready       bool                 `json:"ready"`
	Checks      []readinessCheckJSON `json:"checks"`
}

type readinessCheckJSON struct {
	Check  users.ReadinessName `json:"check"`
	State  users.CheckState    `json:"state"`
	Seen   string              `json:"seen"`
	Remedy string              `json:"remedy,omitempty"`

	Notes []users.Note `json:"notes"` // what both say, for programs
}

func newReadinessJSON(r users.Readiness) readinessJSON {
	shown := readinessJSON{Application: r.Application, Ready: r.Ready()}
	words := web.English()
	for _, c := range r.Checks {
		shown.Checks = append(shown.Checks, readinessCheckJSON{
			Check: c.Check, State: c.State, Seen: importer.Say(words, c.Seen...), Remedy: importer.Say(words, c.Remedy...),
			Notes: append(append([]users.Note{}, c.Seen...), c.Remedy...),
		})
	}
	return shown
}

func (c appsCheck) print(s *shell, r readinessJSON) error {
	if c.Output == formatJSON {
		return writeJSON(s.stdout, r)
	}
	t := table{header: []string{"check", "state", "seen"}}
	for _, check := range r.Checks {
		t.rows = append(t.rows, []string{string(check.Check), string(check.State), check.Seen})
	}
	if err := t.write(s.stdout); err != nil || r.Ready {
		return err
	}
	if _, err := fmt.Fprintln(s.stdout); err != nil {
		return err
	}
	todo := table{header: []string{"check", "what to do"}}
	for _, check := range r.Checks {
		if check.Remedy != "" {
			todo.rows = append(todo.rows, []string{string(check.Check), check.Remedy})
		}
	}
	return todo.write(s.stdout)
}
