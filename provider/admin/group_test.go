package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// S-100
func TestCreatedPeopleArePutIntoAGroup(t *testing.T) {
	t.Parallel()
	d := declaration()
	d.Groups = append(d.Groups, users.Group{ID: "sales", Label: "Sales", Rule: `department == "Sales"`})
	b := newCompany(t, 3)
	b.Redeclare(d)
	browser := signedIn(t, b, owner)
	run := b.Ended(started(t, start(t, browser)))
	page := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=en").Body)
	var offered []string
	for _, option := range page.ByID("group").All("option") {
		offered = append(offered, option.Attr("value"))
	}
	if strings.Join(offered, " ") != "staff" || !strings.Contains(page.ByID("group").Text(), "Add created people (3)") {
		t.Errorf("offered %v, %q; want the group by hand alone", offered, page.ByID("group").Text())
	}
	put := func(group string, want int) string {
		t.Helper()
		answer := browser.Post(pathOf(run)+"/group", formWith(t, browser.Get("/logout").Body, "group", group))
		wantStatus(t, "into "+group, answer, want)
		return answer.Header.Get("Location")
	}
	for _, refused := range []string{"sales", "everyone", "nothing", ""} {
		put(refused, http.StatusUnprocessableEntity)
	}
	if events := b.FlushEvents(users.EventMemberAdded); countBy(events, b.User(owner).ID) > 0 {
		t.Error("a refused group got members by hand")
	}
	for _, want := range []string{"People newly in the group Staff: 3.", "People newly in the group Staff: 0."} {
		there := put("staff", http.StatusSeeOther)
		if text := webtest.Parse(t, browser.Get(there+"&lang=en").Body).ByID("main").Text(); !strings.Contains(text, want) {
			t.Errorf("the page says %q, want %q", text, want)
		}
	}
	if n := countBy(b.FlushEvents(users.EventMemberAdded), b.User(owner).ID); n != 3 {
		t.Errorf("%d events by the owner, want one for each", n)
	}
	b.Clock.Advance(time.Minute)
	nothing := b.Ended(started(t, start(t, browser)))
	if webtest.Parse(t, browser.Get(pathOf(nothing)).Body).ByID("group").Exists() {
		t.Error("an import that created nobody offers a group")
	}
}

func countBy(events []users.Event, id users.ID) int {
	n := 0
	for _, e := range events {
		if e.Actor == users.ActorUser(id) {
			n++
		}
	}
	return n
}
