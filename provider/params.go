package provider

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/einlass/einlass/provider/web"
)

var errNotForm = errors.New("the content type is not application/x-www-form-urlencoded")

// params are the parameters of a request, names case-sensitive. A parameter
// without a value counts as absent (RFC 6749 section 3.1).
type params struct {
	values   map[string]string
	repeated []string // names that came more than once
	broken   bool     // something could not be decoded
}

func (p params) get(name string) string { return p.values[name] }

// isRepeated reports whether a parameter came more than once, which RFC 6749 section 3.1 forbids.
func (p params) isRepeated(name string) bool { return slices.Contains(p.repeated, name) }

// queryParams decodes the query.
func queryParams(r *http.Request) params {
	var p params
	p.add(r.URL.RawQuery)
	return p
}

// formParams decodes a form body together with the query, because a name may
// come only once in both.
func formParams(w http.ResponseWriter, r *http.Request) (params, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return params{}, &web.Error{Status: http.StatusBadRequest, Err: errNotForm}
	}
	body, err := web.ReadBody(w, r, web.MaxFormBytes)
	if err != nil {
		return params{}, err
	}
	var p params
	p.add(r.URL.RawQuery)
	p.add(string(body))
	return p, nil
}

// redirectToGet turns a POST into the same request by GET: a cross-site POST
// carries no SameSite=Lax cookie, so that the session could not be seen. Nothing of
// in may be broken or repeated.
func redirectToGet(w http.ResponseWriter, r *http.Request, in params) error {
	query := url.Values{}
	for name, value := range in.values {
		query.Set(name, value)
	}
	return web.Redirect(w, r.URL.Path+"?"+query.Encode())
}

// maxParams bounds how many parameters a request can make us look at.
const maxParams = 100

// add decodes one encoded list of parameters. A raw semicolon, a bad escape,
// invalid UTF-8 and NUL make the whole request broken.
func (p *params) add(encoded string) {
	if p.values == nil {
		p.values = map[string]string{}
	}
	if strings.Count(encoded, "&") >= maxParams {
		p.broken = true
		return
	}
	decoded, err := url.ParseQuery(encoded)
	if err != nil {
		p.broken = true
	}
	for name, values := range decoded {
		if _, seen := p.values[name]; seen || len(values) > 1 {
			p.repeated = append(p.repeated, name)
		}
		for _, value := range append(values, name) {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				p.broken = true
			}
		}
		p.values[name] = values[0]
	}
}
