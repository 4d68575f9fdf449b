package provider

import (
	"errors"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/web"
)

// protocolError is a refusal as programs read it (RFC 6749 section 5.2).
type protocolError struct {
	err        *oidc.Error
	retryAfter time.Duration // not zero: too many failures
}

// Error is for the log, and names the cause where there is one.
func (e *protocolError) Error() string {
	text := string(e.err.ErrorType) + ": " + e.err.Description
	if why := causeOf(e.err); why != nil {
		text += " (" + why.Error() + ")"
	}
	return text
}

func (e *protocolError) Unwrap() error { return e.err }

// refuse makes an error of an endpoint that programs call.
func refuse(err *oidc.Error) error { return &protocolError{err: err} }

// refuseFor is refuse with a cause for the log, which is not answered; nil: there is none.
func refuseFor(err *oidc.Error, why *cause) error {
	if why == nil {
		return refuse(err)
	}
	return refuse(err.WithParent(why))
}

// errorBody is the JSON of a refusal.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// programError renders the errors of endpoints that programs call. Whatever we
// did not foresee is a server_error with none of its text.
func programError(w http.ResponseWriter, _ *http.Request, e *web.Error) error {
	refusal, ok := errors.AsType[*protocolError](e.Err)
	if !ok {
		return web.JSON(w, e.Status, errorBody{Error: codeOf(e.Status)})
	}
	status := http.StatusBadRequest
	switch {
	case refusal.retryAfter > 0:
		status = http.StatusTooManyRequests
	case refusal.err.ErrorType == oidc.InvalidClient:
		status = http.StatusUnauthorized
	}
	if status == http.StatusUnauthorized { // names a way in, however the client had tried (RFC 9110 section 15.5.2)
		w.Header().Set("WWW-Authenticate", `Basic realm="einlass", charset="UTF-8"`)
	}
	return web.JSON(w, status, errorBody{Error: string(refusal.err.ErrorType), Description: refusal.err.Description})
}

// codeOf is the error code for a status that web chose.
func codeOf(status int) string {
	switch {
	case status >= http.StatusInternalServerError:
		return string(oidc.ServerError)
	case status == http.StatusTooManyRequests:
		return codeTryLater
	}
	return string(oidc.InvalidRequest)
}

// program wraps an endpoint that programs call with their own authentication.
func (p *Provider) program(h web.HandlerFunc) http.Handler {
	return p.cfg.Site.HandleAs(programError, withRefusals(h))
}

// bearer wraps an endpoint that programs call with an access token.
func (p *Provider) bearer(h web.HandlerFunc) http.Handler {
	return p.cfg.Site.HandleAs(bearerError, withRefusals(h))
}

// withRefusals gives refusals the status under which they are logged; the
// renderer chooses the one that is sent.
func withRefusals(h web.HandlerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if refusal, ok := errors.AsType[*protocolError](err); ok {
			return &web.Error{Status: http.StatusBadRequest, Err: err, RetryAfter: refusal.retryAfter}
		}
		if errors.Is(err, errNoToken) {
			return &web.Error{Status: http.StatusUnauthorized, Err: err}
		}
		return err
	}
}
