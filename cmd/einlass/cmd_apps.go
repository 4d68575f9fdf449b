package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

type appsCommands struct {
	List         appsList         `cmd:"" help:"List applications."`
	Show         appsShow         `cmd:"" help:"Show one application."`
	Watch        appsWatch        `cmd:"" help:"Show the calls of an application as they come, such as Personio's configuration test, and say whether its sign-in works."`
	Check        appsCheck        `cmd:"" help:"Say whether all people can be made to use the sign-in to an application, such as by Enforce OAuth in Personio: exit code 0, or 3 as long as something speaks against it."`
	Add          appsAdd          `cmd:"" help:"Add an application with a tile, a sign-in, or both. Imports are declared in the configuration file."`
	RotateSecret appsRotateSecret `cmd:"" help:"Make a new client secret; the old one stays valid for a while."`
}

type appsList struct{ listFlags }

func (c appsList) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		applications, err := a.Directory.Read().Applications(ctx)
		if err != nil {
			return err
		}
		t := table{header: []string{"id", "label", "enabled", "capabilities", "groups", "origin"}}
		items := make([]applicationJSON, 0, len(applications))
		for _, application := range applications {
			item := newApplicationJSON(application)
			items = append(items, item)
			t.rows = append(t.rows, []string{
				string(item.ID), item.Label, yesNo(item.Enabled), strings.Join(capabilities(application), ", "),
				joinGroups(item.Groups), string(item.Origin),
			})
		}
		return writeList(s.stdout, c.Output, t, items)
	})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// capabilities names what an application can do.
func capabilities(a users.Application) []string {
	var names []string
	if a.Launch != nil {
		names = append(names, "launch")
	}
	if a.SignIn != nil {
		names = append(names, "sign-in")
	}
	if a.Import != nil {
		names = append(names, "import")
	}
	return names
}

func joinGroups(groups []users.GroupID) string {
	names := make([]string, 0, len(groups))
	for _, g := range groups {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}

// findApplication returns the application with an id.
func findApplication(ctx context.Context, a *app, id string) (users.Application, error) {
	found, err := a.Directory.Read().Application(ctx, users.ApplicationID(id))
	if errors.Is(err, users.ErrNotFound) {
		return users.Application{}, usagef("no application has the id %q", id)
	}
	return found, err
}

type appsAdd struct {
	actorFlags
	showFlags
	ID          string            `arg:"" help:"Slug of 1 to 40 characters a-z, 0-9 and -."`
	Label       string            `help:"Name on the tile. Default: the id."`
	Description string            `help:"One line below the name."`
	Logo        string            `placeholder:"FILE" help:"PNG or plain SVG of at most 64 KiB for the tile. Default: the first letter of the label."`
	Color       users.Color       `placeholder:"NAME" help:"Colour of that letter: plum, teal, blue, slate, rust or green. Default: one that follows from the id."`
	Group       []string          `placeholder:"ID" help:"Group whose members may use it; repeatable."`
	LaunchURL   string            `name:"launch-url" placeholder:"URL" help:"Where the tile leads."`
	RedirectURI []string          `name:"redirect-uri" sep:"none" placeholder:"URL" help:"Where codes may be sent; repeatable. Makes it an OpenID Connect client."`
	AfterLogout []string          `name:"post-logout-redirect-uri" sep:"none" placeholder:"URL" help:"Where the application may lead people after sign-out; repeatable."`
	BackChannel string            `name:"backchannel-logout-uri" placeholder:"URL" help:"Where the application is told of the end of a session."`
	ContinuesAt []string          `name:"continues-at" sep:"none" placeholder:"URL" help:"Host to which the application leads people on after a sign-in; repeatable."`
	ClientID    string            `name:"client-id" help:"Name of the client. Default: the id."`
	AuthMethod  string            `name:"auth-method" enum:"client_secret_basic,client_secret_post,none" default:"client_secret_basic" help:"How the client proves itself: ${enum}."`
	SigningAlg  string            `name:"signing-alg" enum:"RS256,ES256,EdDSA" default:"RS256" help:"Signature of the ID token: ${enum}."`
	RequirePKCE bool              `name:"require-pkce" help:"Refuse requests without PKCE."`
	Claim       map[string]string `placeholder:"CLAIM=ATTRIBUTE" help:"Claim released whatever the scope; repeatable."`
}

// application is what the flags describe, in the words of the configuration file.
func (c appsAdd) application() ApplicationConfig {
	a := defaultApplication()
	a.ID, a.Label, a.Description, a.Color, a.Groups = c.ID, c.Label, c.Description, c.Color, c.Group
	if c.LaunchURL != "" {
		a.Launch = &LaunchConfig{URL: c.LaunchURL}
	}
	if len(c.RedirectURI) > 0 {
		a.SignIn = defaultSignIn()
		a.SignIn.ClientID = c.ClientID
		if a.SignIn.ClientID == "" {
			a.SignIn.ClientID = c.ID
		}
		a.SignIn.RedirectURIs = c.RedirectURI
		a.SignIn.PostLogoutRedirectURIs = c.AfterLogout
		a.SignIn.BackchannelLogoutURI = c.BackChannel
		a.SignIn.ContinuesAt = c.ContinuesAt
		a.SignIn.AuthMethod = c.AuthMethod
		a.SignIn.SigningAlg = c.SigningAlg
		a.SignIn.RequirePKCE = c.RequirePKCE
		a.SignIn.Claims = c.Claim
	}
	return a
}

// signInFlag returns a flag that says nothing without a sign-in, if one was given.
func (c appsAdd) signInFlag() string {
	switch {
	case c.ClientID != "":
		return "--client-id"
	case len(c.AfterLogout) > 0:
		return "--post-logout-redirect-uri"
	case c.BackChannel != "":
		return "--backchannel-logout-uri"
	case len(c.ContinuesAt) > 0:
		return "--continues-at"
	case c.AuthMethod != users.AuthMethodBasic:
		return "--auth-method"
	case c.SigningAlg != keys.RS256:
		return "--signing-alg"
	case c.RequirePKCE:
		return "--require-pkce"
	case len(c.Claim) > 0:
		return "--claim"
	}
	return ""
}

// check applies the rules of the configuration file.
func (c appsAdd) check(cfg Config, a ApplicationConfig) error {
	l := newLoader()
	l.cfg.InsecureAllowLoopback = cfg.InsecureAllowLoopback
	if flag := c.signInFlag(); a.SignIn == nil && flag != "" {
		return usagef("%s is for a sign-in: give --redirect-uri, too", flag)
	}
	if a.Launch == nil && a.SignIn == nil {
		return usagef("give --launch-url, --redirect-uri, or both")
	}
	l.checkID("application", a.ID, map[string]int{}, 0)
	if a.Launch != nil {
		l.checkURL("launch.url", a.Launch.URL)
	}
	if a.SignIn != nil {
		l.checkSignIn("sign_in", *a.SignIn)
	}
	if len(l.problems) > 0 {
		return l.problems
	}
	return nil
}

// newClientJSON shows a client secret, which can be read only once.
type newClientJSON struct {
	ID           users.ApplicationID `json:"id"`
	ClientID     string              `json:"client_id,omitempty"`
	ClientSecret string              `json:"client_secret,omitempty"`
}

func (c appsAdd) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		described := c.application()
		if err := c.check(a.cfg, described); err != nil {
			return err
		}
		if c.Logo != "" {
			var err error
			if described.Logo, err = readLogo(c.Logo); err != nil {
				return usagef("--logo: %w", err)
			}
		}
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		application := described.declared(nil).Application
		secret, err := a.Directory.AddApplication(ctx, actor, application)
		if errors.Is(err, users.ErrInvalid) || errors.Is(err, users.ErrNotFound) || errors.Is(err, users.ErrConflict) || errors.Is(err, users.ErrStale) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		made := newClientJSON{ID: application.ID, ClientSecret: secret.Reveal()}
		if application.SignIn != nil {
			made.ClientID = application.SignIn.ClientID
		}
		return c.print(s, made)
	})
}

