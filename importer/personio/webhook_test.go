package personio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/mux"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

const (
	hookToken = "delivery-token-of-more-than-32-characters"
	oldToken  = "former-token-of-more-than-32-characters-x"
	hookPath  = "/hooks/personio/personio"
	admin     = users.Actor("cli:root")
)

// receiver is a webhook receiver on a directory with a connection of each kind.
type receiver struct {
	*personio.Webhooks
	t         testing.TB
	directory *users.Directory
	handler   http.Handler
	results   func() map[string]int
}

// notes wraps a directory whose NoteWork is watched, or replaced.
type notes struct {
	*users.Directory
	note func(ctx context.Context, work ...users.Work) error
}

func (n notes) NoteWork(ctx context.Context, work ...users.Work) error { return n.note(ctx, work...) }

type receiverOptions struct {
	store *sqlstore.Store
	other *receiver                                                                    // another replica of the same house; nil: none
	note  func(d *users.Directory) func(ctx context.Context, work ...users.Work) error // nil: the directory's own
	now   func() time.Time
	log   io.Writer
}

// newReceiver declares connections and returns the receiver, which does not run yet.
func newReceiver(t testing.TB, opts receiverOptions) *receiver {
	t.Helper()
	d := declareConnections(t, opts)
	r := &receiver{t: t, directory: d}
	watched := notes{d, d.NoteWork}
	if opts.note != nil {
		watched.note = opts.note(d)
	}
	var mu sync.Mutex
	results := map[string]int{}
	r.results = func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return results
	}
	cfg := personio.WebhooksConfig{Directory: watched, Now: opts.now, Observe: func(connection users.ApplicationID, result string) {
		mu.Lock()
		defer mu.Unlock()
		results[string(connection)+" "+result]++
	}}
	if opts.log != nil {
		cfg.Logger = slog.New(slog.NewTextHandler(opts.log, nil))
	}
	var err error
	r.Webhooks, err = personio.NewWebhooks(cfg)
	must(t, err)
	must(t, r.Refresh(t.Context()))
	issuer, err := url.Parse("https://sso.acme.example")
	must(t, err)
	site, err := web.New(web.Config{Issuer: issuer, Logger: cfg.Logger})
	must(t, err)
	router := mux.NewRouter()
	for _, route := range r.Routes() {
		router.Handle(route.Path, site.Handle(route.Handler)).Methods(route.Methods...)
	}
	r.handler = site.Wrap(router)
	return r
}

// declareConnections returns a directory with a connection of each kind.
func declareConnections(t testing.TB, opts receiverOptions) *users.Directory {
	t.Helper()
	if opts.other != nil {
		return opts.other.directory
	}
	if opts.store == nil {
		opts.store = userstest.SQLite(t)
	}
	sealer, err := keys.CreateMasterKey(t.TempDir() + "/master.key")
	must(t, err)
	d, err := users.New(users.Config{Store: opts.store, Sealer: sealer, Now: opts.now})
	must(t, err)
	connection := func(id users.ApplicationID, company string, headers map[string]keys.Secret, tokens ...keys.Secret) users.DeclaredApplication {
		return users.DeclaredApplication{
			Application: users.Application{ID: id, Label: string(id), Import: &users.Import{
				Source: users.SourcePersonio, Guard: users.DefaultGuard, Webhook: &users.Webhook{CompanyID: company},
			}},
			WebhookTokens: tokens, WebhookHeaders: headers,
		}
	}
	off := connection("off", "", nil, hookToken)
	off.Disabled = true
	_, err = d.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		connection("personio", "", nil, hookToken, oldToken),
		connection("company", "123456", nil, hookToken),
		connection("headers", "", map[string]keys.Secret{"X-Einlass-Key": hookToken, "X-Einlass-Site": "berlin"}),
		connection("other", "", nil, "token-of-another-connection-of-32-characters"),
		connection("without", "", nil), off,
		{Application: users.Application{ID: "wiki", Label: "Wiki"}},
	}})
	must(t, err)
	return d
}

// start runs the receiver until the test ends.
func (r *receiver) start() *receiver {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run(ctx) // which returns nil
	}()
	r.t.Cleanup(func() { stop(); <-ended })
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deliver posts a body as Personio does; header adds to what it sends, or takes away with an empty value.
func (r *receiver) deliver(path string, body io.Reader, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "https://sso.acme.example"+path, body)
	req.Header.Set("Authorization", hookToken)
	req.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		req.Header[name] = values
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return w
}

