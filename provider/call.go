package provider

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// call is a request that somebody watches, as far as it has come. The methods
// of a nil call do nothing: it is one that nobody watches, which is the rule.
type call struct {
	client  *client
	person  users.ID
	outcome users.CallOutcome
	reason  users.CallReason
	facts   map[string]string
}

type callKey struct{}

// callOf returns the call that a request is, or nil.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// of notes whose call it is.
func (c *call) of(cl *client) {
	if c != nil && cl != nil {
		c.client = cl
	}
}

// about notes whom it is about.
func (c *call) about(person users.ID) {
	if c != nil {
		c.person = person
	}
}

// done notes that the call was answered; facts are names and values.
func (c *call) done(reason users.CallReason, facts ...string) {
	if c != nil {
		c.note(users.CallDone, because(reason, facts...))
	}
}

// waits notes that a page waits for somebody.
func (c *call) waits(reason users.CallReason) {
	if c != nil {
		c.note(users.CallWaits, because(reason))
	}
}

// refused notes why the call was refused.
func (c *call) refused(why *cause) { c.note(users.CallRefused, why) }

func (c *call) note(outcome users.CallOutcome, why *cause) {
	if c != nil {
		c.outcome, c.reason, c.facts = outcome, why.reason, why.facts
	}
}

// recorder has the calls written that somebody watches.
type recorder struct {
	registry  *Registry
	directory callLog
}

// callLog is the part of the directory that keeps calls.
type callLog interface {
	RecordCall(c users.Call)
}

// watch returns h for an endpoint whose calls can be watched.
func (rec recorder) watch(endpoint users.Endpoint, h web.HandlerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		watched := rec.registry.watched()
		if len(watched) == 0 {
			return h(w, r)
		}
		c := &call{}
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		err := h(w, r)
		if err != nil {
			c.note(outcomeOf(err))
		}
		rec.record(r.Context(), endpoint, c, watched)
		return err
	}
}

// record writes a call for those who watch its application. One that may be
// anybody's is written for all who are watched.
func (rec recorder) record(ctx context.Context, endpoint users.Endpoint, c *call, watched []users.ApplicationID) {
	if c.reason == "" {
		return // the browser was only led on
	}
	written := users.Call{
		Endpoint: endpoint, Outcome: c.outcome, Reason: c.reason, Facts: c.facts,
		Request: web.RequestID(ctx), User: c.person,
	}
	if c.client != nil {
		written.Application = c.client.application.ID
		if slices.Contains(watched, written.Application) {
			rec.directory.RecordCall(written)
		}
		return
	}
	written.Stray = true
	for _, id := range watched {
		written.Application = id
		rec.directory.RecordCall(written)
	}
}

// cause is why a request was refused, in the words of watched calls. It is for
// the log and for those who watch, never for the answer.
type cause struct {
	reason users.CallReason
	facts  map[string]string
}

// because returns a cause; facts are names and values.
func because(reason users.CallReason, facts ...string) *cause {
	c := &cause{reason: reason}
	for i := 0; i+1 < len(facts); i += 2 {
		if c.facts == nil {
			c.facts = map[string]string{}
		}
		c.facts[facts[i]] = facts[i+1]
	}
	return c
}

// Error is for the log of the request.
func (c *cause) Error() string {
	var b strings.Builder
	b.WriteString(string(c.reason))
	for _, name := range []string{users.FactState, users.FactSent, users.FactRegistered} {
		if value, found := c.facts[name]; found {
			b.WriteString(", " + name + " " + strconv.Quote(value))
		}
	}
	return b.String()
}

// causeOf returns the cause of a refusal, or nil.
func causeOf(err error) *cause {
	why, _ := errors.AsType[*cause](err)
	return why
}

// outcomeOf says what became of a call that ended with err.
func outcomeOf(err error) (users.CallOutcome, *cause) {
	if why := causeOf(err); why != nil {
		return users.CallRefused, why
	}
	if refusal, ok := errors.AsType[*protocolError](err); ok {
		if refusal.retryAfter > 0 {
			return users.CallRefused, because(users.CallTooMany)
		}
		return users.CallRefused, refusalCause(string(refusal.err.ErrorType), refusal.err.Description)
	}
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*web.Error](err); ok {
		status = e.Status
	}
	switch {
	case errors.Is(err, errNoToken):
		return users.CallRefused, because(users.CallTokenMissing)
	case status == http.StatusTooManyRequests:
		return users.CallRefused, because(users.CallTooMany)
	case status < http.StatusInternalServerError:
		return users.CallRefused, refusalCause(strconv.Itoa(status), http.StatusText(status))
	}
	return users.CallFailed, because(users.CallUnavailable, users.FactStatus, strconv.Itoa(status))
}

// refusalCause is the cause of a refusal that says everything itself.
func refusalCause(code, description string) *cause {
	return because(users.CallRequestRefused, users.FactError, code, users.FactDescription, description)
}

// whyNot says why a person may not go on with a grant.
func whyNot(d users.Decision, g session.Grant) *cause {
	switch {
	case d.State != users.StateActive:
		return because(users.CallPersonState, users.FactState, string(d.State))
	case d.Epoch != g.Epoch:
		return because(users.CallPersonEnded)
	}
	return because(users.CallNoGroup)
}

// codeCauses are the faults of codes, in the words of watched calls.
var codeCauses = map[session.CodeFault]users.CallReason{
	session.CodeUnknown: users.CallCodeUnknown, session.CodeExpired: users.CallCodeExpired, session.CodeEnded: users.CallCodeEnded,
	session.CodeClient: users.CallCodeClient, session.CodeRedirect: users.CallCodeRedirect,
	session.CodeVerifier: users.CallCodePKCE, session.CodeBare: users.CallCodeNoPKCE,
}
