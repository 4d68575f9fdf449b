package admin_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// People of the bench by role.
const (
	owner         = "owner@acme.example"
	administrator = "administrator@acme.example"
	auditor       = "auditor@acme.example"
	helpdesk      = "helpdesk@acme.example"
)

// newBench starts a bench with somebody of each role, and a connection.
var newBench = providertest.Furnish(declaration())

func declaration() users.Declaration {
	d := providertest.Declaration()
	for email, role := range map[string]users.Role{
		owner: users.RoleOwner, administrator: users.RoleAdministrator, auditor: users.RoleAuditor, helpdesk: users.RoleHelpdesk,
	} {
		d.Users = append(d.Users, users.DeclaredUser{
			Email: email, FirstName: string(role), State: users.StateActive, Role: role, Password: providertest.Password,
		})
	}
	for i := range d.Applications {
		if d.Applications[i].ID == providertest.Personio {
			d.Applications[i].Import = &users.Import{Source: users.SourcePersonio, InitialState: users.StateActive, Reactivation: true}
			d.Applications[i].ImportSecret = "the-secret-of-the-source"
		}
	}
	return d
}

// signedIn returns a browser in which username has signed in.
func signedIn(t *testing.T, b *providertest.Bench, username string) *providertest.Browser {
	t.Helper()
	browser := b.NewBrowser()
	if answer := browser.SignIn("/login", username, providertest.Password); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in of %s: status %d", username, answer.StatusCode)
	}
	return browser
}

