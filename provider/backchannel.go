package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// FollowerLogout is the follower that tells applications of the end of sessions.
const FollowerLogout = users.FollowerLogout

// Bounds of telling applications (OpenID Connect Back-Channel Logout section 2.4).
const (
	logoutTokenLife = 2 * time.Minute
	// logoutPatience is how long a sign-out waits for the first attempts, so that
	// applications usually know before the person comes back to them.
	logoutPatience = 1500 * time.Millisecond
	logoutLook     = 20 * time.Millisecond
	// recentEvents is how far back the event of a sign-out is looked for, right after it.
	recentEvents = 20
)

// logoutDirectory is the part of the directory that telling applications needs.
type logoutDirectory interface {
	Read() users.Reader
	RecordSessionEnds(ctx context.Context, actor users.Actor, id users.ID, ends []users.SessionEnd) error
	RecordAccessCleaned(ctx context.Context, e users.Event, sessions int) error
}

// tokenSigner is the part of the key ring that logout tokens need.
type tokenSigner interface {
	Signer(alg string) (*keys.Signer, error)
}

// BackChannelConfig is what a BackChannel needs. All but Now and Logger are required.
type BackChannelConfig struct {
	Issuer   string // exactly as configured
	Registry *Registry
	Users    logoutDirectory
	Sessions *session.Manager
	Keys     tokenSigner
	HTTP     caller
	Now      func() time.Time // nil means time.Now
	Logger   *slog.Logger     // nil discards
}

// BackChannel tells applications that a session they took part in has ended
// (OpenID Connect Back-Channel Logout 1.0). It is the handler of the follower
// FollowerLogout.
type BackChannel struct {
	cfg BackChannelConfig
}

var _ notify.Handler = (*BackChannel)(nil)

// NewBackChannel returns a BackChannel.
func NewBackChannel(cfg BackChannelConfig) (*BackChannel, error) {
	if cfg.Issuer == "" || cfg.Registry == nil || cfg.Users == nil || cfg.Sessions == nil || cfg.Keys == nil || cfg.HTTP == nil {
		return nil, errors.New("provider: the back-channel needs issuer, registry, users, sessions, keys and a client")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &BackChannel{cfg: cfg}, nil
}

// epochEvents are the changes after which sessions of a person may be dead.
var epochEvents = []users.EventKind{
	users.EventUserSuspended, users.EventUserUpdated, users.EventUserLinked, users.EventUserRecovered,
	users.EventSessionsEnded, users.EventPasswordSet,
}

// Targets implements notify.Handler: of the end of a session, the applications
// that took part in it and want to know. Where a change has left dead sessions in the
// store, it ends them; their events then come by here.
func (b *BackChannel) Targets(ctx context.Context, e users.Event) ([]string, error) {
	if slices.Contains(epochEvents, e.Kind) {
		return nil, b.endDead(ctx, e)
	}
	if e.Kind != users.EventSessionEnded {
		return nil, nil
	}
	end, err := sessionEnd(e)
	if err != nil {
		b.cfg.Logger.ErrorContext(ctx, "nobody can be told of the end of a session", "event", e.Seq, "error", err)
		return nil, nil // nor by trying again
	}
	return b.listeners(end.Applications), nil
}

// listeners returns which of the applications want to know.
func (b *BackChannel) listeners(applications []users.ApplicationID) []string {
	var listeners []string
	for _, id := range applications {
		if _, wants := b.listener(id); wants {
			listeners = append(listeners, string(id))
		}
	}
	return listeners
}

func (b *BackChannel) listener(id users.ApplicationID) (users.SignIn, bool) {
	a, found := b.cfg.Registry.Application(id)
	if !found || a.SignIn == nil || a.SignIn.BackchannelLogoutURI == "" {
		return users.SignIn{}, false
	}
	return *a.SignIn, true
}

// endDead ends what is left of a person's sessions that they can no longer use.
// That a suspension left nothing is evidence of its own.
func (b *BackChannel) endDead(ctx context.Context, e users.Event) error {
	dead, err := b.deadSessions(ctx, users.ID(e.Subject))
	if err != nil {
		return err
	}
	if err := b.cfg.Sessions.Conclude(ctx, b.cfg.Users, e.Actor, users.SessionEnd{Reason: string(e.Kind)}, dead...); err != nil {
		return err
	}
	if e.Kind != users.EventUserSuspended {
		return nil
	}
	return b.cfg.Users.RecordAccessCleaned(ctx, e, len(dead))
}

// deadSessions returns the sessions in the store that a person can no longer use.
func (b *BackChannel) deadSessions(ctx context.Context, person users.ID) ([]session.Session, error) {
	sessions, err := b.cfg.Sessions.Of(ctx, person)
	if err != nil || len(sessions) == 0 {
		return nil, err
	}
	now, err := b.cfg.Users.Read().Decision(ctx, person, "", b.cfg.Now())
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return nil, err
	}
	return slices.DeleteFunc(sessions, func(s session.Session) bool { return now.Lives(s.Epoch) }), nil
}

