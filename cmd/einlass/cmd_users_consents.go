package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

type usersConsents struct {
	actorFlags
	listFlags
	Email  string `arg:"" help:"E-mail address, user name or id."`
	Revoke string `placeholder:"APPLICATION" help:"Forget what the person allowed this application, so that it must ask again."`
}

// consentJSON is one consent in lists.
type consentJSON struct {
	Application users.ApplicationID `json:"application"`
	Scopes      []string            `json:"scopes"`
	GrantedAt   time.Time           `json:"granted_at"`
}

func (c usersConsents) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		u, err := findUser(ctx, a, c.Email)
		if err != nil {
			return err
		}
		if c.Revoke != "" {
			return c.revoke(ctx, s, a, u)
		}
		consents, err := a.Directory.Read().Consents(ctx, u.ID)
		if err != nil {
			return err
		}
		t := table{header: []string{"application", "scopes", "granted_at"}}
		items := make([]consentJSON, 0, len(consents))
		for _, consent := range consents {
			items = append(items, consentJSON{consent.Application, consent.Scopes, consent.GrantedAt})
			t.rows = append(t.rows, []string{
				string(consent.Application), strings.Join(consent.Scopes, " "), showTime(consent.GrantedAt),
			})
		}
		return writeList(s.stdout, c.Output, t, items)
	})
}

func (c usersConsents) revoke(ctx context.Context, s *shell, a *app, u users.User) error {
	actor, err := c.actor(ctx, a)
	if err != nil {
		return err
	}
	err = a.Directory.RevokeConsent(ctx, actor, u.ID, users.ApplicationID(c.Revoke))
	if errors.Is(err, users.ErrNotFound) {
		return usagef("%s has allowed %s nothing", printable(u.Email), c.Revoke)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "%s must ask %s again\n", c.Revoke, printable(u.Email))
	return err
}