func (c appsAdd) print(s *shell, made newClientJSON) error {
	if c.Output == formatJSON {
		return writeJSON(s.stdout, made)
	}
	f := fields{{"application", string(made.ID)}}
	if made.ClientID != "" {
		f = append(f, [2]string{"client id", made.ClientID})
	}
	if made.ClientSecret != "" {
		f = append(f, [2]string{"client secret", made.ClientSecret + " (shown only now)"})
	}
	return f.write(s.stdout)
}

type appsRotateSecret struct {
	actorFlags
	showFlags
	ID      string        `arg:"" help:"Id of the application."`
	Overlap time.Duration `default:"24h" help:"How long the old secret stays valid. Default: ${default}. 0 ends it at once and needs --yes."`
	Yes     bool          `help:"Confirm an overlap of 0: the application cannot sign anybody in until it has the new secret."`
}

func (c appsRotateSecret) Run(ctx context.Context, s *shell) error {
	if c.Overlap < 0 {
		return usagef("--overlap must not be negative")
	}
	if c.Overlap == 0 && !c.Yes {
		return fmt.Errorf("without an overlap nobody can sign in until the application has the new secret: %w", errNotConfirmed)
	}
	return s.with(ctx, func(a *app) error {
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		application, err := findApplication(ctx, a, c.ID)
		if err != nil {
			return err
		}
		secret, err := a.Directory.RotateSecret(ctx, actor, application.ID, c.Overlap)
		if errors.Is(err, users.ErrReadOnly) || errors.Is(err, users.ErrInvalid) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		return c.print(s, application, secret)
	})
}

func (c appsRotateSecret) print(s *shell, a users.Application, secret keys.Secret) error {
	if c.Output == formatJSON {
		return writeJSON(s.stdout, newClientJSON{a.ID, a.SignIn.ClientID, secret.Reveal()})
	}
	return fields{
		{"application", string(a.ID)},
		{"client id", a.SignIn.ClientID},
		{"client secret", secret.Reveal() + " (shown only now)"},
		{"old secret", "valid for another " + c.Overlap.String()},
	}.write(s.stdout)
}