func (r *receiver) post(path, body string) *httptest.ResponseRecorder {
	return r.deliver(path, strings.NewReader(body), nil)
}

// work returns what is to be done for a connection, as "kind subject".
func (r *receiver) work(connection users.ApplicationID) []string {
	r.t.Helper()
	due, err := r.directory.Read().WorkOf(r.t.Context(), connection)
	must(r.t, err)
	work := []string{}
	for _, w := range due {
		work = append(work, strings.TrimSpace(string(w.Kind)+" "+w.Subject))
	}
	slices.Sort(work)
	return work
}

func (r *receiver) wantWork(when string, connection users.ApplicationID, want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.work(connection)); diff != "" && len(want)+len(r.work(connection)) > 0 {
		r.t.Errorf("%s: work (-want +got):\n%s", when, diff)
	}
}

// eventOf is a delivery about one person, as the samples have it.
func eventOf(event string, person string) string {
	return fmt.Sprintf(`{"company_id":"123456","event_name":%q,"occurred_at":"2026-11-17T09:00:03Z","payload":{"person":{"id":%q}}}`, event, person)
}

// unread is a body that must not be looked at.
type unread struct{ t testing.TB }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("not for you")
}

// N244: who does not know the token gets nothing but 401, and nothing of the body is read.
func TestWebhookRefusesStrangers(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, receiverOptions{}).start()
	authorization := func(values ...string) http.Header { return http.Header{"Authorization": values} }
	for name, c := range map[string]struct {
		path   string
		header http.Header
	}{
		"no token":                         {hookPath, authorization()},
		"an empty token":                   {hookPath, authorization("")},
		"another token":                    {hookPath, authorization("delivery-token-of-more-than-32-characterS")},
		"the beginning of the token":       {hookPath, authorization(hookToken[:len(hookToken)-1])},
		"the token and more":               {hookPath, authorization(hookToken + "x")},
		"the token with a scheme":          {hookPath, authorization("Bearer " + hookToken)},
		"the token twice":                  {hookPath, authorization(hookToken, hookToken)},
		"the token in another header":      {hookPath, http.Header{"Authorization": nil, "X-Einlass-Key": {hookToken}}},
		"the token in the address":         {hookPath + "?token=" + hookToken, authorization()},
		"the token of another connection":  {"/hooks/personio/other", nil},
		"a token where headers are wanted": {"/hooks/personio/headers", nil},
		"one of two headers":               {"/hooks/personio/headers", http.Header{"X-Einlass-Key": {hookToken}}},
		"a header twice": {"/hooks/personio/headers", http.Header{
			"X-Einlass-Key": {hookToken, hookToken}, "X-Einlass-Site": {"berlin"},
		}},
		"a header of another value": {"/hooks/personio/headers", http.Header{"X-Einlass-Key": {hookToken}, "X-Einlass-Site": {"hamburg"}}},
	} {
		w := r.deliver(c.path, unread{t}, c.header)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, w.Code)
		}
	}
	for _, path := range []string{"nobody", "without", "off", "wiki", "PERSONIO", "personio%20", "..%2fpersonio"} {
		if w := r.deliver("/hooks/personio/"+path, unread{t}, nil); w.Code != http.StatusNotFound {
			t.Errorf("connection %s: status %d, want 404", path, w.Code)
		}
	}
	for _, connection := range []users.ApplicationID{"personio", "other", "headers", "without", "off"} {
		r.wantWork("after refusals", connection)
	}
}

// B-08: the present token and the one before are taken, and all of the custom headers instead.
func TestWebhookTakesWhatWasConfigured(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, receiverOptions{}).start()
	for name, header := range map[string]http.Header{
		"the present token": nil, "the one before": {"Authorization": {oldToken}},
		"a charset": {"Content-Type": {"application/json; charset=UTF-8"}},
	} {
		if w := r.deliver(hookPath, strings.NewReader(eventOf("person.updated", "9000003")), header); w.Code != http.StatusAccepted || w.Body.Len() > 0 {
			t.Errorf("%s: status %d with %d bytes, want 202 without any", name, w.Code, w.Body.Len())
		}
	}
	headers := http.Header{"Authorization": nil, "X-Einlass-Key": {hookToken}, "X-Einlass-Site": {"berlin"}}
	if w := r.deliver("/hooks/personio/headers", strings.NewReader(eventOf("person.updated", "7")), headers); w.Code != http.StatusAccepted {
		t.Errorf("custom headers: status %d, want 202", w.Code)
	}
	r.wantWork("by token", "personio", "person 9000003")
	r.wantWork("by headers", "headers", "person 7")
}

