package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const conformanceFolder = "../../../deploy/conformance"

// The addresses in the files, which a test exchanges for its own.
const (
	conformanceIssuer = "https://einlass:9443"
	conformanceSuite  = "https://localhost.emobix.co.uk:8443"
)

// conformanceTest is the suite's side of an installation from the files: the addresses that its modules listen at.
type conformanceTest struct {
	h        *house
	exchange *strings.Replacer // of the addresses in the files for those of this test
	http     *http.Transport
	arrived  chan *http.Request // by the browser, their forms parsed
	told     chan *http.Request // by the provider itself, of sign-outs
}

func newConformanceSuite(t *testing.T) *conformanceTest {
	t.Helper()
	s := &conformanceTest{arrived: make(chan *http.Request, 10), told: make(chan *http.Request, 10)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if path.Base(r.URL.Path) == "backchannel_logout" {
			s.told <- r
			return
		}
		s.arrived <- r
		_, _ = io.WriteString(w, `<p id="submission_complete">Thank you.</p>`) // a browser that has gone misses nothing
	}))
	t.Cleanup(server.Close)
	h := &house{t: t, address: freeAddress(t)}
	s.h, h.issuer = h, "https://"+h.address
	s.exchange = strings.NewReplacer(conformanceIssuer, h.issuer, conformanceSuite, server.URL)

	dir := t.TempDir()
	h.config = filepath.Join(dir, "einlass.yaml")
	must(t, os.WriteFile(h.config, s.read(t, "einlass.yaml"), 0o644)) // as in a checkout
	cert, key := writeCertificate(t, dir, server.TLS.Certificates[0])
	h.env = []string{"EINLASS_DATA=" + filepath.Join(dir, "data"), "EINLASS_TLS_CERT_FILE=" + cert, "EINLASS_TLS_KEY_FILE=" + key, "SSL_CERT_FILE=" + cert}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s.http = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(s.http.CloseIdleConnections)
	h.serve(h.address)
	return s
}

// read returns a file with the addresses of this test.
func (s *conformanceTest) read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(conformanceFolder, name))
	must(t, err)
	return []byte(s.exchange.Replace(string(text)))
}

// planRun is the run of one plan. A module begins with no cookies.
type planRun struct {
	*conformanceTest
	t       *testing.T
	plan    suitePlan
	meta    map[string]any  // of discovery
	mode    string          // response_mode, if it is sent
	left    map[string]bool // modules of override that did not run yet
	browser *suiteBrowser
	visits  []suiteVisit // what the browser does in this module
	client  suiteClient
}

func (s *conformanceTest) load(t *testing.T, name string) *planRun {
	t.Helper()
	p := &planRun{conformanceTest: s, t: t, left: map[string]bool{}}
	in := json.NewDecoder(bytes.NewReader(s.read(t, name)))
	in.DisallowUnknownFields()
	must(t, in.Decode(&p.plan))
	for module := range p.plan.Override {
		p.left[module] = true
	}
	answer, err := (&http.Client{Transport: s.http}).Get(p.plan.Server.DiscoveryURL)
	must(t, err)
	defer answer.Body.Close()
	must(t, json.NewDecoder(answer.Body).Decode(&p.meta))
	if p.meta["issuer"] != s.h.issuer || p.plan.Alias == "" || p.plan.Description == "" {
		t.Fatalf("issuer %v, alias %q, description %q", p.meta["issuer"], p.plan.Alias, p.plan.Description)
	}
	return p
}

// module begins a module of the suite, with its own commands if the plan has some for it.
func (p *planRun) module(name string) {
	p.t.Helper()
	p.visits, p.client = p.plan.Browser, p.plan.Client
	if override, found := p.plan.Override[name]; found {
		p.visits = override.Browser
		delete(p.left, name)
	}
	jar, err := cookiejar.New(nil)
	must(p.t, err)
	p.browser = &suiteBrowser{t: p.t, client: &http.Client{Jar: jar, Transport: p.http}}
}

// didEverything expects that no module of the plan and no command was left out.
func (p *planRun) didEverything() {
	p.t.Helper()
	for module := range p.left {
		p.t.Errorf("override has %s, of which this test knows nothing", module)
	}
	expectDone := func(where string, visits []suiteVisit) {
		for _, visit := range visits {
			for _, task := range visit.Tasks {
				if !task.done {
					p.t.Errorf("%s: nothing came to %q of %s", where, task.Task, visit.Match)
				}
			}
		}
	}
	expectDone("browser", p.plan.Browser)
	for module, override := range p.plan.Override {
		expectDone(module, override.Browser)
	}
}

// address is one of the suite's for the plan's alias.
func (p *planRun) address(name string) string {
	return p.exchange.Replace(conformanceSuite) + "/test/a/" + p.plan.Alias + "/" + name
}

// visit sends the browser to an endpoint of the provider.
func (p *planRun) visit(method, endpoint string, query url.Values) {
	p.t.Helper()
	target, _ := p.meta[endpoint].(string)
	p.browser.goTo(p.visits, method, target+"?"+query.Encode())
}

func (p *planRun) request(pairs ...string) url.Values {
	query := url.Values{
		"client_id": {p.client.ID}, "redirect_uri": {p.address("callback")}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"state"}, "nonce": {"nonce"},
	}
	if p.mode != "" {
		query.Set("response_mode", p.mode)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return query
}

// arrival is what the browser has brought to one of the suite's addresses, a POST in the mode form_post.
func (p *planRun) arrival(name, method string) url.Values {
	p.t.Helper()
	if len(p.arrived) != 1 {
		p.t.Fatalf("%d requests have come to the suite, want one to %s; the browser is at %s", len(p.arrived), name, p.browser.url)
	}
	r := <-p.arrived
	if r.Method != method || "https://"+r.Host+r.URL.Path != p.address(name) {
		p.t.Fatalf("%s %s%s, want %s %s", r.Method, r.Host, r.URL.Path, method, p.address(name))
	}
	return r.Form
}

// answer is the answer to an authorization request.
func (p *planRun) answer() url.Values {
	p.t.Helper()
	if p.mode == "form_post" {
		return p.arrival("callback", http.MethodPost)
	}
	return p.arrival("callback", http.MethodGet)
}

// tokens makes a request that brings a code, and redeems it as the client is registered to.
func (p *planRun) tokens(method string, query url.Values, byPost bool) (answer map[string]any) {
	p.t.Helper()
	p.visit(method, "authorization_endpoint", query)
	code := p.answer().Get("code")
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.address("callback")}}
	if byPost {
		form.Set("client_id", p.client.ID)
		form.Set("client_secret", p.client.Secret)
	}
	endpoint, _ := p.meta["token_endpoint"].(string)
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	must(p.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !byPost {
		r.SetBasicAuth(p.client.ID, p.client.Secret)
	}
	response, err := (&http.Client{Transport: p.http}).Do(r)
	must(p.t, err)
	defer response.Body.Close()
	must(p.t, json.NewDecoder(response.Body).Decode(&answer))
	if answer["id_token"] == nil {
		p.t.Fatalf("code %q: status %d, %v", code, response.StatusCode, answer)
	}
	return answer
}

// ends expects a module to end on a page that was shown to whoever judges, and nothing to have come to the suite.
func (p *planRun) ends(status int) {
	p.t.Helper()
	if p.browser.status != status || p.browser.pictures != 1 || len(p.arrived) > 0 {
		p.t.Errorf("status %d at %s, %d pictures, %d requests to the suite; want status %d, 1 and 0",
			p.browser.status, p.browser.url, p.browser.pictures, len(p.arrived), status)
	}
}
