package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectUsersByID  = loadBatch("users_by_id")
	selectUsersByKey = loadBatch("users_by_key")
	selectUsersFound = load("find_users")
	selectRoleHolder = load("users_with_role")
	selectGroupsOf   = load("groups_of")
	selectCounts     = load("count_users")
	selectDecision   = load("decision")
	selectDecidedOn  = load("user_decision")
	selectCredential = load("credential")
)

// reader implements users.Reader on a pool or in a transaction.
type reader struct{ conn *conn }

// User implements users.Reader.
func (r reader) User(ctx context.Context, id users.ID) (users.User, error) {
	u, err := first(r.usersIn(ctx, selectUsersByID, []string{string(id)}))
	if err != nil {
		return users.User{}, err
	}
	return r.withGroups(ctx, u)
}

// UserByLogin implements users.Reader.
func (r reader) UserByLogin(ctx context.Context, key users.LoginKey) (users.User, error) {
	found, err := r.usersIn(ctx, selectUsersByKey, []string{string(key)})
	if err != nil {
		return users.User{}, err
	}
	if len(found) == 0 {
		return users.User{}, users.ErrNotFound
	}
	best := found[0]
	for _, u := range found {
		if u.UsernameKey == key {
			best = u
		}
	}
	return r.withGroups(ctx, best)
}

func (r reader) withGroups(ctx context.Context, u users.User) (users.User, error) {
	err := r.conn.query(ctx, selectGroupsOf, func(rows *sql.Rows) error {
		var id users.GroupID
		err := rows.Scan(&id)
		u.Groups = append(u.Groups, id)
		return err
	}, string(u.ID))
	slices.Sort(u.Groups)
	return u, err
}

// UsersByID implements users.Reader.
func (r reader) UsersByID(ctx context.Context, ids []users.ID) (map[users.ID]users.User, error) {
	found, err := r.usersIn(ctx, selectUsersByID, texts(ids))
	byID := make(map[users.ID]users.User, len(found))
	for _, u := range found {
		byID[u.ID] = u
	}
	return byID, err
}

// UsersByKey implements users.Reader. The holder of an address comes before the
// holder of a user name that reads the same.
func (r reader) UsersByKey(ctx context.Context, keys []users.LoginKey) (map[users.LoginKey]users.User, error) {
	wanted := make(map[users.LoginKey]bool, len(keys))
	for _, key := range keys {
		wanted[key] = key != ""
	}
	found, err := r.usersIn(ctx, selectUsersByKey, texts(keys))
	byKey := make(map[users.LoginKey]users.User, len(found))
	for _, u := range found {
		if wanted[u.UsernameKey] && byKey[u.UsernameKey].ID == "" {
			byKey[u.UsernameKey] = u
		}
		if wanted[u.EmailKey] {
			byKey[u.EmailKey] = u
		}
	}
	return byKey, err
}

// FindUsers implements users.Reader.
func (r reader) FindUsers(ctx context.Context, q users.UserQuery) ([]users.User, error) {
	const usual, most = 100, 500
	limit := min(q.Limit, most)
	if limit <= 0 {
		limit = usual
	}
	if q.Group == users.Everyone {
		q.Group = ""
	}
	if len(q.Search) > maxSearchBytes {
		return nil, nil
	}
	var people people
	err := r.conn.query(ctx, selectUsersFound, people.scan,
		string(q.After), searchPattern(q.Search), string(q.Group), string(q.State), int64(limit))
	return people, err
}

// UsersWithRole implements users.Reader.
func (r reader) UsersWithRole(ctx context.Context, role users.Role) ([]users.User, error) {
	var ids []string
	err := r.conn.query(ctx, selectRoleHolder, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, string(role))
	if err != nil {
		return nil, err
	}
	return r.usersIn(ctx, selectUsersByID, ids)
}

func (r reader) usersIn(ctx context.Context, b batch, keys []string) ([]users.User, error) {
	var people people
	err := r.conn.lookUp(ctx, b, people.scan, keys)
	return people, err
}

// userColumns are where the columns of a user go, in the order in which every statement names them.
func userColumns(u *users.User) []any {
	return []any{
		&u.ID, &u.BaseState, &u.Epoch, &u.Version,
		&u.Email, &u.EmailKey, &u.Username, &u.UsernameKey,
		&u.FirstName, &u.LastName, &u.Manager, &u.Role, &u.Sealed, &u.Origin, document{&u.Attributes},
		moment{&u.AccessFrom}, moment{&u.AccessUntil}, &u.ConfinedTo, moment{&u.LastSignIn}, moment{&u.CreatedAt}, moment{&u.UpdatedAt},
	}
}

// people collects users from rows of one user and suspension each. Rows of one
// user follow each other; they may come again with the next chunk of keys.
type people []users.User

func (p *people) scan(rows *sql.Rows) error {
	var u users.User
	var s users.Suspension
	err := rows.Scan(append(userColumns(&u), &s.By, &s.Connection, &s.Reason, moment{&s.Since})...)
	if err != nil {
		return err
	}
	if last := len(*p) - 1; last < 0 || (*p)[last].ID != u.ID {
		*p = append(*p, u)
	}
	s.User = u.ID
	last := &(*p)[len(*p)-1]
	if s.By != "" && !slices.Contains(last.Suspensions, s) {
		last.Suspensions = append(last.Suspensions, s)
	}
	return nil
}

// CountUsers implements users.Reader.
func (r reader) CountUsers(ctx context.Context, connection users.ApplicationID, withoutRoles bool) (map[users.State]int, error) {
	counts := map[users.State]int{}
	err := r.conn.query(ctx, selectCounts, func(rows *sql.Rows) error {
		var state users.State
		var n int
		err := rows.Scan(&state, &n)
		counts[state] = n
		return err
	}, string(connection), flag(withoutRoles))
	return counts, err
}

// Decision implements users.Reader.
func (r reader) Decision(ctx context.Context, id users.ID, application users.ApplicationID, now time.Time) (users.Decision, error) {
	var d users.Decision
	var suspended bool
	err := r.conn.queryOne(ctx, selectDecision, func(rows *sql.Rows) error {
		return rows.Scan(&d.State, &d.Epoch, &d.Role, &d.HasEmail, &suspended, &d.Access)
	}, string(id), string(application), now.UnixMilli())
	if suspended {
		d.State = users.StateSuspended
	}
	return d, err
}

// UserDecision implements users.Reader.
func (r reader) UserDecision(ctx context.Context, id users.ID, application users.ApplicationID, now time.Time) (users.User, users.Decision, error) {
	var u users.User
	var suspended, access bool
	err := r.conn.queryOne(ctx, selectDecidedOn, func(rows *sql.Rows) error {
		return rows.Scan(append(userColumns(&u), &suspended, &access)...)
	}, string(id), string(application), now.UnixMilli())
	d := users.Decision{State: u.BaseState, Epoch: u.Epoch, Access: access, Role: u.Role, HasEmail: u.EmailKey != ""}
	if suspended {
		d.State = users.StateSuspended
	}
	return u, d, err
}

// Credential implements users.Reader.
func (r reader) Credential(ctx context.Context, id users.ID, kind users.CredentialKind) (users.Credential, error) {
	c := users.Credential{User: id, Kind: kind}
	err := r.conn.queryOne(ctx, selectCredential, func(rows *sql.Rows) error {
		return rows.Scan(&c.Data, moment{&c.UpdatedAt})
	}, string(id), string(kind))
	return c, err
}
