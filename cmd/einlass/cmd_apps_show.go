package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/users"
)

type appsShow struct {
	showFlags
	ID string `arg:"" help:"Id of the application."`
}

// applicationJSON is an application as commands show it, in the words of the configuration.
type applicationJSON struct {
	ID           users.ApplicationID `json:"id"`
	Label        string              `json:"label"`
	Description  string              `json:"description,omitempty"`
	Logo         *users.Logo         `json:"logo,omitempty"`
	Color        users.Color         `json:"color,omitempty"`
	Enabled      bool                `json:"enabled"`
	Origin       users.Origin        `json:"origin"`
	Groups       []users.GroupID     `json:"groups"`
	Capabilities []string            `json:"capabilities"`
	Launch       *users.Launch       `json:"launch,omitempty"`
	SignIn       *users.SignIn       `json:"sign_in,omitempty"`
	Form         *provider.Form      `json:"form,omitempty"` // to be typed into the application's form
	Import       *connectionJSON     `json:"import,omitempty"`
	Secrets      []secretJSON        `json:"client_secrets,omitempty"`
}

// connectionJSON is an import's settings.
type connectionJSON struct {
	Source       string            `json:"source"`
	BaseURL      string            `json:"base_url"`
	API          users.API         `json:"api"`
	ClientID     string            `json:"client_id"`
	Schedule     string            `json:"schedule"`
	Delta        string            `json:"delta"`
	InitialState users.State       `json:"initial_state"`
	Reactivation bool              `json:"reactivation"`
	Leave        users.LeavePolicy `json:"leave"`
	Guard        users.Guard       `json:"guard"`
	Mapping      users.Mapping     `json:"mapping,omitempty"`

	LeaveKind       string                `json:"leave_kind,omitempty"`
	LeaveRules      []users.LeaveRule     `json:"leave_rules,omitempty"`
	Applications    []users.ApplicationID `json:"applications,omitempty"`
	Access          *users.Access         `json:"access,omitempty"`
	Offices         map[string]string     `json:"offices,omitempty"`
	MappingOnCreate users.Mapping         `json:"mapping_on_create,omitempty"`
	Summary         users.SummaryPolicy   `json:"summary"`
}

// secretJSON tells secrets apart without showing them.
type secretJSON struct {
	EndsWith  string    `json:"ends_with"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func newApplicationJSON(a users.Application) applicationJSON {
	item := applicationJSON{
		ID: a.ID, Label: a.Label, Description: a.Description, Logo: a.Logo, Color: a.Color, Enabled: !a.Disabled, Origin: a.Origin,
		Groups: append([]users.GroupID{}, a.Groups...), Capabilities: append([]string{}, capabilities(a)...),
		Launch: a.Launch, SignIn: a.SignIn,
	}
	if i := a.Import; i != nil {
		schedule, delta := i.Schedule, i.Delta
		item.Import = &connectionJSON{
			i.Source, i.BaseURL, cmp.Or(i.API, users.APIAuto), i.ClientID, scheduleValue{&schedule}.show(), deltaValue{&delta}.show(), i.InitialState,
			i.Reactivation, i.Leave, i.Guard, i.Mapping,
			i.LeaveKind, i.LeaveRules, i.Applications, i.Access, i.Offices, i.MappingOnCreate, cmp.Or(i.Summary, users.SummaryNever),
		}
	}
	return item
}

func (c appsShow) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		application, err := findApplication(ctx, a, c.ID)
		if err != nil {
			return err
		}
		item := newApplicationJSON(application)
		if application.SignIn != nil {
			form := provider.FormOf(a.cfg.Issuer, *application.SignIn)
			item.Form = &form
		}
		secrets, err := a.Directory.Read().ClientSecrets(ctx)
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			if secret.Application == application.ID && (secret.ExpiresAt.IsZero() || secret.ExpiresAt.After(time.Now())) {
				item.Secrets = append(item.Secrets, secretJSON{secret.Hint, secret.CreatedAt, secret.ExpiresAt})
			}
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, item)
		}
		return item.fields().write(s.stdout)
	})
}

func (item applicationJSON) fields() fields {
	f := fields{
		{"id", string(item.ID)},
		{"label", item.Label},
		{"description", item.Description},
		{"logo", describeLogo(item.Logo)},
		{"color", string(item.Color)},
		{"enabled", yesNo(item.Enabled)},
		{"origin", string(item.Origin)},
		{"groups", joinGroups(item.Groups)},
	}
	if item.Launch != nil {
		f = append(f, [2]string{"launch", item.Launch.URL})
	}
	if s := item.SignIn; s != nil {
		f = append(f,
			[2]string{"client id", s.ClientID},
			[2]string{"auth method", s.AuthMethod},
			[2]string{"signing alg", s.SigningAlg},
			[2]string{"redirect URIs", strings.Join(s.RedirectURIs, " ")},
			[2]string{"after sign-out", strings.Join(s.PostLogoutRedirectURIs, " ")},
			[2]string{"told of sign-outs", s.BackchannelLogoutURI},
			[2]string{"leads on to", strings.Join(s.ContinuesAt, " ")},
			[2]string{"claims", mapValue{&s.Claims}.show()},
			[2]string{"in ID token", strings.Join(s.IDTokenClaims, ", ")},
		)
	}
	if item.Form != nil {
		for _, v := range item.Form.Values() {
			f = append(f, [2]string{v.Name, v.Value})
		}
	}
	for _, secret := range item.Secrets {
		text := "…" + secret.EndsWith + ", made " + showTime(secret.CreatedAt)
		if !secret.ExpiresAt.IsZero() {
			text += ", valid until " + showTime(secret.ExpiresAt)
		}
		f = append(f, [2]string{"client secret", text})
	}
	if i := item.Import; i != nil {
		f = append(f,
			[2]string{"import from", i.Source + " at " + i.BaseURL},
			[2]string{"version of its API", string(i.API)},
			[2]string{"schedule", i.Schedule},
			[2]string{"changes in between", i.Delta},
			[2]string{"new people", string(i.InitialState)},
			[2]string{"on leave", describeLeave(i)},
			[2]string{"access by dates", describeAccess(i.Access)},
			[2]string{"reactivation", yesNo(i.Reactivation)},
			[2]string{"summary by mail", string(i.Summary)},
		)
	}
	return f
}

// describeAccess says in short how access follows from dates.
func describeAccess(a *users.Access) string {
	if a == nil {
		return "no"
	}
	opens, closes := cmp.Or(a.Opens, "no first day"), cmp.Or(strings.Join(a.Closes, ", "), "no last day")
	if a.Lead > 0 {
		opens += fmt.Sprintf(" less %d days", a.Lead)
	}
	if a.Grace > 0 {
		closes += fmt.Sprintf(" plus %d days", a.Grace)
	}
	text := "opens: " + opens + "; closes: " + closes
	if a.Activate {
		text += "; activates"
	}
	return text
}

// describeLeave says in short what is left to people on leave.
func describeLeave(i *connectionJSON) string {
	var parts []string
	for _, r := range i.LeaveRules {
		text := string(r.Access)
		if r.After > 0 {
			text += fmt.Sprintf(" after %d days", r.After)
		}
		if len(r.Kind) > 0 {
			text += " (" + strings.Join(r.Kind, ", ") + ")"
		}
		if r.EmployeeType != "" {
			text += " (" + r.EmployeeType + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(append(parts, string(i.Leave)), "; else ")
}
