package users

import (
	"net/url"
	"slices"
	"strings"
)

// Verdict is what the calls at an application say about its sign-in: whether
// everything works that both sides have to configure.
type Verdict struct {
	State  VerdictState
	Reason VerdictReason
	Call   Call // that decided; the zero value: none has come
}

// VerdictState is the short form of a verdict.
type VerdictState string

// The states.
const (
	VerdictWaiting VerdictState = "waiting" // for the next step
	VerdictWorks   VerdictState = "works"
	VerdictFails   VerdictState = "fails"
)

// VerdictReason is what a verdict says.
type VerdictReason string

// The reasons.
const (
	VerdictNothing         VerdictReason = "nothing"          // no call has come
	VerdictPersonAwaited   VerdictReason = "person_awaited"   // a page waits for somebody
	VerdictTokenAwaited    VerdictReason = "token_awaited"    // a code was sent
	VerdictUserinfoAwaited VerdictReason = "userinfo_awaited" // tokens were sent
	VerdictComplete        VerdictReason = "complete"         // all steps, and the e-mail address was released
	VerdictCompleteNoEmail VerdictReason = "complete_without_email"
	VerdictEmailMissing    VerdictReason = "email_missing" // all steps, but the application knows people by it
	VerdictRefused         VerdictReason = "refused"       // the call says why
)

// JudgeCalls says what calls, oldest first, mean for the sign-in to a. Once it has worked
// for somebody the configuration is right, and that somebody else is denied says
// nothing against it. Calls that may be anybody's count for nothing.
func JudgeCalls(a Application, calls []Call) Verdict {
	v := Verdict{State: VerdictWaiting, Reason: VerdictNothing}
	redeemed := map[ID]bool{} // people for whom a code was redeemed
	for _, c := range calls {
		if c.Stray || !slices.Contains([]Endpoint{EndpointAuthorize, EndpointToken, EndpointUserinfo, EndpointPAR}, c.Endpoint) {
			continue
		}
		if c.Reason == CallTokensSent {
			redeemed[c.User] = true
		}
		next := judgeCall(a, c, redeemed[c.User])
		settled := v.State == VerdictWorks && (next.State == VerdictWaiting || c.Reason.AboutPerson())
		if next.Reason != "" && !settled {
			v = next
		}
	}
	return v
}

// judgeCall says what one call means. No reason: nothing.
func judgeCall(a Application, c Call, redeemed bool) Verdict {
	switch {
	case c.Outcome == CallRefused || c.Outcome == CallFailed:
		return Verdict{VerdictFails, VerdictRefused, c}
	case c.Outcome == CallWaits:
		return Verdict{VerdictWaiting, VerdictPersonAwaited, c}
	case c.Reason == CallCodeSent:
		return Verdict{VerdictWaiting, VerdictTokenAwaited, c}
	case c.Reason == CallTokensSent:
		return Verdict{VerdictWaiting, VerdictUserinfoAwaited, c}
	case c.Reason != CallClaimsSent || !redeemed:
		return Verdict{}
	case c.Facts[FactEmail] != "":
		return Verdict{VerdictWorks, VerdictComplete, c}
	case a.isPersonio():
		return Verdict{VerdictFails, VerdictEmailMissing, c}
	}
	return Verdict{VerdictWorks, VerdictCompleteNoEmail, c}
}

// isPersonio reports whether people sign in to Personio there, which finds them by their e-mail address.
func (a Application) isPersonio() bool {
	if a.Import != nil && a.Import.Source == SourcePersonio {
		return true
	}
	return a.SignIn != nil && slices.ContainsFunc(a.SignIn.RedirectURIs, func(uri string) bool {
		u, err := url.Parse(uri)
		if err != nil {
			return false
		}
		host := "." + strings.ToLower(u.Hostname())
		return strings.HasSuffix(host, ".personio.de") || strings.HasSuffix(host, ".personio.com")
	})
}
