package login_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// try signs in at the portal's form with a fresh browser.
func try(t *testing.T, b *providertest.Bench, username, password string) providertest.Response {
	t.Helper()
	browser := b.NewBrowser()
	return browser.Post("/login", filled(t, browser.Get("/login").Body, username, password))
}

// unknownName is a name that nobody has, and that is refused without hashing.
func unknownName(i int) string { return fmt.Sprintf("nobody-%d\x01", i) }

// longName is one that nobody can have, and that would cost seconds to normalise.
var longName = "a@" + strings.Repeat("一", 5_000)

// N150, S-042
// F-40 (enumeration)
func TestEveryRefusalLooksTheSame(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page := browser.Get("/login")
	refusals := map[string][2]string{
		"unknown":       {"xxx@acme.example", providertest.Password},
		"wrong":         {providertest.Ada, "wrong"},
		"staged":        {providertest.Eve, providertest.Password},
		"suspended":     {providertest.Sam, providertest.Password},
		"long password": {providertest.Ada, strings.Repeat("x", 1025)},
		"long name":     {strings.Repeat("x", users.MaxLoginBytes+1), providertest.Password},
	}
	type look struct {
		Status  int
		Header  http.Header
		Body    string
		Cookies int
	}
	looks := map[string]look{}
	for name, credentials := range refusals {
		answer := browser.Post("/login", filled(t, page.Body, credentials[0], credentials[1]))
		header := answer.Header.Clone()
		for _, differs := range []string{"X-Request-Id", "Date", "Content-Length"} { // the last by the name's length
			header.Del(differs)
		}
		body := strings.ReplaceAll(answer.Body, answer.Header.Get("X-Request-Id"), "REFERENCE")
		looks[name] = look{
			Status:  answer.StatusCode,
			Header:  header,
			Body:    strings.ReplaceAll(body, credentials[0], "NAME"),
			Cookies: len(answer.Cookies()),
		}
	}
	for name, got := range looks {
		if diff := cmp.Diff(looks["unknown"], got); diff != "" {
			t.Errorf("%s differs from unknown (-unknown +%s):\n%s", name, name, diff)
		}
	}

	again := webtest.Parse(t, browser.Post("/login", filled(t, page.Body, providertest.Ada, "wrong")).Body)
	if got := again.ByID("username").Attr("value"); got != providertest.Ada {
		t.Errorf("user name %q, want what was typed", got)
	}
	if again.ByID("password").HasAttr("value") {
		t.Error("the password came back")
	}
	for _, id := range []string{"username", "password"} {
		if described := again.ByID(id).Attr("aria-describedby"); !again.ByID(described).Exists() {
			t.Errorf("#%s is not tied to the message", id)
		}
	}
}

// countingStore counts looks at devices and tries against names.
type countingStore struct {
	session.Store
	looks, names atomic.Int64
}

func (s *countingStore) Reserve(ctx context.Context, key string, limit int, window time.Duration, now time.Time) (session.Verdict, error) {
	if strings.HasPrefix(key, "login:account:") {
		s.names.Add(1)
	}
	return s.Store.Reserve(ctx, key, limit, window, now)
}

func (s *countingStore) Device(ctx context.Context, h keys.Secret, now time.Time) (session.Device, error) {
	s.looks.Add(1)
	return s.Store.Device(ctx, h, now)
}

// N150: a name that exists would otherwise answer a trip to the store later.
func TestADeviceIsLookedUpForEveryName(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: sessiontest.SQLite(t)}
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
	browser := b.NewBrowser()
	browser.SetCookie(&http.Cookie{Name: "einlass-device", Value: session.NewHandle(users.NewID()).Reveal(), Path: "/"})
	page := browser.Get("/login")
	for _, name := range []string{providertest.Ada, "xxx@acme.example", longName} {
		before := store.looks.Load()
		wantStatus(t, name, browser.Post("/login", filled(t, page.Body, name, "wrong")), http.StatusOK)
		if looks := store.looks.Load() - before; looks != 1 {
			t.Errorf("%s: %d looks at the device, want 1", name, looks)
		}
	}
}

