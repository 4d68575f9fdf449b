package personiotest

import (
	"net/http"
	"time"
)

// traceID is what Personio's support asks for.
const traceID = "simul8-trace-0000000000000001"

// apiV2 is the route table of version 2 of the API.
func (s *Server) apiV2() http.Handler {
	v2 := dialect{
		refuse:       s.problem,
		unsuccessful: func() answer { return s.problemAs(http.StatusOK, http.StatusInternalServerError) },
		badToken:     http.StatusUnauthorized,
	}
	mux := http.NewServeMux()
	handle := func(pattern string, endpoint Endpoint, scope string, next endpointFunc) {
		mux.Handle(pattern, s.endpoint(v2, endpoint, s.scoped(scope, next)))
	}
	handle("POST /v2/auth/token", EndpointToken, "", s.issueToken)
	handle("POST /v2/auth/revoke", EndpointRevoke, "", s.revokeToken)
	handle("GET /v2/persons", EndpointPersons, ScopePersons, s.listPersons)
	handle("GET /v2/persons/{id}", EndpointPerson, ScopePersons, s.readPerson)
	handle("GET /v2/persons/{id}/employments", EndpointEmployments, ScopePersons, s.listEmployments)
	handle("GET /v2/persons/{id}/employments/{employment}", EndpointEmployment, ScopePersons, s.readEmployment)
	handle("GET /v2/legal-entities", EndpointLegalEntities, ScopePersons, s.listLegalEntities)
	handle("GET /v2/org-units", EndpointOrgUnits, ScopePersons, s.beta(s.listOrgUnits))
	handle("GET /v2/org-units/{id}", EndpointOrgUnit, ScopePersons, s.readOrgUnit)
	handle("GET /v2/cost-centers", EndpointCostCenters, ScopePersons, s.beta(s.listCostCenters))
	handle("GET /v2/workplaces", EndpointWorkplaces, ScopePersons, s.beta(s.listWorkplaces))
	handle("GET /v2/webhooks", EndpointWebhooks, ScopeWebhooksRead, s.listWebhooks)
	handle("POST /v2/webhooks", EndpointWebhooks, ScopeWebhooksWrite, s.createWebhook)
	handle("GET /v2/webhooks/{id}", EndpointWebhooks, ScopeWebhooksRead, s.readWebhook)
	handle("PATCH /v2/webhooks/{id}", EndpointWebhooks, ScopeWebhooksWrite, s.changeWebhook)
	handle("DELETE /v2/webhooks/{id}", EndpointWebhooks, ScopeWebhooksWrite, s.deleteWebhook)
	mux.HandleFunc("/v2/", func(w http.ResponseWriter, r *http.Request) {
		s.log.add(r, http.StatusNotFound)
		write(w, s.problem(http.StatusNotFound))
	})
	return mux
}

// scoped refuses what the credentials are not for. A missing right to persons
// looks like a token that is not valid; other rights are named.
func (s *Server) scoped(scope string, next endpointFunc) endpointFunc {
	return func(r *http.Request, faulty faultySet) answer {
		switch {
		case scope == "" || s.account.may(scope):
			return next(r, faulty)
		case scope == ScopePersons:
			return s.problem(http.StatusUnauthorized)
		}
		return s.problem(http.StatusForbidden)
	}
}

// beta hides an endpoint from those who do not ask for what is unfinished.
func (s *Server) beta(next endpointFunc) endpointFunc {
	return func(r *http.Request, faulty faultySet) answer {
		if r.Header.Get("Beta") != "true" {
			return s.problem(http.StatusNotFound)
		}
		return next(r, faulty)
	}
}

// problem is a refusal of version 2.
func (s *Server) problem(status int) answer { return s.problemAs(status, status) }

// problemAs is a refusal that may come with another status than it names.
func (s *Server) problemAs(status, named int) answer {
	switch named {
	case http.StatusUnauthorized: // not in the envelope of all others
		return say(status, "application/json", map[string]any{"error": map[string]any{"message": "Unauthorized Request"}})
	case http.StatusTooManyRequests: // from a gateway that says nothing
		return answer{status: status}
	}
	text := problems[named]
	return say(status, "application/problem+json", map[string]any{
		"personio_trace_id": traceID,
		"timestamp":         s.cfg.Now().UTC().Format(time.RFC3339),
		"errors": []map[string]any{{
			"title": text.title, "detail": text.detail, "_meta": map[string]any{},
			"type": "https://developer.personio.de/reference/errors#common." + text.kind,
		}},
	})
}

// problems are texts that nobody should rely on.
var problems = map[int]struct{ title, detail, kind string }{
	http.StatusBadRequest:          {"Bad request", "Provided request parameters are invalid.", "bad_request"},
	http.StatusForbidden:           {"Insufficient access scope", "Client scope insufficient to access resource", "forbidden"},
	http.StatusNotFound:            {"Resource not found", "There is no resource for the specified id.", "resource_not_found"},
	http.StatusConflict:            {"Conflict", "The resource exists already.", "conflict"},
	http.StatusUnprocessableEntity: {"Unprocessable entity", "The request body is not valid.", "unprocessable_entity"},
	http.StatusInternalServerError: {"Internal error", "Please try again later.", "internal_error"},
}

// say is a JSON answer of any status and type.
func say(status int, contentType string, body any) answer {
	a := success(body)
	if a.status == http.StatusOK {
		a.status, a.contentType = status, contentType
	}
	return a
}
