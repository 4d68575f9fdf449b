package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

const imports = "/admin/imports"

// newCompany is a bench that serves imports of a company of n people.
func newCompany(t *testing.T, n int) *providertest.Bench {
	t.Helper()
	b := newBench(t)
	for i := range n {
		b.HR.Hire(fmt.Sprintf("P%d", i+1), "Person", fmt.Sprintf("p%d@acme.example", i+1))
	}
	b.ServeImports()
	return b
}

// formWith returns the form token that a page gave, with further fields by pairs.
func formWith(t *testing.T, page string, pairs ...string) url.Values {
	t.Helper()
	form := url.Values{}
	for _, input := range webtest.Parse(t, page).All("input") {
		if input.Attr("name") == web.FormField {
			form.Set(web.FormField, input.Attr("value"))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// start starts an import as the form of the list does and returns the answer.
func start(t *testing.T, browser *providertest.Browser, pairs ...string) providertest.Response {
	t.Helper()
	form := formWith(t, browser.Get(imports).Body, append([]string{"connection", providertest.Personio}, pairs...)...)
	return browser.Post(imports, form)
}

// started returns the run to which the answer to a start leads.
func started(t *testing.T, answer providertest.Response) users.RunID {
	t.Helper()
	id, found := strings.CutPrefix(answer.Header.Get("Location"), imports+"/")
	if answer.StatusCode != http.StatusSeeOther || !found {
		t.Fatalf("start: status %d to %q, want 303 to the run", answer.StatusCode, answer.Header.Get("Location"))
	}
	return users.RunID(id)
}

func runs(t *testing.T, b *providertest.Bench) []users.Run {
	t.Helper()
	all, err := b.Directory.Read().Runs(t.Context(), "", 100)
	must(t, err)
	return all
}

// S-076
func TestAnImportStartsByAButtonInTheNameOfWhoeverPressedIt(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 3)
	for _, who := range []string{owner, administrator} {
		run := b.Ended(started(t, start(t, signedIn(t, b, who))))
		if run.State != users.RunDone || run.Actor != users.ActorUser(b.User(who).ID) || run.Preview {
			t.Errorf("%s: a run %s by %q, want one that is done, by them", who, run.State, run.Actor)
		}
		events := b.FlushEvents(users.EventImportStarted)
		if last := events[len(events)-1]; last.Subject != string(run.ID) || last.Actor != run.Actor {
			t.Errorf("%s: the last start in the log is %+v", who, last)
		}
	}
	if got := b.User("p1@acme.example").State(); got != users.StateActive {
		t.Errorf("a person of the source is %s", got)
	}
}

// S-076: a second start while one runs is refused and says which runs.
func TestASecondStartWhileOneRunsLeadsToTheFirst(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 3)
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.HR.OnPage(func() { close(reading); <-goOn })
	browser := signedIn(t, b, owner)
	form := formWith(t, browser.Get(imports).Body, "connection", providertest.Personio)
	answers := make(chan providertest.Response, 2)
	for range 2 { // two clicks at once
		go func() { answers <- browser.Post(imports, form) }()
	}
	<-reading
	first, second := <-answers, <-answers
	if first.StatusCode != http.StatusSeeOther {
		first, second = second, first
	}
	id := started(t, first)
	wantStatus(t, "the second click", second, http.StatusConflict)
	for _, answer := range []providertest.Response{second, start(t, signedIn(t, b, administrator), "preview", "1")} {
		wantStatus(t, "a second start", answer, http.StatusConflict)
		page := webtest.Parse(t, answer.Body)
		if !strings.Contains(page.ByID("error").Text(), string(id)) || page.ByID("main").All("a")[0].Attr("href") != imports+"/"+string(id) {
			t.Errorf("the page %q does not lead to the run under way, %s", page.ByID("main").Text(), id)
		}
	}
	close(goOn)
	if run := b.Ended(id); run.Counts.Created != 3 || len(runs(t, b)) != 1 {
		t.Errorf("%d created in %d runs, want 3 in one", run.Counts.Created, len(runs(t, b)))
	}
}

// S-076, S-045: who may not start, and who may no longer.
func TestImportsAreStartedByOwnersAndAdministratorsAlone(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 2)
	run := record(t, b, users.Run{State: users.RunPreviewed, Options: users.RunOptions{Mode: users.ImportNew}},
		users.RunChange{SourceID: "1", Name: "P1", Kind: users.ChangeCreate, Reason: "new_person", Outcome: users.OutcomePlanned})
	forms := map[string]url.Values{
		imports:                    {"connection": {providertest.Personio}},
		pathOf(run) + "/approval":  {},
		pathOf(run) + "/selection": {"select": {"1"}},
		pathOf(run) + "/group":     {"group": {"staff"}},
	}
	tryAll := func(what string, browser *providertest.Browser, token string, want int) {
		t.Helper()
		for path, fields := range forms {
			form := url.Values{web.FormField: {token}}
			for name, values := range fields {
				form[name] = values
			}
			wantStatus(t, what+" at "+path, browser.Post(path, form), want)
		}
	}
	tokenOf := func(browser *providertest.Browser) string {
		return formWith(t, browser.Get("/logout").Body).Get(web.FormField)
	}
	for who, want := range map[string]int{auditor: http.StatusForbidden, helpdesk: http.StatusForbidden, providertest.Ada: http.StatusForbidden} {
		browser := signedIn(t, b, who)
		tryAll(who, browser, tokenOf(browser), want)
	}
	stranger := b.NewBrowser()
	tryAll("nobody", stranger, tokenOf(stranger), http.StatusSeeOther)

	browser := signedIn(t, b, owner)
	token := tokenOf(browser)
	tryAll("without a token of ours", browser, "forged", http.StatusForbidden)
	tryAll("with another browser's token", browser, tokenOf(signedIn(t, b, owner)), http.StatusForbidden)
	for _, origin := range []string{"https://evil.example", "null", strings.Replace(b.Issuer, "http:", "https:", 1)} {
		for path := range forms {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+path, strings.NewReader(url.Values{web.FormField: {token}}.Encode()))
			must(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", origin)
			wantStatus(t, "from "+origin+" at "+path, browser.Do(r), http.StatusForbidden)
		}
	}
	must(t, b.Directory.EndSessions(t.Context(), users.ActorSystem, b.User(owner).ID))
	tryAll("after the end of all sessions", browser, token, http.StatusSeeOther)
	browser = signedIn(t, b, administrator)
	token = tokenOf(browser)
	must(t, b.Directory.SetRole(t.Context(), users.ActorSystem, b.User(administrator).ID, users.RoleAuditor))
	tryAll("an administrator who is an auditor since", browser, token, http.StatusForbidden)
	must(t, b.Directory.SetRole(t.Context(), users.ActorSystem, b.User(administrator).ID, users.RoleAdministrator))
	_, err := b.Directory.Suspend(t.Context(), users.ActorSystem, b.User(administrator).ID, "left")
	must(t, err)
	tryAll("an administrator suspended since", browser, token, http.StatusSeeOther)

	if all := runs(t, b); len(all) != 1 || all[0].State != users.RunPreviewed {
		t.Errorf("runs %+v; want the preview alone, as it was", all)
	}
	if created := len(b.FlushEvents(users.EventImportStarted)); created > 0 {
		t.Errorf("%d imports were started", created)
	}
}

func TestAStartThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 2)
	browser := signedIn(t, b, owner)
	for name, c := range map[string]struct {
		pairs []string
		want  int
	}{
		"an application that imports nobody": {[]string{"connection", "wiki"}, http.StatusUnprocessableEntity},
		"an unknown application":             {[]string{"connection", "nothing"}, http.StatusNotFound},
		"no application":                     {nil, http.StatusNotFound},
		"an unknown mode":                    {[]string{"connection", providertest.Personio, "mode", "some"}, http.StatusUnprocessableEntity},
		"a repair of nobody":                 {[]string{"connection", providertest.Personio, "mode", "new", "reconcile", "1"}, http.StatusUnprocessableEntity},
		"an unknown choice":                  {[]string{"connection", providertest.Personio, "reactivation", "maybe"}, http.StatusBadRequest},
	} {
		wantStatus(t, name, browser.Post(imports, formWith(t, browser.Get(imports).Body, c.pairs...)), c.want)
	}
	if all := runs(t, b); len(all) > 0 {
		t.Errorf("%d runs, want none", len(all))
	}
}

// S-075, S-083, S-084, S-086, S-087: options of one run.
func TestOptionsChosenOnThePageAreForThatRun(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 3)
	browser := signedIn(t, b, owner)
	run := b.Ended(started(t, start(t, browser, "mode", "updates", "reactivation", "no", "filter", " department=Sales ")))
	want := users.RunOptions{
		Mode: users.ImportUpdates, Filter: "department=Sales", OwnFilter: true, OwnReactivation: true, InitialState: users.StateActive,
	}
	if diff := cmp.Diff(want, run.Options); diff != "" || b.HR.Filter() != "department=Sales" || run.Counts.Created != 0 {
		t.Errorf("options (-want +got):\n%s; asked for %q, %d created", diff, b.HR.Filter(), run.Counts.Created)
	}
	facts := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=en").Body).ByID("facts").Text()
	for _, part := range []string{"Changes of people who are here only", "Reactivates people No For this import alone", "department=Sales For this import alone"} {
		if !strings.Contains(facts, part) {
			t.Errorf("the record %q lacks %q", facts, part)
		}
	}
	run = b.Ended(started(t, start(t, browser, "filter", " ")))
	if run.Options.OwnFilter || run.Options.Filter != "" || !run.Options.Reactivation || run.Counts.Created != 3 {
		t.Errorf("the next run: options %+v, %d created; want those of the configuration", run.Options, run.Counts.Created)
	}
}

