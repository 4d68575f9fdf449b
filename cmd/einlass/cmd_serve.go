package main

import (
	"context"
	"fmt"
)

type serveCommand struct {
	Listen           string `placeholder:"ADDR" help:"Instead of listen in the configuration."`
	ManagementListen string `placeholder:"ADDR" help:"Instead of management_listen in the configuration."`
}

func (c serveCommand) Run(ctx context.Context, s *shell) error {
	flags := map[string]string{}
	if c.Listen != "" {
		flags["listen"] = c.Listen
	}
	if c.ManagementListen != "" {
		flags["management_listen"] = c.ManagementListen
	}
	cfg, log, err := s.load(flags)
	if err != nil {
		return err
	}
	return serve(ctx, cfg, log)
}

type migrateCommand struct{}

// Run needs nothing but opening the database with the right to change its schema.
func (migrateCommand) Run(ctx context.Context, s *shell) error {
	cfg, log, err := s.load(nil)
	if err != nil {
		return err
	}
	a, err := openApp(ctx, cfg, appOptions{Migrate: true, Logger: log})
	if err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.stdout, "the database is up to date")
	return err
}
