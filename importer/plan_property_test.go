package importer

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/einlass/einlass/users"
)

// scene is a random world and a random feed. Few ids, names and addresses make
// everything that can collide collide often.
type scene struct {
	*world
	feedPeople []Person
}

func drawScene(rt *rapid.T, t *testing.T) scene {
	w := newWorld(t)
	w.rules.Reactivation = rapid.Bool().Draw(rt, "reactivation")
	w.rules.Leave = rapid.SampledFrom([]users.LeavePolicy{users.LeaveSuspends, users.LeaveKeeps}).Draw(rt, "leave")
	names := []string{"Ada", "Bob", "Cleo", "Dan"}
	for i := range rapid.IntRange(0, 4).Draw(rt, "known") {
		p := drawPerson(rt, fmt.Sprint(i+1), names[i])
		p.Attributes["email"] = person("", "", names[i]).Attributes["email"] // unique, as the directory guarantees
		id := w.hire(p)
		if standingOf(p.Status) == standingUnknown {
			record := w.people[p.ID]
			record.Status = "active"
			w.people[p.ID] = record
		}
		drawState(rt, w, id)
	}
	if rapid.Bool().Draw(rt, "local") {
		local := users.User{ID: "local", BaseState: users.StateActive, Version: 1, Role: users.RoleNone, Origin: users.OriginLocal}
		local.SetAttribute(users.AttributeEmail, "eve@acme.example")
		local.SetAttribute(users.AttributeUsername, "eve@acme.example")
		local.Sealed = rapid.Bool().Draw(rt, "local sealed")
		w.users[local.ID] = local
	}
	s := scene{world: w}
	for range rapid.IntRange(0, 7).Draw(rt, "people") {
		id := fmt.Sprint(rapid.IntRange(1, 7).Draw(rt, "id"))
		s.feedPeople = append(s.feedPeople, drawPerson(rt, id, rapid.SampledFrom([]string{"Ada", "Bob", "Cleo", "Dan", "Eve"}).Draw(rt, "name")))
	}
	return s
}

func drawState(rt *rapid.T, w *world, id users.ID) {
	for _, by := range []users.SuspendedBy{users.ByImport, users.ByAdmin} {
		if rapid.Bool().Draw(rt, "suspended by "+string(by)) {
			w.suspend(id, by)
		}
	}
	w.change(id, func(u *users.User) {
		u.BaseState = rapid.SampledFrom([]users.State{users.StateActive, users.StateStaged}).Draw(rt, "base")
		switch rapid.IntRange(0, 5).Draw(rt, "protection") {
		case 0:
			u.Role = users.RoleAuditor
		case 1:
			u.Sealed = true
		}
	})
	if rapid.IntRange(0, 3).Draw(rt, "waiver") == 0 {
		status := rapid.SampledFrom([]string{"leave", "inactive"}).Draw(rt, "waived")
		w.waivers[id] = users.Waiver{User: id, Connection: hr, Status: status}
	}
}

func drawPerson(rt *rapid.T, id, name string) Person {
	status := rapid.SampledFrom([]Status{"active", "active", "onboarding", "Leave", "inactive", "inactive", "paused", ""}).Draw(rt, "status")
	p := person(id, status, name)
	switch rapid.IntRange(0, 9).Draw(rt, "address") {
	case 0:
		p = with(p, "email", "")
	case 1:
		p = with(p, "email", "no address")
	case 2:
		p = without(p, "email")
	case 3, 4:
		p = renamed(p, rapid.SampledFrom([]string{"ada", "bob", "cleo", "dan", "eve", "free"}).Draw(rt, "other address"))
	}
	if rapid.Bool().Draw(rt, "silent department") {
		p = without(p, "department")
	}
	p.HasManager = rapid.Bool().Draw(rt, "manager sent")
	if p.HasManager {
		p.ManagerID = rapid.SampledFrom([]string{"", "1", "2", "5", "99"}).Draw(rt, "manager")
	}
	return p
}

// invariant 4, N302, N306, N317
// F-72 U-08
func TestNoFeedBreaksThePromisesOfThePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, t)
		feed, waiting, ok := s.tryFeed()
		if !ok {
			return // corrupt: nothing is planned at all
		}
		sent := map[string]Mapped{}
		for _, m := range waiting {
			sent[m.ID] = m
		}
		rows := s.planFeed(feed, waiting, 3)
		seen := map[string]bool{}
		emails := map[users.LoginKey]string{}
		for _, c := range rows {
			s.checkRow(rt, c, sent[c.SourceID])
			key := fmt.Sprint(c.SourceID, "/", c.User, "/", c.Phase >= phaseManagers, "/", c.Reason == users.ReasonEmailParked)
			if seen[key] {
				rt.Fatalf("two effects for %s: %v", key, effectsOf(rows))
			}
			seen[key] = true
			if f, changed := c.Fields[users.AttributeEmail]; changed {
				k := users.KeyOf(f.After)
				if other, taken := emails[k]; taken {
					rt.Fatalf("%s and %s both get %s", other, c.SourceID, k)
				}
				emails[k] = c.SourceID
			}
		}
		s.checkAddresses(rt, rows, emails)
	})
}

