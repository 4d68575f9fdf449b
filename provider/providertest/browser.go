package providertest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Response is an answer with its body read.
type Response struct {
	*http.Response
	Body string
}

// Location is where a redirect leads.
func (r Response) Location() *url.URL {
	u, err := url.Parse(r.Header.Get("Location"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// Query returns the parameters of the redirect.
func (r Response) Query() url.Values { return r.Location().Query() }

// Browser is one person's browser: it keeps cookies and follows nothing by itself.
type Browser struct {
	b      *Bench
	client *http.Client
	Count  int // responses so far
}

// NewBrowser opens a browser without cookies.
func (b *Bench) NewBrowser() *Browser {
	b.T.Helper()
	jar, err := cookiejar.New(nil)
	must(b.T, err)
	return &Browser{b: b, client: &http.Client{
		Jar:           jar,
		Transport:     b.HTTP,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Get fetches a path of the provider, or an absolute URL.
func (br *Browser) Get(target string) Response {
	br.b.T.Helper()
	r, err := http.NewRequestWithContext(br.b.T.Context(), http.MethodGet, br.b.absolute(target), nil)
	must(br.b.T, err)
	return br.Do(r)
}

// Post sends a form to a path of the provider.
func (br *Browser) Post(target string, form url.Values) Response {
	br.b.T.Helper()
	r, err := http.NewRequestWithContext(br.b.T.Context(), http.MethodPost, br.b.absolute(target), strings.NewReader(form.Encode()))
	must(br.b.T, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return br.Do(r)
}

// Do sends any request with the browser's cookies.
func (br *Browser) Do(r *http.Request) Response {
	br.b.T.Helper()
	br.Count++
	return br.b.do(br.client, r)
}

// Cookies returns the cookies the browser would send.
func (br *Browser) Cookies() []*http.Cookie {
	u, err := url.Parse(br.b.Issuer)
	must(br.b.T, err)
	return br.client.Jar.Cookies(u)
}

// SetCookie plants a cookie.
func (br *Browser) SetCookie(c *http.Cookie) {
	u, err := url.Parse(br.b.Issuer)
	must(br.b.T, err)
	br.client.Jar.SetCookies(u, []*http.Cookie{c})
}

// SignIn fills in the sign-in form that target leads to, and returns the answer to its POST.
func (br *Browser) SignIn(target, username string, password keys.Secret) Response {
	br.b.T.Helper()
	page := br.Get(target)
	if page.StatusCode == http.StatusSeeOther {
		page = br.Get(page.Header.Get("Location"))
	}
	action, form := FormOf(br.b.T, page.Body, "password")
	form.Set("username", username)
	form.Set("password", password.Reveal())
	if action == "" {
		action = page.Request.URL.String()
	}
	return br.Post(action, form)
}

// Authorize returns the path of an authorization request of an application;
// pairs are further parameters, an empty value removes one.
func (b *Bench) Authorize(id users.ApplicationID, pairs ...string) string {
	q := url.Values{
		"client_id": {string(id)}, "redirect_uri": {CallbackOf(id)}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"the-state"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return "/authorize?" + q.Encode()
}

// Post sends a form without cookies, as applications do. Header pairs may follow.
func (b *Bench) Post(path string, form url.Values, header ...string) Response {
	b.T.Helper()
	r, err := http.NewRequestWithContext(b.T.Context(), http.MethodPost, b.absolute(path), strings.NewReader(form.Encode()))
	must(b.T, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r, header)
}

// Get fetches a path without cookies. Header pairs may follow.
func (b *Bench) Get(path string, header ...string) Response {
	b.T.Helper()
	r, err := http.NewRequestWithContext(b.T.Context(), http.MethodGet, b.absolute(path), nil)
	must(b.T, err)
	return b.send(r, header)
}

// Do sends any request without cookies and without following redirects.
func (b *Bench) Do(r *http.Request) Response { return b.send(r, nil) }

func (b *Bench) send(r *http.Request, header []string) Response {
	b.T.Helper()
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return b.do(&http.Client{
		Transport:     b.HTTP,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, r)
}

func (b *Bench) do(client *http.Client, r *http.Request) Response {
	b.T.Helper()
	answer, err := client.Do(r)
	must(b.T, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(b.T, err)
	return Response{Response: answer, Body: string(body)}
}

func (b *Bench) absolute(target string) string {
	if strings.HasPrefix(target, "/") {
		return b.Issuer + target
	}
	return target
}

// Tokens redeems a code by client_secret_post and returns the answer.
func (b *Bench) Tokens(id users.ApplicationID, code string, pairs ...string) Response {
	b.T.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {CallbackOf(id)},
		"client_id": {string(id)}, "client_secret": {SecretOf(id).Reveal()},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return b.Post("/token", form)
}

// FormOf returns the action and the fields of the form on a page that has an
// input called field. It fails the test when there is none.
func FormOf(t testing.TB, page, field string) (action string, fields url.Values) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		fields = url.Values{}
		for input := range n.Descendants() {
			if input.Type == html.ElementNode && (input.Data == "input" || input.Data == "button") && attribute(input, "name") != "" {
				fields.Set(attribute(input, "name"), attribute(input, "value"))
			}
		}
		if fields.Has(field) {
			return attribute(n, "action"), fields
		}
	}
	t.Fatalf("the page has no form with the field %q:\n%s", field, page)
	return "", nil
}

// Element returns the text of the element with an id, and whether there is one.
func Element(t testing.TB, page, id string) (text string, found bool) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == id {
			return strings.TrimSpace(textOf(n)), true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
