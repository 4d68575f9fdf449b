package provider_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
)

// rpBrowser is a browser that follows redirects within the provider and stops
// where a person has to do something, or where the application is reached.
type rpBrowser struct {
	t      *testing.T
	issuer string
	client *http.Client
}

// arrival is where a browser has come to: a page of the provider, or the application.
type arrival struct {
	status  int
	header  http.Header
	url     *url.URL     // of the page
	page    webtest.Node // nothing at the application
	answers int          // responses of the provider on the way

	target string     // at the application: the address, without what was sent
	mode   string     // at the application: how it was sent, query or form_post
	sent   url.Values // at the application
}

func newRPBrowser(t *testing.T, issuer string, transport http.RoundTripper) *rpBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &rpBrowser{t: t, issuer: issuer, client: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *rpBrowser) get(target string) arrival {
	b.t.Helper()
	return b.follow(b.send(b.client, http.MethodGet, target, nil))
}

// post sends a form of one of the provider's own pages.
func (b *rpBrowser) post(target string, form url.Values) arrival {
	b.t.Helper()
	return b.follow(b.send(b.client, http.MethodPost, target, form))
}

// postFromElsewhere sends a form of another site: SameSite=Lax keeps the cookies back.
func (b *rpBrowser) postFromElsewhere(target string, form url.Values) arrival {
	b.t.Helper()
	without := *b.client
	without.Jar = nil
	return b.follow(b.send(&without, http.MethodPost, target, form))
}

// browserAnswer is one response with its body read.
type browserAnswer struct {
	*http.Response
	body string
}

func (b *rpBrowser) send(client *http.Client, method, target string, form url.Values) browserAnswer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") {
			b.t.Errorf("%s: cookie %v", answer.Request.URL.Path, c)
		}
	}
	return browserAnswer{answer, string(body)}
}

// follow goes where the provider leads until it shows a page or hands over to the application.
func (b *rpBrowser) follow(answer browserAnswer) arrival {
	b.t.Helper()
	for answers := 1; answers <= 10; answers++ {
		here := answer.Request.URL
		switch answer.StatusCode {
		case http.StatusFound, http.StatusSeeOther:
		case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			b.t.Fatalf("%s: status %d would send a password along (RFC 9700 section 4.12)", here.Path, answer.StatusCode)
		default:
			return b.read(answer, answers)
		}
		next, err := here.Parse(answer.Header.Get("Location"))
		if err != nil {
			b.t.Fatalf("%s: Location %q: %v", here.Path, answer.Header.Get("Location"), err)
		}
		if !strings.HasPrefix(next.String(), b.issuer+"/") {
			target, query, _ := strings.Cut(next.String(), "?")
			sent, err := url.ParseQuery(query)
			if err != nil || next.Fragment != "" {
				b.t.Errorf("the answer %q is no query", next)
			}
			return arrival{status: answer.StatusCode, header: answer.Header, answers: answers, target: target, mode: "query", sent: sent}
		}
		answer = b.send(b.client, http.MethodGet, next.String(), nil)
	}
	b.t.Fatal("the provider redirects in circles")
	return arrival{}
}

// read is the arrival at a page. One that posts itself to another site has arrived there.
func (b *rpBrowser) read(answer browserAnswer, answers int) arrival {
	b.t.Helper()
	a := arrival{status: answer.StatusCode, header: answer.Header, url: answer.Request.URL, answers: answers, page: webtest.Parse(b.t, answer.body)}
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
		b.t.Fatalf("%s: status %d, Content-Type %q, want a page", a.url.Path, a.status, kind)
	}
	forms, scripts := a.page.All("form"), a.page.All("script")
	if len(forms) != 1 || len(scripts) != 1 || strings.HasPrefix(forms[0].Attr("action"), "/") {
		return a
	}
	form := forms[0]
	script := `<script nonce="` + scripts[0].Attr("nonce") + `">document.forms[0].submit()</script>`
	policy := answer.Header.Get("Content-Security-Policy")
	if a.status != http.StatusOK || form.Attr("method") != "post" || form.HasAttr("enctype") || form.HasAttr("accept-charset") || form.HasAttr("target") ||
		!strings.Contains(answer.body, script) || !strings.Contains(policy, "'nonce-"+scripts[0].Attr("nonce")+"'") {
		b.t.Errorf("form_post: status %d, method %q, policy %q, page %s", a.status, form.Attr("method"), policy, answer.body)
	}
	b.mayLeadTo(answer.Header, form.Attr("action"))
	if without := form.All("noscript"); len(without) != 1 || len(without[0].All("button")) != 1 {
		b.t.Errorf("form_post: without script there is no button: %s", answer.body)
	}
	a.target, a.mode, a.sent, a.page = form.Attr("action"), "form_post", url.Values{}, webtest.Node{}
	for _, input := range form.All("input") {
		if input.Attr("type") != "hidden" {
			b.t.Errorf("form_post: an input of type %q", input.Attr("type"))
		}
		a.sent.Add(input.Attr("name"), input.Attr("value"))
	}
	return a
}

// mayLeadTo expects a page whose policy lets its forms lead to another site, as browsers demand of redirects after a form, too.
func (b *rpBrowser) mayLeadTo(page http.Header, target string) {
	b.t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		b.t.Fatal(err)
	}
	for directive := range strings.SplitSeq(page.Get("Content-Security-Policy"), ";") {
		if name, sources, _ := strings.Cut(strings.TrimSpace(directive), " "); name == "form-action" {
			if !slices.Contains(strings.Fields(sources), to.Scheme+"://"+to.Host) {
				b.t.Errorf("forms may lead to %q, want %s://%s among them", sources, to.Scheme, to.Host)
			}
			return
		}
	}
	b.t.Error("the page says nothing of where forms may lead")
}

// isLogin reports whether the provider shows its sign-in form.
func (a arrival) isLogin() bool { return a.page.ByID("login-submit").Exists() }

// submit fills in the form that has an element and sends it.
func (b *rpBrowser) submit(a arrival, id string, fill url.Values) arrival {
	b.t.Helper()
	for _, form := range a.page.All("form") {
		if !form.ByID(id).Exists() {
			continue
		}
		fields := url.Values{}
		for _, input := range form.All("input") {
			fields.Set(input.Attr("name"), input.Attr("value"))
		}
		for name := range fill {
			fields.Set(name, fill.Get(name))
		}
		target, err := a.url.Parse(form.Attr("action"))
		if err != nil {
			b.t.Fatal(err)
		}
		arrived := b.post(target.String(), fields)
		if arrived.mode == "query" {
			b.mayLeadTo(a.header, arrived.target)
		}
		return arrived
	}
	b.t.Fatalf("status %d at %s: no form with #%s", a.status, a.url, id)
	return arrival{}
}

// signIn fills in the sign-in form.
func (b *rpBrowser) signIn(a arrival) arrival {
	b.t.Helper()
	if a.status != http.StatusOK || !a.page.ByID("username").Exists() || !a.page.ByID("password").Exists() {
		b.t.Fatalf("status %d at %s: no sign-in form", a.status, a.url)
	}
	return b.submit(a, "login-submit", url.Values{"username": {rpUsername}, "password": {providertest.Password}})
}
