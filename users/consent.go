package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Consent is what a person has allowed an application to learn. Trusted
// applications need none.
type Consent struct {
	User        ID
	Application ApplicationID
	Scopes      []string // sorted; claim:NAME for a claim that comes with no scope
	GrantedAt   time.Time
}

// Covers reports whether all of scopes have been allowed.
func (c Consent) Covers(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(c.Scopes, s) })
}

// consentPayload is the payload of events about consents.
type consentPayload struct {
	Application ApplicationID `json:"application"`
	Scopes      []string      `json:"scopes,omitempty"`
}

// GrantConsent remembers that a person allows an application to learn scopes,
// beside what they have allowed it before.
func (d *Directory) GrantConsent(ctx context.Context, id ID, application ApplicationID, scopes []string) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		before, err := ConsentOf(ctx, tx, id, application)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		all := slices.Sorted(slices.Values(append(slices.Clone(before.Scopes), scopes...)))
		c := Consent{User: id, Application: application, Scopes: slices.Compact(all), GrantedAt: d.now()}
		if err := tx.PutConsent(ctx, c); err != nil {
			return err
		}
		return appendEvent(tx, EventConsentGranted, ActorUser(id), string(id), consentPayload{application, c.Scopes})
	})
	if err != nil {
		return fmt.Errorf("grant consent of %s: %w", id, err)
	}
	return nil
}

// RevokeConsent forgets a consent, so that the application must ask again. It
// returns ErrNotFound when there is none. Access tokens issued before run out by themselves.
func (d *Directory) RevokeConsent(ctx context.Context, actor Actor, id ID, application ApplicationID) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		if err := tx.DeleteConsent(ctx, id, application); err != nil {
			return err
		}
		return appendEvent(tx, EventConsentRevoked, actor, string(id), consentPayload{Application: application})
	})
	if err != nil {
		return fmt.Errorf("revoke consent of %s: %w", id, err)
	}
	return nil
}

// ConsentOf returns what a person has allowed an application, or ErrNotFound.
func ConsentOf(ctx context.Context, r Reader, id ID, application ApplicationID) (Consent, error) {
	all, err := r.Consents(ctx, id)
	if err != nil {
		return Consent{}, err
	}
	i := slices.IndexFunc(all, func(c Consent) bool { return c.Application == application })
	if i < 0 {
		return Consent{}, ErrNotFound
	}
	return all[i], nil
}
