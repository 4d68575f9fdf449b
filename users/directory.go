package users

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/einlass/einlass/keys"
)

// Config is what a Directory needs. Store and Sealer are required.
type Config struct {
	Store  Store
	Sealer *keys.Sealer     // seals stored secrets such as HR credentials
	Now    func() time.Time // nil means time.Now
	Logger *slog.Logger     // nil discards
	// Observed is told of each observation at once, before it is written; nil: nobody.
	Observed func(e Event)
}

// Directory is the only door to people, groups and applications. Its methods
// enforce the state machine and write the event with the change.
type Directory struct {
	store        Store
	sealer       *keys.Sealer
	now          func() time.Time
	log          *slog.Logger
	passwords    *passwordHasher
	observations *observations
	observed     func(e Event)
	rules        ruleCache
}

// New returns a Directory on cfg.Store.
func New(cfg Config) (*Directory, error) {
	if cfg.Store == nil || cfg.Sealer == nil {
		return nil, errors.New("users: store and sealer are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observed == nil {
		cfg.Observed = func(Event) {}
	}
	return &Directory{
		store:        cfg.Store,
		sealer:       cfg.Sealer,
		now:          cfg.Now,
		log:          cfg.Logger,
		passwords:    newPasswordHasher(),
		observations: newObservations(),
		observed:     cfg.Observed,
	}, nil
}

// Read gives access to everything that can be read. Nothing it returns about a
// person's access may be kept beyond the request.
func (d *Directory) Read() Reader { return d.store }

// staleRetries is how often a change starts again because the person's row moved under it.
const staleRetries = 3

// changeUser reads a person, lets change alter the copy, and writes it with its
// event where nobody was faster. change runs again on the new row if somebody was.
// It must leave the attributes alone: groups by rule follow from them.
func (d *Directory) changeUser(ctx context.Context, id ID, change func(tx Tx, u *User) (Event, error)) (User, error) {
	var changed User
	var err error
	for range staleRetries {
		err = d.store.Update(ctx, func(tx Tx) error {
			u, err := tx.User(ctx, id)
			if err != nil {
				return err
			}
			event, err := change(tx, &u)
			if err != nil {
				return err
			}
			u.UpdatedAt = d.now()
			stale, err := tx.UpdateUsers(ctx, []User{u})
			if err != nil {
				return err
			}
			if len(stale) > 0 {
				return ErrStale
			}
			tx.Append(event)
			changed, err = tx.User(ctx, id)
			return err
		})
		if !errors.Is(err, ErrStale) {
			break
		}
	}
	if err != nil {
		return User{}, fmt.Errorf("change user %s: %w", id, err)
	}
	return changed, nil
}

// reasonPayload is the payload of events that carry only a reason.
type reasonPayload struct {
	Reason string `json:"reason,omitempty"`
}

// Suspend takes a person's access away at once, in every replica. Only an
// administrator's Activate lifts it again.
func (d *Directory) Suspend(ctx context.Context, actor Actor, id ID, reason string) (User, error) {
	return d.changeUser(ctx, id, func(tx Tx, u *User) (Event, error) {
		lost, err := losing(ctx, tx, *u)
		if err != nil {
			return Event{}, err
		}
		u.Epoch++
		err = tx.PutSuspensions(ctx, []Suspension{{User: id, By: ByAdmin, Reason: reason, Since: d.now()}})
		if err != nil {
			return Event{}, err
		}
		return NewEvent(EventUserSuspended, actor, string(id), suspendedPayload{reasonPayload{reason}, lost[id]})
	})
}

// Activate lifts every suspension and makes a staged person active. Where the
// source says otherwise, by status or by dates, it leaves a waiver, which holds until the source
// says something else.
func (d *Directory) Activate(ctx context.Context, actor Actor, id ID, reason string) (User, error) {
	return d.changeUser(ctx, id, func(tx Tx, u *User) (Event, error) {
		u.BaseState = StateActive
		if err := d.overruleSources(ctx, tx, u); err != nil {
			return Event{}, err
		}
		if err := tx.DeleteSuspensions(ctx, []ID{id}, "", ""); err != nil {
			return Event{}, err
		}
		return NewEvent(EventUserActivated, actor, string(id), reasonPayload{reason})
	})
}

// EndSessions makes every session and grant of a person dead at its next use.
func (d *Directory) EndSessions(ctx context.Context, actor Actor, id ID) error {
	_, err := d.changeUser(ctx, id, func(_ Tx, u *User) (Event, error) {
		u.Epoch++
		return NewEvent(EventSessionsEnded, actor, string(id), nil)
	})
	return err
}

// rolePayload is the payload of EventUserRole.
type rolePayload struct {
	Before Role `json:"before"`
	After  Role `json:"after"`
}

// SetRole says what a person may do in the console.
func (d *Directory) SetRole(ctx context.Context, actor Actor, id ID, role Role) error {
	if !role.Valid() {
		return fmt.Errorf("%w role %q", ErrInvalid, role)
	}
	_, err := d.changeUser(ctx, id, func(_ Tx, u *User) (Event, error) {
		before := u.Role
		u.Role = role
		return NewEvent(EventUserRole, actor, string(id), rolePayload{before, role})
	})
	return err
}

// Recover makes the person with this address the owner, whatever had happened
// to them, and returns a new random password. Nobody of that address exists yet:
// they are created. It is the way in for the first owner and the last resort for
// a company that locked itself out; the event it leaves is an alarm.
func (d *Directory) Recover(ctx context.Context, actor Actor, email string) (User, keys.Secret, error) {
	if err := CheckEmail(email); err != nil {
		return User{}, "", err
	}
	password := keys.NewSecret()
	hash, err := d.passwords.hash(ctx, password)
	if err != nil {
		return User{}, "", err
	}
	id, err := d.findOrCreate(ctx, actor, email)
	if err != nil {
		return User{}, "", fmt.Errorf("recover: %w", err)
	}
	u, err := d.changeUser(ctx, id, func(tx Tx, u *User) (Event, error) {
		u.BaseState, u.Role = StateActive, RoleOwner
		u.Epoch++
		if err := d.overruleSources(ctx, tx, u); err != nil {
			return Event{}, err
		}
		if err := tx.DeleteSuspensions(ctx, []ID{id}, "", ""); err != nil {
			return Event{}, err
		}
		c := Credential{User: id, Kind: CredentialPassword, Data: hash, UpdatedAt: d.now()}
		if err := tx.PutCredential(ctx, c); err != nil {
			return Event{}, err
		}
		return NewEvent(EventUserRecovered, actor, string(id), nil)
	})
	return u, password, err
}

// findOrCreate returns the person of an address, a new active local one if there is none.
func (d *Directory) findOrCreate(ctx context.Context, actor Actor, email string) (ID, error) {
	u, err := d.store.UserByLogin(ctx, KeyOf(email))
	if err == nil || !errors.Is(err, ErrNotFound) {
		return u.ID, err
	}
	created := d.newUser(OriginLocal, StateActive)
	created.SetAttribute(AttributeEmail, email)
	created.SetAttribute(AttributeUsername, email)
	return created.ID, d.store.Update(ctx, func(tx Tx) error {
		groups, err := d.regrouper(ctx, tx, actor)
		if err != nil {
			return err
		}
		if err := tx.InsertUsers(ctx, []User{created}); err != nil {
			return err
		}
		if err := appendEvent(tx, EventUserCreated, actor, string(created.ID), nil); err != nil {
			return err
		}
		return groups.written(ctx, created)
	})
}

// newUser returns a person without a name in base state.
func (d *Directory) newUser(origin Origin, base State) User {
	now := d.now()
	return User{
		ID: NewID(), BaseState: base, Epoch: 1, Version: 1, Role: RoleNone, Origin: origin,
		Attributes: map[string]string{}, CreatedAt: now, UpdatedAt: now,
	}
}

// appendEvent builds an event and adds it to the transaction.
func appendEvent(tx Tx, kind EventKind, actor Actor, subject string, payload any) error {
	e, err := NewEvent(kind, actor, subject, payload)
	if err != nil {
		return err
	}
	tx.Append(e)
	return nil
}
