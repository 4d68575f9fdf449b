package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// outcome is what planning a whole read comes to.
type outcome struct {
	counts users.Counts
	stats  users.FeedStats
	hash   string
	rows   int

	selected []string // source ids of those who were chosen
	// Of a read of some people: who loses access now, but for those from whom a rule takes an application.
	losing map[users.ID]struct{}
}

// plan plans everybody who waits, in bounded portions, and hands each portion of
// rows to save. Rows are numbered in the order of planning.
func (r *reading) plan(ctx context.Context, save func(context.Context, []users.RunChange) error) (outcome, error) {
	if err := r.leaveToOthers(ctx); err != nil {
		return outcome{}, err
	}
	if err := r.findLookalikes(ctx); err != nil {
		return outcome{}, err
	}
	r.feed.resolve()
	var hash planHash
	result := outcome{losing: map[users.ID]struct{}{}}
	result.stats = r.stats.sum()
	if r.selection != nil {
		result.selected = slices.Sorted(maps.Keys(r.selection.ids))
	}
	managers := r.presentManagers()
	r.toPlan = r.waiting.people
	if r.mapper.manager {
		r.toPlan += r.waitingManagers() + r.restless.people
	}
	if r.toPlan > 0 {
		r.track.report(ctx, ProgressPlanning, 0, r.toPlan)
	}

	emit := func(rows []users.RunChange) error {
		for i := range rows {
			result.rows++
			rows[i].Seq = result.rows
			r.feed.note(rows[i])
			hash.add(rows[i])
		}
		return save(ctx, rows)
	}
	planPeople := func(in PageInput) ([]personPlan, error) {
		page := PlanPage(in)
		losing, err := r.movers.note(ctx, page.Changes, page.losing)
		if err != nil {
			return nil, err
		}
		if r.track.run.Scope != users.ScopeFull { // of everybody they may be many
			maps.Copy(result.losing, page.losing)
		}
		result.stats.LosingAccess += page.LosingAccess + losing
		result.stats.LosingLater += page.LosingLater
		for _, c := range page.Changes {
			if _, named := r.managers[c.SourceID]; named && (c.Kind == users.ChangeCreate || c.Kind == users.ChangeLink) {
				managers[c.SourceID] = c.User
			}
		}
		return page.plans, emit(page.Changes)
	}
	planManagers := func(in PageInput, plans []personPlan) error {
		if !r.mapper.manager {
			return nil
		}
		return emit(PlanManagers(ManagersInput{PageInput: in, Managers: managers, plans: plans}))
	}
	// Managers first: whoever reports to one of them is then written once, with
	// the manager, and not a second time for that alone. And when they are planned it
	// is known who stands for whom, so the others are planned with their managers.
	var managing spool // of those who wait, the managers
	passes := []struct {
		people *spool
		part   func(Mapped) bool // nil: all
		plan   func(in PageInput) error
	}{
		{&r.waiting, r.isManager, func(in PageInput) error {
			for _, m := range in.People {
				if err := managing.add(m); err != nil {
					return err
				}
			}
			_, err := planPeople(in)
			return err
		}},
		{&r.waiting, r.isNoManager, func(in PageInput) error {
			in.Bosses = managers
			plans, err := planPeople(in)
			if err != nil {
				return err
			}
			return planManagers(in, plans)
		}},
		{&managing, nil, func(in PageInput) error { return planManagers(in, nil) }},
		{&r.restless, nil, func(in PageInput) error { return planManagers(in, nil) }},
	}
	if !r.mapper.manager {
		passes = passes[:2]
	}
	for _, pass := range passes {
		if err := r.eachPortion(ctx, pass.people, pass.part, pass.plan); err != nil {
			return outcome{}, err
		}
	}
	result.counts, result.hash = r.feed.counts(), hash.sum()
	return result, nil
}

// presentManagers returns the users of those named as managers who have one
// already and keep it under this id.
func (r *reading) presentManagers() map[string]users.ID {
	managers := map[string]users.ID{}
	for id := range r.managers {
		if _, moved := r.feed.moved[id]; moved {
			continue
		}
		if user := r.memory.people[id].user; user != "" {
			managers[id] = user
		}
	}
	return managers
}

// waitingManagers is how many of those who wait are named as managers.
func (r *reading) waitingManagers() int {
	waiting := 0
	for id := range r.managers {
		if r.feed.entries[id].changed {
			waiting++
		}
	}
	return waiting
}

// isManager reports whether the feed names a person as a manager.
func (r *reading) isManager(m Mapped) bool {
	_, named := r.managers[m.ID]
	return named
}

func (r *reading) isNoManager(m Mapped) bool { return !r.isManager(m) }

// only returns the people of a part.
func only(people []Mapped, part func(Mapped) bool) []Mapped {
	return slices.DeleteFunc(slices.Clone(people), func(m Mapped) bool { return !part(m) })
}

// eachPortion calls plan with portions of people, of a part of them or of all for
// nil, and what the directory holds about them.
func (r *reading) eachPortion(ctx context.Context, people *spool, part func(Mapped) bool, plan func(PageInput) error) error {
	for portion, err := range people.chunks() {
		if err != nil {
			return err
		}
		if part != nil || len(r.left) > 0 {
			portion = only(portion, func(m Mapped) bool { return !r.isLeft(m) && (part == nil || part(m)) })
		}
		if len(portion) == 0 {
			continue
		}
		in, err := r.input(ctx, portion)
		if err != nil {
			return err
		}
		if err := plan(in); err != nil {
			return err
		}
		r.planned += len(portion)
		r.track.report(ctx, ProgressPlanning, r.planned, r.toPlan)
	}
	return nil
}

func (r *reading) input(ctx context.Context, people []Mapped) (PageInput, error) {
	in := PageInput{
		People: people, Known: map[string]users.Person{}, ManagersNow: map[string]users.ID{},
		Feed: r.feed, NewID: r.newID, Now: r.track.engine.now(),
	}
	var err error
	if in.Users, err = r.usersOf(ctx, people); err != nil {
		return PageInput{}, err
	}
	if in.Elsewhere, err = r.otherRecords(ctx, in.Users); err != nil {
		return PageInput{}, err
	}
	in.People = r.onlyOurs(people, in.Elsewhere)
	ids := make([]users.ID, 0, len(in.Users))
	for _, m := range people {
		if p, known := r.memory.person(m.ID); known {
			in.Known[m.ID] = p
			in.ManagersNow[p.ManagerSourceID] = r.memory.people[p.ManagerSourceID].user
			if p.User != "" {
				ids = append(ids, p.User)
			}
		}
	}
	if len(ids) == 0 {
		return in, nil
	}
	if in.Waivers, err = r.directory.Waivers(ctx, r.rules.Connection, ids); err != nil {
		return PageInput{}, fmt.Errorf("waivers: %w", err)
	}
	return in, nil
}