// S-088, S-092, S-107
func TestNewPeopleAreChosenFromAList(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 2)
	browser := signedIn(t, b, owner)
	b.Ended(started(t, start(t, browser)))
	b.HR.Change("1", "department", "Finance")
	for _, name := range []string{"Nora", "Noah", "Nina"} {
		b.HR.Hire(name, "Neu", strings.ToLower(name)+"@acme.example")
	}
	b.HR.Hire("Ada", "Lovelace", providertest.Ada) // a local person has the address
	b.Clock.Advance(time.Minute)
	preview := b.Ended(started(t, start(t, browser, "mode", "selected")))
	if preview.State != users.RunPreviewed || preview.Options.Mode != users.ImportNew {
		t.Fatalf("choosing begins with a run %s in mode %s, want a preview of new people", preview.State, preview.Options.Mode)
	}
	page := webtest.Parse(t, browser.Get(pathOf(preview)+"?lang=en").Body)
	choices := map[string]string{}
	for _, row := range page.ByID("people").All("tr")[1:] {
		choice := "not selectable"
		if boxes := row.All("input"); len(boxes) > 0 {
			choice = boxes[0].Attr("value")
		}
		choices[row.All("th")[0].Text()] = choice
	}
	want := map[string]string{
		"Nora Neu nora@acme.example": "3", "Noah Neu noah@acme.example": "4", "Nina Neu nina@acme.example": "5",
		"Ada Lovelace ada@acme.example": "not selectable",
	}
	if diff := cmp.Diff(want, choices); diff != "" {
		t.Errorf("who can be chosen (-want +got):\n%s", diff)
	}
	if role := page.ByID("chosen").Attr("role"); role != "status" {
		t.Errorf("the count is no live region, its role is %q", role)
	}
	wantStatus(t, "nobody chosen", browser.Post(pathOf(preview)+"/selection", formWith(t, browser.Get(pathOf(preview)).Body)), http.StatusUnprocessableEntity)

	form := formWith(t, browser.Get(pathOf(preview)).Body, "select", "3", "select", "5")
	run := b.Ended(started(t, browser.Post(pathOf(preview)+"/selection", form)))
	if run.State != users.RunDone || run.Counts.Created != 2 || !slices.Equal(run.Options.Selected, []string{"3", "5"}) {
		t.Errorf("run %s created %d, chosen %v; want the two", run.State, run.Counts.Created, run.Options.Selected)
	}
	if got := b.User("p1@acme.example").Attribute("department"); got != "Sales" {
		t.Errorf("somebody who is here was changed: department %q", got)
	}
	if _, err := b.Directory.Read().UserByLogin(t.Context(), users.KeyOf("noah@acme.example")); err == nil {
		t.Error("somebody who was not chosen was created")
	}
	// The same form again: they are here by now.
	run = b.Ended(started(t, browser.Post(pathOf(preview)+"/selection", form)))
	if run.State != users.RunFailed || run.ErrorCode != "selection_invalid" {
		t.Errorf("chosen twice: %s %s, want a refusal", run.State, run.ErrorCode)
	}
}

