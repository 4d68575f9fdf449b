package users

import (
	"context"
	"fmt"
	"slices"
)

// move is one membership that begins or ends.
type move struct {
	Membership
	ends bool
	rule string // of the group, for one by rule; empty: the group has none any more
}

// memberPayload is the payload of EventMemberAdded and EventMemberRemoved.
type memberPayload struct {
	User   ID     `json:"user"`
	ByRule bool   `json:"by_rule"`
	Rule   string `json:"rule,omitempty"` // that makes the membership, or holds no longer; empty: there is none
	Run    RunID  `json:"run,omitempty"`  // the import that changed the person
}

// writeMoves writes moves with an event for each.
func writeMoves(ctx context.Context, tx Tx, actor Actor, run RunID, moves []move) error {
	var begin, end []Membership
	for _, m := range moves {
		kind := EventMemberAdded
		if m.ends {
			kind, end = EventMemberRemoved, append(end, m.Membership)
		} else {
			begin = append(begin, m.Membership)
		}
		payload := memberPayload{User: m.User, ByRule: m.ByRule, Rule: m.rule, Run: run}
		if err := appendEvent(tx, kind, actor, string(m.Group), payload); err != nil {
			return err
		}
	}
	if _, err := tx.PutMembers(ctx, begin); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	if _, err := tx.DeleteMembers(ctx, end); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	return nil
}

// AddMember puts a person into a group by hand, and does nothing if they are.
//
//   - ErrNotFound: there is no such group or person.
//   - ErrInvalid: the group is everyone, which needs no members.
//   - ErrReadOnly: the person is declared in the file, which says their groups.
func (d *Directory) AddMember(ctx context.Context, actor Actor, group GroupID, id ID) error {
	return d.changeMember(ctx, actor, group, id, func(_ Group, byHand, _ bool) (*move, error) {
		if byHand {
			return nil, nil
		}
		return &move{Membership: Membership{Group: group, User: id}}, nil
	})
}

// RemoveMember takes a person's membership by hand away. Its errors are those of
// AddMember, and ErrInvalid for a person who is a member by rule alone, because
// only the rule or the person's attributes can end that.
func (d *Directory) RemoveMember(ctx context.Context, actor Actor, group GroupID, id ID) error {
	return d.changeMember(ctx, actor, group, id, func(g Group, byHand, byRule bool) (*move, error) {
		switch {
		case byHand:
			return &move{Membership: Membership{Group: group, User: id}, ends: true}, nil
		case byRule:
			return nil, fmt.Errorf("%w: the person is a member by the group's rule, %s; change the rule or the person's attributes", ErrInvalid, g.Rule)
		}
		return nil, fmt.Errorf("%w: the person is no member", ErrInvalid)
	})
}

// changeMember lets change decide what happens to a person's membership by hand.
func (d *Directory) changeMember(
	ctx context.Context, actor Actor, group GroupID, id ID, change func(g Group, byHand, byRule bool) (*move, error),
) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		if group == Everyone {
			return fmt.Errorf("%w: everyone is a member", ErrInvalid)
		}
		g, err := tx.Group(ctx, group)
		if err != nil {
			return err
		}
		locked, err := tx.LockUsers(ctx, []ID{id}) // so that of two at once the second sees what the first did
		if err != nil {
			return err
		}
		if len(locked) == 0 {
			return ErrNotFound
		}
		if err := checkUndeclared(ctx, tx, id); err != nil {
			return err
		}
		all, err := tx.Memberships(ctx, []ID{id})
		if err != nil {
			return err
		}
		m, err := change(g,
			slices.Contains(all[id], Membership{Group: group, User: id}),
			slices.Contains(all[id], Membership{Group: group, User: id, ByRule: true}))
		if err != nil || m == nil {
			return err
		}
		return writeMoves(ctx, tx, actor, "", []move{*m})
	})
	if err != nil {
		return fmt.Errorf("member of group %s: %w", group, err)
	}
	return nil
}

// checkUndeclared returns ErrReadOnly for a person whose groups the file says.
func checkUndeclared(ctx context.Context, tx Tx, id ID) error {
	names, _, err := readSetting[declaredNames](ctx, tx, declaredSetting)
	if err == nil && slices.Contains(names.Users, id) {
		err = fmt.Errorf("%w, which says the person's groups", ErrReadOnly)
	}
	return err
}
