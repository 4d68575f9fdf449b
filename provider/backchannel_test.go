package provider_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// party is an application's back-channel logout endpoint.
type party struct {
	server *httptest.Server

	mu     sync.Mutex // guards the fields below
	status int
	calls  []http.Header
	forms  []url.Values
}

func newParty(t *testing.T) *party {
	t.Helper()
	p := &party{status: http.StatusOK}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.RawQuery != "" {
			t.Errorf("%s %s, want POST without a query", r.Method, r.URL)
		}
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls = append(p.calls, r.Header)
		p.forms = append(p.forms, r.PostForm)
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *party) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// told returns how often the application was called.
func (p *party) told() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.forms)
}

// form returns a call.
func (p *party) form(i int) url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forms[i]
}

// eventually waits until something holds; the follower works in the background.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// listening is the bench's directory with applications that want to know.
func listening(uris map[users.ApplicationID]string) users.Declaration {
	d := providertest.Declaration()
	for _, a := range d.Applications {
		a.SignIn.BackchannelLogoutURI = uris[a.ID]
	}
	return d
}

// logoutTokenClaims are what an application looks at.
type logoutTokenClaims struct {
	Issuer, Subject, Audience, ID, SID string
	IssuedAt, Expires                  float64
	Events                             map[string]any
}

// verifiedLogoutToken checks a logout token as an application does that reads our key set.
func verifiedLogoutToken(t *testing.T, b *providertest.Bench, form url.Values, alg string) logoutTokenClaims {
	t.Helper()
	if len(form) != 1 || len(form["logout_token"]) != 1 {
		t.Fatalf("form %v, want logout_token and nothing else", form)
	}
	header, payload := verifiedToken(t, b, form.Get("logout_token"))
	if typ := header.ExtraHeaders[jose.HeaderType]; typ != "logout+jwt" || header.Algorithm != alg {
		t.Errorf("typ %v, alg %s; want logout+jwt and %s", typ, header.Algorithm, alg)
	}
	var members map[string]any
	if err := json.Unmarshal(payload, &members); err != nil {
		t.Fatal(err)
	}
	if _, has := members["nonce"]; has || len(members) != 8 {
		t.Errorf("claims %v, want eight and no nonce", members)
	}
	text := func(name string) string {
		value, _ := members[name].(string)
		return value
	}
	number := func(name string) float64 {
		value, _ := members[name].(float64)
		return value
	}
	events, _ := members["events"].(map[string]any)
	return logoutTokenClaims{
		Issuer: text("iss"), Subject: text("sub"), Audience: text("aud"), ID: text("jti"), SID: text("sid"),
		IssuedAt: number("iat"), Expires: number("exp"), Events: events,
	}
}

// R-33 F-06
func TestBackChannelTellsTheApplicationBeforeItRedirects(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	personio, wiki := newParty(t), newParty(t)
	d := listening(map[users.ApplicationID]string{providertest.Personio: personio.server.URL, providertest.Wiki: wiki.server.URL})
	for _, a := range d.Applications {
		if a.ID == providertest.Wiki {
			a.SignIn.SigningAlg = keys.ES256
		}
	}
	b.Redeclare(d)
	b.Follow()
	browser, token := signedIn(t, b)
	idToken := verify(t, b, token)
	eventually(t, "the follower is at work", func() bool {
		seq, err := b.Directory.Read().Cursor(t.Context(), "logout")
		return err == nil && seq > 0
	})
	browser.Get(b.Authorize(providertest.Native, "code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S256"))

	answer := browser.Get(endSession("id_token_hint", token, "state", "s",
		"post_logout_redirect_uri", providertest.AfterLogoutOf(providertest.Personio)))
	if got, want := answer.Header.Get("Location"), providertest.AfterLogoutOf(providertest.Personio)+"&state=s"; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	if n := personio.told(); n != 1 {
		t.Fatalf("told %d times before the redirect, want once", n)
	}
	claims := verifiedLogoutToken(t, b, personio.form(0), keys.RS256)
	now := float64(b.Clock.Now().Unix())
	want := logoutTokenClaims{
		Issuer: b.Issuer, Subject: idToken.Subject, Audience: providertest.Personio, SID: idToken.SID, ID: claims.ID,
		IssuedAt: now, Expires: now + 120,
		Events: map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if diff := cmp.Diff(want, claims); diff != "" || claims.ID == "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if isSignedIn(b, browser) {
		t.Error("still signed in")
	}
	if wiki.told() != 0 {
		t.Error("an application was told that had no part in the session")
	}

	// The other client's algorithm signs its token.
	other := b.NewBrowser()
	other.SignIn(b.Authorize(providertest.Wiki), providertest.Ada, providertest.Password)
	action, fields := providertest.FormOf(t, other.Get("/logout").Body, "form_token")
	other.Post(action, fields)
	if n := wiki.told(); n != 1 {
		t.Fatalf("the wiki was told %d times, want once", n)
	}
	verifiedLogoutToken(t, b, wiki.form(0), keys.ES256)
}