// N-2: previewed, approved, applied exactly, or refused.
func TestAPlanIsApprovedOnItsPage(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 3)
	browser := signedIn(t, b, owner)
	preview := b.Ended(started(t, start(t, browser, "preview", "1")))
	if preview.State != users.RunPreviewed || preview.Counts.Created != 3 {
		t.Fatalf("preview: %s, %d would be created", preview.State, preview.Counts.Created)
	}
	approve := func(browser *providertest.Browser, run users.Run) providertest.Response {
		return browser.Post(pathOf(run)+"/approval", formWith(t, browser.Get("/logout").Body))
	}
	b.Clock.Advance(time.Minute)
	boss := signedIn(t, b, administrator)
	if got := boss.Get(pathOf(preview)).Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy %q: browsers would send the form with Origin: null", got)
	}
	wantStatus(t, "approval", approve(boss, preview), http.StatusSeeOther)
	run := b.Ended(preview.ID)
	if run.State != users.RunDone || run.ApprovedBy != users.ActorUser(b.User(administrator).ID) || run.Actor != users.ActorUser(b.User(owner).ID) {
		t.Errorf("after the approval: %s by %q, approved by %q", run.State, run.Actor, run.ApprovedBy)
	}
	if facts := webtest.Parse(t, boss.Get(pathOf(run)+"?lang=en").Body).ByID("facts").Text(); !strings.Contains(facts, "Started by owner Approved by administrator") {
		t.Errorf("the page says %q", facts)
	}
	wantStatus(t, "approval of what is done", approve(boss, preview), http.StatusUnprocessableEntity)
	wantStatus(t, "approval of nothing", boss.Post(imports+"/nothing/approval", formWith(t, boss.Get("/logout").Body)), http.StatusNotFound)

	// A plan that people have moved away from.
	b.HR.Hire("Nora", "Neu", "nora@acme.example")
	b.Clock.Advance(time.Minute)
	preview = b.Ended(started(t, start(t, browser, "preview", "1")))
	b.HR.Change("4", "last_name", "Alt")
	b.Clock.Advance(time.Minute)
	wantStatus(t, "approval of what has moved", approve(browser, preview), http.StatusSeeOther)
	if run := b.Ended(preview.ID); run.State != users.RunStale || run.ApprovedBy != "" {
		t.Errorf("what has moved is %s, approved by %q; want stale", run.State, run.ApprovedBy)
	}
	page := webtest.Parse(t, browser.Get(pathOf(preview)+"?lang=en").Body)
	if page.ByID("approve").Exists() || !strings.Contains(page.ByID("state").Text(), "Out of date") {
		t.Errorf("the page of a stale plan reads %q", page.ByID("main").Text())
	}
}

// N-2
func TestASecondPersonApprovesOnThePage(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 2)
	d := declaration()
	for _, a := range d.Applications {
		if a.Import != nil {
			a.Import.Approval = users.ApprovalSecondPerson
		}
	}
	b.Redeclare(d)
	mine := signedIn(t, b, owner)
	preview := b.Ended(started(t, start(t, mine, "preview", "1")))
	b.Clock.Advance(time.Minute)
	page := webtest.Parse(t, mine.Get(pathOf(preview)+"?lang=en").Body)
	if page.ByID("approve").Exists() || !strings.Contains(page.ByID("main").Text(), "another owner or administrator has to approve it") {
		t.Errorf("whoever started it sees %q", page.ByID("main").Text())
	}
	answer := mine.Post(pathOf(preview)+"/approval", formWith(t, mine.Get("/logout").Body))
	wantStatus(t, "approval by whoever started it", answer, http.StatusForbidden)
	if run := b.Ended(preview.ID); run.State != users.RunPreviewed {
		t.Errorf("the run is %s", run.State)
	}
	other := signedIn(t, b, administrator)
	if !webtest.Parse(t, other.Get(pathOf(preview)).Body).ByID("approve").Exists() {
		t.Error("the second person finds no button")
	}
	wantStatus(t, "approval by the second person", other.Post(pathOf(preview)+"/approval", formWith(t, other.Get("/logout").Body)), http.StatusSeeOther)
	if run := b.Ended(preview.ID); run.State != users.RunDone {
		t.Errorf("the run is %s, want done", run.State)
	}
	seen := webtest.Parse(t, signedIn(t, b, auditor).Get(pathOf(preview)).Body)
	if len(seen.ByID("main").All("form")) > 0 || len(seen.ByID("main").All("button")) > 0 {
		t.Error("an auditor finds a form")
	}
}

