package session

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// LongestSession is the default of Lifetimes.SessionAbsolute.
const LongestSession = 7 * 24 * time.Hour

// Lifetimes of what this package keeps. The zero value of a field means its default.
type Lifetimes struct {
	Code            time.Duration // 60 s
	Request         time.Duration // 15 min
	Pushed          time.Duration // 90 s, until the browser comes with it
	AccessToken     time.Duration // 15 min
	SessionIdle     time.Duration // 12 h
	SessionAbsolute time.Duration // 7 d
	RefreshIdle     time.Duration // 8 h
	RefreshAbsolute time.Duration // 30 d
	Device          time.Duration // 180 d
}

func (l Lifetimes) withDefaults() Lifetimes {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&l.Code, time.Minute)
	set(&l.Request, 15*time.Minute)
	set(&l.Pushed, 90*time.Second)
	set(&l.AccessToken, 15*time.Minute)
	set(&l.SessionIdle, 12*time.Hour)
	set(&l.SessionAbsolute, LongestSession)
	set(&l.RefreshIdle, 8*time.Hour)
	set(&l.RefreshAbsolute, 30*24*time.Hour)
	set(&l.Device, 180*24*time.Hour)
	return l
}

// Config is what a Manager needs. Store is required.
type Config struct {
	Store     Store
	Lifetimes Lifetimes
	Now       func() time.Time // nil means time.Now
}

// Manager applies the rules of sessions and grants on top of a Store.
type Manager struct {
	store Store
	life  Lifetimes
	now   func() time.Time
}

