package personiotest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind names a way in which the API misbehaves.
type FaultKind string

// Faults of any endpoint.
const (
	Unauthorized   FaultKind = "unauthorized"       // 401
	Forbidden      FaultKind = "forbidden"          // 403, as for a token that is not valid
	RateLimited    FaultKind = "rate-limited"       // 429, with Retry-After only if the fault has one
	ServerError    FaultKind = "server-error"       // 500, JSON
	BadGateway     FaultKind = "bad-gateway"        // 502, HTML
	GatewayTimeout FaultKind = "gateway-timeout"    // 504, HTML
	Unsuccessful   FaultKind = "unsuccessful"       // 200 with success:false
	HTML           FaultKind = "html"               // 200 with a login page
	WrongType      FaultKind = "wrong-content-type" // the right answer declared as text/html
	Truncated      FaultKind = "truncated"          // half of the JSON
	Reset          FaultKind = "reset"              // the connection is dropped
	Slow           FaultKind = "slow"               // the answer comes after the fault's Delay
	Revoke         FaultKind = "revoke"             // credentials and token are refused from here on
	ExpireToken    FaultKind = "expire-token"       // the token, not the credentials
)

// Faults of the list of employees.
const (
	RepeatedPage   FaultKind = "repeated-page"   // the page before once more
	OffsetIgnored  FaultKind = "offset-ignored"  // always the first page
	EmptyPage      FaultKind = "empty-page"      // nobody on it
	ShortPage      FaultKind = "short-page"      // half of the people asked for, the others on the next
	Endless        FaultKind = "endless"         // new people for ever
	DriftInsert    FaultKind = "drift-insert"    // somebody is inserted before the page: one person is read twice
	DriftRemove    FaultKind = "drift-remove"    // the first person is removed before the page: one is not read
	TotalsHigh     FaultKind = "totals-high"     // announces 20 more than there are
	TotalsLow      FaultKind = "totals-low"      // announces half of what there is
	TotalsChanging FaultKind = "totals-changing" // announces another number on every page
	TotalsMissing  FaultKind = "totals-missing"  // no metadata
)

// FaultKinds returns all kinds.
func FaultKinds() []FaultKind {
	return []FaultKind{
		Unauthorized, Forbidden, RateLimited, ServerError, BadGateway, GatewayTimeout, Unsuccessful, HTML, WrongType,
		Truncated, Reset, Slow, Revoke, ExpireToken,
		RepeatedPage, OffsetIgnored, EmptyPage, ShortPage, Endless, DriftInsert, DriftRemove,
		TotalsHigh, TotalsLow, TotalsChanging, TotalsMissing,
	}
}

// Valid reports whether k is one of the kinds.
func (k FaultKind) Valid() bool { return slices.Contains(FaultKinds(), k) }

// Endpoint names a part of the API.
type Endpoint string

// The endpoints.
const (
	EndpointAuth       Endpoint = "auth"       // POST /v1/auth
	EndpointEmployees  Endpoint = "employees"  // GET  /v1/company/employees
	EndpointEmployee   Endpoint = "employee"   // GET  /v1/company/employees/{id}
	EndpointAttributes Endpoint = "attributes" // GET  /v1/company/employees/attributes
)

// Valid reports whether e is one of the endpoints.
func (e Endpoint) Valid() bool {
	return slices.Contains([]Endpoint{EndpointAuth, EndpointEmployees, EndpointEmployee, EndpointAttributes}, e)
}

// Fault is a misbehaviour at one endpoint.
type Fault struct {
	Kind       FaultKind
	Endpoint   Endpoint      // empty: employees
	After      int           // so many requests are answered properly first
	Times      int           // so many are not; 0: all that follow
	Delay      time.Duration // of Slow; 0: 60 s
	RetryAfter string        // header of RateLimited; empty: none, as with Personio
}

// Inject switches a fault on.
func (s *Server) Inject(f Fault) error {
	f.Endpoint = cmp.Or(f.Endpoint, EndpointEmployees)
	f.Delay = cmp.Or(f.Delay, time.Minute)
	if !f.Kind.Valid() || !f.Endpoint.Valid() || f.After < 0 || f.Times < 0 {
		return fmt.Errorf("no such fault: %q at %q, %d times after %d", f.Kind, f.Endpoint, f.Times, f.After)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// faultySet is what goes wrong with one request.
type faultySet map[FaultKind]Fault

func (f faultySet) has(kind FaultKind) bool {
	_, on := f[kind]
	return on
}

// takeFaults counts a request at the endpoint and returns what goes wrong with it.
func (s *Server) takeFaults(endpoint Endpoint) faultySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := faultySet{}
	kept := s.faults[:0]
	for _, f := range s.faults {
		if f.Endpoint != endpoint {
			kept = append(kept, f)
			continue
		}
		if f.After > 0 {
			f.After--
			kept = append(kept, f)
			continue
		}
		set[f.Kind] = f
		if f.Times == 1 {
			continue // this was the last time
		}
		if f.Times > 0 {
			f.Times--
		}
		kept = append(kept, f)
	}
	s.faults = kept
	return set
}

// ParseFault reads a fault as it stands on a command line:
// KIND[@ENDPOINT][:TIMES[:AFTER]], for example "rate-limited@auth:3" or
// "truncated:1:2".
func ParseFault(text string) (Fault, error) {
	parts := strings.Split(text, ":")
	kind, endpoint, _ := strings.Cut(parts[0], "@")
	f := Fault{Kind: FaultKind(kind), Endpoint: cmp.Or(Endpoint(endpoint), EndpointEmployees)}
	if !f.Kind.Valid() || !f.Endpoint.Valid() || len(parts) > 3 {
		return Fault{}, fmt.Errorf("fault %q: want KIND[@ENDPOINT][:TIMES[:AFTER]]", text)
	}
	for i, number := range []*int{&f.Times, &f.After} {
		if len(parts) <= i+1 {
			break
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil || n < 0 {
			return Fault{}, fmt.Errorf("fault %q: %q is no number of requests", text, parts[i+1])
		}
		*number = n
	}
	return f, nil
}
