package importer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// signIn lets the people of groups sign in to the application of the connection.
func (b *bench) signIn(claims map[string]string, groups ...users.GroupID) {
	b.t.Helper()
	settings := b.settings
	_, err := b.directory.Declare(b.t.Context(), users.Declaration{
		Applications: []users.DeclaredApplication{{
			Application: users.Application{
				ID: hr, Label: "Personio", Groups: groups, Import: &settings,
				SignIn: &users.SignIn{ClientID: "personio", Claims: claims},
			},
			ImportSecret: "secret of the connection",
		}},
		Groups: []users.Group{{ID: "nobody", Label: "Nobody"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// check checks the connection, which must be possible and write nothing.
func (b *bench) check() importer.Checkup {
	b.t.Helper()
	before, err := b.store.Dump(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	found, err := b.engine.Check(b.t.Context(), hr, importer.Given{})
	if err != nil {
		b.t.Fatalf("check: %v", err)
	}
	after, err := b.store.Dump(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := differences(before, after); diff != "" {
		b.t.Errorf("a check wrote (-before +after):\n%s", diff)
	}
	return found
}

func (b *bench) write(id, attribute, value string) {
	b.company.set(id, func(p *importer.Person) { p.Attributes[attribute] = value })
}

// B-06, U-25, U-26: whoever will fail at sign-in is named before they try, with
// the cause and what to do. The company has three people, P1 to P3.
func TestACheckNamesWhoWillFailAtSignIn(t *testing.T) {
	t.Parallel()
	const everyone = users.Everyone
	for _, c := range []struct {
		name    string
		prepare func(b *bench) // before the people are imported
		happens func(b *bench) // afterwards
		want    []string       // kind, cause and whether it fails
		matched int
	}{
		{"nothing", nil, nil, nil, 3},
		{"another spelling of the address that no import has brought", nil,
			func(b *bench) { b.write("2", "email", "P2@acme.example") }, []string{"P2: address_differs case true"}, 2},
		{"white space around an address", func(b *bench) { b.write("2", "email", " p2@acme.example") }, nil,
			[]string{"P2: address_differs spaces true"}, 2},
		{"an address in decomposed letters", func(b *bench) { b.write("2", "email", "rene\u0301@acme.example") }, nil,
			[]string{"P2: address_differs composition true"}, 2},
		{"a domain that became punycode", func(b *bench) { b.write("2", "email", "p2@bücher.example") },
			func(b *bench) { b.write("2", "email", "p2@xn--bcher-kva.example") }, []string{"P2: address_differs domain true"}, 2},
		{"an alias", nil, func(b *bench) { b.write("2", "email", "p.two@acme.example") }, []string{"P2: address_differs other true"}, 2},
		{"a claim made of something else", func(b *bench) { b.write("2", "email", "P2@acme.example") },
			func(b *bench) { b.signIn(map[string]string{"email": "lower(email)"}, everyone) }, []string{"P2: address_differs claim true"}, 2},
		{"a claim that says the same", nil,
			func(b *bench) { b.signIn(map[string]string{"email": "lower(email)"}, everyone) }, nil, 3},
		{"an address that went to somebody else", nil, func(b *bench) {
			b.company.setStatus("2", importer.StatusInactive)
			b.company.hire("4", importer.StatusActive, "P4")
			b.write("4", "email", "p2@acme.example")
			b.run()
			if _, err := b.directory.Activate(t.Context(), "cli:test", b.userOf("2"), ""); err != nil {
				b.t.Fatal(err)
			}
			b.company.setStatus("2", importer.StatusActive)
			b.write("2", "email", "p2-old@acme.example")
		}, []string{"P2: address_differs parked true"}, 3},
		{"two people of one address", func(b *bench) { b.write("2", "email", "p3@acme.example") }, nil,
			[]string{"P2: not_here email_duplicate true", "P3: not_here email_duplicate true"}, 1},
		{"somebody new", nil, func(b *bench) { b.company.hire("4", importer.StatusOnboarding, "P4") },
			[]string{"P4: not_here not_imported true"}, 3},
		{"an administrator whom no import touches, and who gets in all the same", func(b *bench) {
			b.local("p4@acme.example")
			if err := b.directory.SetRole(b.t.Context(), "cli:test", b.user("p4@acme.example").ID, users.RoleOwner); err != nil {
				b.t.Fatal(err)
			}
			b.company.hire("4", importer.StatusActive, "P4")
		}, nil, []string{"P4: not_here privileged_user false"}, 3},
		{"people who are staged", func(b *bench) {
			b.settings.InitialState = users.StateStaged
			b.signIn(nil, everyone)
			b.company.setStatus("2", importer.StatusOnboarding)
			b.company.setStatus("1", importer.StatusInactive)
			b.company.setStatus("3", importer.StatusLeave)
		}, nil, []string{"P2: not_active staged true"}, 1},
		{"people who are staged and are not to sign in", func(b *bench) {
			b.settings.InitialState = users.StateStaged
			b.signIn(nil, "nobody")
		}, nil, nil, 3},
		{"a return that waits for a decision", func(b *bench) {
			b.settings.Reactivation = false
			b.signIn(nil, everyone)
		}, func(b *bench) {
			b.company.setStatus("2", importer.StatusInactive)
			b.run()
			b.company.setStatus("2", importer.StatusActive)
		}, []string{"P2: not_active import true"}, 3},
		{"an administrator's suspension", nil, func(b *bench) {
			if _, err := b.directory.Suspend(b.t.Context(), "cli:test", b.userOf("2"), ""); err != nil {
				b.t.Fatal(err)
			}
		}, []string{"P2: not_active admin false"}, 3},
		{"a local person without a profile", func(b *bench) { b.local("external@acme.example") }, nil,
			[]string{"external@acme.example: no_profile unknown true"}, 3},
		{"an owner whom the source does not know", func(b *bench) { // S-066 N-11
			if _, _, err := b.directory.Recover(b.t.Context(), "cli:test", "emergency@acme.example"); err != nil {
				b.t.Fatal(err)
			}
		}, nil, []string{"emergency@acme.example: no_profile unknown false"}, 3},
		{"a local person with somebody's profile", func(b *bench) {
			b.settings.Mode = users.ImportNew
			b.signIn(nil, everyone)
			b.local("p4@acme.example")
			b.company.hire("4", importer.StatusActive, "P4")
		}, nil, []string{"P4: not_here not_imported false"}, 3},
		{"a leaver whom somebody let in again", nil, func(b *bench) {
			b.company.setStatus("2", importer.StatusInactive)
			b.run()
			if _, err := b.directory.Activate(b.t.Context(), "cli:test", b.userOf("2"), ""); err != nil {
				b.t.Fatal(err)
			}
		}, []string{"P2: no_profile left true"}, 2},
		{"somebody on leave who keeps access", func(b *bench) {
			b.settings.Leave = users.LeaveKeeps
			b.signIn(nil, everyone)
		}, func(b *bench) { b.company.setStatus("2", importer.StatusLeave) }, nil, 2},
		{"a local person, while a filter hides people", func(b *bench) { b.local("external@acme.example") }, func(b *bench) {
			b.settings.Filter = "department=Sales"
			b.signIn(nil, everyone)
		}, nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			b.settings.Guard = users.Guard{MaxPeople: 100, MaxPercent: 100}
			b.signIn(nil, everyone)
			if c.prepare != nil {
				c.prepare(b)
			}
			b.run()
			if c.happens != nil {
				c.happens(b)
			}
			found := b.check()
			found.Tell(web.English())
			var got []string
			failing := 0
			for _, f := range found.Findings {
				name := strings.TrimSuffix(f.Name, " Example")
				got = append(got, fmt.Sprintf("%s: %s %s %t", name, f.Kind, f.Cause, f.Fails))
				importer.Fitting(t, f.Notes)
				if len(f.Remedy) < 20 {
					t.Errorf("finding about %s says nothing to do: %q", f.Name, f.Remedy)
				}
				if f.Fails {
					failing++
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" || found.Matched != c.matched || found.Failing != failing || !found.SignIn {
				t.Errorf("matched %d, want %d; failing %d, findings (-want +got):\n%s", found.Matched, c.matched, found.Failing, diff)
			}
		})
	}
}

// userOf returns the user of a person of the source.
func (b *bench) userOf(sourceID string) users.ID {
	b.t.Helper()
	people, err := b.store.People(b.t.Context(), hr, []string{sourceID})
	if err != nil || people[sourceID].User == "" {
		b.t.Fatalf("no user of %s: %v", sourceID, err)
	}
	return people[sourceID].User
}

// S-105: what the credentials may read is part of the check, and nothing but names, status and address is asked for.
func TestACheckReportsRightsAndReadsLittle(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.run()
	b.company.granted = []string{"id", "status", "email", "first_name", "supervisor", "salary"}
	found := b.check()
	if diff := cmp.Diff([][]string{{"department", "last_name"}, {"salary"}}, [][]string{found.Missing, found.Surplus}); diff != "" {
		t.Errorf("missing and surplus (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"email", "first_name", "status"}, b.company.wanted); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if found.SignIn || found.People != 3 || found.Matched != 3 || len(found.Findings) > 0 {
		t.Errorf("checkup of an application without sign-in: %+v", found)
	}
}

// S-066: whoever may not use the application is meant to fail in a pilot, but counts once nobody has another way in.
func TestACheckCountsWhomAPilotLeavesOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.signIn(nil, "nobody")
	b.run()
	if sum := b.check().Comparison(); sum.Compared != 3 || sum.Failing != 0 || sum.NoAccess != 3 {
		t.Errorf("of a group without members: %+v, want 3 compared, none failing and 3 without access", sum)
	}
	b.signIn(nil, users.Everyone)
	if sum := b.check().Comparison(); sum.Compared != 3 || sum.Failing != 0 || sum.NoAccess != 0 {
		t.Errorf("of everybody: %+v, want 3 compared and nobody else", sum)
	}
}

// S-066: what a check has found is about the claim and the groups that it read at its start.
func TestACheckIsOfTheSettingsAtItsStart(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.signIn(nil, users.Everyone)
	b.run()
	before, err := b.store.Application(t.Context(), hr)
	if err != nil {
		t.Fatal(err)
	}
	b.company.onPage = func(int) { b.signIn(map[string]string{"email": "first_name"}, "nobody") }
	found, err := b.engine.Check(t.Context(), hr, importer.Given{})
	if err != nil {
		t.Fatal(err)
	}
	want := users.NewComparison(before)
	want.Compared = 3
	if diff := cmp.Diff(want, found.Comparison()); diff != "" {
		t.Errorf("comparison (-want +got):\n%s", diff)
	}
}

func TestACheckNeedsASourceAndNoLease(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.run()
	if _, err := b.store.AcquireLease(t.Context(), "import:personio", "another", b.clock.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	b.check()
	for _, broken := range []error{importer.ErrUnreachable, importer.ErrCredentials, importer.ErrForbidden} {
		b.company.failAt, b.company.err = 1, broken
		if _, err := b.engine.Check(t.Context(), hr, importer.Given{}); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
	}
	b.company.failAt, b.company.granted = 0, []string{"email"}
	if _, err := b.engine.Check(t.Context(), hr, importer.Given{}); !errors.Is(err, importer.ErrAttribute) {
		t.Errorf("without the status: %v, want %v", err, importer.ErrAttribute)
	}
	if _, err := b.engine.Check(t.Context(), "nowhere", importer.Given{}); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("unknown application: %v, want %v", err, users.ErrNotFound)
	}
}
