package admin_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// stream follows the progress of a run and returns its events as they come: what
// each is called and says.
func stream(t *testing.T, b *providertest.Bench, browser *providertest.Browser, run users.RunID) (next func() (event, data string)) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.Issuer+imports+"/"+string(run)+"/progress?lang=en", nil)
	must(t, err)
	for _, c := range browser.Cookies() {
		r.AddCookie(c)
	}
	answer, err := b.HTTP.RoundTrip(r)
	must(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("stream: status %d, %q", answer.StatusCode, got)
	}
	lines := bufio.NewScanner(answer.Body)
	return func() (event, data string) {
		for lines.Scan() {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); {
			case lines.Text() == "":
				return event, data
			case name == "event":
				event = value
			case name == "data":
				data += value
			}
		}
		return event, data
	}
}

// S-099: live, whatever the number of people; the browser needs no script for it.
func TestARunUnderWayShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 100)
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.HR.OnPage(func() { close(reading); <-goOn })
	browser := signedIn(t, b, owner)
	id := started(t, start(t, browser))
	<-reading
	page := webtest.Parse(t, browser.Get(imports+"/"+string(id)+"?lang=en").Body)
	bar := page.ByID("progress")
	if len(bar.All("progress")) != 1 || !strings.Contains(bar.Text(), "Reading people from the source. 0 so far.") {
		t.Errorf("the page shows %q", bar.Text())
	}
	refreshes := false
	for _, meta := range page.All("meta") {
		refreshes = refreshes || meta.Attr("http-equiv") == "refresh"
	}
	if !refreshes || page.ByID("announcement").Attr("role") != "status" || page.ByID("figures").Exists() {
		t.Error("the page does not refresh itself, has no live region, or shows a result")
	}
	seer := signedIn(t, b, auditor)
	next := stream(t, b, seer, id)
	if event, data := next(); event != "progress" || !strings.Contains(data, "Reading people") {
		t.Errorf("the stream begins with %s: %q", event, data)
	}
	close(goOn)
	b.Ended(id)
	event, data := next()
	for event == "progress" {
		event, data = next()
	}
	if event != "end" || data != "The import has ended: Done." {
		t.Errorf("the stream ends with %s: %q", event, data)
	}
	page = webtest.Parse(t, browser.Get(imports+"/"+string(id)+"?lang=en").Body)
	if page.ByID("progress").Exists() || len(page.ByID("people").All("tr")) != 101 {
		t.Errorf("afterwards the page lists %d people, want 100", len(page.ByID("people").All("tr"))-1)
	}
	if event, _ := stream(t, b, seer, id)(); event != "end" {
		t.Errorf("the stream of a run that has ended begins with %q", event)
	}
	for who, want := range map[string]int{helpdesk: http.StatusForbidden, providertest.Ada: http.StatusForbidden} {
		wantStatus(t, who, signedIn(t, b, who).Get(imports+"/"+string(id)+"/progress"), want)
	}
	wantStatus(t, "nobody", b.NewBrowser().Get(imports+"/"+string(id)+"/progress"), http.StatusSeeOther)
	wantStatus(t, "no run", browser.Get(imports+"/nothing/progress"), http.StatusNotFound)
}

func TestProgressIsSaidInNumbersAndTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	now := b.Clock.Now()
	for name, c := range map[string]struct {
		progress users.RunProgress
		want     string
	}{
		"rate known": {
			users.RunProgress{Phase: "applying", Done: 1000, Total: 3000, Since: now.Add(-10 * time.Second), At: now},
			"Applying the changes. 1,000 of 3,000. About 20 s left.",
		},
		"long": {
			users.RunProgress{Phase: "reading", Done: 1000, Total: 31000, Since: now.Add(-10 * time.Second), At: now},
			"Reading people from the source. 1,000 of 31,000. About 5 min left.",
		},
		"silent": {
			users.RunProgress{Phase: "planning", Done: 5, Total: -1, Since: now.Add(-time.Hour), At: now.Add(-2 * time.Minute)},
			"Planning what changes. 5 so far. Nothing has been heard of this import for a minute",
		},
	} {
		b.Clock.Advance(time.Second)
		run := record(t, b, users.Run{State: users.RunApplying, Progress: c.progress})
		page := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=en").Body)
		if got := page.ByID("progress").Text(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		list := webtest.Parse(t, browser.Get(imports+"?lang=en").Body).ByID("main").Text()
		if !strings.Contains(list, "Import is under way") && !strings.Contains(list, "First import is under way") {
			t.Errorf("%s: the list says %q", name, fmt.Sprintf("%.200s", list))
		}
	}
}
