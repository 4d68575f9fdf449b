package web

import (
	"crypto/rand"
	"fmt"
	"html/template"
	"net/http"
)

// ownPages are the pages that every part of the provider needs.
type ownPages struct {
	failed, denied, signedOut, formPost *Page
}

func (s *Site) loadOwnPages() (ownPages, error) {
	var p ownPages
	for name, page := range map[string]**Page{
		"error.html":      &p.failed,
		"denied.html":     &p.denied,
		"signed_out.html": &p.signedOut,
		"form_post.html":  &p.formPost,
	} {
		var err error
		if *page, err = s.Page(templateFiles, "templates/"+name); err != nil {
			return ownPages{}, err
		}
	}
	return p, nil
}

type errorData struct {
	Key     string
	SignOut bool
}

// usualKeys are the sentences of an Error without one of its own.
var usualKeys = map[int]string{
	http.StatusForbidden:                   "error.forbidden",
	http.StatusNotFound:                    "error.not_found",
	http.StatusMethodNotAllowed:            "error.method",
	http.StatusRequestEntityTooLarge:       "error.too_large",
	http.StatusMisdirectedRequest:          "error.host",
	http.StatusRequestHeaderFieldsTooLarge: "error.too_large",
	http.StatusServiceUnavailable:          "error.unavailable",
	http.StatusInternalServerError:         "error.internal",
}

// ErrorPage answers with the sentence of e and the reference under which its
// cause is logged, and nothing else of the request.
func (s *Site) ErrorPage(w http.ResponseWriter, r *http.Request, e *Error) error {
	data := errorData{Key: e.Key, SignOut: e.SignOut}
	if data.Key == "" {
		data.Key = usualKeys[e.Status]
	}
	if data.Key == "" {
		data.Key = "error.bad_request"
	}
	return s.pages.failed.Render(w, r, e.Status, View{NoReferrer: true, NoLanguages: true}, data)
}

// SignedOut answers that nobody is signed in at this browser any more.
func (s *Site) SignedOut(w http.ResponseWriter, r *http.Request) error {
	return s.pages.signedOut.Render(w, r, http.StatusOK, View{NoReferrer: true, NoLanguages: true}, nil)
}

// Field is a hidden input.
type Field struct{ Name, Value string }

// Denied says to whom what is refused, and how the application learns of it.
type Denied struct {
	Application string // label
	ReasonKey   string // translation key of the reason
	SignedInAs  string // who is signed in; empty: not shown

	// The button that completes the error response at the application: a link to
	// ContinueURL, or a form that posts Fields to Action. Both are made from the registered redirect
	// URI. Neither: the button leads to the portal.
	ContinueURL string
	Action      string
	Fields      []Field
	Beyond      []string // registered addresses to which the application may lead on
}

type deniedData struct {
	Denied
	ContinueURL, Action template.URL
}

// Denied answers an interactive request that is refused, with status 403.
func (s *Site) Denied(w http.ResponseWriter, r *http.Request, d Denied) error {
	v := View{NoReferrer: true, NoLanguages: true}
	for _, address := range []string{d.ContinueURL, d.Action} {
		if address == "" {
			continue
		}
		targets, err := FormTargets(address, d.Beyond...)
		if err != nil {
			return fmt.Errorf("denied: %w", err)
		}
		v.FormTargets = targets
	}
	// FormTargets has refused every scheme that could run script.
	data := deniedData{Denied: d, ContinueURL: template.URL(d.ContinueURL), Action: template.URL(d.Action)}
	return s.pages.denied.Render(w, r, http.StatusForbidden, v, data)
}

type formPostData struct {
	Action template.URL
	Fields []Field
}

// FormPost answers with a page that posts fields to action, a registered
// redirect URI (OAuth 2.0 Form Post Response Mode), whose application may lead on
// to addresses beyond. It is the only page with a script of its own inside, and works by a button without.
func (s *Site) FormPost(w http.ResponseWriter, r *http.Request, action string, beyond []string, fields []Field) error {
	targets, err := FormTargets(action, beyond...)
	if err != nil {
		return fmt.Errorf("form_post: %w", err)
	}
	nonce := rand.Text()
	data := formPostData{Action: template.URL(action), Fields: fields}
	v := View{NoReferrer: true, NoLanguages: true}
	return s.pages.formPost.render(w, r, http.StatusOK, v, formPostPolicy(nonce, targets), nonce, data)
}
