package sessiontest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// start is the time of every test. No test sleeps; each passes the now it means.
var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// Ends of what the tests write.
var (
	codeEnd    = start.Add(time.Minute)
	tokenEnd   = start.Add(15 * time.Minute)
	idleEnd    = start.Add(12 * time.Hour)
	familyEnd  = start.Add(8 * 24 * time.Hour)
	refreshEnd = start.Add(8 * time.Hour)
	offlineEnd = start.Add(30 * 24 * time.Hour)
	redirect   = "https://acme.example/callback?tenant=a&b=<ü>" // characters that JSON escapes
	challenge  = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	racers     = 64
	anyTextual = cmpopts.EquateEmpty()
)

// test is one promise of the contract.
type test struct {
	name string
	run  func(f *fixture)
}

// Run proves the contract of [session.Store]. Every call of open within one test must
// open the same store anew; other tests may use it at the same time.
func Run(t *testing.T, open func(t *testing.T) session.Store) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"handles", handleTests},
		{"sessions", sessionTests},
		{"requests", requestTests},
		{"codes", codeTests},
		{"tokens", tokenTests},
		{"refresh tokens", refreshTests},
		{"throttles", throttleTests},
		{"devices", deviceTests},
		{"store", storeTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(&fixture{
						T:     t,
						open:  open,
						store: open(t),
						user:  users.NewID(),
					})
				})
			}
		})
	}
}

// fixture is a test with a store and a user nobody else has.
type fixture struct {
	*testing.T
	open  func(t *testing.T) session.Store
	store session.Store
	user  users.ID
}

// session returns a session of the user that is not stored yet.
func (f *fixture) session() session.Session {
	return session.Session{
		SID:      string(users.NewID()),
		User:     f.user,
		Epoch:    3,
		AuthTime: start,
		AMR:      []string{"pwd", "otp"},
		Agent:    session.Agent{Browser: "Firefox", System: "Windows"},
		Created:  start,
		Seen:     start,
		Expires:  idleEnd,
	}
}

// device returns a device of the user.
func (f *fixture) device() session.Device { return session.Device{User: f.user, Epoch: 3} }

// signIn stores a session and returns it with the handle of its cookie.
func (f *fixture) signIn() (keys.Secret, session.Session) {
	f.Helper()
	h, s := session.NewHandle(f.user), f.session()
	f.must(f.store.PutSession(f.Context(), h, s))
	return h, s
}

// code returns a code of s that is not stored yet.
func (f *fixture) code(s session.Session) session.Code {
	return session.Code{
		Grant: session.Grant{
			Family:      string(users.NewID()),
			SID:         s.SID,
			User:        s.User,
			Application: "personio",
			ClientID:    "personio-client",
			Scopes:      []string{"openid", "email"},
			Epoch:       s.Epoch,
			AuthTime:    s.AuthTime,
			AMR:         s.AMR,
			Nonce:       "n-0S6_WzA2Mj",
			Claims:      `{"userinfo":{"email":null}}`,
		},
		RedirectURI:   redirect,
		CodeChallenge: challenge,
		Expires:       codeEnd,
	}
}

// issue stores a code and returns its handle.
func (f *fixture) issue(c session.Code) keys.Secret {
	f.Helper()
	h := session.NewHandle(c.Grant.User)
	f.must(f.store.IssueCode(f.Context(), h, c, start, idleEnd))
	return h
}

// checkOf returns what the owner of c sends at redemption.
func checkOf(c session.Code) session.CodeCheck {
	return session.CodeCheck{ClientID: c.Grant.ClientID, RedirectURI: c.RedirectURI, Challenge: c.CodeChallenge}
}

func (f *fixture) take(h keys.Secret, check session.CodeCheck, now time.Time) (session.Grant, error) {
	return f.store.TakeCode(f.Context(), h, check, now, familyEnd)
}

