package importer

import "github.com/einlass/einlass/users"

// ManagersInput is what the managers of some people follow from.
type ManagersInput struct {
	PageInput
	// Managers holds the users of those whom the feed names as managers, by source
	// id, as they are once the rows of PlanPage are applied.
	Managers map[string]users.ID

	plans []personPlan // what PlanPage has planned for People; nil: to be planned once more
}

// PlanManagers plans the managers of people whom PlanPage has planned from the
// same input. It follows nobody's manager's manager, so that circles and people
// who manage themselves are as good as any.
//
// What a people row remembers is the manager that the user really has. A manager
// who is not here yet therefore differs from what the feed says until a later run finds them.
func PlanManagers(in ManagersInput) []users.RunChange {
	var rows []users.RunChange
	for i, m := range in.People {
		if !m.HasManager || m.ID == "" {
			continue
		}
		var p personPlan
		if in.plans != nil {
			p = in.plans[i]
		} else {
			p = in.plan(m)
		}
		if row := in.manager(m, p); row != nil {
			rows = append(rows, *row)
		}
	}
	return rows
}

func (in ManagersInput) manager(m Mapped, p personPlan) *users.RunChange {
	hash, created, before, now := m.Hash, false, in.Known[m.ID].ManagerSourceID, p.user.Manager
	if p.row != nil {
		if p.row.Kind == users.ChangeSkip || p.row.Kind == users.ChangeQuarantine {
			return nil
		}
		hash, created, before = p.row.ContentHash, p.row.Kind == users.ChangeCreate, p.row.ManagerSourceID
		if f, set := p.row.Fields[users.AttributeManager]; set {
			now = users.ID(f.After)
		}
	}
	if hash == "" || privileged(p.user) || (p.user.ID == "" && !created) {
		return nil // troubled, out of reach, or nobody's manager to set
	}

	record := in.Known[m.ID]
	target, resolved := in.Managers[m.Manager]
	remembered, reason := m.Manager, reasonManager
	switch {
	case resolved || m.Manager == "":
	case m.Manager == before: // the manager came back under another id and stays the manager
		target = now
	default:
		remembered, reason = "", reasonManagerUnresolved
	}
	row := in.row(m, record, p.user, users.ChangeRecord, reason)
	row.Phase, row.ManagerSourceID = phaseManagers, remembered
	if p.row != nil {
		row.User, row.Before, row.Joins = p.row.User, users.BeforeFollows, row.Joins || changesPerson(p.row.Kind)
	}
	if reason == reasonManagerUnresolved {
		row.Detail = told(noteManagerUnresolved)
	}
	switch {
	case target != now:
		row.Kind = users.ChangeUpdate
		if in.Feed.rules.Repairs && asRemembered(m, record) && m.Manager == record.ManagerSourceID && len(in.Elsewhere[p.user.ID]) == 0 {
			row.Reason = users.ReasonRepaired
		}
		row.Fields = map[string]users.FieldChange{
			users.AttributeManager: {Before: string(now), After: string(target)},
		}
	case p.row != nil && reason == reasonManagerUnresolved: // listed beside the person's other changes
	case remembered != before:
	case p.row == nil && hash != record.ContentHash:
	default:
		return nil
	}
	return row
}
