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
	NotFound       FaultKind = "not-found"          // 404 in the API's own words
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

// Faults of the lists of version 2.
const (
	NextSelf       FaultKind = "next-self"       // next leads to the page itself
	NextRelative   FaultKind = "next-relative"   // next is no absolute address
	NextForeign    FaultKind = "next-foreign"    // next leads to somebody else's server
	NextMissing    FaultKind = "next-missing"    // the list ends here
	CursorRepeated FaultKind = "cursor-repeated" // next leads back to the second page
	FiltersDropped FaultKind = "filters-dropped" // next does not know what was asked for
)

// Faults of the sender of webhooks.
const (
	Duplicate    FaultKind = "duplicate"     // the delivery comes twice
	OutOfOrder   FaultKind = "out-of-order"  // the delivery overtakes those that wait
	UnknownEvent FaultKind = "unknown-event" // another one comes with it, of a name nobody knows
	Lost         FaultKind = "lost"          // the delivery never comes
)

// FaultKinds returns all kinds.
func FaultKinds() []FaultKind {
	return []FaultKind{
		Unauthorized, Forbidden, RateLimited, NotFound, ServerError, BadGateway, GatewayTimeout, Unsuccessful, HTML, WrongType,
		Truncated, Reset, Slow, Revoke, ExpireToken,
		RepeatedPage, OffsetIgnored, EmptyPage, ShortPage, Endless, DriftInsert, DriftRemove,
		TotalsHigh, TotalsLow, TotalsChanging, TotalsMissing,
		NextSelf, NextRelative, NextForeign, NextMissing, CursorRepeated, FiltersDropped,
		Duplicate, OutOfOrder, UnknownEvent, Lost,
	}
}

// Valid reports whether k is one of the kinds.
func (k FaultKind) Valid() bool { return slices.Contains(FaultKinds(), k) }

// Endpoint names a part of the API.
type Endpoint string

// The endpoints of version 1.
const (
	EndpointAuth       Endpoint = "auth"       // POST /v1/auth
	EndpointEmployees  Endpoint = "employees"  // GET  /v1/company/employees
	EndpointEmployee   Endpoint = "employee"   // GET  /v1/company/employees/{id}
	EndpointAttributes Endpoint = "attributes" // GET  /v1/company/employees/attributes
)

// The endpoints of version 2, and the deliveries of webhooks.
const (
	EndpointToken         Endpoint = "token"          // POST /v2/auth/token
	EndpointRevoke        Endpoint = "revoke"         // POST /v2/auth/revoke
	EndpointPersons       Endpoint = "persons"        // GET  /v2/persons
	EndpointPerson        Endpoint = "person"         // GET  /v2/persons/{id}
	EndpointEmployments   Endpoint = "employments"    // GET  /v2/persons/{id}/employments
	EndpointEmployment    Endpoint = "employment"     // GET  /v2/persons/{id}/employments/{id}
	EndpointLegalEntities Endpoint = "legal-entities" // GET  /v2/legal-entities
	EndpointOrgUnits      Endpoint = "org-units"      // GET  /v2/org-units
	EndpointOrgUnit       Endpoint = "org-unit"       // GET  /v2/org-units/{id}
	EndpointCostCenters   Endpoint = "cost-centers"   // GET  /v2/cost-centers
	EndpointWorkplaces    Endpoint = "workplaces"     // GET  /v2/workplaces
	EndpointWebhooks      Endpoint = "webhooks"       // /v2/webhooks and below
	EndpointDeliveries    Endpoint = "deliveries"     // what is sent to webhooks
)

// Endpoints returns all endpoints.
func Endpoints() []Endpoint {
	return []Endpoint{
		EndpointAuth, EndpointEmployees, EndpointEmployee, EndpointAttributes,
		EndpointToken, EndpointRevoke, EndpointPersons, EndpointPerson, EndpointEmployments, EndpointEmployment,
		EndpointLegalEntities, EndpointOrgUnits, EndpointOrgUnit, EndpointCostCenters, EndpointWorkplaces,
		EndpointWebhooks, EndpointDeliveries,
	}
}

// Valid reports whether e is one of the endpoints.
func (e Endpoint) Valid() bool { return slices.Contains(Endpoints(), e) }

// version returns the version of the API that an endpoint belongs to.
func (e Endpoint) version() version {
	switch e {
	case EndpointAuth, EndpointEmployees, EndpointEmployee, EndpointAttributes:
		return version1
	}
	return version2
}

// isOpen reports whether an endpoint is called without a token.
func (e Endpoint) isOpen() bool {
	return e == EndpointAuth || e == EndpointToken || e == EndpointRevoke
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