// B-08: a rotated token is refused a day later, without a word from the directory; a new one counts from the next refresh on.
func TestWebhookTokenEnds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	r := newReceiver(t, receiverOptions{now: clock}).start()
	must(t, r.directory.PutWebhookToken(t.Context(), admin, "without", oldToken))
	must(t, r.directory.PutWebhookToken(t.Context(), admin, "without", hookToken))
	must(t, r.Refresh(t.Context()))
	status := func(token string) int {
		return r.deliver("/hooks/personio/without", strings.NewReader(`{}`), http.Header{"Authorization": {token}}).Code
	}
	if got := []int{status(hookToken), status(oldToken)}; !slices.Equal(got, []int{202, 202}) {
		t.Errorf("during the overlap: %v", got)
	}
	mu.Lock()
	now = now.Add(users.WebhookOverlap)
	mu.Unlock()
	if got := []int{status(hookToken), status(oldToken)}; !slices.Equal(got, []int{202, 401}) {
		t.Errorf("a day later: %v, want 202 and 401", got)
	}
}

// B-09 N247: each event alone asks for the right thing; unknown ones and those
// that name nobody ask for whatever has changed.
func TestWebhookWorkOfEachEvent(t *testing.T) {
	t.Parallel()
	const delta = "delta"
	of := func(event, payload string) string {
		return fmt.Sprintf(`{"company_id":"123456","event_name":%q,"occurred_at":"2026-11-17T09:00:03Z","payload":%s,"meta":{}}`, event, payload)
	}
	person := func(event string) string { return eventOf(event, "9000003") }
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf(`{"id":"%d"}`, i+1)
	}
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"person.created":                   {person("person.created"), []string{"person 9000003"}},
		"person.updated":                   {person("person.updated"), []string{"person 9000003"}},
		"person.deleted":                   {person("person.deleted"), []string{"person 9000003"}},
		"employment.created":               {person("employment.created"), []string{"person 9000003"}},
		"employment.updated":               {person("employment.updated"), []string{"person 9000003"}},
		"employment.updated.cost-centers":  {person("employment.updated.cost-centers"), []string{"person 9000003"}},
		"employment.deleted":               {person("employment.deleted"), []string{"person 9000003"}},
		"employment.started":               {person("employment.started"), []string{"person 9000003"}},
		"employment.terminated":            {person("employment.terminated"), []string{"person 9000003"}},
		"absence-period.created":           {person("absence-period.created"), []string{"person 9000003"}},
		"absence_period.updated":           {of("absence_period.updated", `{"absence_period":{"id":"x","person":{"id":9000003}}}`), []string{"person 9000003"}},
		"an id as a number":                {of("person.updated", `{"person":{"id":9000003}}`), []string{"person 9000003"}},
		"person_id":                        {of("employment.updated", `{"person_id":"9000003"}`), []string{"person 9000003"}},
		"a person as an id":                {of("employment.updated", `{"person":"9000003"}`), []string{"person 9000003"}},
		"the id of a person event":         {of("person.updated", `{"id":"9000003"}`), []string{"person 9000003"}},
		"several people":                   {of("person.updated", `{"persons":[{"id":"1"},{"id":"2"},{"id":"1"}]}`), []string{"person 1", "person 2"}},
		"within data":                      {of("employment.updated", `{"data":[{"employment":{"id":"x","person":{"id":"3"}}}]}`), []string{"person 3"}},
		"an employment without a person":   {of("employment.updated", `{"employment":{"id":"5b7f0a6e-0002"}}`), []string{delta}},
		"the id of an employment event":    {of("employment.updated", `{"id":"9000003"}`), []string{delta}},
		"an event that we do not know":     {person("attendance.created"), []string{delta}},
		"an event without a family":        {person("person"), []string{delta}},
		"no event":                         {`{"payload":{"person":{"id":"9000003"}}}`, []string{delta}},
		"an event that is a number":        {`{"event_name":7,"payload":{"person":{"id":"9000003"}}}`, []string{delta}},
		"no payload":                       {`{"event_name":"person.updated"}`, []string{delta}},
		"a payload that is a list":         {of("person.updated", `["9000003"]`), []string{delta}},
		"an empty object":                  {`{}`, []string{delta}},
		"an id that is a name":             {of("person.updated", `{"person":{"id":"ada"}}`), []string{delta}},
		"an id with a sign":                {of("person.updated", `{"person":{"id":-1}}`), []string{delta}},
		"an id that was a float":           {of("person.updated", `{"person":{"id":9.000003e6}}`), []string{delta}},
		"an id with a zero before":         {of("person.updated", `{"person":{"id":"09000003"}}`), []string{delta}},
		"an id of twenty digits":           {of("person.updated", `{"person":{"id":"12345678901234567890"}}`), []string{delta}},
		"an id with SQL":                   {of("person.updated", `{"person":{"id":"1'; DROP TABLE work; --"}}`), []string{delta}},
		"an id that is none among ids":     {of("person.updated", `{"persons":["1","ada"]}`), []string{delta, "person 1"}},
		"a hundred people":                 {of("person.updated", `{"persons":[`+strings.Join(many[:100], ",")+`]}`), nil},
		"a hundred and one people":         {of("person.updated", `{"persons":[`+strings.Join(many, ",")+`]}`), []string{delta}},
		"occurred in the far past":         {`{"event_name":"person.updated","occurred_at":"1970-01-01T00:00:00Z","payload":{"person":{"id":"4"}}}`, []string{"person 4"}},
		"occurred in the far future":       {`{"event_name":"person.updated","occurred_at":"9999-12-31T23:59:59Z","payload":{"person":{"id":"4"}}}`, []string{"person 4"}},
		"occurred on no date":              {`{"event_name":"person.updated","occurred_at":"yesterday","payload":{"person":{"id":"4"}}}`, []string{"person 4"}},
		"the name of the event in escapes": {`{"event_name":"person\u002eupdated","payload":{"person":{"id":"\u0034"}}}`, []string{"person 4"}},
	} {
		r := newDryReceiver(t)
		if w := r.post(hookPath, c.body); w.Code != http.StatusAccepted {
			t.Errorf("%s: status %d, want 202", name, w.Code)
		}
		if got := r.noted(); c.want == nil && len(got) != 100 || c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: work %q, want %q", name, got, c.want)
		}
	}
}

