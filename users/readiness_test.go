package users_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// portalOf is an application to which people sign in and from which they are imported.
func portalOf(change func(a *users.DeclaredApplication)) users.Declaration {
	a := users.DeclaredApplication{
		Application: users.Application{
			ID: personio, Label: "Personio", Groups: []users.GroupID{users.Everyone},
			SignIn: &users.SignIn{
				ClientID: "personio", AuthMethod: users.AuthMethodPost, RedirectURIs: []string{"https://rp.example/cb", "https://rp.example/other"},
				Claims: map[string]string{"email": "email"}, JWKS: []byte(`{ "keys": [ {"x": "<1>"} ] }`),
			},
			Import: &users.Import{Source: users.SourcePersonio},
		},
		ClientSecrets: []keys.Secret{"a-client-secret-of-more-than-32-characters"},
	}
	change(&a)
	return users.Declaration{Applications: []users.DeclaredApplication{a}}
}

func asItWas(*users.DeclaredApplication) {}

// S-066: what a sign-in depends on counts as a change, in both directions, and nothing else does.
func TestOnlyWhatASignInDependsOnRaisesItsVersion(t *testing.T) {
	for name, c := range map[string]struct {
		change func(a *users.DeclaredApplication)
		raises int64 // by the change and by its return
	}{
		"a redirect URI":    {func(a *users.DeclaredApplication) { a.SignIn.RedirectURIs = a.SignIn.RedirectURIs[:1] }, 2},
		"the client id":     {func(a *users.DeclaredApplication) { a.SignIn.ClientID = "other" }, 2},
		"the method":        {func(a *users.DeclaredApplication) { a.SignIn.AuthMethod = users.AuthMethodBasic }, 2},
		"a claim":           {func(a *users.DeclaredApplication) { a.SignIn.Claims["email"] = "username" }, 2},
		"the algorithm":     {func(a *users.DeclaredApplication) { a.SignIn.SigningAlg = keys.ES256 }, 2},
		"a key":             {func(a *users.DeclaredApplication) { a.SignIn.JWKS = []byte(`{"keys":[]}`) }, 2},
		"where it leads on": {func(a *users.DeclaredApplication) { a.SignIn.ContinuesAt = []string{"https://rp.example"} }, 2},
		"the secret":        {func(a *users.DeclaredApplication) { a.ClientSecrets[0] += "-renewed" }, 2},
		"a second secret": {func(a *users.DeclaredApplication) {
			a.ClientSecrets = append(a.ClientSecrets, a.ClientSecrets[0]+"-new")
		}, 2},
		"the same one twice": {func(a *users.DeclaredApplication) { a.ClientSecrets = append(a.ClientSecrets, a.ClientSecrets[0]) }, 0},
		"switched off":       {func(a *users.DeclaredApplication) { a.Disabled = true }, 2},
		"no sign-in":         {func(a *users.DeclaredApplication) { a.SignIn, a.ClientSecrets = nil, nil }, 2},
		"the label":          {func(a *users.DeclaredApplication) { a.Label, a.Description = "People", "HR" }, 0},
		"the groups":         {func(a *users.DeclaredApplication) { a.Groups = nil }, 0},
		"the tile":           {func(a *users.DeclaredApplication) { a.Launch = &users.Launch{URL: "https://rp.example/"} }, 0},
		"the import":         {func(a *users.DeclaredApplication) { a.Import.Schedule = time.Hour }, 0},
		"a sign-out": {func(a *users.DeclaredApplication) {
			a.SignIn.BackchannelLogoutURI, a.SignIn.PostLogoutRedirectURIs = "https://rp.example/out", []string{"https://rp.example/bye"}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, b bench) {
				for _, change := range []func(a *users.DeclaredApplication){asItWas, c.change, asItWas} {
					_, err := b.Declare(t.Context(), portalOf(change))
					b.must(err)
				}
				a, err := b.Read().Application(t.Context(), personio)
				b.must(err)
				if a.SignInVersion != c.raises {
					t.Errorf("version %d, want %d", a.SignInVersion, c.raises)
				}
			})
		})
	}
}

