package users_test

import (
	"testing"

	"github.com/einlass/einlass/users"
)

// theCall is a call of a person at an endpoint.
func theCall(endpoint users.Endpoint, outcome users.CallOutcome, reason users.CallReason, person users.ID) users.Call {
	return users.Call{Endpoint: endpoint, Outcome: outcome, Reason: reason, User: person}
}

// B-04: what Personio's configuration test comes to.
func TestJudgeCalls(t *testing.T) {
	t.Parallel()
	const adaID, bobID users.ID = "ada", "bob"
	asked := theCall(users.EndpointAuthorize, users.CallWaits, users.CallSignInAsked, "")
	code := theCall(users.EndpointAuthorize, users.CallDone, users.CallCodeSent, adaID)
	tokens := theCall(users.EndpointToken, users.CallDone, users.CallTokensSent, adaID)
	bare := theCall(users.EndpointUserinfo, users.CallDone, users.CallClaimsSent, adaID)
	claims := bare
	claims.Facts = map[string]string{users.FactEmail: "email"}
	othersClaims := claims
	othersClaims.User = bobID
	wrongSecret := theCall(users.EndpointToken, users.CallRefused, users.CallSecretWrong, "")
	denied := theCall(users.EndpointAuthorize, users.CallRefused, users.CallNoGroup, bobID)
	away := theCall(users.EndpointToken, users.CallFailed, users.CallUnavailable, "")
	stray := theCall(users.EndpointUserinfo, users.CallRefused, users.CallTokenUnknown, "")
	stray.Stray = true
	logout := theCall(users.EndpointLogout, users.CallRefused, users.CallLogoutUnknown, adaID)
	active := theCall(users.EndpointIntrospect, users.CallDone, users.CallTokenActive, adaID)

	personio := users.Application{SignIn: &users.SignIn{RedirectURIs: []string{"https://acme.personio.de/oauth/callback"}}}
	imported := users.Application{Import: &users.Import{Source: users.SourcePersonio}}
	wiki := users.Application{SignIn: &users.SignIn{RedirectURIs: []string{"https://personio.de.example/callback"}}}

	for name, c := range map[string]struct {
		application users.Application
		calls       []users.Call
		state       users.VerdictState
		reason      users.VerdictReason
	}{
		"no call has come":                        {personio, nil, users.VerdictWaiting, users.VerdictNothing},
		"only calls that may be anybody's":        {personio, []users.Call{stray}, users.VerdictWaiting, users.VerdictNothing},
		"only calls beside the sign-in":           {personio, []users.Call{logout, active}, users.VerdictWaiting, users.VerdictNothing},
		"userinfo of a code before the watch":     {personio, []users.Call{claims}, users.VerdictWaiting, users.VerdictNothing},
		"the page waits for somebody":             {personio, []users.Call{asked}, users.VerdictWaiting, users.VerdictPersonAwaited},
		"no token call has come":                  {personio, []users.Call{asked, code}, users.VerdictWaiting, users.VerdictTokenAwaited},
		"no userinfo call has come":               {personio, []users.Call{code, tokens}, users.VerdictWaiting, users.VerdictUserinfoAwaited},
		"userinfo is somebody else's":             {personio, []users.Call{code, tokens, othersClaims}, users.VerdictWaiting, users.VerdictUserinfoAwaited},
		"the secret is wrong":                     {personio, []users.Call{code, wrongSecret}, users.VerdictFails, users.VerdictRefused},
		"the person is not let in":                {personio, []users.Call{denied}, users.VerdictFails, users.VerdictRefused},
		"we were away":                            {personio, []users.Call{code, away}, users.VerdictFails, users.VerdictRefused},
		"a new attempt is under way":              {personio, []users.Call{code, wrongSecret, code}, users.VerdictWaiting, users.VerdictTokenAwaited},
		"Personio gets no address":                {personio, []users.Call{code, tokens, bare}, users.VerdictFails, users.VerdictEmailMissing},
		"the imported Personio gets none":         {imported, []users.Call{code, tokens, bare}, users.VerdictFails, users.VerdictEmailMissing},
		"another application gets no address":     {wiki, []users.Call{code, tokens, bare}, users.VerdictWorks, users.VerdictCompleteNoEmail},
		"every step":                              {personio, []users.Call{asked, code, tokens, claims}, users.VerdictWorks, users.VerdictComplete},
		"every step after a failure":              {personio, []users.Call{code, wrongSecret, code, tokens, claims}, users.VerdictWorks, users.VerdictComplete},
		"every step, then somebody is not let in": {personio, []users.Call{code, tokens, claims, denied}, users.VerdictWorks, users.VerdictComplete},
		"every step, then another attempt":        {personio, []users.Call{code, tokens, claims, asked}, users.VerdictWorks, users.VerdictComplete},
		"every step, then the secret is wrong":    {personio, []users.Call{code, tokens, claims, wrongSecret}, users.VerdictFails, users.VerdictRefused},
		"every step, then a call of anybody":      {personio, []users.Call{code, tokens, claims, stray}, users.VerdictWorks, users.VerdictComplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := users.JudgeCalls(c.application, c.calls)
			if got.State != c.state || got.Reason != c.reason {
				t.Errorf("verdict %s, %s; want %s, %s", got.State, got.Reason, c.state, c.reason)
			}
		})
	}
}