// dryReceiver notes work in memory: for tests of what is noted, not how.
type dryReceiver struct {
	*receiver
	mu    sync.Mutex // guards the fields below
	calls int
	work  []users.Work
}

func newDryReceiver(t testing.TB) *dryReceiver {
	t.Helper()
	d := &dryReceiver{}
	d.receiver = newReceiver(t, receiverOptions{note: func(*users.Directory) func(context.Context, ...users.Work) error { return d.note }}).start()
	return d
}

func (d *dryReceiver) note(_ context.Context, work ...users.Work) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	d.work = append(d.work, work...)
	return nil
}

func (d *dryReceiver) noted() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var noted []string
	for _, w := range d.work {
		if w.Connection != "personio" || w.Noted.IsZero() {
			d.t.Errorf("work %+v", w)
		}
		noted = append(noted, strings.TrimSpace(string(w.Kind)+" "+w.Subject))
	}
	slices.Sort(noted)
	return noted
}

// N245: the fourteen deliveries of one event have one effect, one after the other and at once.
func TestWebhookRepeatsHaveOneEffect(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, receiverOptions{}).start()
	body := eventOf("employment.terminated", "9000003")
	for range 14 {
		if w := r.post(hookPath, body); w.Code != http.StatusAccepted {
			t.Fatalf("status %d, want 202", w.Code)
		}
	}
	r.wantWork("one after the other", "personio", "person 9000003")
	var all sync.WaitGroup
	for range 14 {
		all.Go(func() {
			if w := r.post(hookPath, body); w.Code != http.StatusAccepted {
				t.Errorf("at once: status %d, want 202", w.Code)
			}
		})
	}
	all.Wait()
	r.wantWork("at once", "personio", "person 9000003")
}

