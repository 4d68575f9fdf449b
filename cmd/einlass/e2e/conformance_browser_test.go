package e2e

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/web/webtest"
)

// suitePlan is a plan configuration in the format of the OpenID Foundation's conformance suite.
type suitePlan struct {
	Alias       string
	Description string
	Server      struct {
		DiscoveryURL string `json:"discoveryUrl"`
		LoginHint    string `json:"login_hint"`
	}
	Client, Client2  suiteClient
	ClientSecretPost suiteClient `json:"client_secret_post"`
	Browser          []suiteVisit
	Override         map[string]struct{ Browser []suiteVisit }
}

type suiteClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// suiteVisit is what the suite's browser does at an address that it is sent to.
type suiteVisit struct {
	Match string
	Tasks []*suiteTask
}

// suiteTask is what it does on one page.
type suiteTask struct {
	Task     string
	Match    string
	Optional bool
	Commands [][]any // a word, how to find the element, and its name; then what the word wants

	done bool
}

// suiteBrowser does what a plan says as the suite's own browser would, with one person's cookies.
type suiteBrowser struct {
	t      *testing.T
	client *http.Client

	url      *url.URL
	status   int
	page     webtest.Node
	typed    map[string]string // on this page, by the id of the field
	pictures int               // pages shown to whoever judges the run
}

// goTo visits an address, a POST sending its query as a form.
func (b *suiteBrowser) goTo(visits []suiteVisit, method, target string) {
	b.t.Helper()
	for _, visit := range visits {
		if !wildcard(visit.Match).MatchString(target) {
			continue
		}
		if method == http.MethodPost {
			address, form, _ := strings.Cut(target, "?")
			b.show(b.client.Post(address, "application/x-www-form-urlencoded", strings.NewReader(form)))
		} else {
			b.show(b.client.Get(target))
		}
		for _, task := range visit.Tasks {
			b.perform(task)
		}
		return
	}
	b.t.Fatalf("no entry of browser is for %s", target)
}

// wildcard is the suite's notation for addresses: * stands for anything, and nothing else for anything but itself.
func wildcard(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)
}

// show takes the page in, and follows it where its script would submit its form at once.
func (b *suiteBrowser) show(answer *http.Response, err error) {
	b.t.Helper()
	must(b.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(b.t, err)
	b.url, b.status, b.page, b.typed = answer.Request.URL, answer.StatusCode, webtest.Parse(b.t, string(body)), map[string]string{}
	if strings.Contains(string(body), "document.forms[0].submit()") {
		b.submit(b.page.All("form")[0])
	}
}

func (b *suiteBrowser) submit(form webtest.Node) {
	b.t.Helper()
	target, err := b.url.Parse(form.Attr("action"))
	must(b.t, err)
	fields := form.Fields()
	for id, text := range b.typed {
		fields.Set(form.ByID(id).Attr("name"), text)
	}
	b.show(b.client.PostForm(target.String(), fields))
}

func (b *suiteBrowser) perform(task *suiteTask) {
	b.t.Helper()
	if !wildcard(task.Match).MatchString(b.url.String()) {
		if !task.Optional {
			b.t.Fatalf("%s: status %d at %s, want %s", task.Task, b.status, b.url, task.Match)
		}
		return
	}
	task.done = true
	for _, command := range task.Commands {
		if len(command) < 3 || (len(command) == 3) != (command[0] == "click") || command[1] != "id" {
			b.t.Fatalf("%s: %v has too little, too much, or no element by its id", task.Task, command)
		}
		id, _ := command[2].(string)
		element := b.page.ByID(id)
		if !element.Exists() {
			b.t.Fatalf("%s: status %d at %s has no #%s", task.Task, b.status, b.url, id)
		}
		b.command(task.Task, element, command[0], command[3:])
	}
}

// command does one thing with an element of the page.
func (b *suiteBrowser) command(task string, element webtest.Node, word any, with []any) {
	b.t.Helper()
	id := element.Attr("id")
	switch word {
	case "text":
		b.typed[id], _ = with[0].(string)
		if b.typed[id] == "" || !b.formWith(id).Exists() {
			b.t.Errorf("%s: %q typed into #%s", task, with[0], id)
		}
	case "click":
		form := b.formWith(id)
		if element.Attr("type") != "submit" || !form.Exists() {
			b.t.Fatalf("%s: #%s submits nothing", task, id)
		}
		b.submit(form)
	case "wait":
		if seconds, _ := with[0].(float64); seconds < 1 {
			b.t.Errorf("%s: waits %v seconds for #%s", task, with[0], id)
		}
		if len(with) > 1 {
			b.see(task, element, with[1:])
		}
	default:
		b.t.Fatalf("%s: the suite knows no command %v", task, word)
	}
}

// see expects a text, and takes a picture of the page if told to.
func (b *suiteBrowser) see(task string, element webtest.Node, with []any) {
	b.t.Helper()
	pattern, _ := with[0].(string)
	if text := element.Text(); !regexp.MustCompile(pattern).MatchString(text) {
		b.t.Errorf("%s: #%s reads %q, want %q in it", task, element.Attr("id"), text, pattern)
	}
	if len(with) == 1 {
		return
	}
	if with[1] != "update-image-placeholder" && with[1] != "update-image-placeholder-optional" {
		b.t.Fatalf("%s: the suite knows no %v", task, with[1])
	}
	b.pictures++
}

// formWith returns the form of the page that an element is in.
func (b *suiteBrowser) formWith(id string) webtest.Node {
	for _, form := range b.page.All("form") {
		if form.ByID(id).Exists() {
			return form
		}
	}
	return webtest.Node{}
}
