package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// amrPassword is how a password is called in tokens (RFC 8176).
const amrPassword = "pwd"

// busyRetry is when to try again after too many passwords came at once.
const busyRetry = 2 * time.Second

// postLogin verifies what was typed. That the request is pending in this browser
// comes first: otherwise the password is not even looked at.
func (h *Handler) postLogin(w http.ResponseWriter, r *http.Request) error {
	fields, err := web.Form(w, r)
	if err != nil {
		return err
	}
	request, err := h.pending(r, fields.Get(fieldRequest))
	if err != nil {
		return err
	}
	if err := h.cfg.Site.CheckForm(r, fields); err != nil {
		return err
	}
	f := form{
		request: request, next: afterSignIn(fields.Get(fieldNext)), again: fields.Get(fieldAgain) != "",
		username: strings.TrimSpace(fields.Get(fieldUsername)), status: http.StatusOK,
	}
	password := keys.Secret(fields.Get(fieldPassword))
	if f.username == "" || password == "" {
		f.refusal = "login.incomplete"
		return h.show(w, r, f)
	}
	user, err := h.verify(r, f.username, password)
	if throttled, ok := errors.AsType[*throttledError](err); ok {
		w.Header().Set("Retry-After", web.RetryAfter(throttled.retryAfter))
		f.refusal, f.status = "login.throttled", http.StatusTooManyRequests
		return h.show(w, r, f)
	}
	switch {
	case errors.Is(err, users.ErrBadCredentials):
		f.refusal = "login.bad_credentials"
		return h.show(w, r, f)
	case errors.Is(err, users.ErrBusy):
		return &web.Error{Status: http.StatusServiceUnavailable, Key: "login.busy", Err: err, RetryAfter: busyRetry}
	case err != nil:
		return web.Unavailable(err)
	}
	return h.enter(w, r, f, user)
}

// verify returns the person of a login name and password. The try is counted
// before the password is looked at and taken back if it was right, so that many tries at
// once cannot slip past a limit.
func (h *Handler) verify(r *http.Request, login string, password keys.Secret) (users.User, error) {
	ctx := r.Context()
	counted, err := h.count(r, login)
	if err != nil {
		if _, throttled := errors.AsType[*throttledError](err); throttled {
			h.observeRefusal(r, "", "throttled")
		}
		return users.User{}, err
	}
	user, err := h.authenticate(ctx, login, password)
	if refused, ok := errors.AsType[*users.SignInError](err); ok {
		h.observeRefusal(r, refused.User, refused.Reason)
		return users.User{}, err
	}
	if refundErr := h.refund(ctx, counted); err == nil {
		err = refundErr // right, or failed on our side: no guess
	}
	return user, err
}

// authenticate asks the directory about login names that somebody may have.
func (h *Handler) authenticate(ctx context.Context, login string, password keys.Secret) (users.User, error) {
	if len(login) > users.MaxLoginBytes || !utf8.ValidString(login) || strings.ContainsFunc(login, unicode.IsControl) {
		return users.User{}, &users.SignInError{Reason: users.ReasonUnknownUser}
	}
	return h.cfg.Users.Authenticate(ctx, login, password)
}

// observeRefusal leaves the cause where an administrator finds it by the
// reference on the page. People we do not know are counted in the event log, not
// listed; their cause is in the process log alone.
func (h *Handler) observeRefusal(r *http.Request, user users.ID, reason string) {
	ctx := r.Context()
	h.cfg.Logger.InfoContext(ctx, "sign-in refused", "request_id", web.RequestID(ctx), "user_id", user, "reason", reason)
	h.observe(r, users.EventSignInFailed, users.ActorSystem, string(user), eventPayload{Reason: reason})
}

// enter starts the session of a person who has proven who they are, and answers
// the application or leads to the page that they came for.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, f form, user users.User) error {
	request := f.request
	s, err := h.startSession(w, r, user)
	if err != nil {
		return web.Unavailable(err)
	}
	payload := eventPayload{SID: s.SID, AMR: s.AMR}
	if request != nil {
		payload.Application = request.Application
	}
	h.observe(r, users.EventSignedIn, users.ActorUser(user.ID), string(user.ID), payload)
	if request == nil {
		return web.Redirect(w, f.next)
	}
	// Of a form sent twice, one finishes the request. The other's person is
	// signed in, too, and finds the way on from the error page.
	taken, err := h.cfg.Sessions.Take(r.Context(), request.ID, keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieBrowser)))
	if errors.Is(err, session.ErrNotFound) {
		return errStartAgain(err)
	}
	if err != nil {
		return web.Unavailable(err)
	}
	return h.cfg.Finish(w, r, taken, s)
}

// startSession writes the session and the known device, and then their cookies:
// where something fails, nobody is signed in. A session in this browser that
// does not go on, because it was somebody else's or is dead, ends.
func (h *Handler) startSession(w http.ResponseWriter, r *http.Request, user users.User) (session.Session, error) {
	ctx, cookies := r.Context(), h.cfg.Site.Cookies
	proof := session.Proof{User: user.ID, Epoch: user.Epoch, AMR: []string{amrPassword}, Agent: session.ParseAgent(r.UserAgent())}
	in, err := h.cfg.Sessions.SignIn(ctx, proof, h.sessionCookie(r))
	if err != nil {
		return session.Session{}, err
	}
	if in.Replaced != nil {
		if err := h.end(r, users.ActorUser(user.ID), *in.Replaced, reasonReplaced); err != nil {
			return session.Session{}, err
		}
	}
	own := session.Device{User: user.ID, Epoch: user.Epoch}
	known, err := h.cfg.Sessions.KnownDevice(ctx, keys.Secret(cookies.Read(r, web.CookieDevice)), own)
	if err != nil {
		return session.Session{}, err
	}
	if !known {
		device, err := h.cfg.Sessions.RememberDevice(ctx, own)
		if err != nil {
			return session.Session{}, err
		}
		cookies.Set(w, web.CookieDevice, device.Reveal(), h.cfg.Sessions.Lifetimes().Device)
	}
	cookies.Set(w, web.CookieSession, in.Cookie.Reveal(), 0)
	return in.Session, nil
}
