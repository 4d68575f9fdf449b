package personio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

const ourHook = "https://sso.acme.example/hooks/personio/personio"

// registration is a registrar with the account it registers at.
type registration struct {
	*personio.Registrar
	t         *testing.T
	sim       *personiotest.Server
	directory *users.Directory
	config    personio.RegistrarConfig

	mu    sync.Mutex // guards what follows
	slept []time.Duration
}

func newRegistration(t *testing.T, cfg personiotest.Config, change func(i *users.Import)) *registration {
	t.Helper()
	r := &registration{t: t, sim: newSimulation(t, cfg)}
	id, secret := r.sim.Credentials()
	api := testConfig(t, r.sim.Handler(), nil)
	sealer, err := keys.CreateMasterKey(t.TempDir() + "/master.key")
	must(t, err)
	r.directory, err = users.New(users.Config{Store: userstest.SQLite(t), Sealer: sealer})
	must(t, err)
	i := users.Import{
		Source: users.SourcePersonio, BaseURL: api.BaseURL, ClientID: id, Guard: users.DefaultGuard, Webhook: &users.Webhook{Register: true},
	}
	if change != nil {
		change(&i)
	}
	_, err = r.directory.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: "personio", Label: "Personio", Import: &i}, ImportSecret: secret},
		{Application: users.Application{ID: "wiki", Label: "Wiki"}},
	}})
	must(t, err)
	r.config = personio.RegistrarConfig{
		Directory: r.directory, Accounts: personio.NewAccounts(api), Issuer: "https://sso.acme.example", Holder: "test",
		Sleep: func(_ context.Context, d time.Duration) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.slept = append(r.slept, d)
			return nil
		},
	}
	r.Registrar, err = personio.NewRegistrar(r.config)
	must(t, err)
	return r
}

func (r *registration) app() users.Application {
	r.t.Helper()
	a, err := r.directory.Read().Application(r.t.Context(), "personio")
	must(r.t, err)
	return a
}

// ensure looks at the webhook and returns what it was like.
func (r *registration) ensure() personio.Registration {
	r.t.Helper()
	was, err := r.Ensure(r.t.Context(), r.app())
	if err != nil {
		r.t.Fatal(err)
	}
	return was
}

// hook returns our webhook at Personio, of which there must be one.
func (r *registration) hook() (id string, hook personiotest.Webhook) {
	r.t.Helper()
	all := r.sim.Webhooks()
	for found, h := range all {
		if h.URL == ourHook {
			if id != "" {
				r.t.Error("the webhook is registered twice")
			}
			id, hook = found, h
		}
	}
	if id == "" {
		r.t.Fatalf("our webhook is not registered: %v", all)
	}
	return id, hook
}

// checkInOrder compares the webhook at Personio with what it has to be.
func (r *registration) checkInOrder(step string) {
	r.t.Helper()
	_, hook := r.hook()
	tokens, err := r.directory.WebhookTokens(r.t.Context(), "personio")
	must(r.t, err)
	if len(tokens) == 0 || !hook.Token.Equal(tokens[0]) || hook.Disabled || len(hook.CustomHeaders) > 0 {
		r.t.Errorf("%s: webhook %+v, token ours %t; want it enabled with our token", step, hook, len(tokens) > 0 && hook.Token.Equal(tokens[0]))
	}
	for _, event := range personiotest.EventNames() {
		if !slices.Contains(hook.Events, event) {
			r.t.Errorf("%s: event %s is missing", step, event)
		}
	}
}

// calls counts the requests at the webhooks by method.
func (r *registration) calls() map[string]int {
	calls := map[string]int{}
	for _, q := range r.sim.Requests() {
		if strings.HasPrefix(q.Path, "/v2/webhooks") {
			calls[q.Method]++
		}
	}
	return calls
}

