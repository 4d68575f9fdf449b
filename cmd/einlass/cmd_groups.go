package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/einlass/einlass/users"
)

type groupsCommands struct {
	List groupsList `cmd:"" help:"List groups."`
	Show groupsShow `cmd:"" help:"Show one group and its members."`
}

// groupJSON is a group in lists.
type groupJSON struct {
	ID      users.GroupID `json:"id"`
	Label   string        `json:"label"`
	Origin  users.Origin  `json:"origin"`
	Members int           `json:"members"`
}

func newGroupJSON(g users.Group) groupJSON { return groupJSON{g.ID, g.Label, g.Origin, g.Members} }

type groupsList struct{ listFlags }

func (c groupsList) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		groups, err := a.Directory.Read().Groups(ctx)
		if err != nil {
			return err
		}
		t := table{header: []string{"id", "label", "members", "origin"}}
		items := make([]groupJSON, 0, len(groups))
		for _, g := range groups {
			items = append(items, newGroupJSON(g))
			t.rows = append(t.rows, []string{string(g.ID), g.Label, strconv.Itoa(g.Members), string(g.Origin)})
		}
		return writeList(s.stdout, c.Output, t, items)
	})
}

// findGroup returns the group with an id.
func findGroup(ctx context.Context, a *app, id string) (users.Group, error) {
	found, err := a.Directory.Read().Group(ctx, users.GroupID(id))
	if errors.Is(err, users.ErrNotFound) {
		return users.Group{}, usagef("no group has the id %q", id)
	}
	return found, err
}

type groupsShow struct {
	showFlags
	ID string `arg:"" help:"Id of the group."`
}

func (c groupsShow) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		g, err := findGroup(ctx, a, c.ID)
		if err != nil {
			return err
		}
		people, err := allUsers(ctx, a, users.UserQuery{Group: g.ID})
		if err != nil {
			return err
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, groupDetails(g, people))
		}
		f := fields{{"id", string(g.ID)}, {"label", g.Label}, {"origin", string(g.Origin)}, {"members", strconv.Itoa(len(people))}}
		for _, u := range people {
			f = append(f, [2]string{"", u.Email + ", " + string(u.State())})
		}
		return f.write(s.stdout)
	})
}

// groupDetailsJSON is a group with its members.
type groupDetailsJSON struct {
	ID      users.GroupID `json:"id"`
	Label   string        `json:"label"`
	Origin  users.Origin  `json:"origin"`
	Members []personJSON  `json:"members"`
}

func groupDetails(g users.Group, people []users.User) groupDetailsJSON {
	d := groupDetailsJSON{ID: g.ID, Label: g.Label, Origin: g.Origin, Members: []personJSON{}}
	for _, u := range people {
		d.Members = append(d.Members, newPersonJSON(u))
	}
	return d
}
