package importer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// movers foretells what the rules of groups make of planned rows: which groups
// people leave and join by rule, and which applications they lose and gain with
// them. Rules are judged again when a row is applied; a new manager, who is
// planned apart, is not foretold.
type movers struct {
	directory *users.Directory
	now       time.Time

	loaded       bool // what follows
	rules        users.Rules
	groups       map[users.GroupID]string // labels
	applications []users.Application      // enabled ones that people use
}

// load reads rules and applications, once somebody is planned whom they may concern.
func (m *movers) load(ctx context.Context) error {
	if m.loaded {
		return nil
	}
	groups, err := m.directory.Read().RuledGroups(ctx)
	if err != nil {
		return fmt.Errorf("rules of groups: %w", err)
	}
	m.groups = map[users.GroupID]string{}
	for _, g := range groups {
		m.groups[g.ID] = g.Label
	}
	m.rules = m.directory.CompileRules(groups)
	if m.applications, err = m.directory.Read().Applications(ctx); err != nil {
		return fmt.Errorf("applications: %w", err)
	}
	m.applications = slices.DeleteFunc(m.applications, func(a users.Application) bool {
		return a.Disabled || (a.SignIn == nil && a.Launch == nil)
	})
	m.loaded = true
	return nil
}

// note adds to the effect of rows whose people change groups by rule. It returns how
// many active people lose an application by that alone: not those of whom it is known that they lose access.
func (m *movers) note(ctx context.Context, rows []users.RunChange, known map[users.ID]struct{}) (losing int, err error) {
	if !slices.ContainsFunc(rows, changesAttributes) {
		return 0, nil
	}
	if err := m.load(ctx); err != nil || len(m.rules) == 0 {
		return 0, err
	}
	var ids []users.ID
	for _, row := range rows {
		if row.Kind != users.ChangeCreate && changesAttributes(row) {
			ids = append(ids, row.User)
		}
	}
	people, err := m.directory.Read().UsersByID(ctx, ids)
	if err != nil {
		return 0, fmt.Errorf("people of the plan: %w", err)
	}
	memberships, err := m.directory.Read().Memberships(ctx, ids)
	if err != nil {
		return 0, fmt.Errorf("memberships of people: %w", err)
	}
	for i := range rows {
		row := &rows[i]
		if !changesAttributes(*row) {
			continue
		}
		effect, lost := m.effect(*row, people[row.User], memberships[row.User])
		row.Effect = append(effect, row.Effect...)
		if _, counted := known[row.User]; len(lost) > 0 && !counted {
			losing++
		}
	}
	return losing, nil
}

// changesAttributes reports whether a row changes what rules are about.
func changesAttributes(row users.RunChange) bool {
	return changesPerson(row.Kind) && (len(row.Fields) > 0 || row.Reason == users.ReasonEmailParked)
}

// effect says what a row does to the groups and applications of a person, and
// which applications they lose by it who could use them.
func (m *movers) effect(row users.RunChange, u users.User, before []users.Membership) (effect []users.Note, lost []string) {
	active := u.StateAt(m.now) == users.StateActive && row.Kind != users.ChangeSuspend
	if row.Kind == users.ChangeCreate {
		u.ID, active = row.User, row.InitialState == users.StateActive
	}
	for name, f := range row.Fields {
		u.SetAttribute(name, f.After)
	}
	if row.Reason == users.ReasonEmailParked {
		u.EmailKey = ""
	}
	after := m.rules.Regrouped(u, before)
	var gained []string
	if active {
		lost, gained = m.used(before, after), m.used(after, before)
	}
	return slices.Concat(
		listing(noteLeavesGroups, "groups", m.labels(before, after)), listing(noteJoinsGroups, "groups", m.labels(after, before)),
		listing(noteLoses, "applications", lost), listing(noteGains, "applications", gained),
	), lost
}

// labels returns the groups that only the first memberships are of.
func (m *movers) labels(these, those []users.Membership) []string {
	var labels []string
	for _, membership := range these {
		if membership.ByRule && !slices.Contains(those, membership) {
			labels = append(labels, cmp.Or(m.groups[membership.Group], string(membership.Group))) // without a rule any more
		}
	}
	return labels
}

// used returns the labels of applications that only the first memberships give access to.
func (m *movers) used(these, those []users.Membership) []string {
	var labels []string
	for _, a := range m.applications {
		if !slices.Contains(a.Groups, users.Everyone) && gives(a, these) && !gives(a, those) {
			labels = append(labels, a.Label)
		}
	}
	slices.Sort(labels)
	return labels
}

// gives reports whether one of the memberships is of a group bound to the application.
func gives(a users.Application, memberships []users.Membership) bool {
	return slices.ContainsFunc(memberships, func(m users.Membership) bool { return slices.Contains(a.Groups, m.Group) })
}
