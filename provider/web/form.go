package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// MaxFormBytes bounds the body of a form and of a protocol request.
const MaxFormBytes = 64 << 10

// ReadBody returns the body of a request, or an Error with status 413 when it
// is longer than limit bytes.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Err: fmt.Errorf("body: %w", err)}
	}
	return body, nil
}

// Form returns the fields of a form of ours, which are in the body alone.
func Form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Err: errors.New("not an urlencoded form")}
	}
	body, err := ReadBody(w, r, MaxFormBytes)
	if err != nil {
		return nil, err
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Err: errors.New("form is not urlencoded")}
	}
	return fields, nil
}