func TestTheCauseIsFoundUnderTheReference(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	ids := map[string]string{}
	for username, reason := range map[string]string{
		"xxx@acme.example": users.ReasonUnknownUser,
		providertest.Ada:   users.ReasonWrongPassword,
		providertest.Sam:   string(users.StateSuspended),
	} {
		password := providertest.Password
		if username == providertest.Ada {
			password = "wrong"
		}
		answer := try(t, b, username, password)
		id := answer.Header.Get("X-Request-Id")
		if !strings.Contains(answer.Body, id) {
			t.Errorf("%s: the page lacks the reference", reason)
		}
		ids[id] = reason
	}
	logs := b.Logs.String()
	for id, reason := range ids {
		found := false
		for line := range strings.Lines(logs) {
			found = found || strings.Contains(line, id) && strings.Contains(line, `"reason":"`+reason+`"`)
		}
		if !found {
			t.Errorf("the log has no line with %s and %s", id, reason)
		}
	}
	for _, e := range b.FlushEvents(users.EventSignInFailed) {
		if !strings.Contains(e.Payload, "request_id") || !strings.Contains(e.Payload, `"ip":"127.0.0.1"`) {
			t.Errorf("event %s lacks reference or network", e.Payload)
		}
	}
}

func TestAnIncompleteFormIsNoFailure(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for range 11 {
		for _, fields := range [][2]string{{"", "x"}, {providertest.Ada, ""}, {"  ", ""}} {
			answer := try(t, b, fields[0], fields[1])
			wantStatus(t, "incomplete", answer, http.StatusOK)
			if !webtest.Parse(t, answer.Body).ByID("refusal").Exists() {
				t.Error("the page does not say what is missing")
			}
		}
	}
	if answer := try(t, b, providertest.Ada, providertest.Password); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d, want signed in", answer.StatusCode)
	}
}

// N161
// F-40 (brute force)
func TestFailuresLockOutStrangersNotTheOwner(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	owner := b.NewBrowser()
	owner.SignIn("/login", providertest.Ada, providertest.Password)
	owner.SetCookie(&http.Cookie{Name: "einlass-session", MaxAge: -1, Path: "/"})

	for i := range 10 {
		wantStatus(t, fmt.Sprint("failure ", i+1), try(t, b, providertest.Ada, "wrong"), http.StatusOK)
	}
	locked := try(t, b, "ADA@ACME.example", providertest.Password)
	wantStatus(t, "the eleventh try", locked, http.StatusTooManyRequests)
	page := webtest.Parse(t, locked.Body)
	if !page.ByID("login-submit").Exists() || page.ByID("error").Exists() {
		t.Error("want the same page")
	}
	if after, err := strconv.Atoi(locked.Header.Get("Retry-After")); err != nil || after < 1 || after > 900 {
		t.Errorf("Retry-After %q, want 1 to 900", locked.Header.Get("Retry-After"))
	}
	wantStatus(t, "the owner's own machine", owner.SignIn("/login", providertest.Ada, providertest.Password), http.StatusSeeOther)

	b.Clock.Advance(15*time.Minute + time.Second)
	wantStatus(t, "a stranger's machine later", try(t, b, providertest.Ada, providertest.Password), http.StatusSeeOther)
}

func TestAKnownDeviceHasABudgetOfItsOwn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	owner := b.NewBrowser()
	owner.SignIn("/login", providertest.Ada, providertest.Password)
	owner.SetCookie(&http.Cookie{Name: "einlass-session", MaxAge: -1, Path: "/"})
	page := owner.Get("/login")
	for i := range 20 {
		answer := owner.Post("/login", filled(t, page.Body, providertest.Ada, "wrong"))
		wantStatus(t, fmt.Sprint("failure ", i+1), answer, http.StatusOK)
	}
	answer := owner.Post("/login", filled(t, page.Body, providertest.Ada, providertest.Password))
	wantStatus(t, "the next", answer, http.StatusTooManyRequests)
	wantStatus(t, "another device", try(t, b, providertest.Ada, providertest.Password), http.StatusSeeOther)
	// The device is Ada's; for Bob it is a stranger's.
	answer = owner.Post("/login", filled(t, page.Body, providertest.Bob, providertest.Password))
	wantStatus(t, "another person", answer, http.StatusSeeOther)
}

// N162
// F-40 (stuffing)
func TestANetworkCannotTryManyAccounts(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page := browser.Get("/login")
	for i := range 100 {
		answer := browser.Post("/login", filled(t, page.Body, unknownName(i), "one password"))
		wantStatus(t, fmt.Sprint("account ", i+1), answer, http.StatusOK)
	}
	answer := browser.Post("/login", filled(t, page.Body, providertest.Ada, providertest.Password))
	wantStatus(t, "the next account", answer, http.StatusTooManyRequests)
}

