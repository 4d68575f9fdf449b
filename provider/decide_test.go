package provider

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

var decideNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// aheadBy is how far the clock was ahead of ours that wrote a session.
const aheadBy = 80 * time.Second

// sessionsAndPeople are all combinations of a browser's session and its person.
func sessionsAndPeople() iter.Seq[situation] {
	return func(yield func(situation) bool) {
		for _, age := range []*time.Duration{nil, new(-aheadBy), new(time.Duration(0)), new(time.Minute), new(2 * time.Minute), new(2 * time.Hour)} {
			for _, state := range []users.State{users.StateStaged, users.StateActive, users.StateSuspended} {
				for _, epoch := range []int64{1, 2} {
					for _, s := range accesses() {
						s.person.State, s.person.Epoch, s.now = state, epoch, decideNow
						if age != nil {
							s.session = &session.Session{User: "ada", Epoch: 1, AuthTime: decideNow.Add(-*age), AMR: []string{"pwd"}}
						}
						if !yield(s) {
							return
						}
					}
				}
			}
		}
	}
}

// accesses are all combinations of what access depends on.
func accesses() []situation {
	var all []situation
	for i := range 8 {
		all = append(all, situation{needsEmail: i&1 > 0, person: users.Decision{Access: i&2 > 0, HasEmail: i&4 > 0}})
	}
	return all
}

// requests are all combinations of what a request can ask for.
func requests() iter.Seq[situation] {
	prompts := [][]string{nil, {oidc.PromptNone}, {oidc.PromptLogin}, {oidc.PromptConsent}, {oidc.PromptSelectAccount}, {oidc.PromptLogin, oidc.PromptConsent}}
	essential := func(class string) claimsRequest {
		value, _ := json.Marshal(class)
		return claimsRequest{IDToken: map[string]*claimRequest{"acr": {Essential: true, Value: value}}}
	}
	subject := func(id string) claimsRequest {
		return claimsRequest{UserInfo: map[string]*claimRequest{"sub": {Value: json.RawMessage(`"` + id + `"`)}}}
	}
	claims := []claimsRequest{{}, essential(acrPassword), essential("urn:example:gold"), subject("ada"), subject("bob")}
	return func(yield func(situation) bool) {
		for _, prompt := range prompts {
			for _, maxAge := range []*int{nil, new(0), new(60), new(3600)} {
				for _, hint := range []string{"", "ada", "bob"} {
					for _, c := range claims {
						for _, requested := range []time.Time{
							decideNow, decideNow.Add(-90 * time.Second),
							arrival(decideNow, &session.Session{AuthTime: decideNow.Add(aheadBy)}),
						} {
							s := situation{
								params:    session.Params{Prompt: prompt, MaxAge: maxAge, HintSubject: hint},
								claims:    c,
								requested: requested,
							}
							if !yield(s) {
								return
							}
						}
					}
				}
			}
		}
	}
}

// Every combination of prompt, max_age, hint, claims, consent, session and
// person, against the rules of OpenID Connect Core section 3.1.2 written down a
// second time, as properties.
// R-27 N028 N039
// F-15
func TestDecideForAllCombinations(t *testing.T) {
	t.Parallel()
	cases := 0
	for request := range requests() {
		for s := range sessionsAndPeople() {
			s.params, s.claims, s.requested = request.params, request.claims, request.requested
			for _, trusted := range []bool{true, false} {
				for _, c := range []consent{consentNone, consentRemembered, consentGiven} {
					for _, anyPort := range []bool{true, false} {
						s.trusted, s.consent, s.anyPort = trusted, c, anyPort
						checkDecision(t, s)
						cases++
					}
				}
			}
			if t.Failed() {
				return // one request's failures tell enough
			}
		}
	}
	if cases < 200_000 {
		t.Errorf("only %d combinations", cases)
	}
}

