package users_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

const (
	bob  = "bob@acme.example"
	wiki = users.ApplicationID("wiki")
)

// ruled is a group of the file with a rule.
func ruled(id users.GroupID, rule string) users.Group {
	return users.Group{ID: id, Label: string(id), Rule: rule}
}

// declareGroups declares groups and, bound to the first, the application wiki.
func (b bench) declareGroups(groups ...users.Group) {
	b.t.Helper()
	dec := users.Declaration{Groups: groups, Applications: []users.DeclaredApplication{{
		Application: users.Application{ID: wiki, Label: "Wiki", Groups: []users.GroupID{groups[0].ID}},
	}}}
	_, err := b.Declare(b.t.Context(), dec)
	b.must(err)
}

// members returns the people of a group by address: "hand", "rule" or "hand rule".
func (b bench) members(id users.GroupID) map[string]string {
	b.t.Helper()
	people, err := b.Read().FindUsers(b.t.Context(), users.UserQuery{Group: id, Limit: 500})
	b.must(err)
	members := map[string]string{}
	for _, u := range people {
		all, err := b.Read().Memberships(b.t.Context(), []users.ID{u.ID})
		b.must(err)
		var how []string
		for _, m := range all[u.ID] {
			if m.Group == id && m.ByRule {
				how = append(how, "rule")
			} else if m.Group == id {
				how = append(how, "hand")
			}
		}
		members[u.Email] = strings.Join(how, " ")
	}
	return members
}

func (b bench) wantMembers(when string, id users.GroupID, want map[string]string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.members(id)); diff != "" {
		b.t.Errorf("%s, members of %s (-want +got):\n%s", when, id, diff)
	}
}

func (b bench) access(email string) bool {
	b.t.Helper()
	d, err := b.Read().Decision(b.t.Context(), b.user(email).ID, wiki, time.Now())
	b.must(err)
	return d.Access
}

func (b bench) regroup() {
	b.t.Helper()
	b.must(b.Regroup(b.t.Context()))
}

func TestARuleThatDoesNotCompileIsNotDeclared(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		for _, rule := range []string{`department ==`, `department`, `groups("x")`} {
			_, err := b.Declare(t.Context(), users.Declaration{Groups: []users.Group{ruled("sales", rule)}})
			if !errors.Is(err, users.ErrInvalid) || !strings.Contains(err.Error(), "line 1, column") {
				t.Errorf("%s: %v, want ErrInvalid with the position", rule, err)
			}
		}
		if _, err := b.Read().Group(t.Context(), "sales"); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("the group was written: %v", err)
		}
	})
}

// A membership by rule ends by the rule alone, and says so.
func TestMembersAreAddedAndRemovedByHand(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx, sales := t.Context(), ruled("sales", `department == "IT"`)
		_, err := b.Declare(ctx, users.Declaration{Groups: []users.Group{sales, {ID: "staff", Label: "Staff"}}, Users: []users.DeclaredUser{person(bob)}})
		b.must(err)
		b.apply(create("1", ada))
		idAda, idBob := b.user(ada).ID, b.user(bob).ID
		for name, c := range map[string]struct {
			err  error
			want error
			says string
		}{
			"by rule alone":       {b.RemoveMember(ctx, admin, "sales", idAda), users.ErrInvalid, sales.Rule},
			"no member":           {b.RemoveMember(ctx, admin, "staff", idAda), users.ErrInvalid, "no member"},
			"everyone":            {b.AddMember(ctx, admin, users.Everyone, idAda), users.ErrInvalid, "everyone"},
			"unknown group":       {b.AddMember(ctx, admin, "nobody", idAda), users.ErrNotFound, ""},
			"unknown person":      {b.AddMember(ctx, admin, "staff", "nobody"), users.ErrNotFound, ""},
			"person of the file":  {b.AddMember(ctx, admin, "staff", idBob), users.ErrReadOnly, "groups"},
			"removed of the file": {b.RemoveMember(ctx, admin, "staff", idBob), users.ErrReadOnly, "groups"},
		} {
			if !errors.Is(c.err, c.want) || !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("%s: %v, want %v with %q", name, c.err, c.want, c.says)
			}
		}
		b.wantMembers("after refusals", "sales", map[string]string{ada: "rule"})

		for range 2 {
			b.must(b.AddMember(ctx, admin, "sales", idAda))
		}
		b.wantMembers("added", "sales", map[string]string{ada: "hand rule"})
		b.must(b.RemoveMember(ctx, admin, "sales", idAda))
		b.wantMembers("removed", "sales", map[string]string{ada: "rule"})
		added := slices.DeleteFunc(b.events(users.EventMemberAdded), func(e users.Event) bool { return e.Actor != admin })
		if removed := b.events(users.EventMemberRemoved); len(added) != 1 || len(removed) != 1 || removed[0].Actor != admin {
			t.Errorf("%d added and %d removed by hand, want one each", len(added), len(removed))
		}
	})
}

