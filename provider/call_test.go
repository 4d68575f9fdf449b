package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/admin"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// faultCase does something wrong, and the last call must say so.
type faultCase struct {
	do       func(t *testing.T, b *providertest.Bench)
	endpoint users.Endpoint
	reason   users.CallReason
	facts    map[string]string
}

func redeemWith(pairs ...string) func(t *testing.T, b *providertest.Bench) {
	return func(t *testing.T, b *providertest.Bench) {
		b.Tokens(providertest.Personio, code(t, b, providertest.Personio), pairs...)
	}
}

func authorizeWith(pairs ...string) func(t *testing.T, b *providertest.Bench) {
	return func(_ *testing.T, b *providertest.Bench) { b.Get(b.Authorize(providertest.Personio, pairs...)) }
}

const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var registered = strings.Join([]string{
	providertest.CallbackOf(providertest.Personio),
	"https://login.personio.com/login/callback", "https://auth.personio.de/providers/oauth/callback",
}, " ")

// faults are mistakes of those who set up a sign-in, once each.
var faults = map[string]faultCase{
	"another redirect URI": {
		authorizeWith("redirect_uri", "https://acme.personio.com/oauth/callback?x=1#y"), users.EndpointAuthorize, users.CallRedirectUnknown,
		map[string]string{"sent": "https://acme.personio.com/oauth/callback?…", "registered": registered},
	},
	"a password in the redirect URI": {
		authorizeWith("redirect_uri", "https://ada:geheim@acme.personio.com/"), users.EndpointAuthorize, users.CallRedirectUnknown,
		map[string]string{"sent": "…", "registered": registered},
	},
	"no redirect URI": {
		authorizeWith("redirect_uri", ""), users.EndpointAuthorize, users.CallRedirectUnknown,
		map[string]string{"sent": "", "registered": registered},
	},
	"another client id": {
		authorizeWith("client_id", "Personio"), users.EndpointAuthorize, users.CallClientUnknown,
		map[string]string{"sent": "Personio", "registered": "personio"},
	},
	"the secret as client id": {
		authorizeWith("client_id", providertest.SecretOf(providertest.Personio).Reveal()), users.EndpointAuthorize, users.CallClientIsSecret,
		map[string]string{"registered": "personio"},
	},
	"a scope without openid": {authorizeWith("scope", "email profile"), users.EndpointAuthorize, users.CallScopeOpenID, nil},
	"another response type": {
		authorizeWith("response_type", "token"), users.EndpointAuthorize, users.CallRequestRefused,
		map[string]string{"error": "unsupported_response_type", "description": "The response type must be code."},
	},
	"nobody signed in, and no page wanted": {authorizeWith("prompt", "none"), users.EndpointAuthorize, users.CallNotSignedIn, nil},

	"another client id at the token endpoint": {
		redeemWith("client_id", "personio2"), users.EndpointToken, users.CallClientUnknown,
		map[string]string{"sent": "personio2", "registered": "personio"},
	},
	"another secret": {redeemWith("client_secret", "wrong"), users.EndpointToken, users.CallSecretWrong, nil},
	"no secret":      {redeemWith("client_secret", ""), users.EndpointToken, users.CallSecretMissing, nil},
	"the secret by another method": {
		func(t *testing.T, b *providertest.Bench) {
			secret := providertest.SecretOf(providertest.Personio).Reveal()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+"/token", strings.NewReader(url.Values{
				"grant_type": {"authorization_code"}, "code": {code(t, b, providertest.Personio)},
				"redirect_uri": {providertest.CallbackOf(providertest.Personio)},
			}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(providertest.Personio, secret)
			b.Do(r)
		},
		users.EndpointToken, users.CallMethodOther,
		map[string]string{"sent": "client_secret_basic", "registered": "client_secret_post"},
	},
	"the secret by two methods": {
		func(t *testing.T, b *providertest.Bench) {
			b.Post("/token", url.Values{"client_id": {"personio"}, "client_secret": {"x"}}, "Authorization", "Basic cGVyc29uaW86eA==")
		},
		users.EndpointToken, users.CallRequestRefused,
		map[string]string{"error": "invalid_request", "description": "More than one way of client authentication."},
	},
	"no code": {
		redeemWith("code", ""), users.EndpointToken, users.CallRequestRefused,
		map[string]string{"error": "invalid_request", "description": "The code is missing."},
	},
	"a code that never was": {redeemWith("code", "abc.def"), users.EndpointToken, users.CallCodeUnknown, nil},
	"another redirect URI at the token endpoint": {
		redeemWith("redirect_uri", "https://login.personio.com/login/callback"), users.EndpointToken, users.CallCodeRedirect,
		map[string]string{"sent": "https://login.personio.com/login/callback", "registered": providertest.CallbackOf(providertest.Personio)},
	},
	"a code of another client": {
		func(t *testing.T, b *providertest.Bench) {
			foreign := code(t, b, providertest.Wiki)
			b.Tokens(providertest.Personio, foreign, "redirect_uri", providertest.CallbackOf(providertest.Wiki))
		},
		users.EndpointToken, users.CallCodeClient, nil,
	},
	"a code that has expired": {
		func(t *testing.T, b *providertest.Bench) {
			late := code(t, b, providertest.Personio)
			b.Clock.Advance(time.Minute)
			b.Tokens(providertest.Personio, late)
		},
		users.EndpointToken, users.CallCodeExpired, nil,
	},
	"a code twice": {
		func(t *testing.T, b *providertest.Bench) {
			once := code(t, b, providertest.Personio)
			b.Tokens(providertest.Personio, once)
			b.Tokens(providertest.Personio, once)
		},
		users.EndpointToken, users.CallCodeUsed, nil,
	},
	"another verifier": {
		func(t *testing.T, b *providertest.Bench) {
			b.Tokens(providertest.Personio, code(t, b, providertest.Personio, "code_challenge", challenge, "code_challenge_method", "S256"),
				"code_verifier", strings.ToLower(verifier))
		},
		users.EndpointToken, users.CallCodePKCE, nil,
	},
	"no verifier": {
		func(t *testing.T, b *providertest.Bench) {
			b.Tokens(providertest.Personio, code(t, b, providertest.Personio, "code_challenge", challenge, "code_challenge_method", "S256"))
		},
		users.EndpointToken, users.CallCodeNoPKCE, nil,
	},
	"a person who is suspended meanwhile": {
		func(t *testing.T, b *providertest.Bench) {
			held := code(t, b, providertest.Personio)
			suspend(t, b, providertest.Ada)
			b.Tokens(providertest.Personio, held)
		},
		users.EndpointToken, users.CallPersonState, map[string]string{"state": "suspended"},
	},
	"a person whose sessions were ended meanwhile": {
		func(t *testing.T, b *providertest.Bench) {
			held := code(t, b, providertest.Personio)
			if err := b.Directory.EndSessions(t.Context(), "cli:test", b.User(providertest.Ada).ID); err != nil {
				t.Fatal(err)
			}
			b.Tokens(providertest.Personio, held)
		},
		users.EndpointToken, users.CallPersonEnded, nil,
	},
	"a suspended person at userinfo": {
		func(t *testing.T, b *providertest.Bench) {
			token := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio))).AccessToken
			suspend(t, b, providertest.Ada)
			b.Get("/userinfo", "Authorization", "Bearer "+token)
		},
		users.EndpointUserinfo, users.CallPersonState, map[string]string{"state": "suspended"},
	},
	"a sign-out to another address": {
		func(_ *testing.T, b *providertest.Bench) {
			b.Get("/end_session?client_id=personio&post_logout_redirect_uri=https%3A%2F%2Felsewhere.example%2F")
		},
		users.EndpointLogout, users.CallLogoutUnknown,
		map[string]string{"sent": "https://elsewhere.example/", "registered": providertest.AfterLogoutOf(providertest.Personio)},
	},
	"a pushed request to another address": {
		func(_ *testing.T, b *providertest.Bench) {
			b.Post("/par", url.Values{
				"client_id": {"personio"}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()},
				"redirect_uri": {"https://elsewhere.example/"}, "scope": {"openid"}, "response_type": {"code"},
			})
		},
		users.EndpointPAR, users.CallRedirectUnknown, map[string]string{"sent": "https://elsewhere.example/", "registered": registered},
	},
}