// B-08b
func TestTheWebhookIsRegisteredAndRepaired(t *testing.T) {
	t.Parallel()
	for _, api := range []users.API{users.APIAuto, users.APIv1, users.APIv2} {
		r := newRegistration(t, personiotest.Config{}, func(i *users.Import) { i.API = api })
		if _, err := r.sim.AddWebhook(personiotest.Webhook{URL: "https://payroll.example/hook", Description: "somebody else's", Token: "t"}); err != nil {
			t.Fatal(err)
		}
		if was := r.ensure(); was != personio.RegistrationMissing {
			t.Errorf("at first the webhook was %s, want missing", was)
		}
		r.checkInOrder("registered")
		if !slices.Equal(r.slept, []time.Duration{3 * time.Second}) {
			t.Errorf("waited %v before Personio was told of the token, want until every replica knows it", r.slept)
		}
		writes := r.calls()
		if was := r.ensure(); was != personio.RegistrationInOrder || r.calls()[http.MethodPost] != writes[http.MethodPost] || r.calls()[http.MethodPatch] != 0 {
			t.Errorf("in order it was %s, calls %v; want nothing written", was, r.calls())
		}
		id, _ := r.hook()
		damages := map[string]func(h *personiotest.Webhook){
			"switched off":    func(h *personiotest.Webhook) { h.Disabled = true },
			"fewer events":    func(h *personiotest.Webhook) { h.Events = h.Events[:3] },
			"another address": func(h *personiotest.Webhook) { h.URL = "https://evil.example/hook" },
		}
		for name, damage := range damages {
			must(t, r.sim.ChangeWebhook(id, damage))
			if was := r.ensure(); was != personio.RegistrationWrong {
				t.Errorf("%s: it was %s", name, was)
			}
			r.checkInOrder(name)
		}
		must(t, r.sim.ChangeWebhook(id, nil))
		if was := r.ensure(); was != personio.RegistrationMissing {
			t.Errorf("deleted: it was %s", was)
		}
		r.checkInOrder("deleted")
		if len(r.sim.Webhooks()) != 2 {
			t.Errorf("webhooks %v, want ours and somebody else's", r.sim.Webhooks())
		}
		if tokens, err := r.directory.WebhookTokens(t.Context(), "personio"); err != nil || len(tokens) != 1 || len(tokens[0].Reveal()) < users.MinWebhookTokenChars {
			t.Errorf("tokens: error %v, %d of them; want one that lasts", err, len(tokens))
		}
	}
}

// B-08b: what Personio does not show may have been changed all the same.
func TestAnotherTokenAtPersonioIsNoticed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r := newRegistration(t, personiotest.Config{Now: func() time.Time { return now }}, nil)
	r.ensure()
	id, _ := r.hook()
	now = now.Add(time.Hour)
	r.patch(id, `{"token":"somebody-elses-token-of-32-characters"}`)
	if was := r.ensure(); was != personio.RegistrationWrong {
		t.Errorf("with a changed token it was %s", was)
	}
	r.checkInOrder("token changed at Personio")

	// Custom headers cannot be taken away by a change: the webhook is made anew.
	now = now.Add(time.Hour)
	r.patch(id, `{"auth_type":"CUSTOM","token":"","custom_headers":{"X-Key":"k"}}`)
	if was := r.ensure(); was != personio.RegistrationWrong || r.calls()[http.MethodDelete] != 1 {
		t.Errorf("with headers it was %s, calls %v", was, r.calls())
	}
	r.checkInOrder("headers instead of the token")
	if was := r.ensure(); was != personio.RegistrationInOrder {
		t.Errorf("after all repairs it is %s", was)
	}
}

// patch changes a webhook by the API, as another client does.
func (r *registration) patch(id, body string) {
	r.t.Helper()
	server := httptest.NewServer(r.sim.Handler())
	defer server.Close()
	clientID, secret := r.sim.Credentials()
	resp, err := http.PostForm(server.URL+"/v2/auth/token", map[string][]string{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {secret.Reveal()},
	})
	must(r.t, err)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	must(r.t, json.NewDecoder(resp.Body).Decode(&token))
	must(r.t, resp.Body.Close())
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPatch, server.URL+"/v2/webhooks/"+id, strings.NewReader(body))
	must(r.t, err)
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err = http.DefaultClient.Do(req)
	must(r.t, err)
	must(r.t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("patch %s: status %d", body, resp.StatusCode)
	}
}