// REL-1: of 1,000 people, each told sixteen times at once to two replicas, each is to be read once.
func TestWebhookIdsRacing(t *testing.T) {
	t.Parallel()
	people := userstest.Repetitions(1000)
	one := newReceiver(t, receiverOptions{store: userstest.Fastest(t)}).start()
	two := newReceiver(t, receiverOptions{other: one}).start()
	replicas := []*receiver{one, two}
	want := []string{}
	for id := 1; id <= people; id++ {
		want = append(want, fmt.Sprintf("person %d", id))
	}
	for block := range slices.Chunk(want, 50) {
		var all sync.WaitGroup
		barrier := make(chan struct{})
		for _, person := range block {
			for i := range 16 {
				all.Go(func() {
					<-barrier
					w := replicas[i%2].post(hookPath, eventOf("person.updated", strings.TrimPrefix(person, "person ")))
					if w.Code != http.StatusAccepted {
						t.Errorf("status %d, want 202", w.Code)
					}
				})
			}
		}
		close(barrier)
		all.Wait()
	}
	slices.Sort(want)
	one.wantWork("after the race", "personio", want...)
}

// N247: deliveries about another company are refused where ours is configured, and taken where it is not.
func TestWebhookCompany(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, receiverOptions{}).start()
	for company, want := range map[string]int{`"123456"`: 202, `123456`: 202, `"654321"`: 403, `""`: 403, `null`: 403, `"1234567"`: 403, `["123456"]`: 403} {
		body := fmt.Sprintf(`{"company_id":%s,"event_name":"person.updated","payload":{"person":{"id":"1"}}}`, company)
		if w := r.post("/hooks/personio/company", body); w.Code != want {
			t.Errorf("company %s: status %d, want %d", company, w.Code, want)
		}
		if w := r.post(hookPath, body); w.Code != 202 {
			t.Errorf("company %s where none is configured: status %d, want 202", company, w.Code)
		}
	}
	if w := r.post("/hooks/personio/company", `{"event_name":"person.updated"}`); w.Code != 403 {
		t.Errorf("no company: status %d, want 403", w.Code)
	}
}

// N248: what is too large, too deep, ambiguous or no JSON is refused, and leaves nothing.
func TestWebhookRefusesHostileBodies(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, receiverOptions{}).start()
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	huge := `{"event_name":"person.updated","x":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"10 MB":                       {huge, 413},
		"one byte too many":           {`{"x":"` + strings.Repeat("x", personio.MaxDeliveryBytes-7) + `"}`, 413},
		"10,000 levels":               {deep(10_000), 400},
		"10,000 levels of objects":    {strings.Repeat(`{"a":`, 10_000) + `1` + strings.Repeat(`}`, 10_000), 400},
		"33 levels":                   {deep(32), 400},
		"a name twice":                {`{"event_name":"person.updated","event_name":"x"}`, 400},
		"a name twice in the payload": {`{"payload":{"person":{"id":"1","id":"2"}}}`, 400},
		"a name twice in a list":      {`{"payload":[{"a":[{"id":"1","id":"2"}]}]}`, 400},
		"a name twice in escapes":     {`{"payload":{"person":{"id":"1","\u0069d":"2"}}}`, 400},
		"no UTF-8":                    {"{\"event_name\":\"person.\xff\"}", 400},
		"overlong UTF-8":              {"{\"event_name\":\"\xc0\xae\"}", 400},
		"UTF-16":                      {"\xff\xfe{\x00}\x00", 400},
		"a byte order mark":           {"\ufeff{}", 400},
		"nothing":                     {"", 400},
		"blanks":                      {"  \n", 400},
		"a list":                      {`[{"event_name":"person.updated"}]`, 400},
		"a text":                      {`"person.updated"`, 400},
		"null":                        {`null`, 400},
		"half of it":                  {`{"event_name":"person.up`, 400},
		"two of them":                 {`{}{}`, 400},
		"something behind it":         {`{} x`, 400},
		"a comment":                   {`{/* */}`, 400},
		"single quotes":               {`{'event_name':'x'}`, 400},
		"a control character":         {"{\"event_name\":\"\x00\"}", 400},
		"a form":                      {"event_name=person.updated", 400},
		"XML":                         {`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`, 400},
	} {
		w := r.post(hookPath, c.body)
		if w.Code != c.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, c.want)
		}
		// Without a length in front, it counts all the same.
		if w := r.deliver(hookPath, io.MultiReader(strings.NewReader(c.body)), nil); w.Code != c.want {
			t.Errorf("%s, of unknown length: status %d, want %d", name, w.Code, c.want)
		}
	}
	for name, header := range map[string]http.Header{
		"no type": {"Content-Type": nil}, "a form": {"Content-Type": {"application/x-www-form-urlencoded"}}, "text": {"Content-Type": {"text/plain"}},
		"two types": {"Content-Type": {"application/json", "text/plain"}}, "another charset": {"Content-Type": {"application/json; charset=utf-16"}},
		"compressed": {"Content-Encoding": {"gzip"}}, "no type at all": {"Content-Type": {";;"}},
	} {
		if w := r.deliver(hookPath, unread{t}, header); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: status %d, want 415", name, w.Code)
		}
	}
	r.wantWork("after hostile bodies", "personio")
	if w := r.post(hookPath, deep(31)); w.Code != http.StatusAccepted {
		t.Errorf("32 levels: status %d, want 202", w.Code)
	}
	if w := r.post(hookPath, `{"x":"`+strings.Repeat("x", personio.MaxDeliveryBytes-8)+`"}`); w.Code != http.StatusAccepted {
		t.Errorf("the largest body: status %d, want 202", w.Code)
	}
	r.wantWork("after those", "personio", "delta")
}