// N126: of three applications one hangs and one fails. The person does not
// wait for them, the healthy one is told at once, the others again later, and the log says of each what became of it.
func TestBackChannelDoesNotWaitForADeadApplication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	healthy, failing := newParty(t), newParty(t)
	failing.answer(http.StatusInternalServerError)
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	b.Redeclare(listening(map[users.ApplicationID]string{
		providertest.Personio: healthy.server.URL, providertest.Wiki: failing.server.URL, providertest.Native: hanging.URL,
	}))
	b.Follow()
	browser, token := signedIn(t, b)
	for _, target := range []string{
		b.Authorize(providertest.Wiki),
		b.Authorize(providertest.Native, "code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S256"),
	} {
		if answer := browser.Get(target); answer.Query().Get("code") == "" {
			t.Fatalf("no code: %s", answer.Header.Get("Location"))
		}
	}
	eventually(t, "the follower is at work", func() bool {
		seq, err := b.Directory.Read().Cursor(t.Context(), "logout")
		return err == nil && seq > 0
	})

	start := time.Now()
	answer := browser.Get(endSession("id_token_hint", token))
	if took := time.Since(start); took >= 2*time.Second || answer.StatusCode != http.StatusOK {
		t.Errorf("status %d after %s, want the signed-out page within 2 s", answer.StatusCode, took)
	}
	if healthy.told() != 1 || failing.told() != 1 {
		t.Errorf("told %d and %d times, want once each", healthy.told(), failing.told())
	}
	eventually(t, "two deliveries wait with what failed", func() bool {
		waiting := deliveries(t, b)
		return len(waiting) == 2 && waiting[0].Attempt == 1 && waiting[1].Attempt == 1
	})
	for _, d := range deliveries(t, b) {
		if wait := d.NextAt.Sub(b.Clock.Now()); d.LastError == "" || wait < 5*time.Second || wait > 7*time.Second {
			t.Errorf("%+v: want an error and the next attempt in 5 s and a little", d)
		}
	}
	failing.answer(http.StatusNoContent)
	b.Clock.Advance(7 * time.Second)
	eventually(t, "the second attempt arrives", func() bool { return len(b.FlushEvents(users.EventDeliveryMade)) == 2 })
	first, second := verifiedLogoutToken(t, b, failing.form(0), keys.RS256), verifiedLogoutToken(t, b, failing.form(1), keys.RS256)
	if first.ID == second.ID || first.SID != second.SID {
		t.Errorf("tokens %+v and %+v, want a new one for the same session", first, second)
	}
	made := b.FlushEvents(users.EventDeliveryMade)
	for i, want := range []string{`"target":"personio"`, `"target":"wiki"`} {
		if !strings.Contains(made[i].Payload, want) || made[i].Subject != first.Subject {
			t.Errorf("event %+v, want %s", made[i], want)
		}
	}
}

