package main

import (
	"context"
	"errors"

	"github.com/einlass/einlass/users"
)

type adminCommands struct {
	Recover adminRecover `cmd:"" help:"Make a person the owner, active, with a new password. Made if there is nobody with the address. Leaves an alarm in the event log."`
}

type adminRecover struct {
	actorFlags
	showFlags
	Email string `arg:"" help:"E-mail address."`
}

func (c adminRecover) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		u, password, err := a.Directory.Recover(ctx, actor, c.Email)
		if errors.Is(err, users.ErrInvalid) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, account{Username: u.Username, Password: password.Reveal()})
		}
		return fields{
			{"username", u.Username},
			{"password", password.Reveal()},
			{"role", string(u.Role)},
			{"sign in at", a.cfg.Issuer + "/portal"},
		}.write(s.stdout)
	})
}
