package notify_test

import (
	"errors"
	"mime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/users"
)

const (
	ada   = "ada@acme.example"
	grace = "grace@acme.example"
)

// move is an import that gives somebody another address.
type move struct {
	from, to string
	kind     users.ChangeKind // empty: update
	reason   string
}

// imports applies moves in one transaction, as an import does, and returns the events.
func (o *office) imports(moves ...move) []users.Event {
	o.t.Helper()
	ctx := o.t.Context()
	lease, err := o.directory.AcquireImportLease(ctx, personio, "test")
	must(o.t, err)
	run := users.Run{ID: users.NewRunID(), Connection: personio, State: users.RunReading, Actor: users.ActorImport(personio), StartedAt: o.Now()}
	must(o.t, o.directory.StartRun(ctx, lease, run))
	head, _, err := o.directory.Read().EventHead(ctx)
	must(o.t, err)
	var rows []users.RunChange
	for i, m := range moves {
		u := o.user(m.from)
		row := users.RunChange{
			Run: run.ID, Seq: i + 1, Phase: 1, SourceID: m.from, User: u.ID, Before: u.Version, Kind: m.kind, Reason: m.reason,
			Fields:  map[string]users.FieldChange{users.AttributeEmail: {Before: u.Email, After: m.to}, "department": {After: "Sales"}},
			Outcome: users.OutcomePlanned, Status: "active",
		}
		if row.Kind == "" {
			row.Kind = users.ChangeUpdate
		}
		rows = append(rows, row)
	}
	must(o.t, o.directory.SavePlan(ctx, lease, rows))
	applied, err := o.directory.ApplyChanges(ctx, lease, run, rows)
	must(o.t, err)
	for _, row := range applied {
		if row.Outcome != users.OutcomeApplied {
			o.t.Fatalf("row about %s: %+v", row.SourceID, row.Error)
		}
	}
	events, err := o.directory.Read().Events(ctx, head, 100)
	must(o.t, err)
	return events
}

func (o *office) user(email string) users.User {
	o.t.Helper()
	u, err := o.directory.Read().UserByLogin(o.t.Context(), users.KeyOf(email))
	must(o.t, err)
	return u
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// N318: whoever reads at the old address hears of the change, and so does whoever reads at the new one.
func TestAChangeOfAddressIsMailedToBothAddresses(t *testing.T) {
	t.Parallel()
	for _, kind := range []users.ChangeKind{users.ChangeUpdate, users.ChangeSuspend} { // on leave
		o := newOffice(t, map[string]users.Role{ada: users.RoleNone, grace: users.RoleNone, "owner@acme.example": users.RoleOwner})
		o.server.Start()
		o.serve("a")
		o.serve("b")
		events := o.imports(move{from: ada, to: "lovelace@acme.example", kind: kind, reason: "attributes_changed"})
		o.settled()
		if diff := cmp.Diff([]string{ada, "lovelace@acme.example"}, o.recipients()); diff != "" {
			t.Fatalf("%s: recipients (-want +got):\n%s", kind, diff)
		}
		for _, mail := range o.server.Mails() {
			header, text, html := mail.Read(t)
			if got := header.Get("Subject"); got != "Your email address at Acme GmbH was changed" {
				t.Errorf("subject %q", got)
			}
			for _, part := range []string{"Ada Lovelace", ada, "lovelace@acme.example", events[0].At.Format(time.RFC3339)} {
				if !strings.Contains(text, part) || !strings.Contains(html, part) {
					t.Errorf("the mail lacks %q in its text or its HTML:\n%s\n%s", part, text, html)
				}
			}
			if strings.Contains(text+html, "Sales") || strings.Contains(text+html, "grace") {
				t.Errorf("the mail says more than of the address:\n%s", text)
			}
		}
	}
}

// N311, N318: an address that goes from one person to another is news to both, at all addresses.
func TestAHandOverIsMailedToEverybodyWhomItConcerns(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{ada: users.RoleNone, grace: users.RoleNone})
	o.server.Start()
	o.serve("a")
	o.imports(
		move{from: ada, to: "lovelace@acme.example", reason: users.ReasonEmailHandedOver},
		move{from: grace, to: ada, reason: users.ReasonEmailHandedOver},
	)
	o.settled()
	if diff := cmp.Diff([]string{ada, ada, grace, "lovelace@acme.example"}, o.recipients()); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
}

