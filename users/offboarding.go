package users

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// EventRef names an event of the log and what anchors it there.
type EventRef struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Hash string    `json:"hash"` // hexadecimal
}

func refOf(e Event) EventRef { return EventRef{e.Seq, e.At, hex.EncodeToString(e.Hash)} }

// Offboarding is the evidence of one end of somebody's access: who, why, and
// when each hop was done. All of it is read from the event log, the runs and the deliveries.
type Offboarding struct {
	User      ID          `json:"user_id"`
	By        SuspendedBy `json:"by"`                    // import: HR; window, admin, config; empty: erased
	Actor     Actor       `json:"actor"`                 // such as import:personio
	Reason    string      `json:"reason"`                // a code such as status_inactive, or an administrator's words
	SourceID  string      `json:"source_id,omitempty"`   // of the person at the source
	Erased    bool        `json:"erased,omitempty"`      // what the event said was erased; that and when it was stands
	ClosedAt  time.Time   `json:"access_until,omitzero"` // the end of an access window, which refused before the event
	HeardAt   time.Time   `json:"heard_at,omitzero"`     // when we first heard that the person had changed
	Run       RunID       `json:"run,omitempty"`         // the import that saw it
	SeenAt    time.Time   `json:"seen_at,omitzero"`      // when it began to read
	Committed EventRef    `json:"committed"`             // from then on every session and grant is refused
	Epoch     int64       `json:"epoch"`                 // sessions and grants of a lower one are dead
	Sessions  int         `json:"sessions_ended"`        // deleted from the store
	EndedAt   time.Time   `json:"sessions_ended_at,omitzero"`
	CleanedAt time.Time   `json:"cleaned_at,omitzero"` // nothing was left in the store

	Applications []OffboardedApplication `json:"applications"`

	// Mail to administrators about the import.
	MailsSent    int `json:"mails_sent"`
	MailsGivenUp int `json:"mails_given_up"`

	RefusedAfter int       `json:"refused_after"`    // attempts of the person since
	GrantedAfter int       `json:"granted_after"`    // must be 0
	Lifted       *EventRef `json:"lifted,omitempty"` // a suspension was lifted: access may be back

	Limits []string   `json:"cannot_be_shown"` // in sentences
	Events []EventRef `json:"events"`          // all that this rests on
}

// LogoutState says whether an application was told.
type LogoutState string

// The states, the least reassuring last.
const (
	LogoutNoSession     LogoutState = "no_session"     // it took part in no session that had to be ended
	LogoutConfirmed     LogoutState = "confirmed"      // it answered 2xx
	LogoutNotRegistered LogoutState = "not_registered" // it takes no back-channel logout
	LogoutUnknown       LogoutState = "unknown"        // nobody has looked yet which sessions it takes part in
	LogoutWaiting       LogoutState = "waiting"        // to be called, again perhaps
	LogoutGivenUp       LogoutState = "given_up"       // it did not confirm
)

var logoutStates = []LogoutState{LogoutNoSession, LogoutConfirmed, LogoutNotRegistered, LogoutUnknown, LogoutWaiting, LogoutGivenUp}

// OffboardedApplication is what is known of one application.
type OffboardedApplication struct {
	ID       ApplicationID `json:"id"`
	Open     bool          `json:"could_use"` // until the commit
	LastUse  time.Time     `json:"last_granted_at,omitzero"`
	Sessions int           `json:"sessions"` // ended ones that it took part in
	Logout   LogoutState   `json:"logout"`
	Attempts int           `json:"logout_attempts,omitempty"`
	ToldAt   time.Time     `json:"logout_at,omitzero"` // when that was noted
	Error    string        `json:"logout_error,omitempty"`
}

// offboardingPage is how many events are read at once.
const offboardingPage = 500

// OffboardedPeople returns whose access ended at or after since, in the order of the log, each once.
func (d *Directory) OffboardedPeople(ctx context.Context, since time.Time) ([]ID, error) {
	var people []ID
	seen := map[ID]bool{}
	for after := int64(0); ; {
		page, err := d.store.SuspensionEvents(ctx, after, offboardingPage)
		if err != nil {
			return nil, fmt.Errorf("offboarded people: %w", err)
		}
		for _, e := range page {
			after = e.Seq
			if id := ID(e.Subject); !e.At.Before(since) && !seen[id] && endsAccess(e) {
				seen[id] = true
				people = append(people, id)
			}
		}
		if len(page) < offboardingPage {
			return people, nil
		}
	}
}