// putToken stores an access token of g and returns its handle.
func (f *fixture) putToken(g session.Grant) keys.Secret {
	f.Helper()
	h := session.NewHandle(g.User)
	f.must(f.store.PutToken(f.Context(), h, session.AccessToken{Grant: g, Expires: tokenEnd}))
	return h
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// wantErr fails the test unless err is want; what says what was tried.
func (f *fixture) wantErr(what string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func (f *fixture) wantEqual(what string, got, want any) {
	f.Helper()
	if diff := cmp.Diff(want, got, anyTextual); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantSession fails the test unless the session of h exists.
func (f *fixture) wantSession(what string, h keys.Secret) session.Session {
	f.Helper()
	s, err := f.store.Session(f.Context(), h, start)
	if err != nil {
		f.Errorf("%s: %v", what, err)
	}
	return s
}

// wantNoSession fails the test unless none of the handles leads to a session.
func (f *fixture) wantNoSession(what string, handles ...keys.Secret) {
	f.Helper()
	for _, h := range handles {
		_, err := f.store.Session(f.Context(), h, start)
		f.wantErr(what, err, session.ErrNotFound)
	}
}

// wantToken fails the test unless the token of h is live.
func (f *fixture) wantToken(what string, h keys.Secret) {
	f.Helper()
	if _, err := f.store.Token(f.Context(), h, start); err != nil {
		f.Errorf("%s: %v", what, err)
	}
}

// wantNoToken fails the test unless the token of h is not found.
func (f *fixture) wantNoToken(what string, h keys.Secret) {
	f.Helper()
	_, err := f.store.Token(f.Context(), h, start)
	f.wantErr(what, err, session.ErrNotFound)
}

// race calls try from many goroutines at once, spread over several handles to
// the store, and returns the errors.
func (f *fixture) race(handles int, try func(s session.Store) error) []error {
	f.Helper()
	stores := []session.Store{f.store}
	for range handles - 1 {
		stores = append(stores, f.open(f.T))
	}
	errs := make([]error, racers)
	var ready, done sync.WaitGroup
	ready.Add(racers)
	for i := range racers {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = try(stores[i%len(stores)])
		})
	}
	done.Wait()
	return errs
}

// wantOnce fails the test unless exactly one error is nil and the others are want.
func (f *fixture) wantOnce(errs []error, want error) {
	f.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		f.wantErr("one that lost", err, want)
	}
	if won != 1 {
		f.Errorf("%d of %d succeeded, want 1", won, len(errs))
	}
}

// withTag returns h as somebody would write it who claims another user's tag.
func withTag(h keys.Secret, user users.ID) keys.Secret {
	_, secret, _ := strings.Cut(h.Reveal(), ".")
	return keys.Secret(string(session.TagOf(user)) + "." + secret)
}

// lookups are all ways to find something of the user by a handle.
func (f *fixture) lookups(ctx context.Context, h keys.Secret) map[string]error {
	s := f.store
	_, errSession := s.Session(ctx, h, start)
	_, errCode := s.TakeCode(ctx, h, session.CodeCheck{}, start, familyEnd)
	_, errToken := s.Token(ctx, h, start)
	_, errDevice := s.Device(ctx, h, start)
	_, errRefresh := s.Refresh(ctx, h, start)
	tag, _, _ := strings.Cut(h.Reveal(), ".")
	next := keys.Secret(tag + "." + keys.NewSecret().Reveal())
	_, errRotate := s.RotateRefresh(ctx, session.Rotation{Old: h, New: next, IdleEnd: refreshEnd}, start)
	return map[string]error{
		"Refresh":       errRefresh,
		"RotateRefresh": errRotate,
		"Session":       errSession,
		"RenewSession":  s.RenewSession(ctx, h, session.NewHandle(f.user), f.session()),
		"TouchSession":  s.TouchSession(ctx, h, start, idleEnd),
		"TakeCode":      errCode,
		"Token":         errToken,
		"Device":        errDevice,
	}
}
