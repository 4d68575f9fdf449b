package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/einlass/einlass/keys"
)

// SignInError is why a sign-in was refused. It reads and matches as
// ErrBadCredentials; Reason is for the event log alone, never for the person.
type SignInError struct {
	User   ID     // empty when nobody has that name
	Reason string // unknown_user, no_password, wrong_password, staged, suspended, access_not_open, access_ended
}

func (e *SignInError) Error() string { return ErrBadCredentials.Error() }

// Unwrap makes the error match ErrBadCredentials.
func (e *SignInError) Unwrap() error { return ErrBadCredentials }

// Reasons of a SignInError.
const (
	ReasonUnknownUser   = "unknown_user"
	ReasonNoPassword    = "no_password"
	ReasonWrongPassword = "wrong_password"
)

// Authenticate returns the active person with this user name or address and
// password. Every refusal is a SignInError and costs exactly one hash, so that
// neither answer nor time tells whether the person exists. A password longer
// than MaxPasswordBytes is refused before anybody is looked up. It returns
// ErrBusy when too many passwords are being checked already.
func (d *Directory) Authenticate(ctx context.Context, login string, password keys.Secret) (User, error) {
	if len(password) > MaxPasswordBytes {
		return User{}, &SignInError{Reason: ReasonWrongPassword}
	}
	u, hash, reason, err := d.lookUpPassword(ctx, login)
	if err != nil {
		return User{}, fmt.Errorf("authenticate: %w", err)
	}
	ok, outdated, err := d.passwords.verify(ctx, password, hash)
	switch {
	case err != nil:
		return User{}, fmt.Errorf("authenticate: %w", err)
	case reason != "":
		return User{}, &SignInError{User: u.ID, Reason: reason}
	case !ok:
		return User{}, &SignInError{User: u.ID, Reason: ReasonWrongPassword}
	case u.OutsideWindow(d.now()) != "":
		return User{}, &SignInError{User: u.ID, Reason: u.OutsideWindow(d.now())}
	case u.StateAt(d.now()) != StateActive:
		return User{}, &SignInError{User: u.ID, Reason: string(u.StateAt(d.now()))}
	}
	if outdated {
		d.rehash(ctx, u, password)
	}
	return u, nil
}

// lookUpPassword finds the person and the hash to compare with: a dummy, and
// the reason, when there is no person or no password.
func (d *Directory) lookUpPassword(ctx context.Context, login string) (u User, hash, reason string, err error) {
	u, err = d.store.UserByLogin(ctx, KeyOf(login))
	if errors.Is(err, ErrNotFound) {
		return User{}, d.passwords.dummy, ReasonUnknownUser, nil
	}
	if err != nil {
		return User{}, "", "", err
	}
	c, err := d.store.Credential(ctx, u.ID, CredentialPassword)
	if errors.Is(err, ErrNotFound) {
		return u, d.passwords.dummy, ReasonNoPassword, nil
	}
	return u, c.Data, "", err
}

// rehash stores the password at today's costs, unless the person's row has
// moved since it was checked: a password set meanwhile must win. They are signed in
// already, so a failure is only logged. It is no change of the credential: no event, same epoch.
func (d *Directory) rehash(ctx context.Context, u User, password keys.Secret) {
	hash, err := d.passwords.hash(ctx, password)
	if err == nil {
		err = d.store.Update(ctx, func(tx Tx) error {
			stale, err := tx.UpdateUsers(ctx, []User{u})
			if err != nil || len(stale) > 0 {
				return err
			}
			return tx.PutCredential(ctx, Credential{User: u.ID, Kind: CredentialPassword, Data: hash, UpdatedAt: d.now()})
		})
	}
	if err != nil {
		d.log.WarnContext(ctx, "password not rehashed", "user_id", u.ID, "error", err)
	}
}
