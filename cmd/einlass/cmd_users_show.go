package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

type usersShow struct {
	showFlags
	Email string `arg:"" help:"E-mail address, user name or id."`
}

// personDetailsJSON is one person with everything that is known.
type personDetailsJSON struct {
	personJSON
	Company      string              `json:"company"`
	CostCenter   string              `json:"cost_center"`
	Department   string              `json:"department"`
	EmployeeType string              `json:"employee_type"`
	JobTitle     string              `json:"job_title"`
	Location     string              `json:"location"`
	Manager      users.ID            `json:"manager"`
	ManagerEmail string              `json:"manager_email"`
	Attributes   map[string]string   `json:"attributes"` // those above, and any other
	Groups       []users.GroupID     `json:"groups"`
	Suspensions  []users.Suspension  `json:"suspensions"`
	AccessFrom   time.Time           `json:"access_from,omitzero"`
	AccessUntil  time.Time           `json:"access_until,omitzero"`
	ConfinedTo   users.ApplicationID `json:"confined_to,omitempty"`
	Overruled    []overruledJSON     `json:"overruled,omitempty"`
	Sources      []sourceJSON        `json:"sources"`
}

// overruledJSON is what an administrator overruled of what a connection says.
type overruledJSON struct {
	Application users.ApplicationID `json:"application"`
	Status      string              `json:"status,omitempty"`
	AccessFrom  time.Time           `json:"access_from,omitzero"`
	AccessUntil time.Time           `json:"access_until,omitzero"`
	Since       time.Time           `json:"since"`
}

// sourceJSON is what a connection says of a person.
type sourceJSON struct {
	Application users.ApplicationID `json:"application"`
	ID          string              `json:"id"`
	Status      string              `json:"status"`
	// ChangedBy is the import that changed what is remembered last, ImportedAt when the latest
	// one began that was applied. Whoever is as before is not written anew.
	ChangedBy  users.RunID `json:"changed_by"`
	ImportedAt time.Time   `json:"imported_at,omitzero"`
}

func (c usersShow) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		u, err := findUser(ctx, a, c.Email)
		if err != nil {
			return err
		}
		details, err := describePerson(ctx, a, u)
		if err != nil {
			return err
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, details)
		}
		shown := details.fields()
		records, err := a.Directory.Offboardings(ctx, u.ID)
		if err != nil {
			return err
		}
		if n := len(records); n > 0 {
			shown = append(shown, [2]string{"offboarding",
				"access ended " + showTime(records[n-1].Committed.At) + "; evidence: einlass audit offboarding " + u.Username})
		}
		return shown.write(s.stdout)
	})
}

func describePerson(ctx context.Context, a *app, u users.User) (personDetailsJSON, error) {
	d := personDetailsJSON{
		personJSON:   newPersonJSON(u),
		Company:      u.Attribute(users.AttributeCompany),
		CostCenter:   u.Attribute(users.AttributeCostCenter),
		Department:   u.Attribute(users.AttributeDepartment),
		EmployeeType: u.Attribute(users.AttributeEmployeeType),
		JobTitle:     u.Attribute(users.AttributeJobTitle),
		Location:     u.Attribute(users.AttributeLocation),
		Manager:      u.Manager,
		Attributes:   u.Attributes,
		Groups:       append([]users.GroupID{}, u.Groups...),
		Suspensions:  append([]users.Suspension{}, u.Suspensions...),
		AccessFrom:   u.AccessFrom,
		AccessUntil:  u.AccessUntil,
		ConfinedTo:   u.ConfinedTo,
		Sources:      []sourceJSON{},
	}
	if u.Manager != "" {
		manager, err := a.Directory.Read().User(ctx, u.Manager)
		if err != nil && !errors.Is(err, users.ErrNotFound) {
			return d, err
		}
		d.ManagerEmail = manager.Email
	}
	var err error
	if d.Sources, err = describeSources(ctx, a, u.ID); err != nil {
		return d, err
	}
	d.Overruled, err = describeOverruled(ctx, a, u.ID, d.Sources)
	return d, err
}

// describeSources returns what each connection says of a person.
func describeSources(ctx context.Context, a *app, id users.ID) ([]sourceJSON, error) {
	sources := []sourceJSON{}
	records, err := a.Directory.Read().PeopleOf(ctx, []users.ID{id})
	if err != nil {
		return sources, err
	}
	for _, p := range records[id] {
		latest, err := a.Directory.Read().LastRun(ctx, p.Connection, users.ScopeFull, users.RunDone)
		if err != nil && !errors.Is(err, users.ErrNotFound) {
			return sources, err
		}
		sources = append(sources, sourceJSON{p.Connection, p.SourceID, p.Status, p.SeenRun, latest.StartedAt})
	}
	return sources, nil
}

// describeOverruled returns what an administrator overruled of the sources of a person.
func describeOverruled(ctx context.Context, a *app, id users.ID, sources []sourceJSON) ([]overruledJSON, error) {
	var overruled []overruledJSON
	for _, source := range sources {
		waivers, err := a.Directory.Read().Waivers(ctx, source.Application, []users.ID{id})
		if err != nil {
			return nil, err
		}
		if w, found := waivers[id]; found {
			overruled = append(overruled, overruledJSON{w.Connection, w.Status, w.AccessFrom, w.AccessUntil, w.Since})
		}
	}
	return overruled, nil
}

func (s sourceJSON) String() string {
	text := fmt.Sprintf("%s %s, status %s, last changed by import %s", s.Application, s.ID, s.Status, s.ChangedBy)
	if !s.ImportedAt.IsZero() {
		text += ", last import " + showTime(s.ImportedAt)
	}
	return text
}

func (d personDetailsJSON) fields() fields {
	f := fields{
		{"id", string(d.ID)},
		{"email", d.Email},
		{"username", d.Username},
		{"name", strings.TrimSpace(d.FirstName + " " + d.LastName)},
		{"state", string(d.State)},
		{"role", string(d.Role)},
		{"origin", string(d.Origin)},
		{"last sign-in", showTime(d.LastSignIn)},
		{"access from", showTime(d.AccessFrom)},
		{"access until", showTime(d.AccessUntil)},
		{"confined to", string(d.ConfinedTo)},
		{"manager", d.ManagerEmail},
		{"groups", joinGroups(d.Groups)},
	}
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		f = append(f, [2]string{name, d.Attributes[name]})
	}
	for _, source := range d.Sources {
		f = append(f, [2]string{"source", source.String()})
	}
	for _, o := range d.Overruled {
		f = append(f, [2]string{"overruled", string(o.Application) + " on " + showTime(o.Since) + ": " + o.what()})
	}
	for _, suspension := range d.Suspensions {
		f = append(f, [2]string{"suspended", describeSuspension(suspension)})
	}
	return f
}

func describeSuspension(s users.Suspension) string {
	text := "by " + string(s.By)
	if s.Connection != "" {
		text += " of " + string(s.Connection)
	}
	text += " since " + showTime(s.Since)
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}
