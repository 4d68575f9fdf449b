package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectEvents      = load("events")
	selectEventsAbout = load("events_about")
	selectEventHead   = load("event_head")

	selectEventsAboutAfter = load("events_about_after")
	selectSuspensionEvents = load("suspension_events")
	selectReadinessEvents  = load("readiness_events")

	advanceEventHead = load("advance_event_head")
	setEventHead     = load("set_event_head")
	insertEvents     = loadBatch("insert_events")
	insertEventData  = loadBatch("insert_event_data")
)

// appendEvents numbers, chains and writes the events of the transaction. It runs
// last, because from its first statement on all others who append wait.
func (t *tx) appendEvents(ctx context.Context, now time.Time) error {
	if len(t.events) == 0 {
		return nil
	}
	last, previous, err := t.eventHead(ctx, advanceEventHead, int64(len(t.events)))
	if err != nil {
		return err
	}
	events := slices.Clone(t.events)
	head := users.Chain(events, last-int64(len(events)), previous, now)

	rows := make([][]any, len(events))
	data := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{e.Seq, millis(e.At), string(e.Kind), string(e.Actor), e.Subject, e.DataHash, e.Hash}
		data[i] = []any{e.Seq, e.Salt, e.Payload}
	}
	if _, err := t.conn.execRows(ctx, insertEvents, rows); err != nil {
		return err
	}
	if _, err := t.conn.execRows(ctx, insertEventData, data); err != nil {
		return err
	}
	_, err = t.conn.exec(ctx, setEventHead, head)
	return err
}

// Events implements users.Reader.
func (r reader) Events(ctx context.Context, after int64, limit int) ([]users.Event, error) {
	return r.events(ctx, selectEvents, after, int64(limit))
}

// EventsAbout implements users.Reader.
func (r reader) EventsAbout(ctx context.Context, subject string, limit int) ([]users.Event, error) {
	return r.events(ctx, selectEventsAbout, subject, int64(limit))
}

// EventsAboutAfter implements users.Reader.
func (r reader) EventsAboutAfter(ctx context.Context, subject string, after int64, limit int) ([]users.Event, error) {
	return r.events(ctx, selectEventsAboutAfter, subject, after, int64(limit))
}

// SuspensionEvents implements users.Reader.
func (r reader) SuspensionEvents(ctx context.Context, after int64, limit int) ([]users.Event, error) {
	return r.events(ctx, selectSuspensionEvents, after, int64(limit))
}

// ReadinessEvents implements users.Reader.
func (r reader) ReadinessEvents(ctx context.Context, application users.ApplicationID) ([]users.Event, error) {
	return r.events(ctx, selectReadinessEvents, string(application))
}

func (r reader) events(ctx context.Context, s statement, args ...any) ([]users.Event, error) {
	var events []users.Event
	err := r.conn.query(ctx, s, func(rows *sql.Rows) error {
		var e users.Event
		err := rows.Scan(&e.Seq, moment{&e.At}, &e.Kind, &e.Actor, &e.Subject, &e.DataHash, &e.Hash, &e.Salt, &e.Payload)
		events = append(events, e)
		return err
	}, args...)
	return events, err
}

// EventHead implements users.Reader.
func (r reader) EventHead(ctx context.Context) (seq int64, hash []byte, err error) {
	return r.eventHead(ctx, selectEventHead)
}

func (r reader) eventHead(ctx context.Context, s statement, args ...any) (seq int64, hash []byte, err error) {
	err = r.conn.queryOne(ctx, s, func(rows *sql.Rows) error { return rows.Scan(&seq, &hash) }, args...)
	if hash == nil {
		hash = users.ChainStart()
	}
	return seq, hash, err
}