// S-045 N149: whatever makes sessions dead, their applications are told and the
// store is cleaned; a session begun afterwards lives.
// F-70
func TestBackChannelFollowsEpochChanges(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *providertest.Bench, ada users.ID) error{
		"suspension": func(b *providertest.Bench, ada users.ID) error {
			_, err := b.Directory.Suspend(t.Context(), users.ActorSystem, ada, "left")
			return err
		},
		"end of access": func(b *providertest.Bench, ada users.ID) error { // N-3
			b.SetWindow(providertest.Ada, time.Time{}, b.Clock.Now())
			return b.Directory.ApplyWindows(t.Context(), []users.Work{{Kind: users.WorkWindow, Subject: string(ada)}})
		},
		"password": func(b *providertest.Bench, ada users.ID) error {
			return b.Directory.SetPassword(t.Context(), users.ActorSystem, ada, providertest.Password)
		},
		"sessions ended": func(b *providertest.Bench, ada users.ID) error {
			return b.Directory.EndSessions(t.Context(), users.ActorSystem, ada)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			personio := newParty(t)
			b.Redeclare(listening(map[users.ApplicationID]string{providertest.Personio: personio.server.URL}))
			first, token := signedIn(t, b)
			signedIn(t, b)
			ada := b.User(providertest.Ada).ID
			if err := change(b, ada); err != nil {
				t.Fatal(err)
			}
			staysIn := name != "suspension" && name != "end of access"
			if staysIn {
				third, _ := signedIn(t, b)
				defer func() {
					if !isSignedIn(b, third) {
						t.Error("a session begun afterwards has ended")
					}
				}()
			}
			if isSignedIn(b, first) {
				t.Error("still signed in")
			}
			b.Follow()
			eventually(t, "both sessions are told", func() bool { return personio.told() >= 2 })
			sids := map[string]bool{}
			for i := range personio.told() {
				sids[verifiedLogoutToken(t, b, personio.form(i), keys.RS256).SID] = true
			}
			if len(sids) != 2 || !sids[verify(t, b, token).SID] {
				t.Errorf("told of %v, want both sessions", sids)
			}
			left, err := b.Sessions.Of(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 1}[staysIn]; len(left) != want {
				t.Errorf("%d sessions are left in the store, want %d", len(left), want)
			}
		})
	}
}

// Nobody is told about addresses that outgoing calls may not reach, and a target that
// is not registered any more is given up at once.
func TestBackChannelGivesUpOnATargetThatIsGone(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	personio := newParty(t)
	personio.answer(http.StatusServiceUnavailable)
	b.Redeclare(listening(map[users.ApplicationID]string{providertest.Personio: personio.server.URL}))
	b.Follow()
	browser, token := signedIn(t, b)
	browser.Get(endSession("id_token_hint", token))
	eventually(t, "the first attempt", func() bool { return personio.told() == 1 })
	b.Redeclare(providertest.Declaration())
	eventually(t, "it waits", func() bool { d := deliveries(t, b); return len(d) == 1 && d[0].Attempt == 1 })
	b.Clock.Advance(10 * time.Second)
	eventually(t, "it is given up", func() bool { return len(b.FlushEvents(users.EventDeliveryFailed)) == 1 })
	counts, err := b.Directory.Read().CountDeliveries(t.Context(), "logout")
	if err != nil || counts[users.DeliveryFailed] != 1 || counts[users.DeliveryPending] != 0 {
		t.Errorf("counts %v, %v; want one failed", counts, err)
	}
}

// F-81: one button ends every session of the person, on all devices.
func TestSigningOutEverywhere(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	personio := newParty(t)
	b.Redeclare(listening(map[users.ApplicationID]string{providertest.Personio: personio.server.URL}))
	b.Follow()
	here, _ := signedIn(t, b)
	there, _ := signedIn(t, b)
	bob := b.NewBrowser()
	bob.SignIn(b.Authorize(providertest.Personio), providertest.Bob, providertest.Password)

	_, fields := providertest.FormOf(t, here.Get("/logout").Body, "form_token")
	if answer := here.Post("/logout/everywhere", url.Values{}); answer.StatusCode != http.StatusForbidden || !isSignedIn(b, there) {
		t.Errorf("without the form's token: status %d", answer.StatusCode)
	}
	answer := here.Post("/logout/everywhere", fields)
	if _, found := providertest.Element(t, answer.Body, "logged-out"); !found {
		t.Errorf("status %d, no signed-out page", answer.StatusCode)
	}
	if isSignedIn(b, here) || isSignedIn(b, there) {
		t.Error("still signed in somewhere")
	}
	if !isSignedIn(b, bob) {
		t.Error("somebody else was signed out")
	}
	eventually(t, "both sessions are told", func() bool { return personio.told() == 2 })
	before := b.User(providertest.Ada).Epoch
	_, fields = providertest.FormOf(t, here.Get("/logout").Body, "form_token")
	here.Post("/logout/everywhere", fields)
	if after := b.User(providertest.Ada).Epoch; after != before {
		t.Error("a browser without a session ended sessions")
	}
}

// deliveries returns what waits because of the last session that ended.
func deliveries(t *testing.T, b *providertest.Bench) []users.Delivery {
	t.Helper()
	ended := b.FlushEvents(users.EventSessionEnded)
	if len(ended) == 0 {
		return nil
	}
	waiting, err := b.Directory.Read().DeliveriesOf(t.Context(), "logout", ended[len(ended)-1].Seq)
	if err != nil {
		t.Fatal(err)
	}
	return waiting
}
