package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

type usersCommands struct {
	List        usersList        `cmd:"" help:"List people."`
	Show        usersShow        `cmd:"" help:"Show one person."`
	Activate    usersActivate    `cmd:"" help:"Lift every suspension and make a staged person active."`
	Suspend     usersSuspend     `cmd:"" help:"Take a person's access away at once. Only activate gives it back."`
	EndSessions usersEndSessions `cmd:"" help:"End every session of a person."`
	Sessions    usersSessions    `cmd:"" help:"List where a person is signed in, and what applications can use while they are away."`
	Consents    usersConsents    `cmd:"" help:"List what a person has allowed applications to learn, or revoke it."`
	Password    usersPassword    `cmd:"" help:"Set a person's password, read as one line from standard input."`
}

type usersList struct {
	listFlags
	State  string `enum:"staged,active,suspended," default:"" help:"Only people in this state: staged, active or suspended."`
	Group  string `placeholder:"ID" help:"Only members of this group."`
	Search string `placeholder:"TEXT" help:"Only people with this in name or e-mail address."`

	Orphaned bool `help:"Only active people whom no source shows as working there."`
}

func (c usersList) Run(ctx context.Context, s *shell) error {
	if c.Orphaned {
		if c.State != "" && c.State != string(users.StateActive) {
			return usagef("--orphaned lists active people; leave out --state")
		}
		c.State = string(users.StateActive)
	}
	return s.with(ctx, func(a *app) error {
		if c.Group != "" {
			if _, err := findGroup(ctx, a, c.Group); err != nil {
				return err
			}
		}
		people, err := allUsers(ctx, a, users.UserQuery{
			State: users.State(c.State), Group: users.GroupID(c.Group), Search: c.Search,
		})
		if err != nil {
			return err
		}
		if c.Orphaned {
			if people, err = orphaned(ctx, a, people); err != nil {
				return err
			}
		}
		return writeUsers(s.stdout, c.Output, people)
	})
}

// usersPage is how many people are read at once.
const usersPage = 500

// allUsers reads every page of a query.
func allUsers(ctx context.Context, a *app, q users.UserQuery) ([]users.User, error) {
	q.Limit = usersPage
	var all []users.User
	for {
		page, err := a.Directory.Read().FindUsers(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < q.Limit {
			return all, nil
		}
		q.After = page[len(page)-1].ListKey()
	}
}

// personJSON is a person in lists.
type personJSON struct {
	ID         users.ID     `json:"id"`
	Email      string       `json:"email"`
	Username   string       `json:"username"`
	FirstName  string       `json:"first_name"`
	LastName   string       `json:"last_name"`
	State      users.State  `json:"state"`
	Role       users.Role   `json:"role"`
	Origin     users.Origin `json:"origin"`
	LastSignIn time.Time    `json:"last_sign_in,omitzero"`
}

func newPersonJSON(u users.User) personJSON {
	return personJSON{
		ID: u.ID, Email: u.Email, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName,
		State: u.StateAt(time.Now()), Role: u.Role, Origin: u.Origin, LastSignIn: u.LastSignIn,
	}
}

func writeUsers(w io.Writer, format string, people []users.User) error {
	t := table{header: []string{"email", "first_name", "last_name", "state", "role", "origin", "last_sign_in", "id"}}
	items := make([]personJSON, 0, len(people))
	for _, u := range people {
		items = append(items, newPersonJSON(u))
		t.rows = append(t.rows, []string{
			u.Email, u.FirstName, u.LastName, string(u.StateAt(time.Now())), string(u.Role), string(u.Origin), showTime(u.LastSignIn), string(u.ID),
		})
	}
	return writeList(w, format, t, items)
}

type usersActivate struct {
	actorFlags
	Email  string `arg:"" help:"E-mail address, user name or id."`
	Reason string `placeholder:"TEXT" help:"Why, for the event log."`
}

func (c usersActivate) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		return changeState(ctx, s, a, c.Email, c.actorFlags, func(actor users.Actor, id users.ID) (users.User, error) {
			return a.Directory.Activate(ctx, actor, id, c.Reason)
		})
	})
}

type usersSuspend struct {
	actorFlags
	Email  string `arg:"" help:"E-mail address, user name or id."`
	Reason string `placeholder:"TEXT" help:"Why, for the event log and the person's page."`
}

func (c usersSuspend) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		return changeState(ctx, s, a, c.Email, c.actorFlags, func(actor users.Actor, id users.ID) (users.User, error) {
			return a.Directory.Suspend(ctx, actor, id, c.Reason)
		})
	})
}

func changeState(ctx context.Context, s *shell, a *app, name string, as actorFlags, change func(users.Actor, users.ID) (users.User, error)) error {
	actor, err := as.actor(ctx, a)
	if err != nil {
		return err
	}
	u, err := findUser(ctx, a, name)
	if err != nil {
		return err
	}
	if u, err = change(actor, u.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "%s is %s\n", printable(u.Email), u.StateAt(time.Now()))
	return err
}

type usersEndSessions struct {
	actorFlags
	Email string `arg:"" help:"E-mail address, user name or id."`
}

func (c usersEndSessions) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		u, err := findUser(ctx, a, c.Email)
		if err != nil {
			return err
		}
		if err := a.Directory.EndSessions(ctx, actor, u.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "sessions of %s ended\n", printable(u.Email))
		return err
	})
}

type usersPassword struct {
	actorFlags
	Email string `arg:"" help:"E-mail address, user name or id."`
}

// Run reads the password from standard input, because the arguments of a
// process can be seen by every user of the machine.
func (c usersPassword) Run(ctx context.Context, s *shell) error {
	if f, _ := s.stdin.(*os.File); isTerminal(f) { // nobody must wonder what the command waits for
		fmt.Fprint(s.stderr, "New password, shown as you type: ")
	}
	password, err := readLine(s.stdin, "password")
	if err != nil {
		return err
	}
	return s.with(ctx, func(a *app) error {
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		u, err := findUser(ctx, a, c.Email)
		if err != nil {
			return err
		}
		err = a.Directory.SetPassword(ctx, actor, u.ID, password)
		if errors.Is(err, users.ErrInvalid) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "password of %s set; their sessions have ended\n", printable(u.Email))
		return err
	})
}

// readLine reads a secret, which is called by name in errors, from one line.
func readLine(r io.Reader, name string) (keys.Secret, error) {
	line, err := bufio.NewReader(io.LimitReader(r, users.MaxPasswordBytes+2)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usagef("give the %s as one line on standard input", name)
	}
	return keys.Secret(line), nil
}
