package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// newcomers hires two people and returns the preview from which they can be chosen.
func (h *house) newcomers() (run string) {
	h.t.Helper()
	for _, name := range []string{"Nora", "Noah"} {
		_, err := h.hr.Add(personiotest.Employee{
			FirstName: name, LastName: "Neumann", Email: personiotest.Email(strings.ToLower(name) + ".neumann@acme.example"), Department: "Sales",
		})
		must(h.t, err)
	}
	var preview runReport
	h.json(&preview, "import", "preview", "--mode", "new")
	return preview.ID
}

// heldImport lets many people leave and returns the import that is held for it.
func (h *house) heldImport() (run string) {
	h.t.Helper()
	for _, p := range h.hr.People()[10:16] {
		must(h.t, h.hr.SetStatus(p.Email, personiotest.Inactive))
	}
	if r := h.run("", "import", "run"); r.code != 3 {
		h.t.Fatalf("six of twenty leave: exit code %d, want 3\n%s%s", r.code, r.stdout, r.stderr)
	}
	var runs []runReport
	h.json(&runs, "import", "list")
	return runs[0].ID
}

// One button, and the result arrives while somebody looks, under the real policy of our pages.
// S-076, S-099
func TestAnImportIsWatchedInTheBrowser(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 5})
	boss := "boss@acme.example"
	h.ok("", "admin", "recover", boss)
	h.ok(password+"\n", "users", "password", boss)
	asked, goOn := make(chan struct{}, 100), make(chan struct{})
	h.answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/employees") {
			asked <- struct{}{}
			<-goOn
		}
		h.hr.Handler().ServeHTTP(w, r)
	}))
	h.serve(h.address)
	p := newTab(t, chromium(t), look{language: "en", width: 1360})
	p.open(h.issuer + "/admin/imports")
	p.signIn(boss, password)
	p.do(chromedp.Click(`.title-actions button[name="preview"]`))
	<-asked
	if got := p.text("#progress"); !strings.Contains(got, "Reading people from the source.") {
		t.Errorf("while it reads the page says %q", got)
	}
	run := strings.TrimPrefix(p.location(), h.issuer+"/admin/imports/")
	close(goOn)
	if got := p.text("#approve"); !strings.Contains(got, "Approve and apply") {
		t.Errorf("when it has ended the page says %q", got)
	}
	announced, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.getElementById("announcement").textContent`))
	if err != nil || announced != "The import has ended: Preview: nothing was changed." {
		t.Errorf("announced %q, error %v", announced, err)
	}
	p.do(chromedp.Click("#approve button"))
	if got := p.text("#state.ok"); got != "Done" {
		t.Errorf("after the approval the page says %q", got)
	}
	if got := p.location(); got != h.issuer+"/admin/imports/"+run {
		t.Errorf("the result is at %s", got)
	}
	p.quiet()
	var shown struct {
		Actor, ApprovedBy string
		State             string
	}
	h.json(&shown, "import", "show", run)
	if shown.State != "done" || !strings.HasPrefix(shown.Actor, "user:") {
		t.Errorf("the record says %+v", shown)
	}
}