// B-08: rotation keeps the old token for a day, and Personio gets the new one
// even if it cannot be told at once.
func TestRotationTellsPersonioSoonerOrLater(t *testing.T) {
	t.Parallel()
	r := newRegistration(t, personiotest.Config{}, nil)
	r.ensure()
	_, before := r.hook()
	must(t, r.Rotate(t.Context(), "cli:test", r.app()))
	if was := r.ensure(); was != personio.RegistrationOld {
		t.Errorf("after a rotation it was %s", was)
	}
	r.checkInOrder("rotated")
	_, after := r.hook()
	tokens, err := r.directory.WebhookTokens(t.Context(), "personio")
	if err != nil || len(tokens) != 2 || !tokens[1].Equal(before.Token) || after.Token.Equal(before.Token) {
		t.Errorf("error %v, %d tokens; want the new one and the one before", err, len(tokens))
	}
	must(t, r.sim.Inject(atV2(personiotest.EndpointWebhooks, personiotest.Forbidden, 2, 1))) // after the list of the rotation, once, and with a new token
	must(t, r.Rotate(t.Context(), "cli:test", r.app()))
	if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, importer.ErrForbidden) {
		t.Fatalf("while nothing may be written: %v", err)
	}
	if known, err := r.directory.WebhookRegistration(t.Context(), "personio"); err != nil || known.Problem == "" || strings.Contains(known.Problem, after.Token.Reveal()) {
		t.Errorf("error %v, known problem %q", err, known.Problem)
	}
	waiting, err := r.directory.WebhookTokens(t.Context(), "personio")
	must(t, err)
	must(t, r.Rotate(t.Context(), "cli:test", r.app())) // makes none: the one that Personio sends would be forgotten
	if tokens, err := r.directory.WebhookTokens(t.Context(), "personio"); err != nil || !slices.Equal(tokens, waiting) {
		t.Errorf("a second rotation before Personio was told: error %v, other tokens", err)
	}
	if was := r.ensure(); was != personio.RegistrationOld {
		t.Errorf("after a rotation that Personio was not told of it was %s", was)
	}
	r.checkInOrder("told later")
}

// B-08: what opened the receiver before is not what Personio is told.
func TestTheTokenOfTheFileIsNotRegistered(t *testing.T) {
	t.Parallel()
	const byHand = keys.Secret("a-token-that-stood-in-the-file-before-ours")
	r := newRegistration(t, personiotest.Config{}, nil)
	declare := func(webhook users.Webhook, tokens ...keys.Secret) {
		app := r.app()
		app.Import.Webhook = &webhook
		_, secret := r.sim.Credentials()
		_, err := r.directory.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
			{Application: app, ImportSecret: secret, WebhookTokens: tokens},
		}})
		must(t, err)
	}
	declare(users.Webhook{}, byHand)
	if _, err := r.sim.AddWebhook(personiotest.Webhook{URL: ourHook, Description: "by hand", Token: byHand}); err != nil {
		t.Fatal(err)
	}
	declare(users.Webhook{Register: true})
	if was := r.ensure(); was == personio.RegistrationInOrder {
		t.Errorf("the webhook that was made by hand is %s, want it changed", was)
	}
	r.checkInOrder("registered over the one made by hand")
	tokens, err := r.directory.WebhookTokens(t.Context(), "personio")
	if err != nil || len(tokens) != 2 || tokens[0].Equal(byHand) || !tokens[1].Equal(byHand) {
		t.Errorf("%d tokens, error %v; want ours and that of the file", len(tokens), err)
	}
}

// S-020: what nobody switched on is not even asked for.
func TestWebhooksAreNotTouchedUnlessSwitchedOn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(i *users.Import){
		"no webhook":   func(i *users.Import) { i.Webhook = nil },
		"made by hand": func(i *users.Import) { i.Webhook = &users.Webhook{} },
	} {
		r := newRegistration(t, personiotest.Config{People: 3}, change)
		if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("%s: ensure: %v, want ErrInvalid", name, err)
		}
		if err := r.Rotate(t.Context(), "cli:test", r.app()); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("%s: rotate: %v, want ErrInvalid", name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r.Look("personio")
		cancel()
		must(t, r.Run(ctx))
		if n := len(r.sim.Requests()); n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
		if tokens, err := r.directory.WebhookTokens(t.Context(), "personio"); err != nil || len(tokens) != 0 {
			t.Errorf("%s: error %v, %d tokens were made", name, err, len(tokens))
		}
	}
	off := newRegistration(t, personiotest.Config{}, nil).app()
	off.Disabled = true
	if personio.Registers(off) || personio.Registers(users.Application{}) {
		t.Error("an application that is switched off, or imports nobody, is registered")
	}
}