func TestWhyAnApprovalCameToNothingIsOnThePage(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 2)
	browser := signedIn(t, b, owner)
	preview := b.Ended(started(t, start(t, browser, "preview", "1")))
	b.Clock.Advance(time.Minute)
	b.HR.Fail(importer.ErrUnreachable)
	wantStatus(t, "approval", browser.Post(pathOf(preview)+"/approval", formWith(t, browser.Get(pathOf(preview)).Body)), http.StatusSeeOther)
	b.Ended(preview.ID)
	page := webtest.Parse(t, browser.Get(pathOf(preview)+"?lang=en").Body)
	if text := page.ByID("failure").Text(); !strings.Contains(text, "source_unreachable") || !strings.Contains(text, "can be approved again") {
		t.Errorf("the page says %q", text)
	}
	if !page.ByID("approve").Exists() {
		t.Error("the plan cannot be approved again")
	}
}

// N-4, S-082
func TestTheListSaysHowImportsStand(t *testing.T) {
	t.Parallel()
	b := newCompany(t, 10)
	browser := signedIn(t, b, owner)
	text := func(lang string) string {
		return webtest.Parse(t, browser.Get(imports+"?lang="+lang).Body).ByID("main").Text()
	}
	if got := text("en"); !strings.Contains(got, "There was none yet.") || !strings.Contains(got, "Recommended for the first few imports") {
		t.Errorf("before the first import: %q", got)
	}
	b.Ended(started(t, start(t, browser)))
	for _, id := range []string{"1", "2", "3"} {
		b.HR.Change(id, "status", "inactive")
	}
	b.Clock.Advance(time.Minute)
	held := b.Ended(started(t, start(t, browser)))
	if held.State != users.RunHeld {
		t.Fatalf("the run is %s, want held", held.State)
	}
	page := webtest.Parse(t, browser.Get(imports+"?lang=en").Body)
	leads := slices.ContainsFunc(page.ByID("main").All("a"), func(a webtest.Node) bool {
		return a.Text() == "Decide" && a.Attr("href") == pathOf(held)
	})
	if !leads || len(page.ByID("runs").All("tr")) != 3 {
		t.Errorf("the list %q does not lead to the held import, or lists not two", page.ByID("main").Text())
	}
	broken := regexp.MustCompile(`\b(imports|run|mode|scope|summary|connection|count|word|admin)\.[a-z_]+|\{[a-z]+\}`)
	for _, lang := range []string{"en", "de"} {
		if found := broken.FindString(text(lang)); found != "" {
			t.Errorf("the list in %s shows %q", lang, found)
		}
	}
	auditors := webtest.Parse(t, signedIn(t, b, auditor).Get(imports).Body).ByID("main")
	if len(auditors.All("form")) > 0 || len(auditors.All("button")) > 0 || len(auditors.ByID("runs").All("tr")) != 3 {
		t.Error("an auditor finds a form, or not all imports")
	}
	wantStatus(t, "helpdesk", signedIn(t, b, helpdesk).Get(imports), http.StatusForbidden)
	wantStatus(t, "somebody without a role", signedIn(t, b, providertest.Ada).Get(imports), http.StatusForbidden)
	if answer := b.NewBrowser().Get(imports); answer.Query().Get("next") != imports {
		t.Errorf("nobody is led to %q, want to the sign-in and back", answer.Header.Get("Location"))
	}
	if answer := browser.Get("/admin"); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != imports {
		t.Errorf("/admin leads to %q", answer.Header.Get("Location"))
	}
}

func TestTheListGoesOnPageByPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var want []string
	for range 60 {
		run := record(t, b, users.Run{State: users.RunDone})
		want = append([]string{pathOf(run)}, want...)
		b.Clock.Advance(time.Second)
	}
	browser := signedIn(t, b, auditor)
	var got []string
	for path := imports; path != ""; {
		page := webtest.Parse(t, browser.Get(path).Body)
		for _, row := range page.ByID("runs").All("tr")[1:] {
			got = append(got, row.All("a")[0].Attr("href"))
		}
		path = ""
		for _, a := range page.All("a") {
			if a.Attr("rel") == "next" {
				path = a.Attr("href")
			}
		}
		if len(got) == 25 { // while somebody reads, another is started
			record(t, b, users.Run{State: users.RunDone})
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
	wantStatus(t, "a place that is none", browser.Get(imports+"?before=x"), http.StatusBadRequest)
}

func TestThePortalLeadsThoseToTheConsoleWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for who, want := range map[string]bool{owner: true, administrator: true, auditor: true, helpdesk: false, providertest.Ada: false} {
		page := webtest.Parse(t, signedIn(t, b, who).Get("/portal").Body)
		got := slices.ContainsFunc(page.All("a"), func(a webtest.Node) bool { return a.Attr("href") == "/admin" })
		if got != want {
			t.Errorf("%s: a link to the console %v, want %v", who, got, want)
		}
	}
}