// U-22, S-142, F-68: a mover changes groups in the very transaction that moves them, and access with them.
func TestAMoverChangesGroupsAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declareGroups(ruled("it", `department == "IT"`), ruled("finance", `department in ["Finance", "Audit"]`))
		b.apply(create("1", ada))
		b.wantMembers("created", "it", map[string]string{ada: "rule"})
		if !b.access(ada) {
			t.Error("no access by rule")
		}
		b.apply(b.on(ada, users.ChangeUpdate, "changed", "active", fields("department", "Finance")))
		b.wantMembers("moved", "it", map[string]string{})
		b.wantMembers("moved", "finance", map[string]string{ada: "rule"})
		if b.access(ada) {
			t.Error("the access was not lost with the group")
		}
		removed := b.events(users.EventMemberRemoved)
		if len(removed) != 1 || removed[0].Subject != "it" || removed[0].Actor != users.ActorImport(personio) {
			t.Fatalf("events of leaving: %+v, want one of group it by the import", removed)
		}
		var payload map[string]any
		b.must(json.Unmarshal([]byte(removed[0].Payload), &payload))
		if payload["rule"] != `department == "IT"` || payload["run"] == nil || payload["user"] != string(b.user(ada).ID) {
			t.Errorf("payload %s, want person, rule and run", removed[0].Payload)
		}
	})
}

// A rule takes no membership by hand and gives no role; the state beside it decides who gets in.
func TestARuleTouchesOnlyMembershipsByRule(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declareGroups(ruled("owner", `department == "IT"`), users.Group{ID: "staff", Label: "Staff"})
		staged := create("2", bob)
		staged.InitialState = users.StateStaged
		b.apply(create("1", ada), staged)
		b.apply(b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil))
		b.must(b.AddMember(t.Context(), admin, "owner", b.user(ada).ID))
		b.wantMembers("staged and suspended", "owner", map[string]string{ada: "hand rule", bob: "rule"})
		if role := b.user(bob).Role; role != users.RoleNone {
			t.Errorf("role %s, want none", role)
		}
		b.apply(b.on(ada, users.ChangeUpdate, "changed", "active", fields("department", "Sales")))
		b.wantMembers("moved", "owner", map[string]string{ada: "hand", bob: "rule"})

		// A declared person keeps what the file says, whatever a rule says beside it.
		carl := person("carl@acme.example")
		carl.Groups, carl.Attributes = []users.GroupID{"it"}, map[string]string{"department": "IT"}
		dec := users.Declaration{Groups: []users.Group{ruled("it", `department == "IT"`)}, Users: []users.DeclaredUser{carl}}
		_, err := b.Declare(t.Context(), dec)
		b.must(err)
		b.wantMembers("declared", "it", map[string]string{carl.Email: "hand rule"})
		dec.Users[0].Attributes = nil
		_, err = b.Declare(t.Context(), dec)
		b.must(err)
		b.wantMembers("declared without the attribute", "it", map[string]string{carl.Email: "hand"})
	})
}

// A new, changed or removed rule concerns everybody; until Regroup has been through the old memberships stand.
func TestAChangedRuleConcernsEverybody(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.apply(create("1", ada), create("2", bob))
		b.apply(b.on(bob, users.ChangeUpdate, "changed", "active", fields("department", "Sales")))
		staff := users.Group{ID: "staff", Label: "Staff"}
		for _, c := range []struct {
			name   string
			group  users.Group
			before map[string]string
			after  map[string]string
		}{
			{"new", ruled("team", `department == "IT"`), map[string]string{}, map[string]string{ada: "rule"}},
			{"changed", ruled("team", `department == "Sales"`), map[string]string{ada: "rule"}, map[string]string{bob: "rule"}},
			{"renamed group", users.Group{ID: "team", Label: "The team", Rule: `department == "Sales"`}, map[string]string{bob: "rule"}, map[string]string{bob: "rule"}},
			{"taken out", users.Group{ID: "team", Label: "Team"}, map[string]string{bob: "rule"}, map[string]string{}},
			{"back", ruled("team", `first_name == "Ada"`), map[string]string{}, map[string]string{ada: "rule", bob: "rule"}},
			{"group left the file", staff, map[string]string{ada: "rule", bob: "rule"}, map[string]string{}},
		} {
			b.declareGroups(c.group)
			b.wantMembers(c.name+" before", "team", c.before)
			b.regroup()
			b.wantMembers(c.name+" after", "team", c.after)
			if pending, err := b.Regrouping(t.Context()); err != nil || pending {
				t.Errorf("%s: still pending (%t, %v)", c.name, pending, err)
			}
		}
		before, err := b.store.Dump(t.Context())
		b.must(err)
		b.regroup()
		after, err := b.store.Dump(t.Context())
		b.must(err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("nothing to do wrote (-before +after):\n%s", diff)
		}
	})
}

