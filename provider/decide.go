package provider

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// verdict is what to do with an authorization request.
type verdict string

// The verdicts.
const (
	verdictIssue  verdict = "issue"   // answer with a code now
	verdictSignIn verdict = "sign_in" // show the sign-in form, also to authenticate again
	verdictDeny   verdict = "deny"    // the person may not use this application
	verdictFail   verdict = "fail"    // answer with an error now
)

// Reasons of a denial, as they stand in events and select the sentence of the page.
const reasonNoGroup = "no_group"

// decision is a verdict with what it needs.
type decision struct {
	verdict verdict
	reason  string      // of a denial
	err     *oidc.Error // of a failure
}

// situation is everything a decision depends on.
type situation struct {
	params    session.Params
	requested time.Time        // when the request came in
	session   *session.Session // of the browser; nil: none
	person    users.Decision   // of the session's user for this application
	now       time.Time
}

// decide answers an authorization request (OpenID Connect Core section 3.1.2).
// It has no side effect; a table in its test covers all combinations.
func decide(s situation) decision {
	silent := slices.Contains(s.params.Prompt, oidc.PromptNone)
	if !s.signedIn() || s.mustAuthenticate() {
		if silent {
			return decision{verdict: verdictFail, err: errLoginRequired()}
		}
		return decision{verdict: verdictSignIn}
	}
	if s.person.Access {
		return decision{verdict: verdictIssue}
	}
	if silent {
		return decision{verdict: verdictFail, reason: reasonNoGroup, err: errAccessDenied()}
	}
	return decision{verdict: verdictDeny, reason: reasonNoGroup}
}

// signedIn reports whether the browser's session is one: an active person's,
// and no older than the last thing that ended their sessions.
func (s situation) signedIn() bool {
	return s.session != nil && s.person.State == users.StateActive && s.person.Epoch == s.session.Epoch
}

// mustAuthenticate reports whether the request asks for a newer authentication
// than the session has. One made for this very request always is new enough.
func (s situation) mustAuthenticate() bool {
	if !s.session.AuthTime.Before(s.requested) {
		return false
	}
	if slices.Contains(s.params.Prompt, oidc.PromptLogin) || slices.Contains(s.params.Prompt, oidc.PromptSelectAccount) {
		return true
	}
	return s.params.MaxAge != nil && s.now.Sub(s.session.AuthTime) > time.Duration(*s.params.MaxAge)*time.Second
}
