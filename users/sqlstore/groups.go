package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/einlass/einlass/users"
)

var (
	selectGroups  = load("groups")
	countEveryone = load("count_everyone")
	putGroup      = load("put_group")
	putMembers    = loadBatch("put_members")
	deleteMembers = loadBatch("delete_members")

	selectMemberships = loadBatch("memberships")
	selectRules       = load("rules")
)

// Groups implements users.Reader.
func (r reader) Groups(ctx context.Context) ([]users.Group, error) {
	groups, err := r.groups(ctx, "")
	if err != nil {
		return nil, err
	}
	everyone, err := r.everyone(ctx)
	if err != nil {
		return nil, err
	}
	groups = append(groups, everyone)
	slices.SortFunc(groups, func(a, b users.Group) int { return cmp.Compare(a.ID, b.ID) })
	return groups, nil
}

// Group implements users.Reader.
func (r reader) Group(ctx context.Context, id users.GroupID) (users.Group, error) {
	if id == users.Everyone {
		return r.everyone(ctx)
	}
	if id == "" {
		return users.Group{}, users.ErrNotFound
	}
	return first(r.groups(ctx, id))
}

// groups returns one group, or all of them for the empty id.
func (r reader) groups(ctx context.Context, id users.GroupID) ([]users.Group, error) {
	var groups []users.Group
	err := r.conn.query(ctx, selectGroups, func(rows *sql.Rows) error {
		var g users.Group
		err := rows.Scan(&g.ID, &g.Label, &g.Rule, &g.Origin, &g.Version, &g.Members)
		groups = append(groups, g)
		return err
	}, string(id))
	return groups, err
}

// everyone is the built-in group, which has no rows.
func (r reader) everyone(ctx context.Context) (users.Group, error) {
	g := users.Group{ID: users.Everyone, Label: "Everyone", Origin: users.OriginLocal}
	err := r.conn.queryOne(ctx, countEveryone, func(rows *sql.Rows) error { return rows.Scan(&g.Members) })
	return g, err
}

// Memberships implements users.Reader.
func (r reader) Memberships(ctx context.Context, ids []users.ID) (map[users.ID][]users.Membership, error) {
	memberships := make(map[users.ID][]users.Membership, len(ids))
	err := r.conn.lookUp(ctx, selectMemberships, func(rows *sql.Rows) error {
		var m users.Membership
		err := rows.Scan(&m.Group, &m.User, &m.ByRule)
		memberships[m.User] = append(memberships[m.User], m)
		return err
	}, texts(ids))
	return memberships, err
}

// Rules implements users.Tx. On SQLite nobody else writes while a transaction
// does; on PostgreSQL those who read the rules share a lock that PutGroup needs alone.
func (t *tx) Rules(ctx context.Context) ([]users.Group, error) {
	if t.holdRules.text != "" {
		if err := t.conn.query(ctx, t.holdRules, func(*sql.Rows) error { return nil }); err != nil {
			return nil, err
		}
	}
	return t.RuledGroups(ctx)
}

// RuledGroups implements users.Reader.
func (r reader) RuledGroups(ctx context.Context) ([]users.Group, error) {
	var groups []users.Group
	err := r.conn.query(ctx, selectRules, func(rows *sql.Rows) error {
		var g users.Group
		err := rows.Scan(&g.ID, &g.Label, &g.Rule, &g.Origin, &g.Version)
		groups = append(groups, g)
		return err
	})
	return groups, err
}

// PutGroup implements users.Tx. It refuses the built-in group with ErrInvalid.
func (t *tx) PutGroup(ctx context.Context, g users.Group) error {
	if g.ID == users.Everyone {
		return fmt.Errorf("%w group: %s is built in", users.ErrInvalid, g.ID)
	}
	if err := t.RaiseRevision(ctx); err != nil { // what Rules holds back
		return err
	}
	_, err := t.conn.exec(ctx, putGroup, string(g.ID), g.Label, g.Rule, string(g.Origin))
	return err
}

// PutMembers implements users.Tx. It returns ErrNotFound for an unknown group or person.
func (t *tx) PutMembers(ctx context.Context, members []users.Membership) (int, error) {
	added, err := t.conn.execRows(ctx, putMembers, memberRows(members))
	return int(added), err
}

// DeleteMembers implements users.Tx.
func (t *tx) DeleteMembers(ctx context.Context, members []users.Membership) (int, error) {
	removed, err := t.conn.execRows(ctx, deleteMembers, memberRows(members))
	return int(removed), err
}

func memberRows(members []users.Membership) [][]any {
	rows := make([][]any, len(members))
	for i, m := range members {
		rows[i] = []any{string(m.Group), string(m.User), flag(m.ByRule)}
	}
	return rows
}