func suspend(t *testing.T, b *providertest.Bench, email string) {
	t.Helper()
	if _, err := b.Directory.Suspend(t.Context(), "cli:test", b.User(email).ID, "left"); err != nil {
		t.Fatal(err)
	}
}

// B-04: whoever watches learns of each fault what was wrong, and what is registered.
func TestWatchedCallsSayWhatWasWrong(t *testing.T) {
	t.Parallel()
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			b.Watch(providertest.Personio)
			c.do(t, b)
			calls := b.Calls(providertest.Personio)
			if len(calls) == 0 {
				t.Fatal("nothing was recorded")
			}
			last := calls[len(calls)-1]
			if last.Endpoint != c.endpoint || last.Outcome != users.CallRefused || last.Reason != c.reason || last.Stray || last.Request == "" {
				t.Errorf("last call %+v, want %s at %s refused", last, c.reason, c.endpoint)
			}
			if diff := cmp.Diff(c.facts, last.Facts); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			if text := admin.SayCall(web.English(), last); !strings.Contains(text, " ") || strings.Contains(text, "{") {
				t.Errorf("in words: %q", text)
			}
			// Invariant 9: the log has the same cause under the same request id.
			if !strings.Contains(b.Logs.String(), last.Request) {
				t.Errorf("request %s is not in the log", last.Request)
			}
		})
	}
}

