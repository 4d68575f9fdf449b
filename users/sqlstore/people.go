package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/einlass/einlass/users"
)

var (
	selectPeople      = loadBatch("people")
	selectPeopleAfter = load("people_after")
	selectPeopleOf    = loadBatch("people_of")
	selectSharedUsers = load("shared_users")
	putPeople         = loadBatch("put_people")
)

// People implements users.Reader.
func (r reader) People(ctx context.Context, connection users.ApplicationID, sourceIDs []string) (map[string]users.Person, error) {
	people := make(map[string]users.Person, len(sourceIDs))
	err := r.conn.lookUp(ctx, selectPeople, func(rows *sql.Rows) error {
		p, err := scanPerson(rows)
		people[p.SourceID] = p
		return err
	}, sourceIDs, string(connection))
	return people, err
}

// PeopleAfter implements users.Reader.
func (r reader) PeopleAfter(ctx context.Context, connection users.ApplicationID, after string, limit int) ([]users.Person, error) {
	var people []users.Person
	err := r.conn.query(ctx, selectPeopleAfter, func(rows *sql.Rows) error {
		p, err := scanPerson(rows)
		people = append(people, p)
		return err
	}, string(connection), after, int64(limit))
	return people, err
}

// PeopleOf implements users.Reader.
func (r reader) PeopleOf(ctx context.Context, ids []users.ID) (map[users.ID][]users.Person, error) {
	// No id would find those who were never created.
	known := slices.DeleteFunc(texts(ids), func(id string) bool { return id == "" })
	people := make(map[users.ID][]users.Person, len(known))
	err := r.conn.lookUp(ctx, selectPeopleOf, func(rows *sql.Rows) error {
		p, err := scanPerson(rows)
		people[p.User] = append(people[p.User], p)
		return err
	}, known)
	return people, err
}

// SharedUsers implements users.Reader.
func (r reader) SharedUsers(ctx context.Context, connection users.ApplicationID) ([]users.ID, error) {
	var ids []users.ID
	err := r.conn.query(ctx, selectSharedUsers, func(rows *sql.Rows) error {
		var id users.ID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, string(connection))
	return ids, err
}

func scanPerson(rows *sql.Rows) (users.Person, error) {
	var p users.Person
	err := rows.Scan(&p.Connection, &p.SourceID, &p.User, &p.Status, &p.ContentHash, &p.ManagerSourceID, &p.SeenRun, moment{&p.StatusSince})
	return p, err
}

// PutPeople implements users.Tx.
func (t *tx) PutPeople(ctx context.Context, people []users.Person) error {
	rows := make([][]any, len(people))
	for i, p := range people {
		rows[i] = []any{
			string(p.Connection), p.SourceID, string(p.User), p.Status, p.ContentHash, p.ManagerSourceID, string(p.SeenRun), millis(p.StatusSince),
		}
	}
	_, err := t.conn.execRows(ctx, putPeople, uniqueRows(rows, 2))
	return err
}
