package personiotest

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/einlass/einlass/keys"
)

// Scopes of the API credentials.
const (
	ScopeEmployees     = "employees:read" // version 1
	ScopePersons       = "personio:persons:read"
	ScopeWebhooksRead  = "personio:webhooks:read"
	ScopeWebhooksWrite = "personio:webhooks:write"
)

// Scopes returns all scopes.
func Scopes() []string {
	return []string{ScopeEmployees, ScopePersons, ScopeWebhooksRead, ScopeWebhooksWrite}
}

// version of the API. A token of one of them is none of the other.
type version int

const (
	version1 version = 1
	version2 version = 2
)

// account holds the API credentials and their tokens. There is one token per
// pair of credentials for the whole of its life, as with Personio.
type account struct {
	ttl time.Duration
	now func() time.Time

	mu      sync.Mutex // guards what follows
	id      string
	secret  keys.Secret
	scopes  []string
	revoked bool
	tokens  map[version]token
}

// token opens one version of the API for a while.
type token struct {
	secret  keys.Secret
	expires time.Time
}

// authenticate returns the token, or false if the credentials are wrong.
func (a *account) authenticate(v version, id string, secret keys.Secret) (opens keys.Secret, expires time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.revoked || id != a.id || !secret.Equal(a.secret) {
		return "", time.Time{}, false
	}
	if a.tokens == nil {
		a.tokens = map[version]token{}
	}
	if a.tokens[v].secret == "" || !a.now().Before(a.tokens[v].expires) {
		a.tokens[v] = token{keys.Secret("papi-" + rand.Text()), a.now().Add(a.ttl)}
	}
	return a.tokens[v].secret, a.tokens[v].expires, true
}

// valid reports whether the token opens a version of the API.
func (a *account) valid(v version, given keys.Secret) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tokens[v]
	return !a.revoked && t.secret != "" && given.Equal(t.secret) && a.now().Before(t.expires)
}

// drop ends a token of version 2 that is given back.
func (a *account) drop(given keys.Secret) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if given.Equal(a.tokens[version2].secret) {
		delete(a.tokens, version2)
	}
}

// may reports whether the credentials have a scope.
func (a *account) may(scope string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.scopes, scope)
}

// allScopes returns the scopes as a token answer writes them.
func (a *account) allScopes() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.scopes, " ")
}

// SetScopes changes what the API credentials are for; no scope means none at all.
func (s *Server) SetScopes(scopes ...string) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.scopes = slices.Clone(scopes)
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
	s.account.revoked, s.account.tokens = false, nil
	s.account.id, s.account.secret = "papi-"+rand.Text(), keys.NewSecret()
	return s.account.id, s.account.secret
}

// ExpireToken ends the tokens before their time. The credentials stay good.
func (s *Server) ExpireToken() {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.tokens = nil
}