// NewManager returns a Manager on cfg.Store.
func NewManager(cfg Config) (*Manager, error) {
	if cfg.Store == nil {
		return nil, errors.New("session: no store")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Manager{store: cfg.Store, life: cfg.Lifetimes.withDefaults(), now: cfg.Now}, nil
}

// Lifetimes returns the lifetimes in force, defaults filled in.
func (m *Manager) Lifetimes() Lifetimes { return m.life }

// Current returns the session of a cookie, or ErrNotFound. Whether the person
// may still come in is not known here: compare the epoch with the directory's.
func (m *Manager) Current(ctx context.Context, cookie keys.Secret) (Session, error) {
	if cookie == "" {
		return Session{}, ErrNotFound
	}
	return m.store.Session(ctx, cookie, m.now())
}

// SignedIn is what a sign-in has begun and what it found.
type SignedIn struct {
	Cookie   keys.Secret // of Session
	Session  Session
	Replaced *Session // of the cookie before, where it does not go on: for the caller to end; nil: none
}

// Proof is what a sign-in has shown: who it is, how, and at which browser.
type Proof struct {
	User  users.ID
	Epoch int64
	AMR   []string // RFC 8176
	Agent Agent
}

// SignIn starts a session for a person who has just proven who they are. A
// live session of the same user in the cookie before keeps its sid, so that
// applications see one session; the cookie is always new (OWASP ASVS 7.2.4).
func (m *Manager) SignIn(ctx context.Context, p Proof, before keys.Secret) (SignedIn, error) {
	now := m.now()
	s := Session{
		SID:      string(users.NewID()),
		User:     p.User,
		Epoch:    p.Epoch,
		AuthTime: now,
		AMR:      p.AMR,
		Agent:    p.Agent,
		Created:  now,
		Seen:     now,
	}
	s.Expires = m.sessionEnd(s, now)
	old, err := m.Current(ctx, before)
	switch {
	case errors.Is(err, ErrNotFound):
		return m.begin(ctx, s, nil)
	case err != nil:
		return SignedIn{}, err
	case old.User != p.User || old.Epoch != p.Epoch:
		return m.begin(ctx, s, &old)
	}
	renewed, cookie := s, NewHandle(p.User)
	renewed.SID, renewed.Applications = old.SID, old.Applications
	err = m.store.RenewSession(ctx, before, cookie, renewed)
	if errors.Is(err, ErrNotFound) { // ended, or renewed by another sign-in, this moment
		return m.begin(ctx, s, nil)
	}
	return SignedIn{Cookie: cookie, Session: renewed}, err
}

// begin writes a new session.
func (m *Manager) begin(ctx context.Context, s Session, replaced *Session) (SignedIn, error) {
	cookie := NewHandle(s.User)
	return SignedIn{Cookie: cookie, Session: s, Replaced: replaced}, m.store.PutSession(ctx, cookie, s)
}

// sessionEnd is the earlier of the idle end, seen from now, and the absolute end.
func (m *Manager) sessionEnd(s Session, now time.Time) time.Time {
	idle, absolute := now.Add(m.life.SessionIdle), s.Created.Add(m.life.SessionAbsolute)
	if absolute.Before(idle) {
		return absolute
	}
	return idle
}

// touchAfter bounds how often a page view writes to the store.
const touchAfter = time.Minute

// Touch notes that a person used their session. It writes at most once a minute.
func (m *Manager) Touch(ctx context.Context, cookie keys.Secret, s Session) error {
	now := m.now()
	if now.Sub(s.Seen) < touchAfter {
		return nil
	}
	return m.store.TouchSession(ctx, cookie, now, m.sessionEnd(s, now))
}

// Of returns the live sessions of a user, newest first.
func (m *Manager) Of(ctx context.Context, user users.ID) ([]Session, error) {
	return m.store.SessionsOf(ctx, user, m.now())
}

// Start keeps an authorization request for the browser that holds the secret
// browser, and returns it with its id.
func (m *Manager) Start(ctx context.Context, application users.ApplicationID, p Params, browser keys.Secret) (AuthRequest, error) {
	return m.keep(ctx, AuthRequest{Application: application, Params: p, Created: m.now()}, browser)
}

// Ask keeps an authorization request for the browser until user has answered
// whether they consent, and returns it with its id. requested is when it came in.
func (m *Manager) Ask(ctx context.Context, application users.ApplicationID, p Params, user users.ID, requested time.Time, browser keys.Secret) (AuthRequest, error) {
	return m.keep(ctx, AuthRequest{Application: application, Params: p, User: user, Created: requested}, browser)
}

// keep writes a request under a new id, bound to a browser.
func (m *Manager) keep(ctx context.Context, r AuthRequest, browser keys.Secret) (AuthRequest, error) {
	r.ID = string(users.NewID())
	r.Browser = browserHash(browser)
	r.Expires = m.now().Add(m.life.Request)
	return r, m.store.PutRequest(ctx, r)
}

// Pending returns a request that waits in this browser. It returns ErrNotFound
// when there is none and ErrMismatch when it belongs to another browser.
func (m *Manager) Pending(ctx context.Context, id string, browser keys.Secret) (AuthRequest, error) {
	r, err := m.store.Request(ctx, id, m.now())
	if err != nil {
		return AuthRequest{}, err
	}
	return r, checkBrowser(r, browser)
}

// Take is Pending, and removes the request: of concurrent calls one succeeds.
func (m *Manager) Take(ctx context.Context, id string, browser keys.Secret) (AuthRequest, error) {
	r, err := m.Pending(ctx, id, browser)
	if err != nil {
		return AuthRequest{}, err
	}
	return m.store.TakeRequest(ctx, r.ID, m.now())
}

// IssueCode writes an authorization code for the session and returns it. It
// returns ErrNotFound when the session has ended meanwhile.
func (m *Manager) IssueCode(ctx context.Context, s Session, application users.ApplicationID, p Params, acr string) (keys.Secret, error) {
	now := m.now()
	code := NewHandle(s.User)
	err := m.store.IssueCode(ctx, code, Code{
		Grant: Grant{
			Family:      string(users.NewID()),
			SID:         s.SID,
			User:        s.User,
			Application: application,
			ClientID:    p.ClientID,
			Scopes:      p.Scopes,
			Epoch:       s.Epoch,
			AuthTime:    s.AuthTime,
			AMR:         s.AMR,
			Nonce:       p.Nonce,
			ACR:         acr,
			Claims:      p.Claims,
			Offline:     slices.Contains(p.Scopes, ScopeOffline),

			SignInVersion: p.SignInVersion,
		},
		RedirectURI:   p.RedirectURI,
		CodeChallenge: p.CodeChallenge,
		Expires:       now.Add(m.life.Code),
	}, now, m.sessionEnd(s, now))
	if err != nil {
		return "", err
	}
	return code, nil
}

// Redeem consumes a code as Store.TakeCode does.
func (m *Manager) Redeem(ctx context.Context, code keys.Secret, check CodeCheck) (Grant, error) {
	now := m.now()
	return m.store.TakeCode(ctx, code, check, now, m.familyEnd(now))
}

// familyEnd is when nothing can be valid any more of a family that was begun in
// a session, or revoked, at or before now. An offline family that is not
// revoked may live longer, but each refresh token of it dies when it idles: so
// nothing of one that is revoked outlives this.
func (m *Manager) familyEnd(now time.Time) time.Time {
	return now.Add(max(m.life.SessionAbsolute, m.life.RefreshIdle) + m.life.AccessToken)
}

// IssueToken writes an access token for g and returns it with its end. A
// replay of the code, or the end of the session, may have killed it already.
func (m *Manager) IssueToken(ctx context.Context, g Grant) (keys.Secret, time.Time, error) {
	now := m.now()
	expires := now.Add(m.life.AccessToken)
	token := NewHandle(g.User)
	if err := m.store.PutToken(ctx, token, AccessToken{Grant: g, Expires: expires}); err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

// Token returns a live access token, or ErrNotFound.
func (m *Manager) Token(ctx context.Context, token keys.Secret) (AccessToken, error) {
	return m.store.Token(ctx, token, m.now())
}

// Revoke makes everything of g's family unusable.
func (m *Manager) Revoke(ctx context.Context, g Grant) error {
	return m.store.RevokeFamily(ctx, g.User, g.Family, m.familyEnd(m.now()))
}

// Reserve counts a try against a throttle before it is known whether it fails.
func (m *Manager) Reserve(ctx context.Context, key string, limit int, window time.Duration) (Verdict, error) {
	return m.store.Reserve(ctx, key, limit, window, m.now())
}

// Refund takes a try back that was no failure.
func (m *Manager) Refund(ctx context.Context, key string) error {
	return m.store.Refund(ctx, key, m.now())
}

// browserHash is the form in which a browser's secret is kept with its requests.
func browserHash(browser keys.Secret) string {
	sum := browser.Hash()
	return hex.EncodeToString(sum[:])
}

func checkBrowser(r AuthRequest, browser keys.Secret) error {
	if browser == "" || subtle.ConstantTimeCompare([]byte(r.Browser), []byte(browserHash(browser))) != 1 {
		return ErrMismatch
	}
	return nil
}
