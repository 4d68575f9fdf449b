package provider

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// Every combination of prompt, max_age, session and person, against the rules
// of OpenID Connect Core section 3.1.2 written down a second time, as properties.
// R-27 N028
func TestDecideForAllCombinations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	prompts := [][]string{nil, {oidc.PromptNone}, {oidc.PromptLogin}, {oidc.PromptConsent}, {oidc.PromptSelectAccount}, {oidc.PromptLogin, oidc.PromptConsent}}
	maxAges := []*int{nil, new(0), new(60), new(3600)}
	ages := []time.Duration{0, time.Minute, 2 * time.Minute, 2 * time.Hour}
	states := []users.State{users.StateStaged, users.StateActive, users.StateSuspended}
	cases := 0
	for _, prompt := range prompts {
		for _, maxAge := range maxAges {
			for _, age := range ages {
				for _, signedIn := range []bool{false, true} {
					for _, state := range states {
						for _, epoch := range []int64{1, 2} {
							for _, access := range []bool{false, true} {
								for _, waiting := range []time.Duration{0, 90 * time.Second} {
									s := situation{
										params:    session.Params{Prompt: prompt, MaxAge: maxAge},
										requested: now.Add(-waiting),
										person:    users.Decision{State: state, Epoch: epoch, Access: access},
										now:       now,
									}
									if signedIn {
										s.session = &session.Session{Epoch: 1, AuthTime: now.Add(-age)}
									}
									checkDecision(t, s)
									cases++
								}
							}
						}
					}
				}
			}
		}
	}
	if cases < 4000 {
		t.Errorf("only %d combinations", cases)
	}
}

func checkDecision(t *testing.T, s situation) {
	t.Helper()
	got := decide(s)
	silent := slices.Contains(s.params.Prompt, oidc.PromptNone)
	live := s.session != nil && s.person.State == users.StateActive && s.person.Epoch == s.session.Epoch
	describe := fmt.Sprintf("%+v session %+v", s, s.session)
	if silent && (got.verdict == verdictSignIn || got.verdict == verdictDeny) {
		t.Errorf("prompt=none shows a page (%s) for %s", got.verdict, describe)
	}
	if got.verdict == verdictFail && !silent {
		t.Errorf("an interactive request fails without a page for %s", describe)
	}
	if got.verdict == verdictIssue && (!live || !s.person.Access) {
		t.Errorf("issue without a live session and access for %s", describe)
	}
	if !live && got.verdict != verdictSignIn && got.verdict != verdictFail {
		t.Errorf("verdict %s without a live session for %s", got.verdict, describe)
	}
	if !live {
		return
	}
	forThis := !s.session.AuthTime.Before(s.requested)
	fresh := s.params.MaxAge == nil || s.now.Sub(s.session.AuthTime) <= time.Duration(*s.params.MaxAge)*time.Second
	again := slices.Contains(s.params.Prompt, oidc.PromptLogin) || slices.Contains(s.params.Prompt, oidc.PromptSelectAccount)
	if forThis || (fresh && !again) {
		want := verdictIssue
		switch {
		case !s.person.Access && silent:
			want = verdictFail
		case !s.person.Access:
			want = verdictDeny
		}
		if got.verdict != want {
			t.Errorf("verdict %s, want %s for %s", got.verdict, want, describe)
		}
		return
	}
	if silent && (got.verdict != verdictFail || got.err.ErrorType != oidc.LoginRequired) {
		t.Errorf("verdict %s, want login_required for %s", got.verdict, describe)
	}
	if !silent && got.verdict != verdictSignIn {
		t.Errorf("verdict %s, want a new authentication for %s", got.verdict, describe)
	}
}
