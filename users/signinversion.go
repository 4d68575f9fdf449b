package users

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
)

// putApplication writes an application in place of before, the zero value if
// there was none. Its SignInVersion rises if a sign-in may come out differently from
// now on: because of the application's settings, or because the client's secrets are others.
func putApplication(ctx context.Context, tx Tx, before, a Application, otherSecrets bool) error {
	a.SignInVersion = before.SignInVersion
	if before.Version > 0 {
		same, err := sameSignIn(before, a)
		if err != nil {
			return err
		}
		if !same || otherSecrets {
			a.SignInVersion++
		}
	}
	return tx.PutApplication(ctx, a)
}

// sameSignIn reports whether a sign-in comes out alike by two versions of an
// application: the same client, switched on or off, whatever it is called and
// whoever may use it. A setting that only a sign-out or the tile needs is none of it.
func sameSignIn(a, b Application) (bool, error) {
	one, err := a.signInText()
	if err != nil {
		return false, err
	}
	other, err := b.signInText()
	return bytes.Equal(one, other), err
}

func (a Application) signInText() ([]byte, error) {
	var s SignIn
	if a.SignIn != nil {
		s = *a.SignIn
	}
	s.PostLogoutRedirectURIs, s.BackchannelLogoutURI, s.FrontchannelLogoutURI, s.InitiateLoginURI = nil, "", "", ""
	return json.Marshal(struct {
		Enabled, Client bool
		SignIn          SignIn
	}{!a.Disabled, a.SignIn != nil, s})
}

// hasOtherSecrets reports whether the secrets of an application that stay valid are
// not exactly those with the given hashes.
func hasOtherSecrets(all []ClientSecret, id ApplicationID, hashes [][32]byte) bool {
	lasting := 0
	for _, s := range all {
		if s.Application != id || !s.ExpiresAt.IsZero() {
			continue
		}
		lasting++
		if !slices.Contains(hashes, s.Hash) {
			return true
		}
	}
	return lasting != len(hashes)
}
