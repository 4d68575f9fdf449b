package session_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// N363
func TestEverythingSurvivesARestart(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		ctx := t.Context()
		s := b.open(t)
		live, taken, revoked, ended := stored(t, s), stored(t, s), stored(t, s), stored(t, s)
		token, device := session.NewHandle(live.session.User), session.NewHandle(live.session.User)
		refresh, errRefresh := live.putRefresh(ctx, s)
		rotated, errRotated := taken.putRefresh(ctx, s)
		deleted := session.NewHandle(live.session.User)
		request := session.AuthRequest{ID: string(users.NewID()), Expires: idleEnd}
		ended.session.Applications = []users.ApplicationID{ended.code.Grant.Application}
		_, errEnd := s.EndSession(ctx, ended.session, start)
		_, errReserve := s.Reserve(ctx, "k", 1, time.Hour, start)
		if err := errors.Join(
			taken.take(ctx, s),
			s.PutToken(ctx, token, live.token()),
			s.RevokeFamily(ctx, revoked.session.User, revoked.code.Grant.Family, familyEnd),
			errEnd, errReserve, errRefresh, errRotated,
			rotate(ctx, s, rotated),
			s.PutToken(ctx, deleted, live.token()),
			s.DeleteToken(ctx, deleted),
			s.PutRequest(ctx, request),
			s.PutDevice(ctx, device, session.Device{User: live.session.User, Epoch: 1}, idleEnd),
			s.Close(),
		); err != nil {
			t.Fatal(err)
		}

		b.crash()
		s = b.open(t)
		_, errSession := s.Session(ctx, live.cookie, start)
		_, errEnded := s.Session(ctx, ended.cookie, start)
		_, errToken := s.Token(ctx, token, start)
		_, errRequest := s.Request(ctx, request.ID, start)
		_, errDevice := s.Device(ctx, device, start)
		_, errDeleted := s.Token(ctx, deleted, start)
		for what, err := range map[string][2]error{
			"session":                  {errSession, nil},
			"ended session":            {errEnded, session.ErrNotFound},
			"code":                     {live.take(ctx, s), nil},
			"taken code":               {taken.take(ctx, s), session.ErrReplayed},
			"code of a revoked family": {revoked.take(ctx, s), session.ErrNotFound},
			"code of an ended session": {ended.take(ctx, s), session.ErrNotFound},
			"token":                    {errToken, nil},
			"deleted token":            {errDeleted, session.ErrNotFound},
			"refresh token":            {rotate(ctx, s, refresh), nil},
			"rotated refresh token":    {rotate(ctx, s, rotated), session.ErrReplayed},
			"request":                  {errRequest, nil},
			"device":                   {errDevice, nil},
		} {
			if !errors.Is(err[0], err[1]) {
				t.Errorf("%s after the restart: got error %v, want %v", what, err[0], err[1])
			}
		}
		if v, err := s.Reserve(ctx, "k", 1, time.Hour, start); err != nil || v.Allowed {
			t.Errorf("throttle after the restart: got %+v, %v, want it to be closed", v, err)
		}
	})
}

// N142
func TestNoSecretIsStored(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		ctx := t.Context()
		m, err := session.NewManager(session.Config{Store: b.open(t), Now: func() time.Time { return start }})
		if err != nil {
			t.Fatal(err)
		}
		user, browser := users.NewID(), keys.NewSecret()
		in, errSignIn := m.SignIn(ctx, session.Proof{User: user, Epoch: 1, AMR: []string{"pwd"}}, "")
		cookie, s := in.Cookie, in.Session
		request, errStart := m.Start(ctx, "personio", session.Params{ClientID: "c", RedirectURI: "https://acme.example"}, browser)
		code, errCode := m.IssueCode(ctx, s, "personio", request.Params, "")
		grant, errRedeem := m.Redeem(ctx, code, session.CodeCheck{ClientID: "c", RedirectURI: "https://acme.example"})
		unused, errUnused := m.IssueCode(ctx, s, "personio", request.Params, "")
		token, _, errToken := m.IssueToken(ctx, grant)
		grant.Offline = true
		rotated, errRefresh := m.IssueRefresh(ctx, grant)
		refresh, _, errRotate := m.Refresh(ctx, rotated, "c")
		device, errDevice := m.RememberDevice(ctx, session.Device{User: user, Epoch: 1})
		typed := "typed-" + browser.Reveal()
		_, errReserve := m.Reserve(ctx, typed, 5, time.Hour)
		if err := errors.Join(errSignIn, errStart, errCode, errRedeem, errUnused, errToken, errRefresh, errRotate, errDevice, errReserve); err != nil {
			t.Fatal(err)
		}

		stored := contents(t, b.dir)
		if !bytes.Contains(stored, []byte(user)) {
			t.Fatal("the user is not in the files that were read: they prove nothing")
		}
		for what, h := range map[string]keys.Secret{
			"cookie": cookie, "taken code": code, "code": unused, "token": token, "rotated refresh token": rotated, "refresh token": refresh, "device": device, "browser": "." + browser,
		} {
			_, secret, _ := strings.Cut(h.Reveal(), ".")
			if bytes.Contains(stored, []byte(secret)) {
				t.Errorf("the secret of the %s is in the files", what)
			}
		}
	})
}

// contents returns the bytes of all files in dir.
func contents(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
