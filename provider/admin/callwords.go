package admin

import (
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// callKeys are the sentences about calls, by their reason. The facts of a call
// are the parameters of its sentence.
var callKeys = map[users.CallReason]string{
	users.CallCodeSent:        "call.code_sent",
	users.CallTokensSent:      "call.tokens_sent",
	users.CallClaimsSent:      "call.claims_sent",
	users.CallTokenActive:     "call.token_active",
	users.CallTokenInactive:   "call.token_inactive",
	users.CallTokenRevoked:    "call.token_revoked",
	users.CallRequestPushed:   "call.request_pushed",
	users.CallSignedOut:       "call.signed_out",
	users.CallSignInAsked:     "call.sign_in_asked",
	users.CallConsentAsked:    "call.consent_asked",
	users.CallSignOutAsked:    "call.sign_out_asked",
	users.CallsLeftOut:        "call.calls_left_out",
	users.CallUnavailable:     "call.unavailable",
	users.CallRequestRefused:  "call.request_refused",
	users.CallClientUnknown:   "call.client_unknown",
	users.CallClientIsSecret:  "call.client_id_is_secret",
	users.CallRedirectUnknown: "call.redirect_unknown",
	users.CallScopeOpenID:     "call.scope_openid",
	users.CallPKCERequired:    "call.pkce_required",
	users.CallPARRequired:     "call.par_required",
	users.CallSecretWrong:     "call.secret_wrong",
	users.CallSecretExpired:   "call.secret_expired",
	users.CallSecretMissing:   "call.secret_missing",
	users.CallMethodOther:     "call.method_other",
	users.CallAssertion:       "call.assertion_refused",
	users.CallTooMany:         "call.too_many",
	users.CallLogoutUnknown:   "call.logout_unknown",
	users.CallLogoutHint:      "call.logout_hint",
	users.CallCodeUnknown:     "call.code_unknown",
	users.CallCodeExpired:     "call.code_expired",
	users.CallCodeUsed:        "call.code_used",
	users.CallCodeClient:      "call.code_other_client",
	users.CallCodeRedirect:    "call.code_other_redirect",
	users.CallCodePKCE:        "call.code_pkce",
	users.CallCodeNoPKCE:      "call.code_pkce_missing",
	users.CallCodeEnded:       "call.code_session_ended",
	users.CallRefreshUnknown:  "call.refresh_unknown",
	users.CallRefreshUsed:     "call.refresh_used",
	users.CallScopeMore:       "call.scope_not_granted",
	users.CallTokenMissing:    "call.token_missing",
	users.CallTokenUnknown:    "call.token_unknown",
	users.CallTokenOther:      "call.token_other_client",
	users.CallNoGroup:         "call.no_group",
	users.CallNoEmail:         "call.no_email",
	users.CallNoConsent:       "call.no_consent",
	users.CallNotSignedIn:     "call.not_signed_in",
	users.CallPersonState:     "call.person_state",
	users.CallPersonEnded:     "call.person_sessions_ended",
	users.CallPersonUnknown:   "call.person_unknown",
}

var verdictKeys = map[users.VerdictReason]string{
	users.VerdictNothing:         "verdict.nothing",
	users.VerdictPersonAwaited:   "verdict.person_awaited",
	users.VerdictTokenAwaited:    "verdict.token_awaited",
	users.VerdictUserinfoAwaited: "verdict.userinfo_awaited",
	users.VerdictComplete:        "verdict.complete",
	users.VerdictCompleteNoEmail: "verdict.complete_without_email",
	users.VerdictEmailMissing:    "verdict.email_missing",
	users.VerdictRefused:         "verdict.refused",
}

// sayer has the texts of one language.
type sayer interface {
	Say(key string, pairs ...string) string
}

// SayCall returns the sentences about a call: what happened, and what to change.
func SayCall(words sayer, c users.Call) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(c.Facts)) {
		value := c.Facts[name]
		if key, known := personStateKeys[users.State(value)]; name == users.FactState && known {
			value = words.Say(key)
		}
		pairs = append(pairs, name, value)
	}
	return words.Say(callKeys[c.Reason], pairs...)
}

// personStateKeys are the words for why somebody cannot sign in.
var personStateKeys = map[users.State]string{users.StateStaged: "call.state_staged", users.StateSuspended: "call.state_suspended"}

// SayVerdict returns the sentences about a verdict, with those about the call that was refused.
func SayVerdict(words sayer, a users.Application, v users.Verdict) string {
	text := words.Say(verdictKeys[v.Reason], "application", a.Label, "step", string(v.Call.Endpoint))
	if v.Reason == users.VerdictRefused {
		text += " " + SayCall(words, v.Call)
	}
	return text
}