// S-066: an application that leaves the file is switched off, and one that was added by command gets a new secret.
func TestRetiringAndRotatingRaiseTheVersionOfASignIn(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		_, err := b.Declare(t.Context(), portalOf(asItWas))
		b.must(err)
		_, err = b.Declare(t.Context(), users.Declaration{})
		b.must(err)
		_, err = b.AddApplication(t.Context(), admin, users.Application{
			ID: "wiki", Label: "Wiki", SignIn: &users.SignIn{ClientID: "wiki", AuthMethod: users.AuthMethodPost},
		})
		b.must(err)
		for _, want := range []int64{1, 2} {
			_, err := b.RotateSecret(t.Context(), admin, "wiki", time.Hour)
			b.must(err)
			if a, err := b.Read().Application(t.Context(), "wiki"); err != nil || a.SignInVersion != want {
				t.Errorf("after a rotation version %d, %v; want %d", a.SignInVersion, err, want)
			}
		}
		if a, err := b.Read().Application(t.Context(), personio); err != nil || a.SignInVersion != 1 {
			t.Errorf("after leaving the file version %d, %v; want 1", a.SignInVersion, err)
		}
	})
}

// condition returns how one condition stands, and the codes of what was seen.
func (b *clockBench) condition(name users.ReadinessName, issuer string) string {
	b.t.Helper()
	a, err := b.Read().Application(b.t.Context(), personio)
	b.must(err)
	found, err := b.Readiness(b.t.Context(), a, issuer, time.UTC)
	b.must(err)
	for _, c := range found.Checks {
		if c.Check != name {
			continue
		}
		if (c.State == users.CheckPassed) != (len(c.Remedy) == 0) {
			b.t.Errorf("%s is %s with the remedy %+v", name, c.State, c.Remedy)
		}
		if c.State != users.CheckPassed && found.Ready() {
			b.t.Errorf("%s is %s, and all is ready", name, c.State)
		}
		said := string(c.State)
		for _, n := range c.Seen {
			said += fmt.Sprint(" ", n.Code)
		}
		return said
	}
	return ""
}

// comparison is one that begins now.
func (b *clockBench) comparison(compared, failing, noAccess int) users.Comparison {
	b.t.Helper()
	a, err := b.Read().Application(b.t.Context(), personio)
	b.must(err)
	c := users.NewComparison(a)
	c.Compared, c.Failing, c.NoAccess = compared, failing, noAccess
	return c
}

// S-066: the comparison of everybody counts for a week, and only if everybody at work there gets in.
func TestComparisonsOfAddressesAgeAndFail(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		_, err := b.Declare(t.Context(), portalOf(asItWas))
		b.must(err)
		want := func(what, want string) {
			t.Helper()
			if got := b.condition(users.ReadinessAddresses, "https://sso.example"); got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		compareAs := func(actor users.Actor, compared, failing, noAccess int) {
			t.Helper()
			b.must(b.RecordComparison(t.Context(), actor, personio, b.comparison(compared, failing, noAccess)))
		}
		compare := func(compared, failing, noAccess int) {
			t.Helper()
			compareAs(admin, compared, failing, noAccess)
		}
		want("never compared", "open ready_addresses.never")
		compare(0, 0, 0)
		want("nobody to compare", "open ready_addresses.never")
		compare(40, 0, 40)
		want("nobody in a group", "failed ready_addresses.no_access")
		compare(40, 2, 1)
		want("one in no group, and others who fail", "failed ready_addresses.fail ready_addresses.no_access")
		compare(40, 0, 0)
		want("everybody matched", "passed ready_addresses.match")
		compareAs("user:other", 40, 1, 0)
		want("somebody else found one later", "failed ready_addresses.fail")
		compare(40, 0, 0)
		b.until(noon.Add(users.ComparedFor))
		want("a week later", "passed ready_addresses.match")
		b.until(noon.Add(users.ComparedFor + time.Second))
		want("more than a week later", "open ready_addresses.old")
		compare(40, 0, 0)
		_, err = b.Declare(t.Context(), portalOf(func(a *users.DeclaredApplication) { a.Import = nil }))
		b.must(err)
		want("without an import", "")
		if err := b.RecordComparison(t.Context(), admin, "nothing", users.Comparison{Compared: 1}); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("of an unknown application: %v, want ErrNotFound", err)
		}
	})
}

