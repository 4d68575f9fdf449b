package provider_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// Those who decide, and two who only look.
const (
	olga  = "olga@acme.example"  // owner
	adam  = "adam@acme.example"  // administrator
	petra = "petra@acme.example" // auditor
	helge = "helge@acme.example" // helpdesk
)

// proofAgain is after how long a replica notes the same proof again.
const proofAgain = time.Hour

// staffed is a bench with somebody of each role.
var staffed = providertest.Furnish(withStaff())

func withStaff() users.Declaration {
	d := providertest.Declaration()
	for email, role := range map[string]users.Role{
		olga: users.RoleOwner, adam: users.RoleAdministrator, petra: users.RoleAuditor, helge: users.RoleHelpdesk,
	} {
		first, _, _ := strings.Cut(email, "@")
		d.Users = append(d.Users, users.DeclaredUser{
			Email: email, FirstName: first, State: users.StateActive, Role: role, Password: providertest.Password,
		})
	}
	return d
}

// registeredAs is what is declared with Personio's registration as change leaves it.
func registeredAs(change func(a *users.DeclaredApplication)) users.Declaration {
	d := withStaff()
	for i := range d.Applications {
		if d.Applications[i].ID == providertest.Personio {
			change(&d.Applications[i])
		}
	}
	return d
}

// codeFor signs somebody in for an application and returns the code, empty if there is none.
func codeFor(b *providertest.Bench, id users.ApplicationID, who string) string {
	b.T.Helper()
	return b.NewBrowser().SignIn(b.Authorize(id), who, providertest.Password).Query().Get("code")
}

// tokenFor is codeFor that redeems the code.
func tokenFor(t *testing.T, b *providertest.Bench, id users.ApplicationID, who string) string {
	t.Helper()
	return decodeTokens(t, b.Tokens(id, codeFor(b, id, who))).AccessToken
}

// signInAll signs people in to Personio from end to end.
func signInAll(t *testing.T, b *providertest.Bench, people ...string) {
	t.Helper()
	for _, who := range people {
		if answer := userinfo(t, b, tokenFor(t, b, providertest.Personio, who)); answer.StatusCode != http.StatusOK {
			t.Fatalf("userinfo of %s: status %d", who, answer.StatusCode)
		}
	}
}

