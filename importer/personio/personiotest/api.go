package personiotest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
)

// maxBody is more than any credentials need.
const maxBody = 16 << 10

// answer is what an endpoint says, before a fault spoils it.
type answer struct {
	status      int
	contentType string
	header      http.Header // besides the content type; nil: none
	body        []byte
}

// with adds a header.
func (a answer) with(name, value string) answer {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

// endpointFunc answers one request. The faults are those of lists; all others
// are dealt with around it.
type endpointFunc func(r *http.Request, faulty faultySet) answer

// dialect is how a version of the API says no.
type dialect struct {
	refuse       func(status int) answer
	unsuccessful func() answer // a refusal in the clothes of a success
	badToken     int           // status for a token that is not valid
}

// apiV1 is the route table of version 1 of the API.
func (s *Server) apiV1() http.Handler {
	v1 := dialect{
		refuse:       func(status int) answer { return s.errorAnswer(status, status) },
		unsuccessful: func() answer { return s.errorAnswer(http.StatusOK, 0) },
		badToken:     http.StatusForbidden,
	}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/auth", s.endpoint(v1, EndpointAuth, s.authenticate))
	mux.Handle("GET /v1/company/employees", s.endpoint(v1, EndpointEmployees, s.listEmployees))
	mux.Handle("GET /v1/company/employees/attributes", s.endpoint(v1, EndpointAttributes, s.listAttributes))
	mux.Handle("GET /v1/company/employees/custom-attributes", s.endpoint(v1, EndpointAttributes, s.listAttributes))
	mux.Handle("GET /v1/company/employees/{id}", s.endpoint(v1, EndpointEmployee, s.readEmployee))
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		s.log.add(r, http.StatusNotFound)
		write(w, s.errorAnswer(http.StatusNotFound, 404))
	})
	return mux
}

// endpoint wraps what all endpoints share: the log, delays, limits, faults and
// the token.
func (s *Server) endpoint(d dialect, endpoint Endpoint, next endpointFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		faulty := s.takeFaults(endpoint)
		if !s.wait(r.Context(), r, faulty) || faulty.has(Reset) {
			s.log.add(r, 0)
			panic(http.ErrAbortHandler) // drops the connection
		}
		a := s.answer(r, d, endpoint, next, faulty)
		if token, ok := bearer(r); ok && a.status == http.StatusOK && endpoint.version() == version1 {
			a = a.with("Authorization", "Bearer "+token.Reveal()) // a relic of single-use tokens
		}
		s.log.add(r, a.status)
		write(w, a)
	})
}