// S-066: a comparison counts for what it looked at: a change that came while it went on, or afterwards, has to be compared again.
func TestComparisonsCountForTheSettingsWithWhichTheyBegan(t *testing.T) {
	const changed, passed = "open ready_addresses.changed", "passed ready_addresses.match"
	for name, c := range map[string]struct {
		change func(a *users.DeclaredApplication)
		want   string
	}{
		"a claim":               {func(a *users.DeclaredApplication) { a.SignIn.Claims["email"] = "username" }, changed},
		"fewer groups":          {func(a *users.DeclaredApplication) { a.Groups = []users.GroupID{"pilot"} }, changed},
		"another group, too":    {func(a *users.DeclaredApplication) { a.Groups = append(a.Groups, "pilot") }, changed},
		"another account":       {func(a *users.DeclaredApplication) { a.Import.ClientID = "papi-2" }, changed},
		"another server":        {func(a *users.DeclaredApplication) { a.Import.BaseURL = "https://api.eu.personio.example" }, changed},
		"another version of it": {func(a *users.DeclaredApplication) { a.Import.API = users.APIv2 }, changed},
		"another source":        {func(a *users.DeclaredApplication) { a.Import.Source = "other" }, changed},
		"a filter":              {func(a *users.DeclaredApplication) { a.Import.Filter = "department=Sales" }, changed},
		"another address there": {func(a *users.DeclaredApplication) { a.Import.Mapping = users.Mapping{"email": "work_email"} }, changed},
		"another name there": {func(a *users.DeclaredApplication) {
			a.Import.Mapping = users.Mapping{"email": "email", "job_title": "position"}
		}, passed},
		"how often it is imported": {func(a *users.DeclaredApplication) { a.Import.Schedule = time.Hour }, passed},
		"the label":                {func(a *users.DeclaredApplication) { a.Label = "People" }, passed},
	} {
		t.Run(name, func(t *testing.T) {
			onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
				declare := func(change func(a *users.DeclaredApplication)) {
					t.Helper()
					d := portalOf(func(a *users.DeclaredApplication) {
						a.Import.Mapping = users.Mapping{"email": "email"}
						change(a)
					})
					d.Groups = []users.Group{{ID: "pilot", Label: "Pilot"}}
					_, err := b.Declare(t.Context(), d)
					b.must(err)
				}
				declare(asItWas)
				began := b.comparison(40, 0, 0)
				declare(c.change)
				b.must(b.RecordComparison(t.Context(), admin, personio, began))
				if got := b.condition(users.ReadinessAddresses, "https://sso.example"); got != c.want {
					t.Errorf("changed meanwhile: %q, want %q", got, c.want)
				}
				b.must(b.RecordComparison(t.Context(), admin, personio, b.comparison(40, 0, 0)))
				if got := b.condition(users.ReadinessAddresses, "https://sso.example"); got != passed {
					t.Errorf("compared again: %q, want %q", got, passed)
				}
			})
		})
	}
}