func TestNobodyIsMailedAboutAnAddressThatIsTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state users.State
		move  move
		age   time.Duration
	}{
		"capital letters":              {move: move{from: ada, to: "Ada@Acme.example"}},
		"a domain in another spelling": {move: move{from: "ada@bücher.example", to: "ada@xn--bcher-kva.example"}},
		"an address taken away":        {move: move{from: ada}},
		// B-12
		"somebody staged":       {state: users.StateStaged, move: move{from: ada, to: "lovelace@acme.example"}},
		"a change of last week": {move: move{from: ada, to: "lovelace@acme.example"}, age: 7 * 24 * time.Hour},
	} {
		o := newOffice(t, nil)
		o.declareOne(c.move.from, c.state, "")
		mailed := 0
		events := o.imports(c.move)
		o.advance(c.age)
		for _, e := range events {
			targets, err := o.handler().Targets(t.Context(), e)
			must(t, err)
			mailed += len(targets)
		}
		if mailed != 0 || len(events) == 0 {
			t.Errorf("%s: %d targets of %d events", name, mailed, len(events))
		}
	}
}

// declareOne declares somebody whose language is known, if it is.
func (o *office) declareOne(email string, state users.State, locale string) {
	o.t.Helper()
	if state == "" {
		state = users.StateActive
	}
	_, err := o.directory.Declare(o.t.Context(), users.Declaration{Users: []users.DeclaredUser{{
		Email: email, FirstName: "Ada", LastName: "Lovelace", State: state, Attributes: map[string]string{"locale": locale},
	}}})
	must(o.t, err)
}

func TestPeopleAreWrittenToInTheirLanguage(t *testing.T) {
	t.Parallel()
	for locale, subject := range map[string]string{
		"de-AT": "Ihre E-Mail-Adresse bei Acme GmbH wurde geändert", "de_DE": "Ihre E-Mail-Adresse bei Acme GmbH wurde geändert",
		"en-GB": "Your email address", "fr": "Your email address", "": "Your email address", "Deutsch, bitte": "Your email address",
	} {
		o := newOffice(t, nil)
		o.declareOne(ada, users.StateActive, locale)
		o.server.Start()
		e := o.imports(move{from: ada, to: "lovelace@acme.example"})[0]
		must(t, o.handler().Deliver(t.Context(), e, "old address"))
		if header, _, _ := o.server.Mails()[0].Read(t); !strings.HasPrefix(decoded(t, header.Get("Subject")), subject) {
			t.Errorf("locale %q: subject %q, want %q", locale, decoded(t, header.Get("Subject")), subject)
		}
	}
}

// decoded is a header as people read it (RFC 2047).
func decoded(t *testing.T, header string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(header)
	must(t, err)
	return text
}

// A delivery that is made twice is one mail to whoever reads it, and what cannot be told is given up.
func TestAMailAboutAnAddressIsOneMailOrGivenUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{ada: users.RoleNone})
	o.server.Start()
	h := o.handler()
	e := o.imports(move{from: ada, to: "lovelace@acme.example"})[0]
	targets, err := h.Targets(t.Context(), e)
	must(t, err)
	var ids []string
	for _, target := range append(targets, targets...) {
		if strings.Contains(target, "@") {
			t.Errorf("the target %q names an address", target)
		}
		must(t, h.Deliver(t.Context(), e, target))
	}
	for _, mail := range o.server.Mails() {
		header, _, _ := mail.Read(t)
		ids = append(ids, header.Get("Message-Id"))
	}
	if len(ids) != 4 || ids[0] != ids[2] || ids[1] != ids[3] || ids[0] == ids[1] {
		t.Errorf("message ids %q, want the same two twice", ids)
	}
	erased, stranger := e, e
	erased.Payload, stranger.Subject = "", string(users.NewID())
	for name, e := range map[string]users.Event{"erased": erased, "nobody": stranger} {
		if targets, err := h.Targets(t.Context(), e); err != nil || len(targets) != 0 {
			t.Errorf("%s: targets %v, %v", name, targets, err)
		}
		if err := h.Deliver(t.Context(), e, targets[0]); !errors.Is(err, notify.ErrGone) {
			t.Errorf("%s: %v, want ErrGone", name, err)
		}
	}
	if n := len(slices.Compact(o.recipients())); n != 2 {
		t.Errorf("%d recipients", n)
	}
}
