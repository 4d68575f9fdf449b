package personiotest

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/einlass/einlass/keys"
)

// account holds the API credentials and their token. There is one token per
// pair of credentials for the whole of its life, as with Personio.
type account struct {
	ttl time.Duration
	now func() time.Time

	mu      sync.Mutex // guards what follows
	id      string
	secret  keys.Secret
	revoked bool
	token   keys.Secret
	expires time.Time
}

// authenticate returns the token, or false if the credentials are wrong.
func (a *account) authenticate(id string, secret keys.Secret) (token keys.Secret, expires time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.revoked || id != a.id || !secret.Equal(a.secret) {
		return "", time.Time{}, false
	}
	if a.token == "" || !a.now().Before(a.expires) {
		a.token, a.expires = keys.Secret("papi-"+rand.Text()), a.now().Add(a.ttl)
	}
	return a.token, a.expires, true
}

// valid reports whether the token opens the API.
func (a *account) valid(token keys.Secret) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.revoked && a.token != "" && token.Equal(a.token) && a.now().Before(a.expires)
}

// Credentials returns what an administrator copies out of Personio.
func (s *Server) Credentials() (id string, secret keys.Secret) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	return s.account.id, s.account.secret
}

// RevokeCredentials is what changing the granted attributes does: the
// credentials and their token are refused from now on.
func (s *Server) RevokeCredentials() {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.revoked = true
}

// RenewCredentials generates new credentials, which replace the old ones.
func (s *Server) RenewCredentials() (id string, secret keys.Secret) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.revoked, s.account.token = false, ""
	s.account.id, s.account.secret = "papi-"+rand.Text(), keys.NewSecret()
	return s.account.id, s.account.secret
}

// ExpireToken ends the token before its time. The credentials stay good.
func (s *Server) ExpireToken() {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.token = ""
}