// Deliver implements notify.Handler: it posts a logout token, made for this very attempt.
func (b *BackChannel) Deliver(ctx context.Context, e users.Event, target string) error {
	client, wants := b.listener(users.ApplicationID(target))
	if !wants {
		return fmt.Errorf("%w: the application is not registered for it any more", notify.ErrGone)
	}
	end, err := sessionEnd(e)
	if err != nil {
		return fmt.Errorf("%w: %w", notify.ErrGone, err)
	}
	token, err := b.logoutToken(client, e.Subject, end.SID)
	if err != nil {
		return err
	}
	form := url.Values{"logout_token": {token}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, client.BackchannelLogoutURI, strings.NewReader(form))
	if err != nil {
		return fmt.Errorf("%w: backchannel_logout_uri is no URL", notify.ErrGone)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := b.cfg.HTTP.Do(ctx, req)
	if err != nil {
		return err
	}
	if answer.Status/100 != 2 { // section 2.8 says 200; frameworks also send 204
		return fmt.Errorf("the application answered with status %d", answer.Status)
	}
	return nil
}

// logoutEvent is the member of events that makes a token a logout token.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutTokenBody are the claims of a logout token (section 2.4). There is no
// nonce, so that it is never taken for an ID token.
type logoutTokenBody struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience string              `json:"aud"`
	IssuedAt int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	SID      string              `json:"sid"`
	Events   map[string]struct{} `json:"events"`
}

func (b *BackChannel) logoutToken(client users.SignIn, subject, sid string) (string, error) {
	now := b.cfg.Now()
	body, err := json.Marshal(logoutTokenBody{
		Issuer:   b.cfg.Issuer,
		Subject:  subject,
		Audience: client.ClientID,
		IssuedAt: now.Unix(),
		Expires:  now.Add(logoutTokenLife).Unix(),
		ID:       string(users.NewID()),
		SID:      sid,
		Events:   map[string]struct{}{logoutEvent: {}},
	})
	if err != nil {
		return "", fmt.Errorf("logout token: %w", err)
	}
	signer, err := b.cfg.Keys.Signer(client.SigningAlg)
	if err != nil {
		return "", fmt.Errorf("logout token: %w", err)
	}
	return signer.Sign(body, keys.TypeLogoutToken)
}

// Await waits until every application of an ended session that wants to know
// was called once, or logoutPatience is over. It looks into the directory, so it does
// not matter which process calls them.
func (b *BackChannel) Await(ctx context.Context, ended session.Session) {
	if len(b.listeners(ended.Applications)) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, logoutPatience)
	defer cancel()
	ticker := time.NewTicker(logoutLook)
	defer ticker.Stop()
	seq, err := b.eventOf(ctx, ended)
	for called := false; err == nil && !called; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			called, err = b.called(ctx, seq)
		}
	}
	if err != nil && ctx.Err() == nil {
		b.cfg.Logger.WarnContext(ctx, "not waiting for applications to be told", "request_id", web.RequestID(ctx), "error", err)
	}
}

// eventOf returns the number of the event of a session's end.
func (b *BackChannel) eventOf(ctx context.Context, ended session.Session) (int64, error) {
	events, err := b.cfg.Users.Read().EventsAbout(ctx, string(ended.User), recentEvents)
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		if e.Kind != users.EventSessionEnded {
			continue
		}
		if end, err := sessionEnd(e); err == nil && end.SID == ended.SID {
			return e.Seq, nil
		}
	}
	return 0, errors.New("the event of the session's end is not among the newest")
}

// called reports whether every delivery because of an event was tried.
func (b *BackChannel) called(ctx context.Context, seq int64) (bool, error) {
	cursor, err := b.cfg.Users.Read().Cursor(ctx, FollowerLogout)
	if err != nil || cursor < seq {
		return false, err
	}
	waiting, err := b.cfg.Users.Read().DeliveriesOf(ctx, FollowerLogout, seq)
	untried := slices.ContainsFunc(waiting, func(d users.Delivery) bool { return d.Attempt == 0 })
	return !untried, err
}

// sessionEnd reads the payload of the end of a session, which may have been erased.
func sessionEnd(e users.Event) (users.SessionEnd, error) {
	var end users.SessionEnd
	if err := json.Unmarshal([]byte(e.Payload), &end); err != nil || end.SID == "" {
		return users.SessionEnd{}, fmt.Errorf("event %d does not say which session ended", e.Seq)
	}
	return end, nil
}
