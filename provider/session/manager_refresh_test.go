package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
)

// offlineGrant returns what an application holds that asked for offline access.
func (m *managed) offlineGrant() session.Grant {
	m.Helper()
	_, s := m.signIn(m.user, 1, "")
	p := session.Params{ClientID: "c", RedirectURI: "https://acme.example", Scopes: []string{"openid", session.ScopeOffline}, Nonce: "n"}
	code, errIssue := m.IssueCode(m.Context(), s, "personio", p, "")
	g, errRedeem := m.Redeem(m.Context(), code, session.CodeCheck{ClientID: "c", RedirectURI: p.RedirectURI})
	if err := errors.Join(errIssue, errRedeem); err != nil {
		m.Fatal(err)
	}
	return g
}

func (m *managed) issueRefresh(g session.Grant) keys.Secret {
	m.Helper()
	h, err := m.IssueRefresh(m.Context(), g)
	if err != nil {
		m.Fatal(err)
	}
	return h
}

func TestWithoutOfflineAccessThereIsNoRefreshToken(t *testing.T) {
	eachManager(t, func(m *managed) {
		g := m.offlineGrant()
		if !g.Offline {
			t.Error("the grant of a request with offline_access is not offline")
		}
		g.Offline = false
		if h, err := m.IssueRefresh(m.Context(), g); err == nil || h != "" {
			t.Errorf("got %v, %v, want an error", h, err)
		}
	})
}

// N069: 8 hours without use, 30 days whatever the use.
func TestRefreshTokensIdleAndEnd(t *testing.T) {
	eachManager(t, func(m *managed) {
		idle := m.issueRefresh(m.offlineGrant())
		used := m.issueRefresh(m.offlineGrant())
		begin := m.now
		for m.now.Sub(begin) < 30*24*time.Hour-7*time.Hour {
			m.now = m.now.Add(7 * time.Hour)
			next, g, err := m.Refresh(m.Context(), used, "c")
			if err != nil {
				t.Fatalf("after %v: %v", m.now.Sub(begin), err)
			}
			if g.Nonce != "" {
				t.Fatal("the nonce is still in the grant")
			}
			used = next
		}
		m.now = begin.Add(8 * time.Hour)
		if _, _, err := m.Refresh(m.Context(), idle, "c"); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("idle for 8 hours: got %v, want %v", err, session.ErrNotFound)
		}
		m.now = begin.Add(30 * 24 * time.Hour)
		if _, _, err := m.Refresh(m.Context(), used, "c"); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("after 30 days: got %v, want %v", err, session.ErrNotFound)
		}
	})
}

func TestARevokedFamilyCannotBeRefreshed(t *testing.T) {
	eachManager(t, func(m *managed) {
		g := m.offlineGrant()
		h := m.issueRefresh(g)
		if err := m.Revoke(m.Context(), g); err != nil {
			t.Fatal(err)
		}
		for _, later := range []time.Duration{0, 7 * time.Hour, 9 * 24 * time.Hour, 29 * 24 * time.Hour} {
			m.now = start.Add(later)
			if _, _, err := m.Refresh(m.Context(), h, "c"); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%v later: got %v, want %v", later, err, session.ErrNotFound)
			}
		}
	})
}
