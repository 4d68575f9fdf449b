package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strconv"

	"github.com/einlass/einlass/users"
)

// actorFlags say in whose name a command changes something.
type actorFlags struct {
	As string `placeholder:"EMAIL" help:"Person who does this, for the event log. Default: the system user."`
}

// actor is the person of --as, else cli: and the name of the system user.
func (f actorFlags) actor(ctx context.Context, a *app) (users.Actor, error) {
	if f.As != "" {
		u, err := findUser(ctx, a, f.As)
		return users.ActorUser(u.ID), err
	}
	name := "uid-" + strconv.Itoa(os.Getuid())
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	return users.Actor("cli:" + name), nil
}

// findUser returns the person with an e-mail address, user name or id.
func findUser(ctx context.Context, a *app, name string) (users.User, error) {
	u, err := a.Directory.Read().UserByLogin(ctx, users.KeyOf(name))
	if errors.Is(err, users.ErrNotFound) {
		u, err = a.Directory.Read().User(ctx, users.ID(name))
	}
	if errors.Is(err, users.ErrNotFound) {
		return users.User{}, usagef("no person has the e-mail address, user name or id %q", name)
	}
	return u, err
}
