package personiotest

import (
	"net/http"
	"slices"
	"strings"
)

// listWebhooks answers with all of them: nobody has more than fit on a page of 200.
func (s *Server) listWebhooks(_ *http.Request, faulty faultySet) answer {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	p := pageV2{Data: []any{}, Meta: meta{Links: map[string]link{}}}
	if !faulty.has(EmptyPage) {
		for _, h := range s.hooks.sorted() {
			p.Data = append(p.Data, h.describe())
		}
	}
	return success(p)
}

// sorted returns the registrations in the order in which they were made. The
// caller holds the lock.
func (h *webhooks) sorted() []webhook {
	all := make([]webhook, 0, len(h.registered))
	for _, w := range h.registered {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b webhook) int {
		if byTime := a.createdAt.Compare(b.createdAt); byTime != 0 {
			return byTime
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// createWebhook registers one, which is off unless the body says otherwise.
func (s *Server) createWebhook(r *http.Request, _ faultySet) answer {
	body, err := readWebhookBody(r)
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	h := webhook{status: hookDisabled, authType: authToken}.change(body)
	if h.check() != nil {
		return s.problem(http.StatusUnprocessableEntity)
	}
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	if s.hooks.taken(h) {
		return s.problem(http.StatusConflict)
	}
	return say(http.StatusCreated, "application/json", s.hooks.add(h).describe())
}

// taken reports whether another registration has the address. The caller holds
// the lock.
func (h *webhooks) taken(w webhook) bool {
	for _, other := range h.registered {
		if other.url == w.url && other.id != w.id {
			return true
		}
	}
	return false
}

func (s *Server) readWebhook(r *http.Request, _ faultySet) answer {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	h, found := s.hooks.registered[r.PathValue("id")]
	if !found {
		return s.problem(http.StatusNotFound)
	}
	return success(h.describe())
}

func (s *Server) changeWebhook(r *http.Request, _ faultySet) answer {
	body, err := readWebhookBody(r)
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	h, found := s.hooks.registered[r.PathValue("id")]
	if !found {
		return s.problem(http.StatusNotFound)
	}
	h = h.change(body)
	if h.check() != nil {
		return s.problem(http.StatusUnprocessableEntity)
	}
	if s.hooks.taken(h) {
		return s.problem(http.StatusConflict)
	}
	h.updatedAt = s.hooks.now()
	s.hooks.registered[h.id] = h
	return success(h.describe())
}

func (s *Server) deleteWebhook(r *http.Request, _ faultySet) answer {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	if _, found := s.hooks.registered[r.PathValue("id")]; !found {
		return s.problem(http.StatusNotFound)
	}
	delete(s.hooks.registered, r.PathValue("id"))
	return answer{status: http.StatusNoContent}
}
