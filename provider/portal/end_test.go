package portal_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// What is another person's, was never there, has ended or is of an epoch before,
// is answered alike, and nothing ends.
// N147 U-02
func TestNobodyEndsWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	signedIn(t, b, providertest.Ada)
	dead := sidsOf(t, b, providertest.Ada)[0]
	if err := b.Directory.EndSessions(t.Context(), users.ActorSystem, b.User(providertest.Ada).ID); err != nil {
		t.Fatal(err)
	}
	browser, bob := signedIn(t, b, providertest.Ada), signedIn(t, b, providertest.Bob)
	token := formsOf(t, browser)["/logout/everywhere"].fields
	bobs := sidsOf(t, b, providertest.Bob)[0]
	var own string
	for _, sid := range sidsOf(t, b, providertest.Ada) {
		if sid != dead {
			own = sid
		}
	}
	var pages []string
	for what, sid := range map[string]string{
		"another person's": bobs, "unknown": string(users.NewID()), "of an epoch before": dead,
		"their own at this browser": own, "no id": "x",
	} {
		for _, path := range []string{sessionsPath + "/" + sid, "/account/access/" + sid} {
			answer := browser.Post(path, token)
			wantStatus(t, what+" at "+path, answer, http.StatusNotFound)
			reference, _ := providertest.Element(t, answer.Body, "reference")
			pages = append(pages, strings.NewReplacer(reference, "", path, "").Replace(answer.Body))
		}
	}
	slices.Sort(pages)
	if different := slices.Compact(pages); len(different) != 1 {
		t.Errorf("%d different pages tell the cases apart", len(different))
	}
	wantStatus(t, "Bob", bob.Get("/portal"), http.StatusOK)
	wantSids(t, "afterwards", b, own, dead)
	if events := b.FlushEvents(users.EventSessionEnded); len(events) != 0 {
		t.Errorf("events %v", events)
	}
}

// N192 U-02
func TestOtherSitesAndOldFormsEndNoSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	signedIn(t, b, providertest.Ada)
	other := sidsOf(t, b, providertest.Ada)
	browser := signedIn(t, b, providertest.Ada)
	before := sidsOf(t, b, providertest.Ada)
	for path, form := range formsOf(t, browser) {
		for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := posting(t, b, path, form.fields)
			r.Header.Set(header, value)
			wantStatus(t, path+" with "+header, browser.Do(r), http.StatusForbidden)
		}
		theirs := formsOf(t, signedIn(t, b, providertest.Bob))["/logout/everywhere"].fields
		for what, fields := range map[string]url.Values{
			"no token": {}, "a token of another browser": theirs, "a wrong token": {"form_token": {strings.Repeat("A", 43)}},
		} {
			wantStatus(t, path+" with "+what, browser.Post(path, fields), http.StatusForbidden)
		}
		wantStatus(t, path+" as JSON", browser.Do(func() *http.Request {
			r := posting(t, b, path, form.fields)
			r.Header.Set("Content-Type", "application/json")
			return r
		}()), http.StatusUnsupportedMediaType)
		if path != "/logout/everywhere" {
			answer := browser.Get(path + "?" + form.fields.Encode())
			if wantStatus(t, "GET "+path, answer, http.StatusMethodNotAllowed); answer.Header.Get("Allow") != http.MethodPost {
				t.Errorf("GET %s: Allow %q", path, answer.Header.Get("Allow"))
			}
		}
	}
	wantSids(t, "afterwards", b, before...)
	if len(other) != 1 || len(before) != 2 {
		t.Fatalf("%d and %d sessions, want 1 and 2", len(other), len(before))
	}
}

// Somebody at a browser that was left alone sees the sessions, but ends none.
// N147
func TestEndingASessionNeedsAFreshSignIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	signedIn(t, b, providertest.Ada)
	browser := signedIn(t, b, providertest.Ada)
	sids, forms := sidsOf(t, b, providertest.Ada), formsOf(t, browser)
	if len(forms) != 3 {
		t.Fatalf("forms %v, want those of the other, of all others and of everything", forms)
	}
	prove := "/login?again=1&next=%2Faccount%2Fsessions"
	b.Clock.Advance(10 * time.Minute)
	for path, form := range forms {
		if path != "/logout/everywhere" {
			wantRedirect(t, browser.Post(path, form.fields), prove)
		}
	}
	wantSids(t, "without", b, sids...)
	if left := formsOf(t, browser); len(left) != 1 || left["/logout/everywhere"].action == "" {
		t.Errorf("the page has the forms %v, want signing out everywhere alone", left)
	}
	page := webtest.Parse(t, browser.Get(sessionsPath).Body)
	if got := page.ByID("prove").Attr("href"); got != prove {
		t.Errorf("the page leads to %q", got)
	}
	wantRedirect(t, browser.SignIn(prove, providertest.Ada, providertest.Password), sessionsPath)
	again := formsOf(t, browser)
	for path := range forms {
		if path != "/logout/everywhere" && path != sessionsPath+"/others" {
			wantRedirect(t, browser.Post(path, again[path].fields), sessionsPath)
		}
	}
	if left := sidsOf(t, b, providertest.Ada); len(left) != 1 {
		t.Errorf("%d sessions are left, want this one", len(left))
	}
}

