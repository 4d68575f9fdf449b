package users_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// rulePool holds rules, each with what it means in Go.
var rulePool = map[string]func(u users.User) bool{
	"":                            func(users.User) bool { return false },
	`department == "Sales"`:       func(u users.User) bool { return u.Attribute("department") == "Sales" },
	`department != "Sales"`:       func(u users.User) bool { return u.Attribute("department") != "Sales" },
	`office == ""`:                func(u users.User) bool { return u.Attribute("office") == "" },
	`department in ["IT", "HR"]`:  func(u users.User) bool { return slices.Contains([]string{"IT", "HR"}, u.Attribute("department")) },
	`email endsWith ".example"`:   func(u users.User) bool { return u.EmailKey != "" },
	`department + office == "HR"`: func(u users.User) bool { return u.Attribute("department")+u.Attribute("office") == "HR" },
}

var ruleTexts = slices.Sorted(maps.Keys(rulePool))

// checkMembers compares the members of all groups with what rules and hands say.
func (b bench) checkMembers(byHand map[users.Membership]bool) error {
	ctx := b.t.Context()
	groups, err := b.Read().Groups(ctx)
	if err != nil {
		return err
	}
	var people []users.User
	for after := users.LoginKey(""); ; after = people[len(people)-1].ListKey() {
		page, err := b.Read().FindUsers(ctx, users.UserQuery{After: after, Limit: 500})
		if err != nil {
			return err
		}
		if people = append(people, page...); len(page) < 500 {
			break
		}
	}
	want, ids := maps.Clone(byHand), []users.ID{}
	for _, u := range people {
		ids = append(ids, u.ID)
		for _, g := range groups {
			if rulePool[g.Rule](u) {
				want[users.Membership{Group: g.ID, User: u.ID, ByRule: true}] = true
			}
		}
	}
	all, err := b.Read().Memberships(ctx, ids)
	got := map[users.Membership]bool{}
	for _, memberships := range all {
		for _, m := range memberships {
			got[m] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("memberships (-want +got):\n%s", diff)
	}
	return err
}

var (
	historyGroups      = []users.GroupID{"a", "b", "c"}
	historyDepartments = []string{"Sales", "IT", "HR", ""}
	historyOffices     = []string{"Wien", ""}
)

// history is a directory that lives through random changes.
type history struct {
	bench
	rt     *rapid.T
	hired  int
	byHand map[users.Membership]bool
}

func (h *history) attributes() map[string]users.FieldChange {
	return fields("department", rapid.SampledFrom(historyDepartments).Draw(h.rt, "department"),
		"office", rapid.SampledFrom(historyOffices).Draw(h.rt, "office"))
}

func (h *history) hire() {
	h.hired++
	row := create(fmt.Sprint(h.hired), fmt.Sprintf("p%d@acme.example", h.hired))
	maps.Copy(row.Fields, h.attributes())
	h.apply(row)
}

// anybody returns somebody of the source who has their address, or false.
func (h *history) anybody() (string, bool) {
	if h.hired == 0 {
		return "", false
	}
	email := fmt.Sprintf("p%d@acme.example", rapid.IntRange(1, h.hired).Draw(h.rt, "who"))
	_, err := h.Read().UserByLogin(h.t.Context(), users.KeyOf(email))
	return email, err == nil
}

func (h *history) change() {
	email, found := h.anybody()
	if !found {
		return
	}
	switch rapid.IntRange(0, 4).Draw(h.rt, "change") {
	case 0:
		h.apply(h.on(email, users.ChangeSuspend, "status_leave", "leave", h.attributes()))
	case 1:
		h.apply(h.on(email, users.ChangeUpdate, users.ReasonEmailParked, "", nil))
	case 2:
		h.apply(h.on(email, users.ChangeLink, "linked_by_email", "active", h.attributes()))
	default:
		h.apply(h.on(email, users.ChangeUpdate, "changed", "active", h.attributes()))
	}
}

func (h *history) declareAnew() {
	var dec users.Declaration
	for _, id := range historyGroups {
		if rapid.IntRange(0, 4).Draw(h.rt, "in the file") > 0 {
			dec.Groups = append(dec.Groups, ruled(id, rapid.SampledFrom(ruleTexts).Draw(h.rt, "rule")))
		}
	}
	if rapid.Bool().Draw(h.rt, "with somebody") {
		ada := person(ada)
		ada.Password = "" // hashing would take most of the time
		ada.Attributes = map[string]string{"department": rapid.SampledFrom(historyDepartments).Draw(h.rt, "department")}
		dec.Users = []users.DeclaredUser{ada}
	}
	_, err := h.Declare(h.t.Context(), dec)
	h.must(err)
}

func (h *history) byHandOf(change func(users.GroupID, users.ID) error, after bool) {
	email, found := h.anybody()
	group := rapid.SampledFrom(historyGroups).Draw(h.rt, "group")
	if _, err := h.Read().Group(h.t.Context(), group); !found || err != nil {
		return
	}
	id := h.user(email).ID
	if err := change(group, id); errors.Is(err, users.ErrInvalid) {
		return // no member by hand
	} else if err != nil {
		h.rt.Fatal(err)
	}
	m := users.Membership{Group: group, User: id}
	if delete(h.byHand, m); after {
		h.byHand[m] = true
	}
}

// Members by rule are those the rule holds for, whatever happened before.
func TestMembersByRuleAreThoseTheRuleHoldsFor(t *testing.T) {
	t.Parallel()
	userstest.Histories(t, func(rt *rapid.T) {
		store := userstest.Fastest(t)
		defer store.Close() // there are many
		h := &history{bench: newBench(t, store), rt: rt, byHand: map[users.Membership]bool{}}
		ctx := t.Context()
		rt.Repeat(map[string]func(*rapid.T){
			"hire":    func(*rapid.T) { h.hire() },
			"change":  func(*rapid.T) { h.change() },
			"declare": func(*rapid.T) { h.declareAnew() },
			"regroup": func(*rapid.T) { h.regroup() },
			"add": func(*rapid.T) {
				h.byHandOf(func(g users.GroupID, id users.ID) error { return h.AddMember(ctx, admin, g, id) }, true)
			},
			"remove": func(*rapid.T) {
				h.byHandOf(func(g users.GroupID, id users.ID) error { return h.RemoveMember(ctx, admin, g, id) }, false)
			},
		})
		h.regroup()
		if err := h.checkMembers(h.byHand); err != nil {
			rt.Fatal(err)
		}
	})
}

// hireAndMove hires people one by one and moves all of those before with each.
func (b bench) hireAndMove(run users.Run, lease users.Lease, rounds int, random *rand.Rand) error {
	department := func() users.FieldChange { return users.FieldChange{After: historyDepartments[random.Intn(4)]} }
	var rows []users.RunChange
	for i := range rounds {
		hired := create(fmt.Sprint(i), fmt.Sprintf("p%d@%s.example", i, run.Connection))
		hired.Fields["department"] = department()
		batch := []users.RunChange{hired}
		for j, row := range rows {
			row.Kind, row.Before = users.ChangeUpdate, int64(i-j)
			row.Fields = map[string]users.FieldChange{"department": department()}
			batch = append(batch, row)
		}
		rows = append(rows, hired)
		applied, err := b.ApplyChanges(b.t.Context(), lease, run, batch)
		if err != nil {
			return err
		}
		for _, c := range applied {
			if c.Outcome != users.OutcomeApplied {
				return fmt.Errorf("%s: %v", c.Email, c.Error)
			}
		}
	}
	return nil
}

// Imports, changes of the rules and Regroup at the same time miss nobody.
func TestNobodyIsMissedWhileRulesChange(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		const rounds = 12
		var working, serving sync.WaitGroup
		for writer := range 3 {
			run, lease := b.startRunOf(users.ApplicationID(fmt.Sprint("source", writer)))
			working.Go(func() {
				if err := b.hireAndMove(run, lease, rounds, rand.New(rand.NewSource(int64(writer)))); err != nil {
					t.Error(err)
				}
			})
		}
		working.Go(func() {
			for i := range rounds {
				groups := []users.Group{ruled("a", ruleTexts[i%len(ruleTexts)]), ruled(historyGroups[1+i%2], ruleTexts[(i+3)%len(ruleTexts)])}
				if _, err := b.Declare(t.Context(), users.Declaration{Groups: groups}); err != nil {
					t.Error(err)
				}
			}
		})
		stop := make(chan struct{})
		for range 2 {
			serving.Go(func() {
				for stopped := false; !stopped; {
					if err := b.Regroup(t.Context()); err != nil && !errors.Is(err, users.ErrLeaseHeld) {
						t.Error(err)
					}
					select {
					case <-stop:
						stopped = true
					default:
					}
				}
			})
		}
		working.Wait()
		close(stop)
		serving.Wait()
		b.regroup()
		b.must(b.checkMembers(map[users.Membership]bool{}))
	})
}