// S-066 N-11: only an active owner with a password, whom no source of people knows, gets in whatever HR says.
func TestAnOwnerApartFromHRIsWanted(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		ctx := t.Context()
		_, err := b.Declare(ctx, portalOf(asItWas))
		b.must(err)
		u, _, err := b.Recover(ctx, admin, "emergency@acme.example")
		b.must(err)
		change := func(change func(u *users.User)) {
			t.Helper()
			u, err := b.Read().User(ctx, u.ID)
			b.must(err)
			change(&u)
			b.must(b.store.Update(ctx, func(tx users.Tx) error {
				_, err := tx.UpdateUsers(ctx, []users.User{u})
				return err
			}))
		}
		found, none := "passed ready_owner.found ready_owner.recover", "open ready_owner.none ready_owner.recover"
		for _, step := range []struct {
			what string
			do   func()
			want string
		}{
			{"an owner by command", func() {}, found},
			{"an administrator", func() { change(func(u *users.User) { u.Role = users.RoleAdministrator }) }, none},
			{"an owner again", func() { change(func(u *users.User) { u.Role = users.RoleOwner }) }, found},
			{"suspended", func() { _, err = b.Suspend(ctx, admin, u.ID, ""); b.must(err) }, none},
			{"active again", func() { _, err = b.Activate(ctx, admin, u.ID, ""); b.must(err) }, found},
			{"outside the access window", func() { change(func(u *users.User) { u.AccessUntil = noon }) }, none},
			{"inside", func() { change(func(u *users.User) { u.AccessUntil = time.Time{} }) }, found},
			{"who came by an import", func() { change(func(u *users.User) { u.Origin = users.OriginImport }) }, none},
			{"who did not", func() { change(func(u *users.User) { u.Origin = users.OriginLocal }) }, found},
			{"without a password", func() {
				b.must(b.store.Update(ctx, func(tx users.Tx) error { return tx.DeleteCredentials(ctx, []users.ID{u.ID}) }))
			}, none},
			{"recovered", func() { _, _, err = b.Recover(ctx, admin, "emergency@acme.example"); b.must(err) }, found},
			{"whom a source knows, too", func() {
				b.must(b.store.Update(ctx, func(tx users.Tx) error {
					return tx.PutPeople(ctx, []users.Person{{Connection: personio, SourceID: "7", User: u.ID, Status: "active"}})
				}))
			}, none},
		} {
			step.do()
			if got := b.condition(users.ReadinessOwner, "https://sso.example"); got != step.want {
				t.Errorf("%s: %q, want %q", step.what, got, step.want)
			}
		}
	})
}

// S-066
func TestReadinessTakesASafeIssuerAnApplicationThatIsOnAndAGroup(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		for _, c := range []struct {
			issuer string
			change func(a *users.DeclaredApplication)
			want   []string
		}{
			{"https://sso.example", asItWas, []string{"passed ready_issuer.https", "passed ready_enabled.on", "passed ready_groups.bound"}},
			{"http://sso.example", func(a *users.DeclaredApplication) { a.Disabled, a.Groups = true, nil },
				[]string{"failed ready_issuer.http", "failed ready_enabled.off", "failed ready_groups.none"}},
		} {
			_, err := b.Declare(t.Context(), portalOf(c.change))
			b.must(err)
			var got []string
			for _, name := range []users.ReadinessName{users.ReadinessIssuer, users.ReadinessEnabled, users.ReadinessGroups} {
				got = append(got, b.condition(name, c.issuer))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		}
	})
}

// S-066: a sign-in whose event was erased proves nothing.
func TestWhatCannotBeReadProvesNoSignIn(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		_, err := b.Declare(t.Context(), portalOf(asItWas))
		b.must(err)
		for _, email := range []string{"one@acme.example", "two@acme.example"} {
			u, _, err := b.Recover(t.Context(), admin, email)
			b.must(err)
			e, err := users.NewEvent(users.EventSignInCompleted, users.ActorUser(u.ID), string(personio), users.SignInCompleted{Issuer: "https://sso.example", Email: true})
			b.must(err)
			b.Observe(e)
			if email == "two@acme.example" {
				e.Payload = ""
				b.Observe(e)
			}
		}
		b.must(b.Flush(t.Context()))
		if got, want := b.condition(users.ReadinessTested, "https://sso.example"), "open ready_tested.by"; got != want {
			t.Errorf("two signed in, of whom one was erased: %q, want %q", got, want)
		}
	})
}
