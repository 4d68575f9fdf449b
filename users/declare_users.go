package users

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// users writes the declared people: new ones, and changes of the others.
func (w *declarer) users(ctx context.Context, declared []DeclaredUser) ([]ID, error) {
	ids := []ID{}
	for _, p := range declared {
		id, err := w.user(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", p.Email, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (w *declarer) user(ctx context.Context, p DeclaredUser) (ID, error) {
	u, err := w.tx.UserByLogin(ctx, KeyOf(p.Email))
	switch {
	case errors.Is(err, ErrNotFound):
		u = w.d.newUser(OriginConfig, StateActive)
		w.fill(&u, p)
		if err := w.tx.InsertUsers(ctx, []User{u}); err != nil {
			return "", err
		}
		w.written[u.ID] = u
		if err := appendEvent(w.tx, EventUserCreated, ActorConfig, string(u.ID), nil); err != nil {
			return "", err
		}
		if err := w.roleEvent(u.ID, RoleNone, u.Role); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	default:
		if err := w.refresh(ctx, u, p); err != nil {
			return "", err
		}
	}
	if err := w.password(ctx, u, p); err != nil {
		return "", err
	}
	if err := w.memberships(ctx, u, p.Groups); err != nil {
		return "", err
	}
	return u.ID, w.state(ctx, u.ID, p.State)
}

// fill sets what the file says of a person.
func (w *declarer) fill(u *User, p DeclaredUser) {
	u.SetAttribute(AttributeEmail, p.Email)
	u.SetAttribute(AttributeUsername, cmp.Or(p.Username, p.Email))
	u.FirstName, u.LastName = p.FirstName, p.LastName
	u.Attributes = map[string]string{}
	for name, value := range p.Attributes {
		u.SetAttribute(name, value)
	}
	u.applyDeclaredRole(p)
	if p.State == StateStaged {
		u.BaseState = StateStaged
	}
}

func (u *User) applyDeclaredRole(p DeclaredUser) {
	if p.Role != "" {
		u.Role = p.Role
	}
}

// refresh brings a person who exists in step with the file. Of somebody whom a
// source looks after by now, the file only gives role, groups and state: names are HR's.
func (w *declarer) refresh(ctx context.Context, u User, p DeclaredUser) error {
	records, err := w.tx.PeopleOf(ctx, []ID{u.ID})
	if err != nil {
		return err
	}
	before := u
	if len(records[u.ID]) == 0 {
		w.fill(&u, p)
		u.Origin = OriginConfig
	}
	u.applyDeclaredRole(p)
	if p.State == StateActive {
		u.BaseState = StateActive
	}
	if sameExceptTimes(before, u) {
		return nil
	}
	if err := w.update(ctx, u); err != nil {
		return err
	}
	w.written[u.ID] = u
	if err := appendEvent(w.tx, EventUserUpdated, ActorConfig, string(u.ID), nil); err != nil {
		return err
	}
	return w.roleEvent(u.ID, before.Role, u.Role)
}

func (w *declarer) roleEvent(id ID, before, after Role) error {
	if before == after {
		return nil
	}
	return appendEvent(w.tx, EventUserRole, ActorConfig, string(id), rolePayload{before, after})
}

// sameExceptTimes reports whether the file would change nothing about a person.
func sameExceptTimes(a, b User) bool {
	return a.Email == b.Email && a.Username == b.Username && a.FirstName == b.FirstName && a.LastName == b.LastName &&
		a.Role == b.Role && a.BaseState == b.BaseState && a.Origin == b.Origin && maps.Equal(a.Attributes, b.Attributes)
}

func (w *declarer) password(ctx context.Context, u User, p DeclaredUser) error {
	hash, found := w.hashes[KeyOf(p.Email)]
	if !found {
		return nil
	}
	c := Credential{User: u.ID, Kind: CredentialPassword, Data: hash, UpdatedAt: w.now}
	if err := w.tx.PutCredential(ctx, c); err != nil {
		return err
	}
	fresh, err := w.tx.User(ctx, u.ID)
	if err != nil {
		return err
	}
	fresh.Epoch++
	if err := w.update(ctx, fresh); err != nil {
		return err
	}
	return appendEvent(w.tx, EventPasswordSet, ActorConfig, string(u.ID), nil)
}

// memberships puts a person into the declared groups and out of those that the
// file looks after and does not name for them. Memberships by rule are none of it.
func (w *declarer) memberships(ctx context.Context, u User, want []GroupID) error {
	all, err := w.tx.Memberships(ctx, []ID{u.ID})
	if err != nil {
		return err
	}
	var byHand []GroupID
	var moves []move
	for _, m := range all[u.ID] {
		if m.ByRule {
			continue
		}
		byHand = append(byHand, m.Group)
		group, err := w.tx.Group(ctx, m.Group)
		if err != nil {
			return err
		}
		if group.Origin == OriginConfig && !slices.Contains(want, m.Group) {
			moves = append(moves, move{Membership: m, ends: true})
		}
	}
	for _, g := range want {
		if g != Everyone && !slices.Contains(byHand, g) {
			moves = append(moves, move{Membership: Membership{Group: g, User: u.ID}})
		}
	}
	return writeMoves(ctx, w.tx, ActorConfig, "", moves)
}

// state suspends a person whom the file suspends, and lifts only that suspension again.
func (w *declarer) state(ctx context.Context, id ID, want State) error {
	if want == StateSuspended {
		return w.suspend(ctx, id, "suspended in the configuration file")
	}
	return w.lift(ctx, id)
}

func (w *declarer) suspend(ctx context.Context, id ID, reason string) error {
	u, err := w.tx.User(ctx, id)
	if err != nil || suspendedByFile(u) {
		return err
	}
	lost := map[ID]accessLost{}
	if u.CreatedAt.Before(w.now.Truncate(time.Millisecond)) { // who is new in this very transaction had nothing
		if lost, err = losing(ctx, w.tx, u); err != nil {
			return err
		}
	}
	u.Epoch++
	if err := w.update(ctx, u); err != nil {
		return err
	}
	s := Suspension{User: id, By: ByConfig, Reason: reason, Since: w.now}
	if err := w.tx.PutSuspensions(ctx, []Suspension{s}); err != nil {
		return err
	}
	return appendEvent(w.tx, EventUserSuspended, ActorConfig, string(id), suspendedPayload{reasonPayload{reason}, lost[id]})
}

func (w *declarer) lift(ctx context.Context, id ID) error {
	u, err := w.tx.User(ctx, id)
	if err != nil || !suspendedByFile(u) {
		return err
	}
	if err := w.update(ctx, u); err != nil {
		return err
	}
	if err := w.tx.DeleteSuspensions(ctx, []ID{id}, ByConfig, ""); err != nil {
		return err
	}
	return appendEvent(w.tx, EventUserReactivated, ActorConfig, string(id), reasonPayload{"no longer suspended in the configuration file"})
}

func suspendedByFile(u User) bool {
	return slices.ContainsFunc(u.Suspensions, func(s Suspension) bool { return s.By == ByConfig })
}

// update writes a person under a new version, so that an import's plan made before is stale.
func (w *declarer) update(ctx context.Context, u User) error {
	u.UpdatedAt = w.now
	stale, err := w.tx.UpdateUsers(ctx, []User{u})
	if err == nil && len(stale) > 0 {
		err = ErrStale
	}
	return err
}