// Otherwise a network that is throttled could fill the store all the same.
func TestNamesOfAThrottledNetworkAreNotWritten(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: sessiontest.SQLite(t)}
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
	browser := b.NewBrowser()
	page := browser.Get("/login")
	for i := range 110 {
		browser.Post("/login", filled(t, page.Body, unknownName(i), "one password"))
	}
	if names := store.names.Load(); names != 100 {
		t.Errorf("%d tries were counted against names, want the 100 that the network may", names)
	}
}

// N150
func TestAccountsThatDoNotExistAreCountedAlike(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for i := range 10 {
		wantStatus(t, fmt.Sprint("failure ", i+1), try(t, b, unknownName(1), "x"), http.StatusOK)
	}
	wantStatus(t, "the next", try(t, b, unknownName(1), "x"), http.StatusTooManyRequests)
	wantStatus(t, "another account", try(t, b, unknownName(2), "x"), http.StatusOK)
}

// N150, N169: names that nobody can have are counted as they were written.
func TestNamesThatAreTooLongAreCountedAlike(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SetCookie(&http.Cookie{Name: "einlass-device", Value: session.NewHandle(users.NewID()).Reveal(), Path: "/"})
	page := browser.Get("/login")
	for i := range 10 {
		answer := browser.Post("/login", filled(t, page.Body, longName, providertest.Password))
		wantStatus(t, fmt.Sprint("failure ", i+1), answer, http.StatusOK)
	}
	answer := browser.Post("/login", filled(t, page.Body, longName, providertest.Password))
	wantStatus(t, "the next", answer, http.StatusTooManyRequests)
	if answer.Header.Get("Retry-After") == "" {
		t.Error("the next: no Retry-After")
	}
	answer = browser.Post("/login", filled(t, page.Body, longName+"一", providertest.Password))
	wantStatus(t, "another name", answer, http.StatusOK)
}

// N164
func TestManyTriesAtOnceDoNotSlipPastTheLimit(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page := browser.Get("/login")
	fields := filled(t, page.Body, providertest.Ada, "wrong")
	var mu sync.Mutex // guards statuses
	statuses := map[int]int{}
	var tries sync.WaitGroup
	for range 50 {
		window := twin(b, browser)
		tries.Go(func() {
			status := window.Post("/login", fields).StatusCode
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	tries.Wait()
	if evaluated := statuses[http.StatusOK]; evaluated > 10 || evaluated == 0 { // 503: turned away unhashed
		t.Errorf("%d tries evaluated (%v), want at most 10", evaluated, statuses)
	}
}

func TestARightPasswordIsNoFailure(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for i := range 12 {
		wantStatus(t, fmt.Sprint("sign-in ", i+1), try(t, b, providertest.Ada, providertest.Password), http.StatusSeeOther)
	}
}

// N169
func TestHugePasswordsAreRefusedUnhashed(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page := browser.Get("/login")
	for length, want := range map[int]int{1025: http.StatusOK, 4096: http.StatusOK, 1 << 20: http.StatusRequestEntityTooLarge} {
		fields := filled(t, page.Body, providertest.Ada, strings.Repeat("x", length))
		wantStatus(t, fmt.Sprint(length, " bytes"), browser.Post("/login", fields), want)
	}
}

func TestStrangeFormsAreRefused(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page := browser.Get("/login")
	fields := filled(t, page.Body, providertest.Ada, providertest.Password)
	for name, change := range map[string]func(url.Values){
		"unknown request": func(f url.Values) { f.Set("request", "../../etc") },
		"NUL":             func(f url.Values) { f.Set("username", "ada\x00") },
		"no UTF-8":        func(f url.Values) { f.Set("username", "ada\xff") },
		"long name":       func(f url.Values) { f.Set("username", strings.Repeat("a", 60_000)) },
	} {
		changed := url.Values{}
		for key, values := range fields {
			changed[key] = values
		}
		change(changed)
		answer := browser.Post("/login", changed)
		if answer.StatusCode >= 500 || answer.StatusCode == http.StatusSeeOther {
			t.Errorf("%s: status %d, want a refusal", name, answer.StatusCode)
		}
	}
}