// tested is the condition that people have signed in, as it stands now.
func tested(t *testing.T, b *providertest.Bench, id users.ApplicationID) (state users.CheckState, said []string) {
	t.Helper()
	if err := b.Directory.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := b.Directory.Read().Application(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	found, err := b.Directory.Readiness(t.Context(), a, b.Issuer, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found.Checks {
		if c.Check == users.ReadinessTested {
			for _, n := range c.Seen {
				said = append(said, n.Code+" "+strings.Join(n.Lists["people"], ","))
			}
			return c.State, said
		}
	}
	t.Fatal("nothing is said about sign-ins")
	return "", nil
}

// unproved are stories after which nobody may be made to use the sign-in.
var unproved = map[string]func(t *testing.T, b *providertest.Bench){
	"nobody": func(*testing.T, *providertest.Bench) {},
	"one administrator again and again": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, adam, adam)
		b.Clock.Advance(3 * time.Hour)
		signInAll(t, b, adam)
	},
	"an owner and an employee": func(t *testing.T, b *providertest.Bench) { signInAll(t, b, olga, providertest.Ada) },
	"an owner, an auditor and somebody of the helpdesk": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, petra, helge)
	},
	"an owner, and an administrator who is denied": func(t *testing.T, b *providertest.Bench) {
		d := registeredAs(func(a *users.DeclaredApplication) { a.Groups = []users.GroupID{"staff"} })
		for i := range d.Users {
			if d.Users[i].Email == olga {
				d.Users[i].Groups = []users.GroupID{"staff"}
			}
		}
		b.Redeclare(d)
		signInAll(t, b, olga)
		if code := codeFor(b, providertest.Personio, adam); code != "" {
			t.Error("somebody without a group got a code")
		}
	},
	"the codes are never redeemed": func(t *testing.T, b *providertest.Bench) {
		codeFor(b, providertest.Personio, olga)
		codeFor(b, providertest.Personio, adam)
	},
	"the codes are refused": func(t *testing.T, b *providertest.Bench) {
		for _, who := range []string{olga, adam} {
			b.Tokens(providertest.Personio, codeFor(b, providertest.Personio, who), "client_secret", "wrong")
		}
	},
	"nobody asks for the claims": func(t *testing.T, b *providertest.Bench) {
		tokenFor(t, b, providertest.Personio, olga)
		tokenFor(t, b, providertest.Personio, adam)
	},
	"the claims come to nobody": func(t *testing.T, b *providertest.Bench) {
		for _, who := range []string{olga, adam} {
			userinfo(t, b, tokenFor(t, b, providertest.Personio, who)+"x")
		}
	},
	"without the address": func(t *testing.T, b *providertest.Bench) {
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.SignIn.Claims, a.SignIn.IDTokenClaims = nil, nil }))
		signInAll(t, b, olga, adam)
	},
	"at another application": func(t *testing.T, b *providertest.Bench) {
		d := withStaff()
		for i := range d.Applications {
			if d.Applications[i].ID == providertest.Vault {
				d.Applications[i].Groups, d.Applications[i].SignIn.Claims = []users.GroupID{users.Everyone}, map[string]string{"email": "email"}
			}
		}
		b.Redeclare(d)
		signInAll(t, b, olga)
		userinfo(t, b, tokenFor(t, b, providertest.Vault, adam))
		if len(b.FlushEvents(users.EventSignInCompleted)) != 2 {
			t.Error("the sign-in at the other application has left no event")
		}
	},
	"before another redirect URI": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.SignIn.RedirectURIs = a.SignIn.RedirectURIs[:2] }))
	},
	"before a change that was taken back": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.SignIn.RedirectURIs = a.SignIn.RedirectURIs[:2] }))
		b.Redeclare(withStaff())
	},
	"one of them before the change": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.SignIn.Claims["name"] = "first_name" }))
		signInAll(t, b, adam)
	},
	"code before the change, claims after it": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga)
		code := codeFor(b, providertest.Personio, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.SignIn.RequirePKCE = true }))
		b.Redeclare(withStaff())
		userinfo(t, b, decodeTokens(t, b.Tokens(providertest.Personio, code)).AccessToken)
		signInAll(t, b, olga)
	},
	"tokens before the change, claims after it": func(t *testing.T, b *providertest.Bench) {
		token := tokenFor(t, b, providertest.Personio, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.ClientSecrets[0] += "-renewed" }))
		userinfo(t, b, token)
	},
	"at a replica that has not heard of the change yet": func(t *testing.T, b *providertest.Bench) {
		_, err := b.Directory.Declare(t.Context(), registeredAs(func(a *users.DeclaredApplication) { a.SignIn.Claims["name"] = "first_name" }))
		must(t, err)
		signInAll(t, b, olga, adam) // the registry has not read it
	},
	"with tokens of before there were versions": func(t *testing.T, b *providertest.Bench) {
		for _, who := range []string{olga, adam} {
			token, err := b.Sessions.Token(t.Context(), keys.Secret(tokenFor(t, b, providertest.Personio, who)))
			must(t, err)
			grant := token.Grant
			grant.SignInVersion = 0
			old, _, err := b.Sessions.IssueToken(t.Context(), grant)
			must(t, err)
			if answer := userinfo(t, b, old.Reveal()); answer.StatusCode != http.StatusOK {
				t.Fatalf("userinfo of %s: status %d", who, answer.StatusCode)
			}
		}
	},
	"before another secret": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.ClientSecrets[0] += "-renewed" }))
	},
	"before one of two secrets was taken away": func(t *testing.T, b *providertest.Bench) {
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) {
			a.ClientSecrets = append(a.ClientSecrets, "the-new-secret-that-nobody-uses-yet-0123")
		}))
		signInAll(t, b, olga, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.ClientSecrets[0] = "the-new-secret-that-nobody-uses-yet-0123" }))
	},
	"before the application was switched off and on": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.Disabled = true }))
		b.Redeclare(withStaff())
	},
	"one is suspended since": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		_, err := b.Directory.Suspend(t.Context(), "cli:test", b.User(adam).ID, "left")
		must(t, err)
	},
	"one has lost the role since": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		d := withStaff()
		for i := range d.Users {
			if d.Users[i].Email == adam {
				d.Users[i].Role = users.RoleHelpdesk
			}
		}
		b.Redeclare(d)
	},
	"one got the role afterwards": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, petra)
		d := withStaff()
		for i := range d.Users {
			if d.Users[i].Email == petra {
				d.Users[i].Role = users.RoleAdministrator
			}
		}
		b.Redeclare(d)
	},
	"below another issuer": func(t *testing.T, b *providertest.Bench) {
		signInAll(t, b, olga, adam)
		b.Issuer = "https://sso.acme.example"
	},
}

// S-066: nobody is made to use a sign-in that two people who decide have not been through.
func TestASignInIsProvedByNothingLess(t *testing.T) {
	t.Parallel()
	for name, story := range unproved {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := staffed(t)
			story(t, b)
			if state, said := tested(t, b, providertest.Personio); state != users.CheckOpen {
				t.Errorf("the sign-in is %s: %q; want open", state, said)
			}
		})
	}
}

