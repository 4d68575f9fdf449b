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
	verdictAsk    verdict = "ask"     // show the consent page
	verdictDeny   verdict = "deny"    // the person may not use this application
	verdictFail   verdict = "fail"    // answer with an error now
)

// Reasons of a denial, as they stand in events and select the sentence of the page.
const (
	reasonNoGroup = "no_group"
	reasonNoEmail = "no_email"
)

// decision is a verdict with what it needs.
type decision struct {
	verdict verdict
	reason  string      // of a denial
	err     *oidc.Error // of a failure
	acr     string      // of an issue: the class that is said in the ID token
}

// failure is the error of a failure, with its reason for the log where it is a denial.
func (d decision) failure() *oidc.Error {
	if d.reason == "" {
		return d.err
	}
	return d.err.WithParent(deniedCauses[d.reason])
}

// deniedCauses are the reasons of denials, in the words of watched calls.
var deniedCauses = map[string]*cause{
	reasonNoGroup: because(users.CallNoGroup), reasonNoEmail: because(users.CallNoEmail),
}

// consent is what the person has said about releasing what is asked for.
type consent int

// The consents, from nothing to this very moment.
const (
	consentNone       consent = iota
	consentRemembered         // given before, for all of what is asked for now
	consentGiven              // given for this very request
)

// situation is everything a decision depends on.
type situation struct {
	params     session.Params
	claims     claimsRequest    // the claims parameter
	trusted    bool             // the organization has consented for everybody
	anyPort    bool             // whatever program listens on a port of the person's machine gets the answer
	needsEmail bool             // the application needs the person's address
	consent    consent          // of the session's user; counts only without trust
	requested  time.Time        // when the request came in
	session    *session.Session // of the browser; nil: none
	person     users.Decision   // of the session's user for this application
	now        time.Time
}

// decide answers an authorization request (OpenID Connect Core section 3.1.2).
// It has no side effect; a table in its test covers all combinations.
func decide(s situation) decision {
	silent := slices.Contains(s.params.Prompt, oidc.PromptNone)
	switch {
	case !s.signedIn() || s.mustAuthenticate():
		if silent {
			return decision{verdict: verdictFail, err: errLoginRequired()}
		}
		return decision{verdict: verdictSignIn}
	case !s.isMeant(): // who has just signed in is not whom the client asked for
		return decision{verdict: verdictFail, err: errLoginRequired()}
	case s.acrUnmet():
		return decision{verdict: verdictFail, err: errUnmetAuthentication()}
	case s.denial() != "" && silent:
		return decision{verdict: verdictFail, reason: s.denial(), err: errAccessDenied()}
	case s.denial() != "":
		return decision{verdict: verdictDeny, reason: s.denial()}
	case s.mustAsk() && silent:
		return decision{verdict: verdictFail, err: errConsentRequired()}
	case s.mustAsk():
		return decision{verdict: verdictAsk}
	}
	return decision{verdict: verdictIssue, acr: chooseACR(askedACRs(s.params, s.claims), *s.session)}
}

// denial is why the session's user may not use the application, or empty.
func (s situation) denial() string {
	switch {
	case !s.person.Access:
		return reasonNoGroup
	case s.needsEmail && !s.person.HasEmail:
		return reasonNoEmail
	}
	return ""
}

// isMeant reports whether the session is of the person whom an id_token_hint or
// the claims parameter names, if any does.
func (s situation) isMeant() bool {
	hint := s.params.HintSubject
	return (hint == "" || hint == string(s.session.User)) && s.claims.isFor(s.session.User)
}

// acrUnmet reports whether the request insists on a class of authentication that the session lacks.
func (s situation) acrUnmet() bool {
	essential := essentialACRs(s.claims)
	return len(essential) > 0 && chooseACR(essential, *s.session) == ""
}

// mustAsk reports whether the person has to consent first. A trusted application has no consent
// page, unless nobody knows which program asks in its name: then the person must
// know that they have just begun this (RFC 8252 section 8.6).
func (s situation) mustAsk() bool {
	switch {
	case s.consent == consentGiven:
		return false
	case s.anyPort:
		return true
	case s.trusted:
		return false
	}
	return s.consent == consentNone || slices.Contains(s.params.Prompt, oidc.PromptConsent)
}

// signedIn reports whether the browser has a session, and it still counts.
func (s situation) signedIn() bool {
	return s.session != nil && s.person.Lives(s.session.Epoch)
}

// mustAuthenticate reports whether the request asks for another or a newer
// authentication than the session has. One made for this very request always is new enough.
// Any other is older than the request, also by a clock that is behind the one that wrote it.
func (s situation) mustAuthenticate() bool {
	if !s.session.AuthTime.Before(s.requested) {
		return false
	}
	if !s.isMeant() {
		return true
	}
	if slices.Contains(s.params.Prompt, oidc.PromptLogin) || slices.Contains(s.params.Prompt, oidc.PromptSelectAccount) {
		return true
	}
	age := max(s.now.Sub(s.session.AuthTime), s.requested.Sub(s.session.AuthTime))
	return s.params.MaxAge != nil && age > time.Duration(*s.params.MaxAge)*time.Second
}
