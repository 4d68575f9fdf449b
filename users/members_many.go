package users

import (
	"context"
	"fmt"
	"slices"
)

// membersAtOnce is how many people one transaction puts into a group.
const membersAtOnce = 100

// AddMembers puts people into a group by hand, with an event for each, and returns
// for how many that was new. People who are members already, who do not exist or
// whose groups the file says are left as they are. It can be called again with the same people.
//
//   - ErrNotFound: there is no such group.
//   - ErrInvalid: the group is everyone, or a rule says who its members are.
func (d *Directory) AddMembers(ctx context.Context, actor Actor, group GroupID, ids []ID) (added int, err error) {
	for some := range slices.Chunk(ids, membersAtOnce) {
		n := 0
		err := d.store.Update(ctx, func(tx Tx) (err error) {
			n, err = addMembers(ctx, tx, actor, group, some)
			return err
		})
		if err != nil {
			return added, fmt.Errorf("members of group %s: %w", group, err)
		}
		added += n
	}
	return added, nil
}

func addMembers(ctx context.Context, tx Tx, actor Actor, group GroupID, ids []ID) (added int, err error) {
	if group == Everyone {
		return 0, fmt.Errorf("%w: everyone is a member", ErrInvalid)
	}
	g, err := tx.Group(ctx, group)
	if err != nil {
		return 0, err
	}
	if g.Rule != "" {
		return 0, fmt.Errorf("%w: a rule says who is a member", ErrInvalid)
	}
	exist, err := tx.LockUsers(ctx, ids) // so that of two at once the second sees what the first did
	if err != nil {
		return 0, err
	}
	already, err := tx.Memberships(ctx, ids)
	if err != nil {
		return 0, err
	}
	names, _, err := readSetting[declaredNames](ctx, tx, declaredSetting)
	if err != nil {
		return 0, err
	}
	var moves []move
	for _, id := range ids {
		m := Membership{Group: group, User: id}
		if _, exists := exist[id]; !exists || slices.Contains(already[id], m) || slices.Contains(names.Users, id) {
			continue
		}
		moves = append(moves, move{Membership: m})
	}
	return len(moves), writeMoves(ctx, tx, actor, "", moves)
}
