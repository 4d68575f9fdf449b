package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

const (
	benchSecret   = "the-client-secret-of-a-measured-application"
	benchCallback = "http://127.0.0.1:1/callback" // nobody goes there
	benchPeople   = 8
)

var benchAlgorithms = []string{keys.RS256, keys.ES256, keys.EdDSA}

// BenchmarkSignIn measures what the real program needs over the network, beside
// a bare server that answers the same requests with as many trips to the same
// stores and the same signature, and does nothing else. Both are measured in
// turns, by the processor time of their processes. Beside them stands what the
// bare server takes to answer nothing, and for the signature alone.
//
//	go test ./cmd/einlass/e2e -run xxx -bench SignIn -benchtime 4000x
func BenchmarkSignIn(b *testing.B) {
	for _, s := range []stores{{}, {redis: true}} {
		b.Run(s.String(), func(b *testing.B) {
			ours, bare := startMeasured(b, s), startBare(b, s)
			for _, connections := range []int{8, 64} {
				for _, alg := range benchAlgorithms {
					c := comparison{ours: ours.as(alg, connections), bare: bare.as(alg, connections)}
					b.Run(fmt.Sprintf("%d/%s", connections, alg), c.run)
				}
			}
		})
	}
}

// A target is a server whose processor time is measured.
type target struct {
	pid     int
	issuer  string
	cookies []string // of people who are signed in, for each request one of them
}

// startMeasured starts the program, with an application for each algorithm and everybody signed in.
func startMeasured(b *testing.B, s stores) target {
	b.Helper()
	h := &house{t: b, address: freeAddress(b)}
	h.issuer = strings.Replace("http://"+h.address, "127.0.0.1", "localhost", 1)
	dir := b.TempDir()
	var text bytes.Buffer
	fmt.Fprintf(&text, "issuer: %s\ndata: %s\ninsecure_allow_loopback: true\nlog: { level: warn }\n", h.issuer, filepath.Join(dir, "data"))
	if s.redis {
		fmt.Fprintf(&text, "redis_url: %q\n", sessiontest.RedisURL(b))
	}
	text.WriteString("applications:\n")
	for _, alg := range benchAlgorithms {
		fmt.Fprintf(&text, "  - { id: %s, groups: [everyone], sign_in: { client_id: %s, client_secret: %s, auth_method: client_secret_post, redirect_uris: [%q], claims: { email: email }, signing_alg: %s } }\n",
			strings.ToLower(alg), alg, benchSecret, benchCallback, alg)
	}
	text.WriteString("users:\n")
	for i := range benchPeople {
		fmt.Fprintf(&text, "  - { email: person%d@acme.example, password: %q }\n", i, password)
	}
	h.config = filepath.Join(dir, "einlass.yaml")
	must(b, os.WriteFile(h.config, text.Bytes(), 0o600))
	t := target{issuer: h.issuer, pid: h.serve(h.address).cmd.Process.Pid}
	at, err := url.Parse(h.issuer)
	must(b, err)
	for i := range benchPeople {
		browser := h.browser()
		browser.signIn(browser.get(h.issuer+"/portal"), fmt.Sprintf("person%d@acme.example", i))
		t.cookies = append(t.cookies, cookiesOf(browser.client.Jar.(*cookiejar.Jar), at))
	}
	return t
}

func cookiesOf(jar *cookiejar.Jar, at *url.URL) string {
	var cookies []string
	for _, c := range jar.Cookies(at) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return strings.Join(cookies, "; ")
}

// processorTime is what the target has used so far.
func (t target) processorTime(b *testing.B) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.pid))
	must(b, err)
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, err := strconv.Atoi(fields[11])
	must(b, err)
	system, err := strconv.Atoi(fields[12])
	must(b, err)
	const tick = 10 * time.Millisecond // USER_HZ, the same on every Linux that Go supports
	return time.Duration(user+system) * tick
}

// A load sends the requests of one application from some connections at once.
type load struct {
	target
	alg         string
	connections int
	client      *http.Client
}

func (t target) as(alg string, connections int) load {
	return load{t, alg, connections, &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: connections},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}}
}

// all runs step for each of n pieces of work and returns what came of them and
// the processor time that the target took.
func (l load) all(b *testing.B, in []string, step func(i int, used string) (string, error)) ([]string, time.Duration) {
	out := make([]string, len(in))
	next := make(chan int)
	var workers sync.WaitGroup
	started := l.processorTime(b)
	for range l.connections {
		workers.Go(func() {
			for i := range next {
				made, err := step(i, in[i])
				if err != nil {
					b.Error(err)
				}
				out[i] = made
			}
		})
	}
	for i := range in {
		next <- i
	}
	close(next)
	workers.Wait()
	return out, l.processorTime(b) - started
}