// S-066
func TestTwoWhoDecideProveASignIn(t *testing.T) {
	t.Parallel()
	b := staffed(t)
	signInAll(t, b, olga, adam, providertest.Ada)
	want := []string{users.NoteTestedBy + " adam,olga"}
	if state, said := tested(t, b, providertest.Personio); state != users.CheckPassed || !slices.Equal(said, want) {
		t.Errorf("the sign-in is %s: %q; want passed: %q", state, said, want)
	}
	b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { // nothing that a sign-in depends on
		a.Label, a.Description, a.Groups = "People", "HR", []users.GroupID{"staff", users.Everyone}
		a.Launch.URL, a.SignIn.PostLogoutRedirectURIs = "https://people.example/", nil
	}))
	if state, said := tested(t, b, providertest.Personio); state != users.CheckPassed {
		t.Errorf("after another label and group the sign-in is %s: %q; want passed", state, said)
	}
	b.Clock.Advance(proofAgain)
	old := tokenFor(t, b, providertest.Personio, adam)
	b.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.SignIn.Claims["name"] = "first_name" }))
	want = []string{users.NoteTestedNobody + " ", users.NoteTestedBefore + " adam,olga"}
	if state, said := tested(t, b, providertest.Personio); state != users.CheckOpen || !slices.Equal(said, want) {
		t.Errorf("after another claim the sign-in is %s: %q; want open: %q", state, said, want)
	}
	signInAll(t, b, olga, adam)
	userinfo(t, b, old)
	if state, said := tested(t, b, providertest.Personio); state != users.CheckPassed {
		t.Errorf("after two further sign-ins the sign-in is %s: %q; want passed", state, said)
	}
}

// S-066 B-04: the claim email may come from another attribute, and counts if an address is in it.
func TestTheAddressMayComeFromAnotherAttribute(t *testing.T) {
	t.Parallel()
	without := []string{users.NoteTestedNoAddress + " adam,olga"}
	for source, want := range map[string]struct {
		state   users.CheckState
		said    []string
		verdict users.VerdictReason
	}{
		"nobodys_email": {users.CheckOpen, without, users.VerdictEmailMissing},
		"first_name":    {users.CheckOpen, without, users.VerdictEmailMissing},
		"work_email":    {users.CheckPassed, []string{users.NoteTestedBy + " adam,olga"}, users.VerdictComplete},
		"lower(email)":  {users.CheckPassed, []string{users.NoteTestedBy + " adam,olga"}, users.VerdictComplete},
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			b := staffed(t)
			d := registeredAs(func(a *users.DeclaredApplication) {
				a.SignIn.Claims, a.SignIn.IDTokenClaims = map[string]string{"email": source}, nil
				a.SignIn.RedirectURIs = append(a.SignIn.RedirectURIs, "https://acme.personio.de/oauth/callback")
			})
			for i := range d.Users {
				d.Users[i].Attributes = map[string]string{"work_email": "at-work-" + d.Users[i].Email}
			}
			b.Redeclare(d)
			b.Watch(providertest.Personio)
			signInAll(t, b, olga, adam)
			if state, said := tested(t, b, providertest.Personio); state != want.state || !slices.Equal(said, want.said) {
				t.Errorf("the sign-in is %s: %q; want %s: %q", state, said, want.state, want.said)
			}
			a, err := b.Directory.Read().Application(t.Context(), providertest.Personio)
			must(t, err)
			if v := users.JudgeCalls(a, b.Calls(providertest.Personio)); v.Reason != want.verdict {
				t.Errorf("verdict %s, want %s", v.Reason, want.verdict)
			}
		})
	}
}

// S-066: a replica that has not heard of another secret yet redeems codes with the old one, which proves nothing
// at those that have.
func TestAReplicaThatIsBehindProvesNoSignIn(t *testing.T) {
	t.Parallel()
	stores := providertest.Stores{Users: userstest.SQLite(t), Sessions: sessiontest.SQLite(t)}
	ahead, behind := providertest.NewOn(t, stores), providertest.NewOn(t, stores)
	ahead.Redeclare(withStaff())
	must(t, behind.Registry.Refresh(t.Context()))
	const renewed = "-renewed"
	ahead.Redeclare(registeredAs(func(a *users.DeclaredApplication) { a.ClientSecrets[0] += renewed }))
	old := providertest.SecretOf(providertest.Personio).Reveal()
	signIn := func(secret string) {
		t.Helper()
		for _, who := range []string{olga, adam} {
			answer := behind.Tokens(providertest.Personio, codeFor(ahead, providertest.Personio, who), "client_secret", secret)
			if claims := userinfo(t, ahead, decodeTokens(t, answer).AccessToken); claims.StatusCode != http.StatusOK {
				t.Fatalf("userinfo of %s: status %d", who, claims.StatusCode)
			}
		}
	}
	signIn(old)
	if state, said := tested(t, ahead, providertest.Personio); state != users.CheckOpen {
		t.Errorf("with the old secret the sign-in is %s: %q; want open", state, said)
	}
	must(t, behind.Registry.Refresh(t.Context()))
	signIn(old + renewed)
	if state, said := tested(t, ahead, providertest.Personio); state != users.CheckPassed {
		t.Errorf("with the new secret the sign-in is %s: %q; want passed", state, said)
	}
}

