// Package webtest lets tests look into pages: by id, by element, by attribute,
// as a browser without script sees them.
package webtest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Answer is a response, read and parsed.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Node   // the document
}

// ReadAnswer reads and closes a response.
func ReadAnswer(t testing.TB, resp *http.Response) Answer {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(body), Node: Parse(t, string(body))}
}

// Parse returns the document of a page.
func Parse(t testing.TB, page string) Node {
	t.Helper()
	document, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return Node{document}
}
