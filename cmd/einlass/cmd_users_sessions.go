package main

import (
	"context"
	"strings"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

type usersSessions struct {
	listFlags
	Email string `arg:"" help:"E-mail address, user name or id."`
}

// Kinds of what a person has under way.
const (
	kindSession = "session" // a browser in which they are signed in
	kindOffline = "offline" // what an application can use while they are away
)

// sessionJSON is one of them in lists.
type sessionJSON struct {
	Kind         string                `json:"kind"`
	ID           string                `json:"id"` // sid of tokens and events, or the family
	SignedIn     time.Time             `json:"signed_in"`
	Seen         time.Time             `json:"seen,omitzero"` // of a session
	Expires      time.Time             `json:"expires"`       // unless it is used before
	Methods      []string              `json:"methods"`
	Browser      string                `json:"browser,omitempty"`
	System       string                `json:"system,omitempty"`
	Applications []users.ApplicationID `json:"applications"`
}

func (c usersSessions) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		u, err := findUser(ctx, a, c.Email)
		if err != nil {
			return err
		}
		items, err := a.underWay(ctx, u)
		if err != nil {
			return err
		}
		t := table{header: []string{"kind", "signed_in", "seen", "browser", "system", "applications"}}
		for _, item := range items {
			applications := make([]string, len(item.Applications))
			for i, id := range item.Applications {
				applications[i] = string(id)
			}
			t.rows = append(t.rows, []string{
				item.Kind, showTime(item.SignedIn), showTime(item.Seen), item.Browser, item.System, strings.Join(applications, " "),
			})
		}
		return writeList(s.stdout, c.Output, t, items)
	})
}

// underWay returns what lets a person in now: sessions, and what applications can
// use while they are away.
func (a *app) underWay(ctx context.Context, u users.User) ([]sessionJSON, error) {
	now := time.Now()
	items := []sessionJSON{}
	decision, err := a.Directory.Read().Decision(ctx, u.ID, "", now)
	if err != nil {
		return nil, err
	}
	store, err := a.openSessions(ctx)
	if err != nil {
		return nil, err
	}
	sessions, err := store.SessionsOf(ctx, u.ID, now)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		if decision.Lives(s.Epoch) {
			items = append(items, newSessionJSON(s))
		}
	}
	families, err := store.FamiliesOf(ctx, u.ID, now)
	if err != nil {
		return nil, err
	}
	for _, f := range families {
		if decision.Lives(f.Grant.Epoch) {
			items = append(items, sessionJSON{
				Kind: kindOffline, ID: f.Grant.Family, SignedIn: f.Grant.AuthTime, Expires: f.Expires,
				Methods: f.Grant.AMR, Applications: []users.ApplicationID{f.Grant.Application},
			})
		}
	}
	return items, nil
}

func newSessionJSON(s session.Session) sessionJSON {
	return sessionJSON{
		Kind: kindSession, ID: s.SID, SignedIn: s.AuthTime, Seen: s.Seen, Expires: s.Expires, Methods: s.AMR,
		Browser: s.Agent.Browser, System: s.Agent.System, Applications: append([]users.ApplicationID{}, s.Applications...),
	}
}