// authorize returns a code.
func (l load) authorize(i int, _ string) (string, error) {
	query := url.Values{
		"client_id": {l.alg}, "redirect_uri": {benchCallback}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"some-state"}, "nonce": {"some-nonce"},
	}
	r, err := http.NewRequest(http.MethodGet, l.issuer+"/authorize?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	if len(l.cookies) > 0 {
		r.Header.Set("Cookie", l.cookies[i%len(l.cookies)])
	}
	_, header, err := l.do(r, http.StatusSeeOther)
	if err != nil {
		return "", err
	}
	location, err := url.Parse(header.Get("Location"))
	if err != nil || location.Query().Get("code") == "" {
		return "", fmt.Errorf("no code at %v: %v", location, err)
	}
	return location.Query().Get("code"), nil
}

// token redeems a code and returns the access token.
func (l load) token(_ int, code string) (string, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {benchCallback},
		"client_id": {l.alg}, "client_secret": {benchSecret},
	}
	r, err := http.NewRequest(http.MethodPost, l.issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, _, err := l.do(r, http.StatusOK)
	if err != nil {
		return "", err
	}
	var tokens struct {
		AccessToken string `json:"access_token"`
		IDToken     string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &tokens); err != nil || tokens.IDToken == "" {
		return "", fmt.Errorf("no ID token in %q: %v", body, err)
	}
	return tokens.AccessToken, nil
}

func (l load) userinfo(_ int, token string) (string, error) {
	r, err := http.NewRequest(http.MethodGet, l.issuer+"/userinfo", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	_, _, err = l.do(r, http.StatusOK)
	return "", err
}

// get returns a step that gets a path.
func (l load) get(path string) func(int, string) (string, error) {
	return func(int, string) (string, error) {
		r, err := http.NewRequest(http.MethodGet, l.issuer+path, nil)
		if err != nil {
			return "", err
		}
		_, _, err = l.do(r, http.StatusOK)
		return "", err
	}
}

func (l load) signIn(i int, _ string) (string, error) {
	used := ""
	for _, step := range []func(int, string) (string, error){l.authorize, l.token, l.userinfo} {
		var err error
		if used, err = step(i, used); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (l load) do(r *http.Request, status int) (body []byte, header http.Header, err error) {
	answer, err := l.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != status {
		err = fmt.Errorf("%s: status %d, want %d: %s", r.URL.Path, answer.StatusCode, status, body)
	}
	return body, answer.Header, err
}

// A comparison measures a target and the bare server in turns, so that a
// machine whose speed changes treats both alike.
type comparison struct{ ours, bare load }

const benchTurns = 4

func (c comparison) run(b *testing.B) {
	ours, bare := map[string]time.Duration{}, map[string]time.Duration{}
	n := max(b.N/benchTurns, 1)
	for range benchTurns {
		c.ours.turn(b, n, ours)
		c.bare.turn(b, n, bare)
		_, used := c.bare.all(b, make([]string, n), c.bare.get("/nothing"))
		bare["nothing"] += used
		_, used = c.bare.all(b, make([]string, n), c.bare.get("/signature?client_id="+c.bare.alg))
		bare["signature"] += used
	}
	per := func(total time.Duration) float64 { return float64(total.Microseconds()) / float64(n*benchTurns) }
	for _, name := range []string{"authorize", "token", "userinfo", "sign-in"} {
		b.ReportMetric(per(ours[name]), name+"-µs")
		b.ReportMetric(per(bare[name]), name+"-bare-µs")
	}
	b.ReportMetric(per(bare["nothing"]), "nothing-bare-µs")
	b.ReportMetric(per(bare["signature"]-bare["nothing"]), "signature-µs")
	b.ReportMetric(0, "ns/op") // says nothing here
}

// turn does n of everything and adds up what each took.
func (l load) turn(b *testing.B, n int, took map[string]time.Duration) {
	note := func(name string, in []string, step func(int, string) (string, error)) []string {
		out, used := l.all(b, in, step)
		took[name] += used
		return out
	}
	codes := note("authorize", make([]string, n), l.authorize)
	tokens := note("token", codes, l.token)
	note("userinfo", tokens, l.userinfo)
	note("sign-in", make([]string, n), l.signIn)
}