// checkRow checks what no row may ever do.
func (s scene) checkRow(rt *rapid.T, c users.RunChange, m Mapped) {
	u := s.users[c.User]
	changes := c.Kind != users.ChangeSkip && c.Kind != users.ChangeQuarantine && c.Kind != users.ChangeRecord
	if changes && privileged(u) {
		rt.Fatalf("%s of %s, who has a role or is sealed", c.Kind, c.User)
	}
	parks := c.Reason == users.ReasonEmailParked
	if !parks && c.Reason != reasonRehireMoved && m.standing() == standingUnknown && c.Kind != users.ChangeQuarantine {
		rt.Fatalf("%s (%s) of %s, whose status is %q", c.Kind, c.Reason, c.SourceID, m.Status)
	}
	for target := range c.Fields {
		if _, sent := m.Values[target]; !sent && target != users.AttributeManager {
			rt.Fatalf("%s of %s was not sent, but is changed", target, c.SourceID)
		}
		if target == users.AttributeManager && !m.HasManager {
			rt.Fatalf("the manager of %s was not sent, but is changed", c.SourceID)
		}
	}
	if c.Kind == users.ChangeReactivate && (!s.rules.Reactivation || !suspendedBy(u, hr)) {
		rt.Fatalf("%s is reactivated: reactivation %v, suspensions %v", c.SourceID, s.rules.Reactivation, u.Suspensions)
	}
	if c.Kind == users.ChangeLink && m.standing() == standingLeft {
		rt.Fatalf("%s left and is linked", c.SourceID)
	}
	if c.Kind == users.ChangeSuspend && s.rules.admits(m) {
		rt.Fatalf("%s works here and is suspended", c.SourceID)
	}
}

// checkAddresses checks that whoever loses an address to somebody gives it up in an earlier phase.
func (s scene) checkAddresses(rt *rapid.T, rows []users.RunChange, taken map[users.LoginKey]string) {
	for _, u := range s.users {
		taker, wanted := taken[u.EmailKey]
		i := slices.IndexFunc(rows, func(c users.RunChange) bool {
			return c.SourceID == taker && c.Fields[users.AttributeEmail].After != "" && c.User != u.ID
		})
		if !wanted || i < 0 {
			continue
		}
		if !slices.ContainsFunc(rows, func(c users.RunChange) bool {
			_, renamed := c.Fields[users.AttributeEmail]
			return c.User == u.ID && c.Phase < rows[i].Phase && (renamed || c.Reason == users.ReasonEmailParked)
		}) {
			rt.Fatalf("%s takes %s, which %s still holds: %v", taker, u.EmailKey, u.ID, effectsOf(rows))
		}
	}
}

// tryFeed is feed for a feed that may be corrupt.
func (s scene) tryFeed() (*Feed, []Mapped, bool) {
	versions := map[string]map[string]bool{}
	contradicting := 0
	for _, p := range s.feedPeople {
		if versions[p.ID] == nil {
			versions[p.ID] = map[string]bool{}
		}
		versions[p.ID][s.mapper.apply(p).Hash] = true
		if len(versions[p.ID]) == 2 {
			contradicting++
		}
	}
	if contradicting > maxDuplicateIDs {
		return nil, nil, false
	}
	feed, waiting := s.feed(s.feedPeople...)
	return feed, waiting, true
}

// design.md section 2: the plan is a pure function, whatever the order and the pages of the feed
func TestThePlanDependsOnNeitherOrderNorPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, t)
		feed, waiting, ok := s.tryFeed()
		if !ok {
			return
		}
		first := s.planFeed(feed, waiting, 500)
		s.feedPeople = rapid.Permutation(s.feedPeople).Draw(rt, "order")
		feed, waiting, _ = s.tryFeed()
		second := s.planFeed(feed, waiting, rapid.IntRange(1, 4).Draw(rt, "page"))

		var a, b planHash
		for _, c := range first {
			a.add(c)
		}
		for _, c := range second {
			b.add(c)
		}
		if a.sum() != b.sum() {
			rt.Fatalf("another order gives another plan (-one +other):\n%s", cmp.Diff(sortedEffects(first), sortedEffects(second)))
		}
	})
}

func sortedEffects(rows []users.RunChange) []string {
	var effects []string
	for _, e := range effectsOf(rows) {
		effects = append(effects, fmt.Sprint(e))
	}
	slices.Sort(effects)
	return effects
}

// budget: a second run over an unchanged feed has nothing to write
func TestAPlanThatWasAppliedLeavesNothingToPlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		var people []Person
		for i := range rapid.IntRange(1, 6).Draw(rt, "people") {
			p := drawPerson(rt, fmt.Sprint(i+1), []string{"Ada", "Bob", "Cleo", "Dan", "Eve", "Fay"}[i])
			people = append(people, p)
		}
		rows := w.plan(people...)
		w.remember(rows)
		for _, c := range w.plan(people...) {
			if c.Kind != users.ChangeQuarantine {
				rt.Fatalf("second plan has %v after %v", effectsOf([]users.RunChange{c}), effectsOf(rows))
			}
		}
	})
}