// Offboardings returns the evidence of every end of a person's access, oldest first.
func (d *Directory) Offboardings(ctx context.Context, person ID) ([]Offboarding, error) {
	var all []*offboarding
	used := map[ApplicationID]time.Time{} // last time that access was granted
	for after := int64(0); ; {
		page, err := d.store.EventsAboutAfter(ctx, string(person), after, offboardingPage)
		if err != nil {
			return nil, fmt.Errorf("offboarding of %s: %w", person, err)
		}
		for _, e := range page {
			after = e.Seq
			// Of several suspensions at once the first is the end of access.
			if e.Kind == EventUserSuspended && endsAccess(e) && (len(all) == 0 || all[len(all)-1].Lifted != nil) {
				all = append(all, newOffboarding(e, used))
			} else if len(all) > 0 {
				all[len(all)-1].add(e)
			}
			if e.Kind == EventAccessGranted {
				used[applicationOf(e)] = e.At
			}
		}
		if len(page) < offboardingPage {
			break
		}
	}
	records := make([]Offboarding, 0, len(all))
	for _, o := range all {
		if err := o.complete(ctx, d.store); err != nil {
			return nil, fmt.Errorf("offboarding of %s: %w", person, err)
		}
		records = append(records, o.Offboarding)
	}
	return records, nil
}

// suspension is what the event of a suspension says, whoever made it.
type suspension struct {
	changePayload
	AccessUntil time.Time `json:"access_until"`
}

// endsAccess reports whether somebody who had access is suspended by e. Where
// that was erased they may have had.
func endsAccess(e Event) bool {
	var said suspension
	return e.Salt == nil || json.Unmarshal([]byte(e.Payload), &said) == nil && said.Epoch > 0
}

// offboarding gathers one record.
type offboarding struct {
	Offboarding
	open  []ApplicationID
	used  map[ApplicationID]time.Time // last time that access was granted before
	ended map[int64][]ApplicationID   // the applications of ended sessions, by number of the event
	told  map[int64]map[ApplicationID]logoutOutcome
	sids  map[string]bool
}

// logoutOutcome is how the delivery of a logout token ended.
type logoutOutcome struct {
	state    LogoutState
	attempts int
	at       time.Time
	err      string
}

func newOffboarding(e Event, used map[ApplicationID]time.Time) *offboarding {
	o := &offboarding{
		used: maps.Clone(used), ended: map[int64][]ApplicationID{}, told: map[int64]map[ApplicationID]logoutOutcome{},
		sids: map[string]bool{},
	}
	o.User, o.Actor, o.Committed, o.Erased = ID(e.Subject), e.Actor, refOf(e), e.Salt == nil
	o.rests(e)
	var said suspension
	if o.Erased || json.Unmarshal([]byte(e.Payload), &said) != nil {
		return o
	}
	o.By, o.Reason, o.SourceID, o.Run, o.HeardAt = causeOf(e, said), said.Reason, said.SourceID, said.Run, said.HeardAt
	if said.Reason == ReasonAccessEnded {
		o.ClosedAt = said.AccessUntil
	}
	o.Epoch, o.open = said.Epoch, said.Applications
	return o
}

// causeOf says which of the parties that suspend people did so.
func causeOf(e Event, said suspension) SuspendedBy {
	switch {
	case said.Reason == ReasonAccessEnded || said.Reason == ReasonAccessNotOpen:
		return ByWindow
	case strings.HasPrefix(string(e.Actor), string(ActorImport(""))):
		return ByImport
	case e.Actor == ActorConfig:
		return ByConfig
	}
	return ByAdmin
}

// rests notes that the record rests on e.
func (o *offboarding) rests(e Event) { o.Events = append(o.Events, refOf(e)) }

// add takes what a later event about the person says.
func (o *offboarding) add(e Event) {
	switch e.Kind {
	case EventSessionEnded:
		var end SessionEnd
		if e.Salt == nil {
			o.Erased = true
			break
		}
		if json.Unmarshal([]byte(e.Payload), &end) != nil || o.Lifted != nil && end.Reason != string(EventUserSuspended) {
			return
		}
		o.sids[end.SID] = true
		o.ended[e.Seq], o.EndedAt = end.Applications, e.At
	case EventAccessCleaned:
		var cleaned AccessCleaned
		if json.Unmarshal([]byte(e.Payload), &cleaned) != nil || cleaned.Event != o.Committed.Seq || !o.CleanedAt.IsZero() {
			return
		}
		o.CleanedAt = e.At
	case EventDeliveryMade, EventDeliveryFailed:
		if !o.delivered(e) {
			return
		}
	case EventUserReactivated, EventUserActivated, EventUserRecovered:
		if o.Lifted != nil {
			return
		}
		lifted := refOf(e)
		o.Lifted = &lifted
	case EventAccessDenied, EventSignInFailed:
		o.after(e, &o.RefusedAfter)
		return
	case EventAccessGranted, EventSignedIn:
		o.after(e, &o.GrantedAfter)
		return
	default:
		return
	}
	o.rests(e)
}