// B-04: Bob may not use the wiki, and Ada has no address for Personio.
func TestWatchedCallsSayWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	b, ada := parked(t)
	b.Watch(providertest.Personio)
	b.Watch(providertest.Wiki)
	bob := b.NewBrowser()
	bob.SignIn(b.Authorize(providertest.Wiki), providertest.Bob, providertest.Password)
	ada.Get(b.Authorize(providertest.Personio))
	ada.Get(b.Authorize(providertest.Personio, "prompt", "none"))
	wiki, personio := b.Calls(providertest.Wiki), b.Calls(providertest.Personio)
	if n := len(wiki); n != 2 || wiki[0].Reason != users.CallSignInAsked || wiki[1].Reason != users.CallNoGroup || wiki[1].User != b.User(providertest.Bob).ID {
		t.Errorf("calls of the wiki: %+v, want the sign-in page, then no_group of Bob", wiki)
	}
	for _, c := range personio {
		if c.Reason != users.CallNoEmail || c.Outcome != users.CallRefused || c.User == "" {
			t.Errorf("call of Personio: %+v, want no_email", c)
		}
	}
	if len(personio) != 2 {
		t.Errorf("%d calls of Personio, want 2", len(personio))
	}
}

// B-04 S-061: the steps of a sign-in that works, with the names of claims and no value.
func TestWatchedCallsShowASignInThatWorks(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	b.Watch(providertest.Personio)
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio)))
	b.Get("/userinfo", "Authorization", "Bearer "+tokens.AccessToken)
	calls := b.Calls(providertest.Personio)
	ada := b.User(providertest.Ada).ID
	type step struct {
		endpoint users.Endpoint
		outcome  users.CallOutcome
		reason   users.CallReason
		person   users.ID
	}
	var got []step
	for _, c := range calls {
		got = append(got, step{c.Endpoint, c.Outcome, c.Reason, c.User})
	}
	want := []step{
		{users.EndpointAuthorize, users.CallWaits, users.CallSignInAsked, ""},
		{users.EndpointAuthorize, users.CallDone, users.CallCodeSent, ada},
		{users.EndpointToken, users.CallDone, users.CallTokensSent, ada},
		{users.EndpointUserinfo, users.CallDone, users.CallClaimsSent, ada},
	}
	less := cmp.AllowUnexported(step{})
	if diff := cmp.Diff(want, got, less); diff != "" {
		t.Fatalf("calls (-want +got):\n%s", diff)
	}
	if f := calls[3].Facts; f[users.FactClaims] != "email, email_verified, mail, sub" || f[users.FactEmail] != "email, mail" {
		t.Errorf("facts of userinfo: %v", f)
	}
	a, err := b.Directory.Read().Application(t.Context(), providertest.Personio)
	if err != nil {
		t.Fatal(err)
	}
	if v := users.JudgeCalls(a, calls); v.State != users.VerdictWorks || v.Reason != users.VerdictComplete {
		t.Errorf("verdict %s, %s; want that it works", v.State, v.Reason)
	}
}

