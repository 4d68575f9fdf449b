package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/einlass/einlass/users"
)

type groupsCommands struct {
	List         groupsList         `cmd:"" help:"List groups."`
	Show         groupsShow         `cmd:"" help:"Show one group and its members."`
	AddMember    groupsAddMember    `cmd:"" help:"Put a person into a group by hand."`
	RemoveMember groupsRemoveMember `cmd:"" help:"End a person's membership by hand."`
}

// groupJSON is a group in lists.
type groupJSON struct {
	ID      users.GroupID `json:"id"`
	Label   string        `json:"label"`
	Origin  users.Origin  `json:"origin"`
	Rule    string        `json:"rule"`
	Members int           `json:"members"`
}

func newGroupJSON(g users.Group) groupJSON {
	return groupJSON{g.ID, g.Label, g.Origin, g.Rule, g.Members}
}

type groupsList struct{ listFlags }

func (c groupsList) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		groups, err := a.Directory.Read().Groups(ctx)
		if err != nil {
			return err
		}
		t := table{header: []string{"id", "label", "members", "rule", "origin"}}
		items := make([]groupJSON, 0, len(groups))
		for _, g := range groups {
			items = append(items, newGroupJSON(g))
			t.rows = append(t.rows, []string{string(g.ID), g.Label, strconv.Itoa(g.Members), g.Rule, string(g.Origin)})
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
		details, err := describeGroup(ctx, a, g)
		if err != nil {
			return err
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, details)
		}
		return details.fields().write(s.stdout)
	})
}

// groupDetailsJSON is a group with its members.
type groupDetailsJSON struct {
	ID          users.GroupID `json:"id"`
	Label       string        `json:"label"`
	Origin      users.Origin  `json:"origin"`
	Rule        string        `json:"rule"`
	RulePending bool          `json:"rule_pending"` // not everybody has been looked at since rules changed
	Members     []memberJSON  `json:"members"`
}

// memberJSON is a member; of the built-in group nobody is one by hand or by rule.
type memberJSON struct {
	personJSON
	ByHand bool `json:"by_hand"`
	ByRule bool `json:"by_rule"`
}

func describeGroup(ctx context.Context, a *app, g users.Group) (groupDetailsJSON, error) {
	d := groupDetailsJSON{ID: g.ID, Label: g.Label, Origin: g.Origin, Rule: g.Rule, Members: []memberJSON{}}
	var err error
	if d.RulePending, err = a.Directory.Regrouping(ctx); err != nil {
		return d, err
	}
	people, err := allUsers(ctx, a, users.UserQuery{Group: g.ID})
	if err != nil {
		return d, err
	}
	ids := make([]users.ID, len(people))
	for i, u := range people {
		ids[i] = u.ID
	}
	memberships, err := a.Directory.Read().Memberships(ctx, ids)
	for _, u := range people {
		d.Members = append(d.Members, memberJSON{
			personJSON: newPersonJSON(u),
			ByHand:     slices.Contains(memberships[u.ID], users.Membership{Group: g.ID, User: u.ID}),
			ByRule:     slices.Contains(memberships[u.ID], users.Membership{Group: g.ID, User: u.ID, ByRule: true}),
		})
	}
	return d, err
}

func (d groupDetailsJSON) fields() fields {
	f := fields{{"id", string(d.ID)}, {"label", d.Label}, {"origin", string(d.Origin)}}
	if d.Rule != "" {
		f = append(f, [2]string{"rule", d.Rule})
	}
	if d.RulePending {
		f = append(f, [2]string{"", "rules have changed; members are still being looked at"})
	}
	f = append(f, [2]string{"members", strconv.Itoa(len(d.Members))})
	for _, m := range d.Members {
		f = append(f, [2]string{"", strings.Join(append([]string{m.Email, string(m.State)}, m.how()...), ", ")})
	}
	return f
}

// how says by what the person is a member.
func (m memberJSON) how() []string {
	var how []string
	if m.ByHand {
		how = append(how, "by hand")
	}
	if m.ByRule {
		how = append(how, "by rule")
	}
	return how
}

// memberArguments name a group and a person whose membership by hand changes.
type memberArguments struct {
	actorFlags
	Group string `arg:"" help:"Id of the group."`
	Email string `arg:"" help:"E-mail address, user name or id."`
}

// change changes the membership; what the directory refuses is a wrong use of the command.
func (c memberArguments) change(
	ctx context.Context, s *shell, done string,
	change func(d *users.Directory, ctx context.Context, actor users.Actor, group users.GroupID, id users.ID) error,
) error {
	return s.with(ctx, func(a *app) error {
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		g, err := findGroup(ctx, a, c.Group)
		if err != nil {
			return err
		}
		u, err := findUser(ctx, a, c.Email)
		if err != nil {
			return err
		}
		err = change(a.Directory, ctx, actor, g.ID, u.ID)
		if errors.Is(err, users.ErrInvalid) || errors.Is(err, users.ErrReadOnly) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "%s is %s of %s by hand\n", printable(u.Email), done, g.ID)
		return err
	})
}

type groupsAddMember struct{ memberArguments }

func (c groupsAddMember) Run(ctx context.Context, s *shell) error {
	return c.change(ctx, s, "a member", (*users.Directory).AddMember)
}

type groupsRemoveMember struct{ memberArguments }

func (c groupsRemoveMember) Run(ctx context.Context, s *shell) error {
	return c.change(ctx, s, "no longer a member", (*users.Directory).RemoveMember)
}