// wait spends the configured delays and reports whether the caller is still there.
func (s *Server) wait(ctx context.Context, r *http.Request, faulty faultySet) bool {
	delay := s.cfg.Delay + s.cfg.DelayPerAttribute*time.Duration(s.asked(r))
	if f, on := faulty[Slow]; on {
		delay += f.Delay
	}
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// asked counts the attributes that a request asks for. Not to choose means all.
func (s *Server) asked(r *http.Request) int {
	if !strings.HasPrefix(r.URL.Path, "/v1/company/employees") {
		return 0
	}
	if chosen := r.URL.Query()["attributes[]"]; len(chosen) > 0 {
		return len(chosen)
	}
	return len(s.table)
}

func (s *Server) answer(r *http.Request, d dialect, endpoint Endpoint, next endpointFunc, faulty faultySet) answer {
	allowed, budget := s.limits.allow(endpoint)
	return budget.mark(s.decide(r, d, endpoint, next, faulty, allowed))
}

// decide answers a request that is, or is not, within the limits.
func (s *Server) decide(r *http.Request, d dialect, endpoint Endpoint, next endpointFunc, faulty faultySet, allowed bool) answer {
	if faulty.has(Revoke) {
		s.RevokeCredentials()
	}
	if faulty.has(ExpireToken) {
		s.ExpireToken()
	}
	if a, spoilt := d.spoilt(faulty); spoilt {
		return a
	}
	if !allowed {
		return d.refuse(http.StatusTooManyRequests)
	}
	if status := s.checkToken(r, d, endpoint); status != 0 {
		return d.refuse(status)
	}
	a := next(r, faulty)
	if faulty.has(WrongType) {
		a.contentType = "text/html; charset=UTF-8"
	}
	if faulty.has(Truncated) {
		a.body = a.body[:len(a.body)/2]
	}
	return a
}

// checkToken returns the status with which a request is refused, or 0.
func (s *Server) checkToken(r *http.Request, d dialect, endpoint Endpoint) int {
	if endpoint.isOpen() {
		return 0
	}
	token, given := bearer(r)
	switch {
	case !given:
		return http.StatusUnauthorized
	case !s.account.valid(endpoint.version(), token):
		return d.badToken
	case endpoint.version() == version1 && !s.account.may(ScopeEmployees):
		return http.StatusForbidden
	}
	return 0
}

// spoilt is the answer of a fault that does not depend on the request.
func (d dialect) spoilt(faulty faultySet) (answer, bool) {
	switch {
	case faulty.has(Unauthorized):
		return d.refuse(http.StatusUnauthorized), true
	case faulty.has(Forbidden):
		return d.refuse(http.StatusForbidden), true
	case faulty.has(RateLimited):
		a := d.refuse(http.StatusTooManyRequests)
		if after := faulty[RateLimited].RetryAfter; after != "" {
			a = a.with("Retry-After", after)
		}
		return a, true
	case faulty.has(NotFound):
		return d.refuse(http.StatusNotFound), true
	case faulty.has(ServerError):
		return d.refuse(http.StatusInternalServerError), true
	case faulty.has(BadGateway):
		return page(http.StatusBadGateway, "502 Bad Gateway"), true
	case faulty.has(GatewayTimeout):
		return page(http.StatusGatewayTimeout, "504 Gateway Time-out"), true
	case faulty.has(Unsuccessful):
		return d.unsuccessful(), true
	case faulty.has(HTML):
		return page(http.StatusOK, "Please log in to this network"), true
	}
	return answer{}, false
}

// authenticate exchanges the credentials for the token. Credentials in the
// query are refused since December 2025.
func (s *Server) authenticate(r *http.Request, _ faultySet) answer {
	if r.URL.Query().Has("client_id") || r.URL.Query().Has("client_secret") {
		return s.errorAnswer(http.StatusForbidden, 403)
	}
	var given struct {
		ID     string      `json:"client_id"`
		Secret keys.Secret `json:"client_secret"`
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && mediaType == "application/x-www-form-urlencoded":
		given.ID, given.Secret = r.PostFormValue("client_id"), keys.Secret(r.PostFormValue("client_secret"))
	default:
		if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
			return s.errorAnswer(http.StatusUnprocessableEntity, 422)
		}
	}
	token, expires, ok := s.account.authenticate(version1, given.ID, given.Secret)
	if !ok {
		return s.errorAnswer(http.StatusForbidden, 0)
	}
	return success(map[string]any{
		"success": true,
		"data": map[string]any{
			"token":      token.Reveal(),
			"expires_in": int(expires.Sub(s.cfg.Now()).Seconds()),
			"scope":      "employees:read",
		},
	})
}

func bearer(r *http.Request) (keys.Secret, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return keys.Secret(token), ok && token != ""
}

// success is a 200 with a JSON body.
func success(body any) answer {
	encoded, err := json.Marshal(body)
	if err != nil {
		return page(http.StatusInternalServerError, err.Error()) // everything we send marshals
	}
	return answer{status: http.StatusOK, contentType: "application/json", body: encoded}
}

// errorAnswer is Personio's envelope of an error. The code in it does not always
// equal the HTTP status; wrong credentials have 0.
func (s *Server) errorAnswer(status, code int) answer {
	a := success(map[string]any{
		"success": false,
		"error":   map[string]any{"code": code, "message": s.message(code)},
	})
	a.status = status
	return a
}

// message is text that nobody should rely on. Some is German in every account.
func (s *Server) message(code int) string {
	if code == 404 || s.cfg.Language == "de" {
		return "Es ist ein Problem aufgetreten "
	}
	switch code {
	case 0:
		return "Wrong credentials"
	case 401:
		return "Authorization is not provided"
	case 403:
		return "Provided authorization is not valid"
	case 429:
		return "Too many requests"
	}
	return "Something went wrong"
}

// page is what gateways say.
func page(status int, title string) answer {
	body := fmt.Sprintf("<html>\n<head><title>%s</title></head>\n<body><h1>%s</h1></body>\n</html>\n", title, title)
	return answer{status: status, contentType: "text/html; charset=UTF-8", body: []byte(body)}
}

func write(w http.ResponseWriter, a answer) {
	maps.Copy(w.Header(), a.header)
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller has gone
}