// Whoever has lost access, or this very session, ends nothing any more.
// S-045 N148
func TestWithoutASessionNothingEnds(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(ctx context.Context, b *providertest.Bench, ada users.ID) error{
		"suspension": func(ctx context.Context, b *providertest.Bench, ada users.ID) error {
			_, err := b.Directory.Suspend(ctx, users.ActorSystem, ada, "left")
			return err
		},
		"epoch": func(ctx context.Context, b *providertest.Bench, ada users.ID) error {
			return b.Directory.EndSessions(ctx, users.ActorSystem, ada)
		},
		"end at another browser": func(ctx context.Context, b *providertest.Bench, ada users.ID) error {
			sessions, err := b.Sessions.Of(ctx, ada)
			if err != nil {
				return err
			}
			newest := slices.IndexFunc(sessions, func(s session.Session) bool { return s.AuthTime.Equal(b.Clock.Now()) })
			return b.Sessions.Conclude(ctx, b.Directory, users.ActorUser(ada), users.SessionEnd{}, sessions[newest])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			signedIn(t, b, providertest.Ada)
			b.Clock.Advance(time.Minute)
			browser := signedIn(t, b, providertest.Ada)
			forms := formsOf(t, browser)
			if err := lose(t.Context(), b, b.User(providertest.Ada).ID); err != nil {
				t.Fatal(err)
			}
			left := sidsOf(t, b, providertest.Ada)
			for path, form := range forms {
				if path != "/logout/everywhere" {
					wantRedirect(t, browser.Post(path, form.fields), "/login?next=%2Faccount%2Fsessions")
				}
			}
			wantSids(t, "afterwards", b, left...)
		})
	}
}

// The event with its applications is there, the browser meets the sign-in form at its
// next request, and the others stay. The form sent twice finds nothing.
// U-02 F-81 N147
func TestEndingASessionLeavesTheOthers(t *testing.T) {
	t.Parallel()
	for name, store := range sessiontest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
			lost := signedIn(t, b, providertest.Ada)
			gone := sidsOf(t, b, providertest.Ada)[0]
			lost.Get(b.Authorize(providertest.Personio))
			third, browser := signedIn(t, b, providertest.Ada), signedIn(t, b, providertest.Ada)
			end := formsOf(t, browser)[sessionsPath+"/"+gone]
			wantRedirect(t, browser.Post(end.action, end.fields), sessionsPath)
			wantRedirect(t, lost.Get("/portal"), "/login")
			wantStatus(t, "sent twice", browser.Post(end.action, end.fields), http.StatusNotFound)
			wantStatus(t, "this browser", browser.Get("/portal"), http.StatusOK)
			wantStatus(t, "the third", third.Get("/portal"), http.StatusOK)
			if got := panelsOf(t, browser.Get(sessionsPath).Body, "sessions"); len(got) != 2 {
				t.Errorf("the page shows %q, want two", got)
			}
			wantEnds(t, b, users.SessionEnd{SID: gone, Applications: []users.ApplicationID{providertest.Personio}})
		})
	}
}

// wantEnds fails the test unless the log has exactly these ends of Ada's sessions, by her.
func wantEnds(t *testing.T, b *providertest.Bench, want ...users.SessionEnd) {
	t.Helper()
	ada := b.User(providertest.Ada).ID
	var got []users.SessionEnd
	for _, e := range b.FlushEvents(users.EventSessionEnded) {
		var end users.SessionEnd
		if err := json.Unmarshal([]byte(e.Payload), &end); err != nil {
			t.Fatal(err)
		}
		if e.Actor != users.ActorUser(ada) || e.Subject != string(ada) || end.Reason != "signed_out_elsewhere" || end.Request == "" {
			t.Errorf("event %+v", e)
		}
		got = append(got, users.SessionEnd{SID: end.SID, Applications: end.Applications})
	}
	order := func(a, b users.SessionEnd) int { return strings.Compare(a.SID, b.SID) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
}

// U-02 F-81
func TestEndingAllOthersKeepsThisOne(t *testing.T) {
	t.Parallel()
	for name, store := range sessiontest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
			others := []*providertest.Browser{signedIn(t, b, providertest.Ada), signedIn(t, b, providertest.Ada)}
			sids, bob := sidsOf(t, b, providertest.Ada), signedIn(t, b, providertest.Bob)
			browser := signedIn(t, b, providertest.Ada)
			end := formsOf(t, browser)[sessionsPath+"/others"]
			for range 2 { // the second finds nothing more and does no harm
				wantRedirect(t, browser.Post(end.action, end.fields), sessionsPath)
			}
			for _, other := range others {
				wantRedirect(t, other.Get("/portal"), "/login")
			}
			wantStatus(t, "this browser", browser.Get("/portal"), http.StatusOK)
			wantStatus(t, "another person", bob.Get("/portal"), http.StatusOK)
			if forms := formsOf(t, browser); len(forms) != 1 {
				t.Errorf("forms %v, want signing out everywhere alone", forms)
			}
			wantEnds(t, b, users.SessionEnd{SID: sids[0]}, users.SessionEnd{SID: sids[1]})
		})
	}
}

// U-02
func TestSigningOutEverywhereFromThePageEndsEverything(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	other := signedIn(t, b, providertest.Ada)
	token := offlineToken(t, b, other)
	browser := signedIn(t, b, providertest.Ada)
	everywhere := formsOf(t, browser)["/logout/everywhere"]
	answer := browser.Post(everywhere.action, everywhere.fields)
	if _, out := providertest.Element(t, answer.Body, "logged-out"); !out {
		t.Errorf("status %d, want the page of a completed sign-out", answer.StatusCode)
	}
	for _, br := range []*providertest.Browser{browser, other} {
		wantRedirect(t, br.Get("/portal"), "/login")
	}
	if after := refresh(t, b, token); after.Error != "invalid_grant" {
		t.Errorf("refresh: %+v, want invalid_grant", after)
	}
	again := signedIn(t, b, providertest.Ada)
	page := webtest.Parse(t, again.Get(sessionsPath).Body)
	if got := len(page.ByID("sessions").All("li")); got != 1 || page.ByID("access").Exists() {
		t.Errorf("%d sessions and accesses %t, want this session alone", got, page.ByID("access").Exists())
	}
}