// record stores a run as an import would have left it.
func record(t *testing.T, b *providertest.Bench, run users.Run, rows ...users.RunChange) users.Run {
	t.Helper()
	ctx := t.Context()
	lease, err := b.Directory.AcquireImportLease(ctx, providertest.Personio, "test")
	must(t, err)
	run.ID, run.Connection, run.StartedAt = users.NewRunID(), providertest.Personio, b.Clock.Now()
	if run.Actor == "" {
		run.Actor = "cli:root"
	}
	end := run.State
	run.State = users.RunReading
	must(t, b.Directory.StartRun(ctx, lease, run))
	for i := range rows {
		rows[i].Run, rows[i].Seq, rows[i].Phase = run.ID, i+1, 1
	}
	must(t, b.Directory.SavePlan(ctx, lease, rows))
	run.State, run.FinishedAt = end, b.Clock.Now().Add(time.Minute)
	must(t, b.Directory.SaveRun(ctx, lease, run))
	return run
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// done is a run with somebody of every kind.
func done(t *testing.T, b *providertest.Bench) users.Run {
	t.Helper()
	return record(t, b, users.Run{State: users.RunDone, Counts: users.Counts{Created: 1204, Quarantined: 1, Failed: 1}},
		users.RunChange{SourceID: "1", Name: "Nora Neu", Email: "nora@acme.example", Kind: users.ChangeCreate, Reason: "new_person", Outcome: users.OutcomeApplied},
		users.RunChange{SourceID: "2", Name: "Sina Skip", Kind: users.ChangeSkip, Reason: "inactive_status", Outcome: users.OutcomeApplied},
		users.RunChange{SourceID: "3", Name: "=1+1", Kind: users.ChangeQuarantine, Reason: "email_missing", Detail: []users.Note{{English: "The source has <none>."}}, Outcome: users.OutcomeApplied},
		users.RunChange{SourceID: "4", Name: "Fay Fail", Kind: users.ChangeUpdate, Reason: "attributes_changed", Outcome: users.OutcomeFailed, Error: []users.Note{{Code: "moved_on"}}},
	)
}

func pathOf(run users.Run) string { return "/admin/imports/" + string(run.ID) }

func wantStatus(t *testing.T, what string, got providertest.Response, status int) {
	t.Helper()
	if got.StatusCode != status {
		t.Errorf("%s: status %d, want %d", what, got.StatusCode, status)
	}
}

// S-097
func TestOnlyThoseWhoMayLookAtEverythingSeeAResult(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run := done(t, b)
	for who, want := range map[string]int{
		owner: http.StatusOK, administrator: http.StatusOK, auditor: http.StatusOK,
		helpdesk: http.StatusForbidden, providertest.Ada: http.StatusForbidden,
	} {
		browser := signedIn(t, b, who)
		answer := browser.Get(pathOf(run))
		wantStatus(t, who, answer, want)
		if strings.Contains(answer.Body, "Nora Neu") != (want == http.StatusOK) {
			t.Errorf("%s: the names are on a page with status %d", who, answer.StatusCode)
		}
		// A valid link is no way around the role.
		link, err := b.Links.ImportURL(run.ID, b.User(who).ID)
		must(t, err)
		wantStatus(t, who+" by link", browser.Get(link), want)
		csv := strings.Replace(link, "?", "/result.csv?", 1)
		wantStatus(t, who+" by link to the file", browser.Get(csv), want)
		if want == http.StatusForbidden {
			if text, found := providertest.Element(t, answer.Body, "error"); !found || !strings.Contains(text, "administrators") {
				t.Errorf("%s: the page does not say who may see it: %q", who, text)
			}
		}
	}
	wantStatus(t, "somebody suspended meanwhile", func() providertest.Response {
		browser := signedIn(t, b, administrator)
		_, err := b.Directory.Suspend(t.Context(), users.ActorSystem, b.User(administrator).ID, "left")
		must(t, err)
		return browser.Get(pathOf(run))
	}(), http.StatusSeeOther)
}

func TestALinkLeadsThroughTheSignInToTheResult(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run := done(t, b)
	link, err := b.Links.ImportURL(run.ID, b.User(owner).ID)
	must(t, err)
	browser := b.NewBrowser()
	answer := browser.SignIn(link, owner, providertest.Password)
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || b.Issuer+got != link {
		t.Fatalf("after sign-in: status %d to %q, want the link %s", answer.StatusCode, got, link)
	}
	wantStatus(t, "the result", browser.Get(answer.Header.Get("Location")), http.StatusOK)
	if strings.Contains(b.Logs.String(), url.QueryEscape(answer.Query().Get("link"))) {
		t.Error("the link stands in the log")
	}
}

func TestALinkIsForOnePersonOneRunAndOneWeek(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run, other := done(t, b), record(t, b, users.Run{State: users.RunDone})
	browser := signedIn(t, b, owner)
	link := func(run users.Run, who string) string {
		text, err := b.Links.ImportURL(run.ID, b.User(who).ID)
		must(t, err)
		return text[strings.Index(text, "?"):]
	}
	mine := link(run, owner)
	for name, query := range map[string]string{
		"of another run": link(other, owner), "of another person": link(run, administrator),
		"altered": mine[:len(mine)-2] + "xx", "empty": "?link=", "of nobody": "?link=v1.x.y",
	} {
		for _, path := range []string{"", "/result.csv", "/result.json"} {
			answer := browser.Get(pathOf(run) + path + query)
			wantStatus(t, "link "+name+" to "+path, answer, http.StatusForbidden)
			if got := webtest.Parse(t, answer.Body).ByID("main").All("a")[0].Attr("href"); got != pathOf(run) {
				t.Errorf("link %s: the page leads to %q, want the result", name, got)
			}
		}
	}
	b.Clock.Advance(7*24*time.Hour - time.Second)
	browser = signedIn(t, b, owner)
	wantStatus(t, "in time", browser.Get(pathOf(run)+mine), http.StatusOK)
	b.Clock.Advance(time.Second)
	late := browser.Get(pathOf(run) + mine)
	wantStatus(t, "too late", late, http.StatusGone)
	if text, _ := providertest.Element(t, late.Body, "error"); !strings.Contains(text, "expired") {
		t.Errorf("the page does not say that the link has expired: %q", text)
	}
	wantStatus(t, "without a link", browser.Get(pathOf(run)), http.StatusOK)
}

func TestFilesNeedALinkOfThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run := done(t, b)
	browser := signedIn(t, b, auditor)
	var files []string
	for _, a := range webtest.Parse(t, browser.Get(pathOf(run)).Body).ByID("downloads").All("a") {
		files = append(files, a.Attr("href"))
	}
	if len(files) != 3 {
		t.Fatalf("the page leads to %v, want three files", files)
	}
	for _, file := range files {
		bare, _, _ := strings.Cut(file, "?")
		wantStatus(t, bare+" without a link", browser.Get(bare), http.StatusForbidden)
		wantStatus(t, file+" for another one", signedIn(t, b, owner).Get(file), http.StatusForbidden)
		wantStatus(t, file+" for nobody", b.NewBrowser().Get(file), http.StatusSeeOther)
		answer := browser.Get(file)
		wantStatus(t, file, answer, http.StatusOK)
		if got := answer.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=import-"+string(run.ID)) {
			t.Errorf("%s: Content-Disposition %q", bare, got)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", bare, answer.Header)
		}
	}
	wantStatus(t, "an unknown separator", browser.Get(files[0]+"&separator=tab"), http.StatusBadRequest)
	b.Clock.Advance(time.Hour)
	wantStatus(t, "an hour later", browser.Get(files[0]), http.StatusGone)
}