// S-066: while two secrets are valid only the one that stays proves anything.
func TestOnlyTheSecretThatStaysProvesASignIn(t *testing.T) {
	t.Parallel()
	b := staffed(t)
	const crm = "crm"
	a := users.Application{ID: crm, Label: "CRM", Groups: []users.GroupID{users.Everyone}, SignIn: &users.SignIn{
		ClientID: crm, AuthMethod: users.AuthMethodPost, RedirectURIs: []string{providertest.CallbackOf(crm)},
		Claims: map[string]string{"email": "email"}, Trusted: true, SigningAlg: "RS256",
	}}
	old, err := b.Directory.AddApplication(t.Context(), "cli:test", a)
	must(t, err)
	renewed, err := b.Directory.RotateSecret(t.Context(), "cli:test", crm, time.Hour)
	must(t, err)
	must(t, b.Registry.Refresh(t.Context()))
	for _, step := range []struct {
		secret string
		want   users.CheckState
	}{{old.Reveal(), users.CheckOpen}, {renewed.Reveal(), users.CheckPassed}} {
		for _, who := range []string{olga, adam} {
			answer := b.Tokens(crm, codeFor(b, crm, who), "client_secret", step.secret)
			userinfo(t, b, decodeTokens(t, answer).AccessToken)
		}
		if state, said := tested(t, b, crm); state != step.want {
			t.Errorf("the sign-in is %s: %q; want %s", state, said, step.want)
		}
	}
}

// S-066: a secret that an application does not encode for Basic proves as much as one that it does.
func TestASecretAsItWasSentProvesASignIn(t *testing.T) {
	t.Parallel()
	const secret = "a+b-with-at-least-32-characters-of-text"
	for name, given := range map[string]string{"encoded": url.QueryEscape(secret), "as it is": secret} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := staffed(t)
			d := withStaff()
			for i := range d.Applications {
				if a := &d.Applications[i]; a.ID == providertest.Wiki {
					a.ClientSecrets, a.Groups = []keys.Secret{secret}, []users.GroupID{users.Everyone}
					a.SignIn.Claims = map[string]string{"email": "email"}
				}
			}
			b.Redeclare(d)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer, nil)
			must(t, err)
			r.SetBasicAuth(providertest.Wiki, given)
			for _, who := range []string{olga, adam} {
				answer := b.Post("/token", url.Values{
					"grant_type": {"authorization_code"}, "code": {codeFor(b, providertest.Wiki, who)}, "redirect_uri": {providertest.CallbackOf(providertest.Wiki)},
				}, "Authorization", r.Header.Get("Authorization"))
				userinfo(t, b, decodeTokens(t, answer).AccessToken)
			}
			if state, said := tested(t, b, providertest.Wiki); state != users.CheckPassed {
				t.Errorf("the sign-in is %s: %q; want passed", state, said)
			}
		})
	}
}

// S-066: what proves a sign-in leaves one line an hour for each who decides, and none for anybody else.
func TestProofsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	b := staffed(t)
	proofs := func() int { return len(b.FlushEvents(users.EventSignInCompleted)) }
	signInAll(t, b, providertest.Ada, petra, helge)
	if n := proofs(); n != 0 {
		t.Errorf("%d events of people who decide nothing, want none", n)
	}
	token := tokenFor(t, b, providertest.Personio, adam)
	for range 20 {
		userinfo(t, b, token)
	}
	signInAll(t, b, adam)
	if n := proofs(); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	b.Clock.Advance(proofAgain)
	signInAll(t, b, adam)
	events := b.FlushEvents(users.EventSignInCompleted)
	if len(events) != 2 || events[1].Actor != users.ActorUser(b.User(adam).ID) || events[1].Subject != providertest.Personio {
		t.Errorf("events an hour later: %+v, want a second one of the administrator about personio", events)
	}
	if strings.Contains(events[0].Payload, token) || strings.Contains(events[0].Payload, adam) {
		t.Errorf("payload %s holds a token or an address", events[0].Payload)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