// N248: two thousand deliveries at once about one person are a handful of transactions.
func TestWebhookFloodIsCoalesced(t *testing.T) {
	t.Parallel()
	r := newDryReceiver(t)
	var all sync.WaitGroup
	var accepted, overloaded int
	var mu sync.Mutex
	for range 100 {
		all.Go(func() {
			for range 20 {
				w := r.post(hookPath, eventOf("person.updated", "9000003"))
				mu.Lock()
				switch w.Code {
				case http.StatusAccepted:
					accepted++
				default:
					overloaded++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if accepted != 2000 || overloaded != 0 {
		t.Errorf("%d accepted, %d not", accepted, overloaded)
	}
	// A hundred wait at a time, so twenty rounds of one transaction each would do; not one for each delivery.
	if r.calls > 200 || len(r.work) != r.calls {
		t.Errorf("%d transactions with %d rows", r.calls, len(r.work))
	}
}

// N248: what the database does not take is answered so that Personio tries again, and nothing is lost by it.
func TestWebhookAsksForAnotherAttempt(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, receiverOptions{note: func(*users.Directory) func(context.Context, ...users.Work) error {
		return func(context.Context, ...users.Work) error { return errors.New("disk full") }
	}}).start()
	w := r.post(hookPath, eventOf("person.updated", "1"))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("failed: status %d, headers %v, body %s", w.Code, w.Header(), w.Body)
	}
	release := make(chan struct{})
	var full sync.Once
	r = newReceiver(t, receiverOptions{note: func(*users.Directory) func(context.Context, ...users.Work) error {
		return func(context.Context, ...users.Work) error { <-release; return nil }
	}}).start()
	var all sync.WaitGroup
	for range 2100 { // a thousand are being written, a thousand wait
		all.Go(func() {
			switch w := r.post(hookPath, eventOf("person.updated", "1")); {
			case w.Code == http.StatusAccepted:
			case w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "10":
				full.Do(func() { close(release) })
			default:
				t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
		})
	}
	all.Wait()
	if got := r.results(); got["personio overloaded"] == 0 || got["personio accepted"]+got["personio overloaded"]+got["personio failed"] != 2100 {
		t.Errorf("counted %v", got)
	}
}

// B-08: no token and nothing of a body is ever logged.
func TestWebhookLogsNothingSecret(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	r := newReceiver(t, receiverOptions{log: &log})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	r.post(hookPath, eventOf("person.updated", "31415926"))
	r.post(hookPath, `{"event_name":"31415926","event_name":"x"}`)
	r.deliver(hookPath, strings.NewReader("31415926"), http.Header{"Authorization": {"wrong-" + hookToken}})
	r.post("/hooks/personio/31415926-stranger", "{}")
	stop()
	must(t, <-ended)
	for _, secret := range []string{hookToken, oldToken, "31415926"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
	if got := strings.Count(log.String(), "webhook deliveries not taken"); got != 3 {
		t.Errorf("%d lines about three causes:\n%s", got, log.String())
	}
	want := map[string]int{"personio accepted": 1, "personio malformed": 1, "personio unauthorized": 1, " unknown_connection": 1}
	if diff := cmp.Diff(want, r.results()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
