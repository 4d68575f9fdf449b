package session

import (
	"context"
	"errors"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Errors a caller acts on.
var (
	// ErrNotFound: unknown, expired, ended, revoked or a handle of another tag.
	ErrNotFound = errors.New("session: not found")
	// ErrMismatch: the code or refresh token exists, but client, redirect URI or PKCE differ; it was not consumed.
	ErrMismatch = errors.New("session: grant is bound to something else")
	// ErrUntold: the session has applications that were not reckoned with; it has not ended.
	ErrUntold = errors.New("session: more applications take part in it")
	// ErrReplayed: the code or refresh token had been used before; its family is now revoked.
	ErrReplayed = errors.New("session: grant already used")
)

// Session is a browser's sign-in.
type Session struct {
	SID          string                `json:"sid"` // in ID tokens; survives re-authentication, the cookie's secret does not
	User         users.ID              `json:"user"`
	Epoch        int64                 `json:"epoch"`
	AuthTime     time.Time             `json:"auth_time"`
	AMR          []string              `json:"amr"` // RFC 8176
	Agent        Agent                 `json:"agent,omitzero"`
	Created      time.Time             `json:"created"`
	Seen         time.Time             `json:"seen"`
	Expires      time.Time             `json:"expires"`                // the earlier of idle and absolute end; past it, it is not found
	Applications []users.ApplicationID `json:"applications,omitempty"` // that got a code in this session
}

// AuthRequest is an authorization request that waits for the person to sign in.
// It has been validated; nothing of it is trusted less than the client registration.
type AuthRequest struct {
	ID          string              `json:"id"`
	Browser     string              `json:"browser"` // hash of the browser cookie it is bound to
	Application users.ApplicationID `json:"application"`
	Params      Params              `json:"params"`
	User        users.ID            `json:"user,omitempty"` // who is asked for consent; empty: it waits for a sign-in
	Created     time.Time           `json:"created"`        // when it came in
	Expires     time.Time           `json:"expires"`
}

// Params are the parameters of an authorization request that outlive its first
// look (OpenID Connect Core section 3.1.2.1).
type Params struct {
	ClientID      string   `json:"client_id"`
	RedirectURI   string   `json:"redirect_uri"`
	ResponseMode  string   `json:"response_mode"`
	State         string   `json:"state,omitempty"`
	Nonce         string   `json:"nonce,omitempty"`
	Scopes        []string `json:"scopes"`
	CodeChallenge string   `json:"code_challenge,omitempty"` // S256
	Prompt        []string `json:"prompt,omitempty"`
	MaxAge        *int     `json:"max_age,omitempty"` // seconds
	LoginHint     string   `json:"login_hint,omitempty"`
	HintSubject   string   `json:"hint_subject,omitempty"` // sub of a verified id_token_hint
	UILocales     []string `json:"ui_locales,omitempty"`
	ACRValues     []string `json:"acr_values,omitempty"`
	Claims        string   `json:"claims,omitempty"` // the claims parameter as JSON

	// SignInVersion is that of the application's settings at the time of the request; 0: not known.
	SignInVersion int64 `json:"sign_in_version,omitempty"`
}

// ScopeOffline asks for a grant that needs no session (OpenID Connect Core
// section 11). A request that comes here has it only if it was released.
const ScopeOffline = "offline_access"

// Grant is what an application holds because of a session.
type Grant struct {
	Family      string              `json:"family"`
	SID         string              `json:"sid"`
	User        users.ID            `json:"user"`
	Application users.ApplicationID `json:"application"`
	ClientID    string              `json:"client_id"`
	Scopes      []string            `json:"scopes"`
	Epoch       int64               `json:"epoch"`
	AuthTime    time.Time           `json:"auth_time"`
	AMR         []string            `json:"amr"`
	Nonce       string              `json:"nonce,omitempty"`
	ACR         string              `json:"acr,omitempty"`
	Claims      string              `json:"claims,omitempty"`
	Offline     bool                `json:"offline,omitempty"` // survives sign-out, not an epoch change

	// SignInVersion is that of the request, or NoProof.
	SignInVersion int64 `json:"sign_in_version,omitempty"`
}

// NoProof is the sign-in version of a grant that proves nothing about the settings of its application,
// as of all that were stored before there were versions.
const NoProof = 0

// Code is a grant as an authorization code.
type Code struct {
	Grant         Grant     `json:"grant"`
	RedirectURI   string    `json:"redirect_uri"`
	CodeChallenge string    `json:"code_challenge,omitempty"`
	Expires       time.Time `json:"expires"`
}

// CodeCheck is what a redemption must agree with before the code is consumed.
// Challenge is S256 of the verifier that was sent, empty if none was.
type CodeCheck struct {
	ClientID    string
	RedirectURI string
	Challenge   string
}

// AccessToken is a grant as an access token.
type AccessToken struct {
	Grant   Grant     `json:"grant"`
	Expires time.Time `json:"expires"`
}

// RefreshToken is an offline grant as a refresh token. Its family holds one live
// refresh token at a time: each use rotates it.
type RefreshToken struct {
	Grant   Grant
	Expires time.Time // the earlier of idle end and Ends
	Ends    time.Time // of the family, however often it is used
	Rotated bool      // a younger one has taken its place; using it is a replay
}

// Rotation is the use of a refresh token.
type Rotation struct {
	Old, New keys.Secret // of the same user
	ClientID string      // that uses it
	IdleEnd  time.Time   // of the new one, unless its family ends before
}

// Verdict is a throttle's answer.
type Verdict struct {
	Allowed    bool
	Remaining  int           // further tries in this window
	RetryAfter time.Duration // when not allowed: until the window ends
}

// Store is the storage contract. Each method is atomic. A value's own Expires,
// compared with now, decides; the store's garbage collection may lag behind.
// Ends and Seen are kept to the millisecond.
// Stores fail closed: an error of the server is returned, never read as "not found".
//
// A Handle argument is `<tag>.<secret>`; a store keeps SHA-256 of the secret only
// and answers ErrNotFound to one whose tag is not [TagOf] the user of the value.
type Store interface {
	// PutSession writes a new session under h.
	PutSession(ctx context.Context, h keys.Secret, s Session) error
	// RenewSession lets h take the place of before, the handle of the session of
	// (s.User, s.SID), and writes s but for its applications: the session keeps those it
	// has (re-authentication). It returns ErrNotFound, and writes nothing, when that session
	// has ended, has expired by s.Seen or has another handle.
	RenewSession(ctx context.Context, before, h keys.Secret, s Session) error
	// Session returns the session of h, or ErrNotFound.
	Session(ctx context.Context, h keys.Secret, now time.Time) (Session, error)
	// TouchSession moves Seen and Expires of a session that still exists, else ErrNotFound.
	TouchSession(ctx context.Context, h keys.Secret, seen, expires time.Time) error
	// EndSession deletes the session of (told.User, told.SID) and returns what it was, or
	// ErrNotFound. From then on the access tokens and codes of that session are not
	// found, but for offline grants. A session with applications beyond told.Applications
	// is not deleted: EndSession returns it as it is, and ErrUntold.
	EndSession(ctx context.Context, told Session, now time.Time) (Session, error)
	// SessionsOf returns the live sessions of a user, newest first.
	SessionsOf(ctx context.Context, user users.ID, now time.Time) ([]Session, error)

	// PutRequest writes a pending authorization request.
	PutRequest(ctx context.Context, r AuthRequest) error
	// Request returns a pending request, or ErrNotFound.
	Request(ctx context.Context, id string, now time.Time) (AuthRequest, error)
	// TakeRequest returns and deletes a pending request; of concurrent calls one
	// succeeds, the others get ErrNotFound.
	TakeRequest(ctx context.Context, id string, now time.Time) (AuthRequest, error)

	// IssueCode writes a code and, in the same step, notes its application in the
	// session of (user, sid) and moves that session's Seen and Expires. It returns ErrNotFound,
	// and writes nothing, when that session has ended.
	IssueCode(ctx context.Context, h keys.Secret, c Code, seen, sessionExpires time.Time) error
	// TakeCode compares check with the code and only then consumes it, leaving a
	// tombstone until tombstone. Of concurrent calls exactly one succeeds.
	//
	// ErrNotFound: unknown, expired, family revoked, or its session has ended.
	// ErrMismatch: check differs; the code can still be redeemed by its owner.
	// ErrReplayed: consumed before; the family has been revoked in this step. A replay by
	// another client is a mismatch and revokes nothing.
	TakeCode(ctx context.Context, h keys.Secret, check CodeCheck, now, tombstone time.Time) (Grant, error)
	// Code returns a code that was not redeemed, also one that has expired or whose family
	// or session has ended, for as long as the store happens to keep it; else ErrNotFound. It tells why a
	// redemption was refused and decides nothing.
	Code(ctx context.Context, h keys.Secret) (Code, error)
	// PutToken writes an access token. That its family was revoked or its session
	// has ended is found when it is used, so a token written too late is dead from the start.
	PutToken(ctx context.Context, h keys.Secret, t AccessToken) error
	// Token returns a live access token whose family is not revoked and whose
	// session lives (offline grants need none), or ErrNotFound.
	Token(ctx context.Context, h keys.Secret, now time.Time) (AccessToken, error)
	// DeleteToken makes one access token unusable and leaves the rest of its family
	// alone. That there is no such token is no error.
	DeleteToken(ctx context.Context, h keys.Secret) error

	// PutRefresh writes the first refresh token of a family, whose grant is offline.
	PutRefresh(ctx context.Context, h keys.Secret, t RefreshToken) error
	// Refresh returns a refresh token of a family that lives: neither revoked nor
	// idle too long nor at its end. It also returns the ones that were rotated
	// away, as such. Otherwise ErrNotFound.
	Refresh(ctx context.Context, h keys.Secret, now time.Time) (RefreshToken, error)
	// RotateRefresh lets r.New take the place of r.Old, the live refresh token of
	// its family, and returns the family's grant. Of concurrent calls exactly one succeeds.
	//
	// ErrNotFound: unknown, expired, family revoked, or the handles are of different users.
	// ErrMismatch: it is another client's; nothing has changed.
	// ErrReplayed: rotated before; the family has been revoked in this step.
	RotateRefresh(ctx context.Context, r Rotation, now time.Time) (Grant, error)
	// FamiliesOf returns the live refresh token of each family of a user that lives,
	// the one that was signed in for last first.
	FamiliesOf(ctx context.Context, user users.ID, now time.Time) ([]RefreshToken, error)

	// RevokeFamily makes every code and token of a family unusable until until.
	RevokeFamily(ctx context.Context, user users.ID, family string, until time.Time) error

	// Reserve counts one try against key and allows it while the window has seen
	// fewer than limit, reserved ones included. The window is fixed and starts with its first try.
	// A store keeps the hash of key only: it may hold a secret, or what somebody typed.
	Reserve(ctx context.Context, key string, limit int, window time.Duration, now time.Time) (Verdict, error)
	// Refund takes back one try, because it was no failure. A window without tries
	// has ended, and leaves nothing behind.
	Refund(ctx context.Context, key string, now time.Time) error

	// PutDevice remembers whose device h is.
	PutDevice(ctx context.Context, h keys.Secret, d Device, expires time.Time) error
	// Device returns whose device h is, or ErrNotFound.
	Device(ctx context.Context, h keys.Secret, now time.Time) (Device, error)

	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
	// Sweep deletes what has expired, where the store does not do so itself.
	Sweep(ctx context.Context, now time.Time) error
	// Name says which store it is, for the log and readiness: "redis" or "sqlite".
	Name() string
	Close() error
}
