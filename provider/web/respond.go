package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Write answers with a body of a content type.
func Write(w http.ResponseWriter, status int, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when the client is gone
	return nil
}

// JSON answers a program. Nothing of it may be cached (RFC 6749 section 5.1);
// Pragma is for caches of HTTP/1.0.
func JSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	return Write(w, status, "application/json", body)
}

// NoBody answers with a status alone.
func NoBody(w http.ResponseWriter, status int) error {
	w.WriteHeader(status)
	return nil
}

// Redirect leads the browser to target, which the caller has validated. The
// status is 303, so that no form is sent twice (RFC 9700 section 4.12).
func Redirect(w http.ResponseWriter, target string) error {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
