package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectApplications   = load("applications")
	selectApplicationsOf = loadBatch("applications_of")
	insertApplication    = load("insert_application")
	updateApplication    = load("update_application")
	deleteBindings       = load("delete_application_groups")
	insertBindings       = loadBatch("insert_application_groups")
	deleteKept           = load("delete_connection_applications")
	insertKept           = loadBatch("insert_connection_applications")
	selectClientSecrets  = load("client_secrets")
	putClientSecret      = load("put_client_secret")
)

// ApplicationsOf implements users.Reader.
func (r reader) ApplicationsOf(ctx context.Context, id users.ID, now time.Time) ([]users.ApplicationID, error) {
	byUser, err := r.applicationsOf(ctx, []users.ID{id}, now.UnixMilli())
	return byUser[id], err
}

// ApplicationsByUser implements users.Reader.
func (r reader) ApplicationsByUser(ctx context.Context, ids []users.ID) (map[users.ID][]users.ApplicationID, error) {
	return r.applicationsOf(ctx, ids, 0)
}

func (r reader) applicationsOf(ctx context.Context, ids []users.ID, now int64) (map[users.ID][]users.ApplicationID, error) {
	byUser := map[users.ID][]users.ApplicationID{}
	err := r.conn.lookUp(ctx, selectApplicationsOf, func(rows *sql.Rows) error {
		var user users.ID
		var application users.ApplicationID
		err := rows.Scan(&user, &application)
		byUser[user] = append(byUser[user], application)
		return err
	}, texts(ids), now)
	for _, applications := range byUser {
		slices.Sort(applications)
	}
	return byUser, err
}

// Applications implements users.Reader.
func (r reader) Applications(ctx context.Context) ([]users.Application, error) {
	return r.applications(ctx, "")
}

// Application implements users.Reader.
func (r reader) Application(ctx context.Context, id users.ApplicationID) (users.Application, error) {
	if id == "" {
		return users.Application{}, users.ErrNotFound
	}
	return first(r.applications(ctx, id))
}

// applications returns one application, or all of them for the empty id.
func (r reader) applications(ctx context.Context, id users.ApplicationID) ([]users.Application, error) {
	byID := map[users.ApplicationID]*users.Application{}
	err := r.conn.query(ctx, selectApplications, func(rows *sql.Rows) error {
		var a users.Application
		var group users.GroupID
		if err := rows.Scan(&a.ID, &a.Origin, document{&a}, &a.Version, &group); err != nil {
			return err
		}
		if byID[a.ID] == nil {
			byID[a.ID] = &a
		}
		if group != "" {
			byID[a.ID].Groups = append(byID[a.ID].Groups, group)
		}
		return nil
	}, string(id))
	if err != nil {
		return nil, err
	}
	found := make([]users.Application, 0, len(byID))
	for _, a := range byID {
		slices.Sort(a.Groups)
		found = append(found, *a)
	}
	slices.SortFunc(found, func(a, b users.Application) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// PutApplication implements users.Tx.
func (t *tx) PutApplication(ctx context.Context, a users.Application) error {
	text, err := jsonText(a)
	if err != nil {
		return fmt.Errorf("application %s: %w", a.ID, err)
	}
	args := []any{string(a.ID), flag(a.Disabled), string(a.Origin), text}
	var written int64
	if a.Version == 0 {
		written, err = t.conn.exec(ctx, insertApplication, args...)
	} else {
		written, err = t.conn.exec(ctx, updateApplication, append(args, a.Version)...)
	}
	if err != nil {
		return err
	}
	if written == 0 {
		return fmt.Errorf("application %s: %w", a.ID, users.ErrStale)
	}
	if err := t.putLogo(ctx, a.ID, a.Logo); err != nil {
		return err
	}
	if _, err := t.conn.exec(ctx, deleteBindings, string(a.ID)); err != nil {
		return err
	}
	rows := make([][]any, len(a.Groups))
	for i, group := range a.Groups {
		rows[i] = []any{string(a.ID), string(group)}
	}
	if _, err := t.conn.execRows(ctx, insertBindings, rows); err != nil {
		return err
	}
	if _, err := t.conn.exec(ctx, deleteKept, string(a.ID)); err != nil {
		return err
	}
	kept := a.KeptWhenConfined()
	rows = make([][]any, len(kept))
	for i, id := range kept {
		rows[i] = []any{string(a.ID), string(id)}
	}
	_, err = t.conn.execRows(ctx, insertKept, rows)
	return err
}

// ClientSecrets implements users.Reader.
func (r reader) ClientSecrets(ctx context.Context) ([]users.ClientSecret, error) {
	var secrets []users.ClientSecret
	err := r.conn.query(ctx, selectClientSecrets, func(rows *sql.Rows) error {
		var s users.ClientSecret
		var hash []byte
		err := rows.Scan(&s.Application, &hash, moment{&s.CreatedAt}, moment{&s.ExpiresAt}, &s.Hint, &s.Origin)
		if err == nil && copy(s.Hash[:], hash) != len(s.Hash) {
			return fmt.Errorf("client secret of %s: hash of %d bytes", s.Application, len(hash))
		}
		secrets = append(secrets, s)
		return err
	})
	return secrets, err
}

// PutClientSecret implements users.Tx. It returns ErrNotFound for an unknown application.
func (t *tx) PutClientSecret(ctx context.Context, s users.ClientSecret) error {
	_, err := t.conn.exec(ctx, putClientSecret, string(s.Application), s.Hash[:],
		millis(s.CreatedAt), millis(s.ExpiresAt), s.Hint, string(s.Origin))
	return err
}