// after counts what a person did after the commit and before anything was lifted.
// Observations are written a second late, so their time counts and not their number.
func (o *offboarding) after(e Event, n *int) {
	if o.Lifted == nil && e.At.After(o.Committed.At) {
		*n++
	}
}

// delivered notes how the delivery of a logout token ended.
func (o *offboarding) delivered(e Event) bool {
	var said deliveryPayload
	if json.Unmarshal([]byte(e.Payload), &said) != nil || said.Follower != FollowerLogout {
		return false
	}
	if _, ours := o.ended[said.Event]; !ours {
		return false
	}
	state := LogoutConfirmed
	if e.Kind == EventDeliveryFailed {
		state = LogoutGivenUp
	}
	o.tell(said.Event, ApplicationID(said.Target), logoutOutcome{state, said.Attempts, e.At, said.Error})
	return true
}

func (o *offboarding) tell(event int64, application ApplicationID, outcome logoutOutcome) {
	if o.told[event] == nil {
		o.told[event] = map[ApplicationID]logoutOutcome{}
	}
	o.told[event][application] = outcome
}

// complete reads what is not in events about the person: the run, deliveries
// that wait, and what was mailed.
func (o *offboarding) complete(ctx context.Context, r Reader) error {
	if o.Run != "" {
		if err := o.readRun(ctx, r); err != nil {
			return err
		}
	}
	cursor, err := r.Cursor(ctx, FollowerLogout)
	if err != nil {
		return err
	}
	for event, applications := range o.ended {
		waiting, err := r.DeliveriesOf(ctx, FollowerLogout, event)
		if err != nil {
			return err
		}
		for _, d := range waiting {
			if d.State == DeliveryPending {
				o.tell(event, ApplicationID(d.Target), logoutOutcome{state: LogoutWaiting, attempts: d.Attempt, err: d.LastError})
			}
		}
		for _, application := range applications {
			if _, known := o.told[event][application]; known {
				continue
			}
			state := LogoutNotRegistered
			if cursor < event { // nobody has looked yet
				state = LogoutWaiting
			}
			o.tell(event, application, logoutOutcome{state: state})
		}
	}
	o.Sessions = len(o.sids)
	o.Applications = o.applications()
	o.Limits = o.limits()
	slices.SortFunc(o.Events, func(a, b EventRef) int { return cmp.Compare(a.Seq, b.Seq) })
	return nil
}

func (o *offboarding) readRun(ctx context.Context, r Reader) error {
	run, err := r.Run(ctx, o.Run)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	o.SeenAt = run.StartedAt
	for after := int64(0); ; {
		page, err := r.EventsAboutAfter(ctx, string(o.Run), after, offboardingPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			after = e.Seq
			var said deliveryPayload
			if json.Unmarshal([]byte(e.Payload), &said) != nil || said.Follower != FollowerMail {
				continue
			}
			switch e.Kind {
			case EventDeliveryMade:
				o.MailsSent++
			case EventDeliveryFailed:
				o.MailsGivenUp++
			default:
				continue
			}
			o.rests(e)
		}
		if len(page) < offboardingPage {
			return nil
		}
	}
}

// applications sums up what is known of each application: those that were open,
// and those that took part in a session.
func (o *offboarding) applications() []OffboardedApplication {
	ids := slices.Clone(o.open)
	for _, applications := range o.ended {
		ids = append(ids, applications...)
	}
	slices.Sort(ids)
	all := []OffboardedApplication{}
	state := LogoutNoSession
	if o.CleanedAt.IsZero() {
		state = LogoutUnknown
	}
	for _, id := range slices.Compact(ids) {
		a := OffboardedApplication{ID: id, Open: slices.Contains(o.open, id), LastUse: o.used[id], Logout: state}
		for event, applications := range o.ended {
			if !slices.Contains(applications, id) {
				continue
			}
			a.Sessions++
			outcome := o.told[event][id]
			a.Attempts += outcome.attempts
			if slices.Index(logoutStates, outcome.state) > slices.Index(logoutStates, a.Logout) {
				a.Logout, a.Error = outcome.state, outcome.err
			}
			if outcome.at.After(a.ToldAt) {
				a.ToldAt = outcome.at
			}
		}
		all = append(all, a)
	}
	return all
}

func applicationOf(e Event) ApplicationID {
	var said struct {
		Application ApplicationID `json:"application"`
	}
	if json.Unmarshal([]byte(e.Payload), &said) != nil {
		return ""
	}
	return said.Application
}
