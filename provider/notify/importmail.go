package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/einlass/einlass/users"
)

// importMail mails the owners and administrators what imports have to tell. A
// target is a person's id.
type importMail struct{ *Mail }

// targets implements subject: the people who administer this installation, if a
// run has something to tell them.
func (m *importMail) targets(ctx context.Context, e users.Event) ([]string, error) {
	told, err := importFinished(e)
	if err != nil {
		m.cfg.Logger.ErrorContext(ctx, "nobody can be mailed about an import", "event", e.Seq, "error", err)
		return nil, nil // nor by trying again
	}
	if !told.Alert && !told.Summary {
		return nil, nil
	}
	var targets []string
	for _, role := range mailedRoles {
		people, err := m.cfg.Directory.Read().UsersWithRole(ctx, role)
		if err != nil {
			return nil, err
		}
		for _, u := range people {
			if isMailed(u, m.cfg.Now()) {
				targets = append(targets, string(u.ID))
			}
		}
	}
	if len(targets) == 0 {
		m.cfg.Logger.WarnContext(ctx, "nobody to mail about an import: no active owner or administrator has an address", "run_id", e.Subject)
	}
	return targets, nil
}

// mailedRoles are those whose holders act on imports.
var mailedRoles = []users.Role{users.RoleOwner, users.RoleAdministrator}

// isMailed reports whether somebody gets mail about imports at now. A parked address
// may be another person's by now.
func isMailed(u users.User, now time.Time) bool {
	administers := false
	for _, role := range mailedRoles {
		administers = administers || u.Role == role
	}
	return administers && u.StateAt(now) == users.StateActive && u.EmailKey != ""
}

// importFinished reads the payload of the end of a run, which may have been erased.
func importFinished(e users.Event) (users.ImportFinished, error) {
	var told users.ImportFinished
	if err := json.Unmarshal([]byte(e.Payload), &told); err != nil || told.State == "" {
		return users.ImportFinished{}, fmt.Errorf("event %d does not say how the run ended", e.Seq)
	}
	return told, nil
}

// letter implements subject: to one person, if they still administer.
func (m *importMail) letter(ctx context.Context, e users.Event, target string) (letter, *mail.Address, error) {
	recipient, err := m.cfg.Directory.Read().User(ctx, users.ID(target))
	if errors.Is(err, users.ErrNotFound) || err == nil && !isMailed(recipient, m.cfg.Now()) {
		return letter{}, nil, fmt.Errorf("%w: the person administers no more", ErrGone)
	}
	if err != nil {
		return letter{}, nil, err
	}
	to, err := mailbox(recipient, recipient.Email)
	if err != nil {
		return letter{}, nil, fmt.Errorf("%w: the person has %w", ErrGone, err)
	}
	news, err := m.news(ctx, e, recipient.ID)
	return m.paperFor(recipient).importLetter(news), to, err
}

// news reads what an event has to tell a person.
func (m *importMail) news(ctx context.Context, e users.Event, person users.ID) (importNews, error) {
	told, err := importFinished(e)
	if err != nil {
		return importNews{}, fmt.Errorf("%w: %w", ErrGone, err)
	}
	read := m.cfg.Directory.Read()
	run, err := read.Run(ctx, users.RunID(e.Subject))
	if errors.Is(err, users.ErrNotFound) {
		return importNews{}, fmt.Errorf("%w: the run is not there any more", ErrGone)
	}
	if err != nil {
		return importNews{}, err
	}
	label := string(run.Connection)
	if a, err := read.Application(ctx, run.Connection); err == nil {
		label = a.Label
	} else if !errors.Is(err, users.ErrNotFound) {
		return importNews{}, err
	}
	link, err := m.cfg.ResultsURL(run.ID, person)
	return importNews{
		told: told, run: run, application: label, organization: m.cfg.Organization, zone: m.cfg.Zone, link: link,
	}, err
}