// N205
func TestFilesHoldEverybodyAndNoFormulas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run := done(t, b)
	browser := signedIn(t, b, owner)
	files := webtest.Parse(t, browser.Get(pathOf(run)).Body).ByID("downloads").All("a")
	for i, separator := range []rune{',', ';'} {
		answer := browser.Get(files[i].Attr("href"))
		text, marked := strings.CutPrefix(answer.Body, "\uFEFF")
		in := csv.NewReader(strings.NewReader(text))
		in.Comma = separator
		lines, err := in.ReadAll()
		if err != nil || !marked || len(lines) != 5 {
			t.Fatalf("%d lines, %v; want a header and four people behind a mark", len(lines), err)
		}
		if got := []string{lines[3][0], lines[3][1], lines[3][5]}; !slices.Equal(got, []string{"3", "'=1+1", "email_missing"}) {
			t.Errorf("the third person reads %q", got)
		}
		if got := answer.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
			t.Errorf("Content-Type %q", got)
		}
	}
	var report struct {
		ID      string                               `json:"id"`
		State   string                               `json:"state"`
		Counts  map[string]int                       `json:"counts"`
		Changes []struct{ Name, Kind, Error string } `json:"changes"`
	}
	must(t, json.Unmarshal([]byte(browser.Get(files[2].Attr("href")).Body), &report))
	if report.ID != string(run.ID) || report.State != "done" || report.Counts["created"] != 1204 || len(report.Changes) != 4 || !strings.HasPrefix(report.Changes[3].Error, "The person was changed") {
		t.Errorf("the file reads %+v", report)
	}
}

func TestThePageShowsWhomItConcernsTheMostUrgentFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run := done(t, b)
	browser := signedIn(t, b, owner)
	page := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=en").Body)
	var rows []string
	for _, row := range page.ByID("people").All("tr")[1:] {
		rows = append(rows, row.Text())
	}
	want := []string{
		"Fay Fail 4 Failed Attributes changed The person was changed by somebody else meanwhile; the next run plans anew.",
		"=1+1 3 In quarantine No email address at the source The source has <none>.",
		"Nora Neu nora@acme.example Created New at the source",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := page.ByID("figures").Text(); !strings.Contains(got, "Created 1,204") || !strings.Contains(got, "Failed 1") {
		t.Errorf("figures %q", got)
	}
	facts := page.ByID("facts").Text()
	for _, part := range []string{b.Clock.Now().UTC().Format(time.RFC3339), "(UTC)", "cli:root", string(run.ID)} {
		if !strings.Contains(facts, part) {
			t.Errorf("facts %q lack %q", facts, part)
		}
	}
	german := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=de").Body)
	if got := german.ByID("figures").Text(); !strings.Contains(got, "Angelegt 1.204") {
		t.Errorf("German figures %q", got)
	}
	if got := german.ByID("state").Text(); got != "Abgeschlossen" {
		t.Errorf("German state %q", got)
	}
}

// N314: what is worth a look stands on the page, too, in its language.
func TestThePageOfARunWarns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	quiet := record(t, b, users.Run{State: users.RunDone})
	if strings.Contains(browser.Get(pathOf(quiet)).Body, `id="warnings"`) {
		t.Error("a run with nothing odd warns")
	}
	run := record(t, b, users.Run{State: users.RunDone, Stats: users.FeedStats{Lookalikes: 2}})
	text := webtest.Parse(t, browser.Get(pathOf(run)+"?lang=de").Body).ByID("warnings").Text()
	if !strings.Contains(text, "Adressen, die wie eine andere aussehen: 2.") {
		t.Errorf("the page warns %q", text)
	}
}

func TestThePageOfARunThatStoppedSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	held := record(t, b, users.Run{State: users.RunHeld, Held: []users.Note{
		{Code: "mass_suspension.percent", Numbers: map[string]int{"count": 3, "active": 1000, "limit": 20}}, {English: "mass_suspension: written by an older version"},
	}})
	text := webtest.Parse(t, browser.Get(pathOf(held)+"?lang=en").Body).ByID("main").Text()
	for _, part := range []string{
		"Held: nothing was changed", "3 of 1,000 active people would lose access within 24 hours (limit 20 %).",
		"mass_suspension: written by an older version", "Approve and apply", "What would happen to people",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page %q lacks %q", text, part)
		}
	}
	failed := record(t, b, users.Run{State: users.RunFailed, ErrorCode: "credentials_revoked", Error: []users.Note{{Code: "failure.credentials_revoked", Texts: map[string]string{"cause": "<no>"}}}})
	text = webtest.Parse(t, browser.Get(pathOf(failed)+"?lang=en").Body).ByID("main").Text()
	if !strings.Contains(text, "Error credentials_revoked The source refuses credentials that used to work: they were revoked or replaced. Make new ones there and enter them here. (<no>)") || strings.Contains(text, "Approve and apply") {
		t.Errorf("the page of a failed run reads %q", text)
	}
}

func TestALongListGoesOnPageByPageAndTheMostUrgentComeFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var people []users.RunChange
	kinds := []users.ChangeKind{users.ChangeCreate, users.ChangeUpdate, users.ChangeSuspend, users.ChangeQuarantine, users.ChangeSkip, users.ChangeRecord}
	var want []string
	order := map[users.ChangeKind]int{users.ChangeQuarantine: 1, users.ChangeSuspend: 2, users.ChangeCreate: 3, users.ChangeUpdate: 4}
	for i := range 1500 {
		c := users.RunChange{SourceID: fmt.Sprint(i), Kind: kinds[i%6], Reason: "new_person", Outcome: users.OutcomeApplied}
		if i%100 == 0 {
			c.Outcome = users.OutcomeFailed
		}
		people = append(people, c)
	}
	for class := range 5 {
		for _, c := range people {
			rank, listed := order[c.Kind]
			if c.Outcome == users.OutcomeFailed {
				rank, listed = 0, true
			}
			if listed && rank == class {
				want = append(want, c.SourceID)
			}
		}
	}
	run := record(t, b, users.Run{State: users.RunDone, Counts: users.Counts{Created: 250}}, people...)
	browser := signedIn(t, b, owner)
	var got []string
	var files []webtest.Node
	for path := pathOf(run); path != ""; {
		page := webtest.Parse(t, browser.Get(path).Body)
		rows := page.ByID("people").All("tr")[1:]
		if len(rows) > 200 {
			t.Fatalf("%d people on a page, want at most 200", len(rows))
		}
		for _, row := range rows {
			got = append(got, row.All("th")[0].Text())
		}
		files, path = page.ByID("downloads").All("a"), ""
		for _, a := range page.All("a") {
			if a.Attr("rel") == "next" {
				path = a.Attr("href")
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("people of all pages (-want +got):\n%s", diff)
	}
	// All but those of whom something is only remembered.
	if lines := strings.Count(browser.Get(files[0].Attr("href")).Body, "\r\n"); lines != 1+1250 {
		t.Errorf("%d lines in the file, want everybody", lines)
	}
	for _, place := range []string{"x", "create-1", "create-a-1", "create-1-b"} {
		wantStatus(t, "after "+place, browser.Get(pathOf(run)+"?after="+place), http.StatusBadRequest)
	}
	wantStatus(t, "after a class that is none", browser.Get(pathOf(run)+"?after=x-1-1"), http.StatusOK)
}

// N-2: per person and field, from what to what.
func TestThePageSaysWhichFieldsChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	boss := b.User(providertest.Ada).ID
	run := record(t, b, users.Run{State: users.RunPreviewed},
		users.RunChange{SourceID: "1", Name: "Uma", Kind: users.ChangeUpdate, Reason: "attributes_changed", Outcome: users.OutcomePlanned,
			Fields: map[string]users.FieldChange{"department": {Before: "Sales", After: "<IT>"}, "office": {Before: "Wien"}}},
		users.RunChange{SourceID: "1", Name: "Uma", Kind: users.ChangeUpdate, Joins: true, Reason: "manager", Outcome: users.OutcomePlanned,
			Fields: map[string]users.FieldChange{"manager": {After: string(boss)}}},
	)
	page := webtest.Parse(t, signedIn(t, b, auditor).Get(pathOf(run)+"?lang=en").Body)
	rows := page.ByID("people").All("tr")[1:]
	want := "Uma 1 Updated Attributes changed department: Sales → <IT> manager: → ada@acme.example office: Wien → empty"
	if len(rows) != 1 || rows[0].Text() != want {
		t.Errorf("%d rows, the first reads %q; want one that reads %q", len(rows), rows[0].Text(), want)
	}
}

func TestRunsThatDoNotExistAreNotFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	for _, path := range []string{"nothing", "nothing/result.csv", "nothing/result.json"} {
		wantStatus(t, path, browser.Get("/admin/imports/"+path), http.StatusNotFound)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+"/admin/imports/nothing", nil)
	must(t, err)
	wantStatus(t, "POST", browser.Do(r), http.StatusMethodNotAllowed)
}

// Every word that an import stores has a text on the page, in every language.
func TestEveryWordOfAnImportHasAText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	var reasons []string
	for _, file := range []string{"../../importer/reason.go", "../../users/apply.go"} {
		source, err := os.ReadFile(file)
		must(t, err)
		for _, match := range regexp.MustCompile(`(?m)^\s*[rR]eason\w+\s+=\s+"(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			reasons = append(reasons, match[1])
		}
	}
	if len(reasons) < 25 {
		t.Fatalf("only %d reasons found", len(reasons))
	}
	reasons = append(reasons, "status_onboarding", "status_active", "status_leave", "status_inactive")
	var rows []users.RunChange
	kinds := []users.ChangeKind{
		users.ChangeCreate, users.ChangeUpdate, users.ChangeLink, users.ChangeSuspend, users.ChangeReactivate, users.ChangeQuarantine, users.ChangeRecord,
	}
	for i, reason := range reasons {
		rows = append(rows, users.RunChange{SourceID: fmt.Sprint(i), Name: "n", Kind: kinds[i%len(kinds)], Reason: reason, Outcome: users.OutcomeFailed})
	}
	for _, state := range []users.RunState{
		users.RunReading, users.RunPreviewed, users.RunHeld, users.RunApplying, users.RunDone, users.RunFailed, users.RunInterrupted, users.RunStale,
	} {
		run := record(t, b, users.Run{State: state, Preview: state == users.RunPreviewed}, slices.Clone(rows)...)
		for _, lang := range []string{"en", "de"} {
			text := webtest.Parse(t, browser.Get(pathOf(run)+"?lang="+lang).Body).ByID("main").Text()
			if broken := regexp.MustCompile(`\b(run|change|reason|count|hold|admin)\.[a-z_]+|\{[a-z]+\}|\b[a-z]+_[a-z_]+\b`).FindString(text); broken != "" {
				t.Errorf("%s in %s shows %q", state, lang, broken)
			}
		}
	}
}

func TestTheConsoleFramesItsPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, auditor)
	shown := done(t, b)
	page := func() webtest.Node { return webtest.Parse(t, browser.Get(pathOf(shown)+"?lang=en").Body) }
	current := func(page webtest.Node) []string {
		var texts []string
		for _, a := range page.WithAttr("aria-current") {
			if a.Attr("href") == "/admin/imports" {
				texts = append(texts, a.Text())
			}
		}
		return texts
	}
	if got := current(page()); !slices.Equal(got, []string{"Imports"}) {
		t.Errorf("the sidebar marks %q, want Imports", got)
	}
	b.Clock.Advance(time.Minute)
	held := record(t, b, users.Run{State: users.RunHeld, PlanHash: "a"})
	answer := webtest.Parse(t, browser.Get(pathOf(held)+"?lang=en").Body)
	if got := current(answer); !slices.Equal(got, []string{"Imports 1 (waiting for a decision: 1)"}) {
		t.Errorf("with a held import the sidebar says %q", got)
	}
	if got := answer.All("header")[0].Text(); !strings.Contains(got, "auditor "+auditor) || strings.Contains(got, "helpdesk") {
		t.Errorf("the sidebar says %q, want who is signed in", got)
	}
	b.Clock.Advance(time.Minute)
	record(t, b, users.Run{State: users.RunFailed})
	if got := current(webtest.Parse(t, browser.Get(pathOf(held)+"?lang=en").Body)); !strings.Contains(got[0], "decision: 1") {
		t.Errorf("after an import that failed while reading the sidebar says %q", got)
	}
	b.Clock.Advance(time.Minute)
	record(t, b, users.Run{State: users.RunPreviewed, PlanHash: "b"})
	if got := current(page()); !slices.Equal(got, []string{"Imports"}) {
		t.Errorf("after another plan the sidebar says %q", got)
	}
}
