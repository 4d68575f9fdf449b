package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// recording is a directory that learns of the end of sessions.
type recording struct {
	m     *managed
	err   error
	ends  []users.SessionEnd
	alive []int    // sessions in the store at each record
	after []func() // what happens after each record
}

func (r *recording) RecordSessionEnds(ctx context.Context, _ users.Actor, id users.ID, ends []users.SessionEnd) error {
	left, err := r.m.Of(ctx, id)
	if err != nil {
		return err
	}
	r.ends = append(r.ends, ends...)
	r.alive = append(r.alive, len(left))
	if len(r.after) > 0 {
		r.after[0]()
		r.after = r.after[1:]
	}
	return r.err
}

// A session is deleted only when its end stands in the log, so that its
// applications are told whatever happens in between.
func TestTheEndOfASessionIsWrittenBeforeItIsDeleted(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, first := m.signIn(m.user, 1, "")
		_, second := m.signIn(m.user, 1, "")
		down := &recording{m: m, err: errors.New("the directory does not answer")}
		about := users.SessionEnd{Reason: "signed_out", Request: "r"}
		if err := m.Conclude(m.Context(), down, users.ActorSystem, about, first); !errors.Is(err, down.err) {
			m.Errorf("error %v, want the directory's", err)
		}
		m.wantCurrent("after an end that was not written", cookie, nil)

		up := &recording{m: m}
		if err := m.Conclude(m.Context(), up, users.ActorSystem, about, first, second); err != nil {
			m.Fatal(err)
		}
		want := []users.SessionEnd{{SID: first.SID, Reason: "signed_out", Request: "r"}, {SID: second.SID, Reason: "signed_out", Request: "r"}}
		if diff := cmp.Diff(want, up.ends); diff != "" {
			m.Errorf("written (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{2}, up.alive); diff != "" {
			m.Errorf("sessions in the store when their end was written (-want +got):\n%s", diff)
		}
		m.wantCurrent("after the end", cookie, session.ErrNotFound)
		if err := m.Conclude(m.Context(), up, users.ActorSystem, about, first); err != nil {
			m.Errorf("ending again: %v", err)
		}
		if err := m.Conclude(m.Context(), up, users.ActorSystem, about); err != nil || len(up.ends) != 3 {
			m.Errorf("ending none: %v, %d written", err, len(up.ends))
		}
	})
}

// An application that gets a code while the session ends is told of the end like the others.
func TestApplicationsThatComeWhileASessionEndsAreTold(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, s := m.signIn(m.user, 1, "")
		join := func(application users.ApplicationID) {
			if _, err := m.IssueCode(m.Context(), s, application, session.Params{}, ""); err != nil {
				m.Error(err)
			}
		}
		join("personio")
		s = m.wantCurrent("session", cookie, nil)
		log := &recording{m: m, after: []func(){func() { join("wiki") }, func() { join("crm"); join("wiki") }}}
		if err := m.Conclude(m.Context(), log, users.ActorSystem, users.SessionEnd{Reason: "signed_out"}, s); err != nil {
			m.Fatal(err)
		}
		want := []users.SessionEnd{
			{SID: s.SID, Reason: "signed_out", Applications: []users.ApplicationID{"personio"}},
			{SID: s.SID, Reason: "signed_out", Applications: []users.ApplicationID{"wiki"}},
			{SID: s.SID, Reason: "signed_out", Applications: []users.ApplicationID{"crm"}},
		}
		if diff := cmp.Diff(want, log.ends); diff != "" {
			m.Errorf("written (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{1, 1, 1}, log.alive); diff != "" {
			m.Errorf("sessions in the store when that was written (-want +got):\n%s", diff)
		}
		m.wantCurrent("after the end", cookie, session.ErrNotFound)
	})
}

// While the log does not know of an application, the session it came to is not deleted.
func TestASessionStaysUntilTheLogKnowsAllItsApplications(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, s := m.signIn(m.user, 1, "")
		log := &recording{m: m}
		log.after = []func(){func() {
			if _, err := m.IssueCode(m.Context(), s, "personio", session.Params{}, ""); err != nil {
				m.Error(err)
			}
		}, func() { log.err = errors.New("the directory does not answer") }}
		if err := m.Conclude(m.Context(), log, users.ActorSystem, users.SessionEnd{}, s); !errors.Is(err, log.err) || err == nil {
			m.Errorf("error %v, want the directory's", err)
		}
		m.wantCurrent("after an end that was not written", cookie, nil)
	})
}

// A transaction has at most 200 events.
func TestManySessionsEndInParts(t *testing.T) {
	eachManager(t, func(m *managed) {
		for range 205 {
			m.signIn(m.user, 1, "")
		}
		all, err := m.Of(m.Context(), m.user)
		if err != nil {
			m.Fatal(err)
		}
		log := &recording{m: m}
		if err := m.Conclude(m.Context(), log, users.ActorSystem, users.SessionEnd{Reason: "signed_out"}, all...); err != nil {
			m.Fatal(err)
		}
		if diff := cmp.Diff([]int{205, 105, 5}, log.alive); diff != "" {
			m.Errorf("sessions in the store at each transaction (-want +got):\n%s", diff)
		}
		if left, err := m.Of(m.Context(), m.user); err != nil || len(left) != 0 {
			m.Errorf("%d sessions are left, error %v", len(left), err)
		}
	})
}