func checkDecision(t *testing.T, s situation) {
	t.Helper()
	got := decide(s)
	want, code := expected(s)
	if got.verdict != want || (got.err == nil) != (code == "") || got.err != nil && string(got.err.ErrorType) != code {
		t.Errorf("verdict %s %v, want %s %s for %s", got.verdict, got.err, want, code, describe(s))
	}
	live := s.session != nil && s.person.State == users.StateActive && s.person.Epoch == s.session.Epoch
	if got.verdict == verdictIssue && (!live || !s.person.Access || s.needsEmail && !s.person.HasEmail || isSomebodyElse(s)) {
		t.Errorf("issue without a live session of the right person, or without access, for %s", describe(s))
	}
	if got.verdict == verdictIssue && s.params.MaxAge != nil && *s.params.MaxAge == 0 && s.session.AuthTime.Before(s.requested) {
		t.Errorf("max_age=0 is content with an authentication from before the request, for %s", describe(s))
	}
	if shows := got.verdict != verdictIssue && got.verdict != verdictFail; shows && slices.Contains(s.params.Prompt, oidc.PromptNone) {
		t.Errorf("prompt=none shows a page (%s) for %s", got.verdict, describe(s))
	}
}

// isSomebodyElse reports whether hint or claims name another person than the session's.
func isSomebodyElse(s situation) bool {
	asked := s.claims.UserInfo["sub"]
	return s.params.HintSubject == "bob" || asked != nil && string(asked.Value) == `"bob"`
}

// expected is the verdict by the letter of the specification, with the error code of a failure.
func expected(s situation) (want verdict, code string) {
	silent := slices.Contains(s.params.Prompt, oidc.PromptNone)
	page := func(v verdict, code string) (verdict, string) {
		if silent {
			return verdictFail, code
		}
		return v, ""
	}
	if s.session == nil || s.person.State != users.StateActive || s.person.Epoch != s.session.Epoch {
		return page(verdictSignIn, "login_required")
	}
	forThis := !s.session.AuthTime.Before(s.requested)
	asOf := s.now
	if s.requested.After(asOf) { // our clock is behind the one that wrote the session
		asOf = s.requested
	}
	stale := s.params.MaxAge != nil && asOf.Sub(s.session.AuthTime) > time.Duration(*s.params.MaxAge)*time.Second
	again := slices.Contains(s.params.Prompt, oidc.PromptLogin) || slices.Contains(s.params.Prompt, oidc.PromptSelectAccount)
	asked := s.claims.IDToken["acr"]
	switch {
	case !forThis && (stale || again || isSomebodyElse(s)):
		return page(verdictSignIn, "login_required")
	case isSomebodyElse(s):
		return verdictFail, "login_required"
	case asked != nil && string(asked.Value) == `"urn:example:gold"`:
		return verdictFail, "unmet_authentication_requirements"
	case !s.person.Access || s.needsEmail && !s.person.HasEmail:
		return page(verdictDeny, "access_denied")
	case s.consent == consentGiven || s.trusted && !s.anyPort:
		return verdictIssue, ""
	case s.anyPort || s.consent == consentNone || slices.Contains(s.params.Prompt, oidc.PromptConsent):
		return page(verdictAsk, "consent_required")
	}
	return verdictIssue, ""
}

func describe(s situation) string { return fmt.Sprintf("%+v session %+v", s, s.session) }

// What was proven is said, in the client's order; what was not proven, or nobody asked for, is not.
func TestDecideSaysTheClassThatWasProven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked  []string
		claims string
		want   string
	}{
		"nobody asked":             {nil, "", ""},
		"unknown":                  {[]string{"1", "2"}, "", ""},
		"unknown and known":        {[]string{"1", acrPassword}, "", acrPassword},
		"all that are advertised":  {acrValues(), "", acrValues()[0]},
		"by the claims parameter":  {nil, `{"id_token":{"acr":null}}`, acrPassword},
		"by value":                 {nil, `{"id_token":{"acr":{"values":["` + acrPassword + `"]}}}`, acrPassword},
		"unknown value, voluntary": {nil, `{"id_token":{"acr":{"value":"gold"}}}`, ""},
	} {
		request, failure := readClaims(c.claims)
		if failure != nil {
			t.Fatal(failure)
		}
		got := decide(situation{
			params: session.Params{ACRValues: c.asked}, claims: request, trusted: true, requested: decideNow, now: decideNow,
			session: &session.Session{Epoch: 1, AuthTime: decideNow, AMR: []string{"pwd"}},
			person:  users.Decision{State: users.StateActive, Epoch: 1, Access: true},
		})
		if got.verdict != verdictIssue || got.acr != c.want {
			t.Errorf("%s: %s with acr %q, want issue with %q", name, got.verdict, got.acr, c.want)
		}
	}
}