// A rule that fails for one person leaves their membership as it was and is reported, and works for the others.
func TestARuleThatFailsLeavesTheMembershipAsItIs(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		var log bytes.Buffer
		d, err := users.New(users.Config{Store: b.store, Sealer: b.sealer, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		b.must(err)
		b.Directory = d
		b.declareGroups(ruled("north", `split(office, " ")[1] == "North"`))
		in := func(id, email, office string) users.RunChange {
			c := create(id, email)
			c.Fields["office"] = users.FieldChange{After: office}
			return c
		}
		b.apply(in("1", ada, "Berlin North"), in("2", bob, "Wien"))
		b.wantMembers("created", "north", map[string]string{ada: "rule"})
		b.apply(b.on(ada, users.ChangeUpdate, "changed", "active", fields("office", "Berlin")))
		b.wantMembers("failing", "north", map[string]string{ada: "rule"})
		if !strings.Contains(log.String(), "group=north") || !strings.Contains(log.String(), string(b.user(ada).ID)) || strings.Contains(log.String(), "Wien") {
			t.Errorf("log: %s; want group and person, and no attribute", log.String())
		}
		b.apply(b.on(ada, users.ChangeUpdate, "changed", "active", fields("office", "Berlin South")))
		b.wantMembers("works again", "north", map[string]string{})
	})
}

// many imports n people of departments IT and Sales by turns.
func (b bench) many(n int) {
	b.t.Helper()
	for from := 0; from < n; from += 200 {
		var rows []users.RunChange
		for i := from; i < min(n, from+200); i++ {
			row := create(fmt.Sprint(i), fmt.Sprintf("p%05d@acme.example", i))
			row.Fields["department"] = users.FieldChange{After: []string{"IT", "Sales"}[i%2]}
			rows = append(rows, row)
		}
		b.apply(rows...)
	}
}

// Invariant 6: a killed Regroup goes on where it was, and two do not do it at once.
func TestRegroupGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	var stop func()
	cfg := sqlstore.Config{Path: t.TempDir() + "/einlass.db", Observe: func(operation string, _ time.Duration) {
		if operation == "update" && stop != nil {
			stop()
		}
	}}
	b := newBench(t, userstest.Open(t, cfg))
	b.many(1300)
	b.declareGroups(ruled("it", `department == "IT"`))

	ctx, cancel := context.WithCancel(t.Context())
	stop = cancel // the first transaction is the last
	if err := b.Regroup(ctx); err == nil {
		t.Error("a Regroup that was stopped has no error")
	}
	stop = nil
	g, err := b.Read().Group(t.Context(), "it")
	b.must(err)
	if g.Members == 0 || g.Members >= 650 {
		t.Errorf("%d members after the first transaction, want some and not all", g.Members)
	}
	lease, err := b.store.AcquireLease(t.Context(), "rules", "another", time.Now(), time.Minute)
	b.must(err)
	if err := b.Regroup(t.Context()); !errors.Is(err, users.ErrLeaseHeld) {
		t.Errorf("while another is at it: %v, want ErrLeaseHeld", err)
	}
	b.must(b.store.ReleaseLease(t.Context(), lease))
	b.regroup()
	if g, err = b.Read().Group(t.Context(), "it"); err != nil || g.Members != 650 {
		t.Errorf("%d members in the end, want 650; %v", g.Members, err)
	}
	if added := b.events(users.EventMemberAdded); len(added) != 650 {
		t.Errorf("%d events, want one for each member", len(added))
	}
}

func TestServeRulesFollowsTheRules(t *testing.T) {
	t.Parallel()
	b := newBench(t, userstest.SQLite(t))
	b.many(3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.declareGroups(ruled("it", `department == "IT"`))
	done := make(chan error, 1)
	go func() { done <- b.ServeRules(ctx) }()
	for pending := true; pending; {
		var err error
		pending, err = b.Regrouping(t.Context())
		b.must(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := len(b.members("it")); got != 2 {
		t.Errorf("%d members, want 2", got)
	}
}

// Whoever is written between Regroup's read and its write is where the rules want them already.
// SQLite lets nobody in between.
func TestRegroupLeavesWhoMovedMeanwhile(t *testing.T) {
	t.Parallel()
	var meanwhile func()
	cfg := sqlstore.Config{URL: userstest.PostgresURL(t), Observe: func(operation string, _ time.Duration) {
		if do := meanwhile; operation == "memberships" && do != nil {
			meanwhile = nil
			do()
		}
	}}
	b := newBench(t, userstest.Open(t, cfg))
	b.apply(create("1", ada), create("2", bob))
	b.declareGroups(ruled("it", `department == "IT"`))
	move := b.on(ada, users.ChangeUpdate, "changed", "active", fields("department", "Sales"))
	meanwhile = func() { b.apply(move) }
	b.regroup()
	b.wantMembers("after both", "it", map[string]string{bob: "rule"})
}