// B-08b: without the scope nothing is made, and somebody is told what to do.
func TestWithoutTheScopeStepsAreNamed(t *testing.T) {
	t.Parallel()
	r := newRegistration(t, personiotest.Config{Scopes: []string{personiotest.ScopePersons, personiotest.ScopeEmployees}}, nil)
	if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, importer.ErrForbidden) {
		t.Errorf("error %v, want ErrForbidden", err)
	}
	if tokens, err := r.directory.WebhookTokens(t.Context(), "personio"); err != nil || len(tokens) != 0 {
		t.Errorf("error %v, %d tokens were made for nothing", err, len(tokens))
	}
	steps := personio.Steps("https://sso.acme.example", r.app())
	for _, want := range []string{ourHook, "personio:webhooks:write", `"status": "ENABLED"`, "employment.terminated", r.app().Import.BaseURL + "/v2/webhooks"} {
		if !strings.Contains(steps, want) {
			t.Errorf("the steps do not name %s:\n%s", want, steps)
		}
	}
	r.sim.SetScopes(personiotest.ScopeWebhooksRead)
	if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, importer.ErrForbidden) || len(r.sim.Webhooks()) != 0 {
		t.Errorf("with the scope to read alone: error %v, webhooks %v", err, r.sim.Webhooks())
	}
	r.sim.SetScopes(personiotest.Scopes()...)
	if was := r.ensure(); was != personio.RegistrationMissing {
		t.Errorf("with the scopes it was %s", was)
	}
	r.checkInOrder("scopes granted")
}

func TestTroubleAtPersonioLeavesTheWebhookForLater(t *testing.T) {
	t.Parallel()
	for kind, want := range map[personiotest.FaultKind]error{
		personiotest.Truncated: importer.ErrCorrupt, personiotest.HTML: importer.ErrCorrupt,
	} {
		r := newRegistration(t, personiotest.Config{}, nil)
		must(t, r.sim.Inject(atV2(personiotest.EndpointWebhooks, kind, 0, 0)))
		if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", kind, err, want)
		}
	}
	r := newRegistration(t, personiotest.Config{}, nil)
	must(t, r.sim.Inject(atV2(personiotest.EndpointWebhooks, personiotest.ServerError, 1, 1))) // at the registration
	if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, importer.ErrUnreachable) || r.calls()[http.MethodPost] != 1 {
		t.Errorf("error %v after %v, want ErrUnreachable after one attempt", err, r.calls())
	}
	if was := r.ensure(); was != personio.RegistrationMissing {
		t.Errorf("the next time it was %s", was)
	}
	r.checkInOrder("the next time")
}

// Of two processes one looks after the webhook.
func TestOneProcessAtATimeRegisters(t *testing.T) {
	t.Parallel()
	r := newRegistration(t, personiotest.Config{}, nil)
	lease, err := r.directory.AcquireWebhookLease(t.Context(), "personio", "another process")
	must(t, err)
	if _, err := r.Ensure(t.Context(), r.app()); !errors.Is(err, users.ErrLeaseHeld) || len(r.sim.Requests()) != 0 {
		t.Errorf("error %v after %d requests, want ErrLeaseHeld at once", err, len(r.sim.Requests()))
	}
	must(t, r.directory.ReleaseLease(t.Context(), lease))
	r.ensure()
	r.checkInOrder("alone again")
}

// B-08b: at the start, and after each full import.
func TestWebhooksAreLookedAtWhileItRuns(t *testing.T) {
	t.Parallel()
	r := newRegistration(t, personiotest.Config{}, nil)
	var mu sync.Mutex
	var log bytes.Buffer
	looked := make(chan struct{}, 8)
	r.config.Logger = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		looked <- struct{}{}
		return log.Write(p)
	}), nil))
	registrar, err := personio.NewRegistrar(r.config)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { must(t, registrar.Run(ctx)) })
	<-looked
	r.checkInOrder("at the start")
	id, _ := r.hook()
	must(t, r.sim.ChangeWebhook(id, nil))
	registrar.Look("wiki")
	registrar.Look("personio")
	<-looked
	r.checkInOrder("after an import")
	cancel()
	running.Wait()
	mu.Lock()
	defer mu.Unlock()
	if text := log.String(); strings.Count(text, "put in order") != 2 || strings.Contains(text, "papi-") {
		t.Errorf("log %q, want to hear of both", text)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