// B-04: other calls of an application, and those of one that nobody watches.
func TestWatchedCallsAreThoseOfTheApplication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	b.Watch(providertest.Personio)
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio)))
	proven := url.Values{"client_id": {"personio"}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()}, "token": {tokens.AccessToken}}
	for _, path := range []string{"/introspect", "/revoke", "/introspect"} {
		b.Post(path, proven)
	}
	b.Get("/end_session?client_id=personio")
	code(t, b, providertest.Wiki)
	var got []users.CallReason
	for _, c := range b.Calls(providertest.Personio)[3:] {
		got = append(got, c.Reason)
	}
	want := []users.CallReason{users.CallTokenActive, users.CallTokenRevoked, users.CallTokenInactive, users.CallSignOutAsked}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if calls := b.Calls(providertest.Wiki); len(calls) != 0 {
		t.Errorf("calls of the wiki, which nobody watches: %+v", calls)
	}
}

// B-04: whose a call without a known token is nobody can say, so all who watch are told.
func TestCallsThatMayBeAnybodysAreMarked(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	b.Watch(providertest.Personio)
	b.Get("/userinfo")
	b.Get("/userinfo", "Authorization", "Bearer abc.def")
	b.Get(b.Authorize("nobody"))
	calls := b.Calls(providertest.Personio)
	want := []users.CallReason{users.CallTokenMissing, users.CallTokenUnknown, users.CallClientUnknown}
	for i, c := range calls {
		if !c.Stray || i >= len(want) || c.Reason != want[i] {
			t.Errorf("call %d: %+v, want %v as anybody's", i, c, want)
		}
	}
	if len(calls) != len(want) {
		t.Errorf("%d calls, want %d", len(calls), len(want))
	}
}

// B-04: nothing is recorded before, after and without a watch.
func TestNothingIsRecordedWhenNobodyWatches(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	signIn := func() {
		tokens := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio)))
		b.Get("/userinfo", "Authorization", "Bearer "+tokens.AccessToken)
		b.Get(b.Authorize(providertest.Personio, "redirect_uri", "https://elsewhere.example/"))
	}
	signIn()
	if calls := b.Calls(providertest.Personio); len(calls) != 0 {
		t.Errorf("recorded without a watch: %+v", calls)
	}
	b.Watch(providertest.Personio)
	b.Clock.Advance(users.WatchLife) // the registry has not looked again
	signIn()
	if calls := b.Calls(providertest.Personio); len(calls) != 0 {
		t.Errorf("recorded after the end of the watch: %+v", calls)
	}
	w := b.Watch(providertest.Personio)
	if err := b.Directory.EndWatch(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if err := b.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	signIn()
	if calls := b.Calls(providertest.Personio); len(calls) != 0 {
		t.Errorf("recorded after the watch was ended: %+v", calls)
	}
}

