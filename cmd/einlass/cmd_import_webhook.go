package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

type importWebhook struct {
	actorFlags
	showFlags
	Application string `arg:"" optional:"" help:"Id of the application; may be left out when only one imports."`
	Rotate      bool   `help:"Make a new token and tell Personio. The one before is taken for another day."`
}

// webhookJSON is a connection's webhook.
type webhookJSON struct {
	Application users.ApplicationID `json:"application"`
	URL         string              `json:"url"`
	Registered  bool                `json:"registered_by_einlass"`
	Was         string              `json:"was,omitempty"` // what it was like before the command
	State       string              `json:"state"`
}

// Words for the state of a webhook.
const (
	webhookInOrder = "in order"
	webhookByHand  = "made by hand"
	webhookBroken  = "not in order"
)

func (c importWebhook) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		id, err := findConnection(ctx, a, c.Application, fromService)
		if err != nil {
			return err
		}
		application, err := a.Directory.Read().Application(ctx, id)
		if err != nil {
			return err
		}
		item := webhookJSON{Application: id, URL: personio.WebhookURL(a.cfg.Issuer, id), State: webhookByHand}
		if !personio.Registers(application) {
			if c.Rotate {
				return usagef("--rotate: the webhook of %s is made by hand; change webhook.token in the configuration, and at Personio", id)
			}
			return c.print(s, item, personio.Steps(a.cfg.Issuer, application))
		}
		item.Registered = true
		was, err := c.ensure(ctx, a, application)
		item.Was, item.State = string(was), webhookInOrder
		steps := ""
		if err != nil {
			item.State = webhookBroken
		}
		if errors.Is(err, importer.ErrForbidden) {
			steps = personio.Steps(a.cfg.Issuer, application)
		}
		return errors.Join(err, c.print(s, item, steps))
	})
}

// webhookWait is how long the command lets another process finish with the webhook.
const webhookWait = 15 * time.Second

func (c importWebhook) ensure(ctx context.Context, a *app, application users.Application) (personio.Registration, error) {
	actor, err := c.actor(ctx, a)
	if err != nil {
		return "", err
	}
	if c.Rotate {
		if err := a.Registrar.Rotate(ctx, actor, application); err != nil {
			return "", err
		}
	}
	for deadline := time.Now().Add(webhookWait); ; {
		was, err := a.Registrar.Ensure(ctx, application)
		if !errors.Is(err, users.ErrLeaseHeld) || time.Now().After(deadline) {
			return was, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(leaseWait):
		}
	}
}

func (c importWebhook) print(s *shell, item webhookJSON, steps string) error {
	if c.Output == formatJSON {
		return writeJSON(s.stdout, item)
	}
	err := fields{
		{"application", string(item.Application)},
		{"deliveries to", item.URL},
		{"registered by Einlass", yesNo(item.Registered)},
		{"was", item.Was},
		{"state", item.State},
	}.write(s.stdout)
	if err != nil || steps == "" {
		return err
	}
	_, err = fmt.Fprint(s.stdout, "\n"+steps)
	return err
}
