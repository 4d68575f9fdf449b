package users

import "time"

// Call is one request of an application, or of a browser on its way from one,
// that came while somebody watched the application.
type Call struct {
	ID          string // sorts calls of one process
	Application ApplicationID
	At          time.Time // UTC, to the millisecond
	Endpoint    Endpoint
	Outcome     CallOutcome
	Reason      CallReason
	// Facts are what the sentence of Reason names. They hold no secret, code or token.
	Facts   map[string]string
	Stray   bool   // whose call it was cannot be said; all who are watched have it
	Request string // id under which the request is logged
	User    ID     // empty: not known
}

// Endpoint is where a call came in.
type Endpoint string

// The endpoints that are watched.
const (
	EndpointAuthorize  Endpoint = "authorize" // with the pages that a request leads to
	EndpointToken      Endpoint = "token"
	EndpointUserinfo   Endpoint = "userinfo"
	EndpointIntrospect Endpoint = "introspect"
	EndpointRevoke     Endpoint = "revoke"
	EndpointPAR        Endpoint = "par"
	EndpointLogout     Endpoint = "end_session"
)

// CallOutcome is what became of a call.
type CallOutcome string

// The outcomes.
const (
	CallDone    CallOutcome = "ok"
	CallWaits   CallOutcome = "waits" // for a person
	CallRefused CallOutcome = "refused"
	CallFailed  CallOutcome = "failed" // it was us
)

// CallReason says why a call came out as it did.
type CallReason string

// Reasons of calls that were answered, and of those that wait for a person.
const (
	CallCodeSent       CallReason = "code_sent"   // address
	CallTokensSent     CallReason = "tokens_sent" // tokens
	CallClaimsSent     CallReason = "claims_sent" // claims, email
	CallTokenActive    CallReason = "token_active"
	CallTokenInactive  CallReason = "token_inactive"
	CallTokenRevoked   CallReason = "token_revoked"
	CallRequestPushed  CallReason = "request_pushed"
	CallSignedOut      CallReason = "signed_out"
	CallSignInAsked    CallReason = "sign_in_asked"
	CallConsentAsked   CallReason = "consent_asked"
	CallSignOutAsked   CallReason = "sign_out_asked"
	CallsLeftOut       CallReason = "calls_left_out"  // count: more came than are kept
	CallUnavailable    CallReason = "unavailable"     // status
	CallRequestRefused CallReason = "request_refused" // error, description
)

// Reasons of refusals that the registration, here or at the application, has to change.
const (
	CallClientUnknown   CallReason = "client_unknown"      // sent, registered
	CallClientIsSecret  CallReason = "client_id_is_secret" // registered
	CallRedirectUnknown CallReason = "redirect_unknown"    // sent, registered
	CallScopeOpenID     CallReason = "scope_openid"
	CallPKCERequired    CallReason = "pkce_required"
	CallPARRequired     CallReason = "par_required"
	CallSecretWrong     CallReason = "secret_wrong"
	CallSecretExpired   CallReason = "secret_expired"
	CallSecretMissing   CallReason = "secret_missing"
	CallMethodOther     CallReason = "method_other" // sent, registered
	CallAssertion       CallReason = "assertion_refused"
	CallTooMany         CallReason = "too_many"
	CallLogoutUnknown   CallReason = "logout_unknown" // sent, registered
	CallLogoutHint      CallReason = "logout_hint"

	CallCodeUnknown  CallReason = "code_unknown"
	CallCodeExpired  CallReason = "code_expired"
	CallCodeUsed     CallReason = "code_used"
	CallCodeClient   CallReason = "code_other_client"
	CallCodeRedirect CallReason = "code_other_redirect" // sent, registered: that of the authorization request
	CallCodePKCE     CallReason = "code_pkce"
	CallCodeNoPKCE   CallReason = "code_pkce_missing"
	CallCodeEnded    CallReason = "code_session_ended"

	CallRefreshUnknown CallReason = "refresh_unknown"
	CallRefreshUsed    CallReason = "refresh_used"
	CallScopeMore      CallReason = "scope_not_granted"

	CallTokenMissing CallReason = "token_missing"
	CallTokenUnknown CallReason = "token_unknown"
	CallTokenOther   CallReason = "token_other_client"
)

// Reasons of refusals that concern the person: with somebody else the same
// request would be answered.
const (
	CallNoGroup       CallReason = "no_group"
	CallNoEmail       CallReason = "no_email"
	CallNoConsent     CallReason = "no_consent"
	CallNotSignedIn   CallReason = "not_signed_in"
	CallPersonState   CallReason = "person_state" // state
	CallPersonEnded   CallReason = "person_sessions_ended"
	CallPersonUnknown CallReason = "person_unknown"
)

// Names of facts.
const (
	FactAddress     = "address"
	FactTokens      = "tokens"
	FactClaims      = "claims"
	FactEmail       = "email" // names of the claims that hold an address of the person
	FactSent        = "sent"
	FactRegistered  = "registered"
	FactStatus      = "status"
	FactError       = "error"
	FactDescription = "description"
	FactState       = "state"
	FactCount       = "count"
)

// AboutPerson reports whether the reason concerns the person and not the application.
func (r CallReason) AboutPerson() bool {
	switch r {
	case CallNoGroup, CallNoEmail, CallNoConsent, CallNotSignedIn, CallPersonState, CallPersonEnded, CallPersonUnknown:
		return true
	}
	return false
}

// Watch is somebody who looks at the calls of an application.
type Watch struct {
	Application ApplicationID
	Holder      string // who; one holder has one watch of an application
	Until       time.Time
}
