package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/einlass/einlass/keys"
)

type keysCommands struct {
	List   keysList   `cmd:"" help:"List the signing keys."`
	Rotate keysRotate `cmd:"" help:"Announce a successor for every signing key."`
	Revoke keysRevoke `cmd:"" help:"Take a signing key out at once, because somebody else may know it."`
}

type keysList struct{ listFlags }

func (c keysList) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		list, err := a.Ring.List(ctx)
		if err != nil {
			return err
		}
		return writeKeys(s, c.Output, list)
	})
}

func writeKeys(s *shell, format string, list []keys.Info) error {
	t := table{header: []string{"id", "alg", "state", "use_at", "retire_at", "remove_at"}}
	for _, k := range list {
		t.rows = append(t.rows, []string{k.ID, k.Alg, string(k.State), showTime(k.UseAt), showTime(k.RetireAt), showTime(k.RemoveAt)})
	}
	return writeList(s.stdout, format, t, append([]keys.Info{}, list...))
}

type keysRotate struct {
	listFlags
	Announce time.Duration `default:"3m" help:"How long the new keys stand in the key set before they sign. Default: ${default}, for caches of a minute and clocks that differ by 90 s. 0 means at once and needs --yes."`
	Yes      bool          `help:"Confirm an announcement of 0: applications that keep the key set refuse sign-ins until they read it again."`
}

func (c keysRotate) Run(ctx context.Context, s *shell) error {
	if c.Announce == 0 && !c.Yes {
		return fmt.Errorf("without an announcement applications may refuse sign-ins for a while: %w", errNotConfirmed)
	}
	return s.with(ctx, func(a *app) error {
		var made []keys.Info
		err := a.withKeysLease(ctx, func() (err error) {
			made, err = a.Ring.Rotate(ctx, c.Announce)
			return err
		})
		if errors.Is(err, keys.ErrAnnouncement) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		return writeKeys(s, c.Output, made)
	})
}

type keysRevoke struct {
	listFlags
	ID  string `arg:"" name:"id" help:"Key, as the list shows it."`
	Yes bool   `help:"Confirm: nothing that the key signed is accepted any more, and applications that keep the key set accept it for another minute."`
}

func (c keysRevoke) Run(ctx context.Context, s *shell) error {
	if !c.Yes {
		return fmt.Errorf("tokens that the key signed are worth nothing afterwards: %w", errNotConfirmed)
	}
	return s.with(ctx, func(a *app) error {
		var next keys.Info
		err := a.withKeysLease(ctx, func() (err error) {
			next, err = a.Ring.Revoke(ctx, c.ID)
			return err
		})
		if errors.Is(err, keys.ErrUnknownKey) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		return writeKeys(s, c.Output, []keys.Info{next})
	})
}