// Invariant 7, N244: whatever is sent, no secret, code or token is recorded, nor logged.
func TestWatchedCallsHoldNoSecret(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	b.Watch(providertest.Personio)
	secret := providertest.SecretOf(providertest.Personio).Reveal()
	browser := b.NewBrowser()
	held := browser.SignIn(b.Authorize(providertest.Personio, "nonce", "nonce-of-mine"), providertest.Ada, providertest.Password).Query().Get("code")
	wrong := "wrong-" + secret
	b.Tokens(providertest.Personio, held, "client_secret", wrong)
	b.Tokens(providertest.Personio, held, "client_id", secret)
	b.Tokens(providertest.Personio, held, "redirect_uri", "https://elsewhere.example/?code="+held)
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, held))
	b.Get("/userinfo", "Authorization", "Bearer "+tokens.AccessToken)
	b.Get("/userinfo", "Authorization", "Bearer "+tokens.AccessToken+"x")
	b.Post("/introspect", url.Values{"client_id": {"personio"}, "client_secret": {secret}, "token": {tokens.AccessToken}})
	b.Get(b.Authorize(providertest.Personio, "client_id", secret))
	b.Get(b.Authorize(providertest.Personio, "client_id", held))
	b.Get(b.Authorize(providertest.Personio, "redirect_uri", "https://elsewhere.example/#"+tokens.AccessToken))
	b.Get(b.Authorize(providertest.Personio, "redirect_uri", secret))
	b.Get(b.Authorize(providertest.Personio, "scope", secret))
	b.Get("/end_session?client_id=personio&id_token_hint=" + tokens.IDToken)
	calls := b.Calls(providertest.Personio)
	if len(calls) < 12 {
		t.Fatalf("%d calls, want all", len(calls))
	}
	stored, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"client secret": secret, "code": held, "access token": tokens.AccessToken, "ID token": tokens.IDToken,
		"nonce": "nonce-of-mine", "state": "the-state", "password": providertest.Password,
	} {
		if strings.Contains(string(stored), text) {
			t.Errorf("the %s is recorded", what)
		}
		if strings.Contains(b.Logs.String(), text) {
			t.Errorf("the %s is logged", what)
		}
	}
}

// B-04: a watch of one replica is a watch of all, and each sees what came at the others.
func TestReplicasRecordForEachOther(t *testing.T) {
	t.Parallel()
	stores := providertest.Stores{Users: userstest.SQLite(t), Sessions: sessiontest.SQLite(t)}
	watching, answering := providertest.NewOn(t, stores), providertest.NewOn(t, stores)
	watching.Watch(providertest.Personio)
	if err := answering.Registry.Refresh(t.Context()); err != nil { // as it does each second
		t.Fatal(err)
	}
	held := code(t, answering, providertest.Personio)
	answering.Tokens(providertest.Personio, held, "client_secret", "wrong")
	if err := answering.Directory.Flush(t.Context()); err != nil { // as it does each second
		t.Fatal(err)
	}
	calls := watching.Calls(providertest.Personio)
	if len(calls) != 3 || calls[2].Reason != users.CallSecretWrong {
		t.Errorf("calls %+v, want the page, the code and the wrong secret", calls)
	}
}

// Both engines explain codes alike.
func TestRefusedCodesAreExplainedOnRedis(t *testing.T) {
	t.Parallel()
	for name, reason := range map[string]users.CallReason{
		"a code that has expired": users.CallCodeExpired, "a code twice": users.CallCodeUsed, "a code of another client": users.CallCodeClient,
		"another verifier": users.CallCodePKCE, "another redirect URI at the token endpoint": users.CallCodeRedirect,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: sessiontest.Redis(t)})
			b.Watch(providertest.Personio)
			faults[name].do(t, b)
			calls := b.Calls(providertest.Personio)
			if got := calls[len(calls)-1].Reason; got != reason {
				t.Errorf("reason %s, want %s", got, reason)
			}
		})
	}
}
