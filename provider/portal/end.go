package portal

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// freshFor is how long after a sign-in its person may end others: somebody at a
// browser that was left alone may not (OWASP ASVS 7.5.2).
const freshFor = 10 * time.Minute

// reasonElsewhere is why a session ended, in its event: its person was at another browser.
const reasonElsewhere = "signed_out_elsewhere"

func (h *Handler) isFresh(s session.Session) bool {
	return h.cfg.Now().Before(s.AuthTime.Add(freshFor))
}

// proveAgain is where somebody proves once more who they are, to come back to their sessions.
func proveAgain() string {
	return "/login?" + url.Values{"again": {"1"}, "next": {pathSessions}}.Encode()
}

// enderFunc ends something of the visitor's.
type enderFunc func(r *http.Request, visitor session.Visitor) error

// ender lets forms in from pages of ours that this browser was given, of people
// who have proven just now who they are, and leads back to what is left. Whoever is
// not signed in any more, or not freshly, signs in first, and nothing is done.
func (h *Handler) ender(end enderFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		visitor, err := h.visit(r, "")
		if err != nil {
			return signInAt(w, err, pathSessions)
		}
		fields, err := web.Form(w, r)
		if err != nil {
			return err
		}
		if err := h.cfg.Site.CheckForm(r, fields); err != nil {
			return err
		}
		if !h.isFresh(visitor.Session) {
			return web.Redirect(w, proveAgain())
		}
		if err := end(r, visitor); err != nil {
			return err
		}
		return web.Redirect(w, pathSessions)
	}
}

// errNothingToEnd is the same for what never was, what has ended, and what is somebody else's.
func errNothingToEnd() error {
	return &web.Error{Status: http.StatusNotFound, Key: "account.gone", Err: errors.New("nothing of this person's that could end")}
}

// endSession ends another session of the person. That of this browser ends by signing out.
func (h *Handler) endSession(r *http.Request, visitor session.Visitor) error {
	sessions, err := h.sessionsOf(r.Context(), visitor)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(sessions, func(s session.Session) bool {
		return s.SID == mux.Vars(r)["session"] && s.SID != visitor.Session.SID
	})
	if i < 0 {
		return errNothingToEnd()
	}
	return h.conclude(r, visitor, sessions[i])
}

// endOthers ends every session of the person but that of this browser.
func (h *Handler) endOthers(r *http.Request, visitor session.Visitor) error {
	sessions, err := h.sessionsOf(r.Context(), visitor)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(sessions, func(s session.Session) bool { return s.SID == visitor.Session.SID })
	return h.conclude(r, visitor, others...)
}

// conclude ends sessions, whose applications are then told.
func (h *Handler) conclude(r *http.Request, visitor session.Visitor, sessions ...session.Session) error {
	ctx := r.Context()
	about := users.SessionEnd{Reason: reasonElsewhere, IP: web.ClientIPText(ctx), Request: web.RequestID(ctx)}
	if err := h.cfg.Sessions.Conclude(ctx, h.cfg.Users, users.ActorUser(visitor.User.ID), about, sessions...); err != nil {
		return web.Unavailable(err)
	}
	return nil
}

// endAccess takes from an application what it can use while the person is away.
func (h *Handler) endAccess(r *http.Request, visitor session.Visitor) error {
	families, err := h.familiesOf(r.Context(), visitor)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(families, func(f session.RefreshToken) bool { return f.Grant.Family == mux.Vars(r)["family"] })
	if i < 0 {
		return errNothingToEnd()
	}
	ctx, held := r.Context(), families[i].Grant
	about := users.GrantEnd{Application: held.Application, Family: held.Family, IP: web.ClientIPText(ctx), Request: web.RequestID(ctx)}
	if err := h.cfg.Users.RecordGrantEnd(ctx, users.ActorUser(visitor.User.ID), visitor.User.ID, about); err != nil {
		return web.Unavailable(err)
	}
	if err := h.cfg.Sessions.Revoke(ctx, held); err != nil {
		return web.Unavailable(err)
	}
	return nil
}
