package provider

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// proofEvery is how often the same proof is written by a replica: an application may ask
// for the claims of one sign-in as often as it likes.
const proofEvery = time.Hour

// proofs notes that sign-ins of people who decide about applications have worked from end to
// end, for users.Directory.Readiness. Nobody else's leave this trace: access.granted says that they came in.
type proofs struct {
	issuer    string
	directory directory
	log       *slog.Logger
	now       func() time.Time

	mu    sync.Mutex // guards noted
	noted map[proof]time.Time
}

// proof is what is said once an hour.
type proof struct {
	application users.ApplicationID
	person      users.ID
	version     int64
	email       bool
}

// signInVersion is what requests and grants of a client carry, and never session.NoProof. Replicas
// hear of a change one after the other, so it is compared at each step of a sign-in.
func (c *client) signInVersion() int64 { return c.application.SignInVersion + 1 }

func newProofs(cfg Config) *proofs {
	return &proofs{issuer: cfg.Issuer, directory: cfg.Users, log: cfg.Logger, now: cfg.Now, noted: map[proof]time.Time{}}
}

// note queues an event if the claims of g complete a sign-in that began and ends with the settings
// that the application has now. One that began earlier must not hide what was proved since.
func (p *proofs) note(ctx context.Context, c *client, g session.Grant, u users.User, claims claimSet) {
	if !u.Role.Administers() || g.SignInVersion != c.signInVersion() {
		return
	}
	_, addresses := claims.names(u)
	said := proof{c.application.ID, u.ID, c.application.SignInVersion, addresses != ""}
	if !p.isNew(said) {
		return
	}
	e, err := users.NewEvent(users.EventSignInCompleted, users.ActorUser(u.ID), string(said.application), users.SignInCompleted{
		Issuer: p.issuer, Version: said.version, Email: said.email, Request: web.RequestID(ctx),
	})
	if err != nil {
		p.log.ErrorContext(ctx, "event not built", "request_id", web.RequestID(ctx), "error", err)
		return
	}
	p.directory.Observe(e)
}

// isNew reports whether a proof was not noted for an hour, and remembers that it is now.
func (p *proofs) isNew(said proof) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if at, found := p.noted[said]; found && now.Sub(at) < proofEvery {
		return false
	}
	for old, at := range p.noted {
		if now.Sub(at) >= proofEvery {
			delete(p.noted, old)
		}
	}
	p.noted[said] = now
	return true
}

// provedByEnding reports whether a client that is known proved itself with a secret that ends,
// such as the old one after a rotation: that says nothing about what comes after it.
func provedByEnding(r *http.Request, c *client, in params) bool {
	if !c.UsesSecret() {
		return false
	}
	who, _ := readClientAuth(r, in) // it was read before, without a failure
	stays := func(s users.ClientSecret) bool { return s.ExpiresAt.IsZero() }
	return !c.matchesSecret(who.secret, stays) && !c.matchesSecret(who.asSent, stays)
}
