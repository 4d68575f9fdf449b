package notify_test

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/provider/notify/notifytest"
	"github.com/einlass/einlass/users"
)

const personio = users.ApplicationID("personio")

// office is a world with people, a mail server and an import that has something to tell.
type office struct {
	*world
	server *notifytest.Server
}

// newOffice declares people by address and role.
func newOffice(t *testing.T, people map[string]users.Role) *office {
	t.Helper()
	o := &office{world: newWorld(t), server: notifytest.New(t)}
	o.declare(people)
	return o
}

func (o *office) declare(people map[string]users.Role) {
	o.t.Helper()
	d := users.Declaration{Applications: []users.DeclaredApplication{{
		Application:  users.Application{ID: personio, Label: "Personio", Import: &users.Import{Source: users.SourcePersonio}},
		ImportSecret: "secret of the connection",
	}}}
	for email, role := range people {
		d.Users = append(d.Users, users.DeclaredUser{
			Email: email, FirstName: "Ada", LastName: "Lovelace", State: users.StateActive, Role: role,
		})
	}
	if _, err := o.directory.Declare(o.t.Context(), d); err != nil {
		o.t.Fatal(err)
	}
}

// handler returns the handler that mails through the server.
func (o *office) handler() *notify.Mail {
	o.t.Helper()
	return o.handlerAt(o.server.URL(), false)
}

// handlerAt returns the handler that mails through the server of a URL.
func (o *office) handlerAt(server keys.Secret, allowLoopback bool) *notify.Mail {
	o.t.Helper()
	smtp, err := notify.ParseSMTP(server, allowLoopback)
	if err != nil {
		o.t.Fatal(err)
	}
	smtp.RootCAs = o.server.Pool()
	m, err := notify.NewMail(notify.MailConfig{
		Directory: o.directory, Server: smtp, From: &mail.Address{Name: "Einlass", Address: "sso@acme.example"},
		Issuer: &url.URL{Scheme: "https", Host: "sso.acme.example"}, Organization: "Acme GmbH", Languages: []string{"en", "de"}, Now: o.Now,
		ResultsURL: func(run users.RunID, person users.ID) (string, error) {
			return "https://sso.acme.example/admin/imports/" + string(run) + "?link=" + string(person), nil
		},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return m
}

// serve follows the log with the mail handler until the test ends.
func (o *office) serve(holder string) {
	o.t.Helper()
	f, err := notify.New(notify.Config{
		Name: notify.FollowerMail, Directory: o.directory, Handler: o.handler(), Holder: holder, Now: o.Now, Timeout: notify.MailTimeout,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = f.Run(ctx) }) // returns nil
	o.t.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

// fails records an import that failed with a code.
func (o *office) fails(code string) users.Run {
	o.t.Helper()
	ctx := o.t.Context()
	lease, err := o.directory.AcquireImportLease(ctx, personio, "test")
	if err != nil {
		o.t.Fatal(err)
	}
	run := users.Run{ID: users.NewRunID(), Connection: personio, State: users.RunReading, Actor: users.ActorImport(personio), StartedAt: o.Now()}
	if err := o.directory.StartRun(ctx, lease, run); err != nil {
		o.t.Fatal(err)
	}
	run.State, run.FinishedAt = users.RunFailed, o.Now()
	run.ErrorCode, run.Error = code, []users.Note{{Code: "failure." + code, Texts: map[string]string{"cause": "refused"}}}
	if err := o.directory.SaveRun(ctx, lease, run); err != nil {
		o.t.Fatal(err)
	}
	return run
}

// deliveries counts what is waiting or was given up.
func (o *office) deliveries() map[users.DeliveryState]int {
	o.t.Helper()
	counts, err := o.directory.Read().CountDeliveries(o.t.Context(), notify.FollowerMail)
	if err != nil {
		o.t.Fatal(err)
	}
	return counts
}

// cursor returns how far the log was followed.
func (o *office) cursor() int64 {
	o.t.Helper()
	seq, err := o.directory.Read().Cursor(o.t.Context(), notify.FollowerMail)
	if err != nil {
		o.t.Fatal(err)
	}
	return seq
}

// settled waits until the log was followed to its end and nothing waits.
func (o *office) settled() {
	o.t.Helper()
	o.eventually("everything is delivered or given up", func() bool {
		head, _, err := o.directory.Read().EventHead(o.t.Context())
		return err == nil && o.cursor() == head && o.deliveries()[users.DeliveryPending] == 0
	})
}

// recipients returns who got mail, sorted.
func (o *office) recipients() []string {
	var all []string
	for _, m := range o.server.Mails() {
		all = append(all, m.To...)
	}
	slices.Sort(all)
	return all
}

func TestMailGoesToThoseWhoAdminister(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{
		"owner@acme.example": users.RoleOwner, "admin@acme.example": users.RoleAdministrator, "gone@acme.example": users.RoleAdministrator,
		"auditor@acme.example": users.RoleAuditor, "helpdesk@acme.example": users.RoleHelpdesk, "nobody@acme.example": users.RoleNone,
	})
	gone, err := o.directory.Read().UserByLogin(t.Context(), users.KeyOf("gone@acme.example"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.directory.Suspend(t.Context(), users.ActorSystem, gone.ID, "left"); err != nil {
		t.Fatal(err)
	}
	o.server.Start()
	o.serve("a")
	run := o.fails("credentials_revoked")
	o.settled()
	if got, want := o.recipients(), []string{"admin@acme.example", "owner@acme.example"}; !slices.Equal(got, want) {
		t.Fatalf("mail to %v, want %v", got, want)
	}
	header, text, html := o.server.Mails()[0].Read(t)
	for name, want := range map[string]string{
		"From": `"Einlass" <sso@acme.example>`, "Subject": "User import failed: Personio", "Auto-Submitted": "auto-generated",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{"credentials_revoked", "Make new ones there and enter them here. (refused)", "/admin/imports/" + string(run.ID) + "?link="} {
		if !strings.Contains(text, want) || !strings.Contains(html, want) {
			t.Errorf("the mail lacks %q in its text or its HTML:\n%s\n%s", want, text, html)
		}
	}
	for _, other := range []string{"auditor@", "nobody@", "owner@", "admin@"} {
		if strings.Contains(text+html, other) {
			t.Errorf("the mail names %s", other)
		}
	}
}

// S-010: one alert, and only from the process that follows.
func TestARepeatedFailureIsMailedOnceThoughTwoProcessesFollow(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner})
	o.server.Start()
	o.serve("a")
	o.serve("b")
	for range 3 {
		o.fails("credentials_revoked")
	}
	o.settled()
	if n := len(o.server.Mails()); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

func TestMailThatCannotLeaveArrivesLaterAndOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner})
	o.serve("a")
	o.fails("source_unreachable")
	postponed := func() users.Delivery {
		waiting, err := o.directory.Read().DeliveriesOf(t.Context(), notify.FollowerMail, o.cursor())
		if err != nil || len(waiting) != 1 {
			return users.Delivery{}
		}
		return waiting[0]
	}
	o.eventually("the attempt failed", func() bool { return postponed().Attempt == 1 })
	o.server.Start()
	o.advance(postponed().NextAt.Sub(o.Now()))
	o.settled()
	if n := len(o.server.Mails()); n != 1 || len(o.deliveries()) != 0 {
		t.Errorf("%d mails, deliveries %v; want one mail", n, o.deliveries())
	}
}

func TestARefusedRecipientIsGivenUpAndTheOthersGetTheirMail(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{
		"owner@acme.example": users.RoleOwner, "unknown@acme.example": users.RoleOwner, "two at@once, x@acme.example": users.RoleOwner,
	})
	o.server.Refuse(func(recipient string) error {
		if recipient == "unknown@acme.example" {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox: " + recipient}
		}
		return nil
	})
	o.server.Start()
	o.serve("a")
	o.fails("source_unreachable")
	o.settled()
	if got := o.recipients(); !slices.Equal(got, []string{"owner@acme.example"}) {
		t.Errorf("mail to %v", got)
	}
	if got := o.deliveries()[users.DeliveryFailed]; got != 2 {
		t.Errorf("%d given up, want the refused one and the one that is no address", got)
	}
	given, err := o.directory.Read().Events(t.Context(), 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range given {
		if e.Kind == users.EventDeliveryFailed && strings.Contains(e.Payload, "unknown@") {
			t.Errorf("the error names the address: %s", e.Payload)
		}
	}
}

// A wrong password, a full disk: mended by somebody, so tried again.
func TestTroubleOfTheServerIsNoRefusal(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner})
	o.server.Refuse(func(string) error { return &smtp.SMTPError{Code: 451, Message: "try again later"} })
	o.server.Start()
	h := o.handler()
	run := o.fails("source_unreachable")
	e := o.event(run)
	targets, err := h.Targets(t.Context(), e)
	if err != nil || len(targets) != 1 {
		t.Fatalf("targets %v, %v", targets, err)
	}
	if err := h.Deliver(t.Context(), e, targets[0]); err == nil || errors.Is(err, notify.ErrGone) {
		t.Errorf("451: %v, want an error that is tried again", err)
	}
	wrong, err := notify.ParseSMTP(keys.Secret("smtp://einlass:wrong@"+o.server.Address()), false)
	if err != nil {
		t.Fatal(err)
	}
	wrong.RootCAs = o.server.Pool()
	strange, err := notify.ParseSMTP(o.server.URL(), false)
	if err != nil {
		t.Fatal(err)
	}
	for name, server := range map[string]notify.SMTPServer{"wrong password": wrong, "certificate of nobody we know": strange} {
		m, err := notify.NewMail(notify.MailConfig{
			Directory: o.directory, Server: server, From: &mail.Address{Address: "sso@acme.example"}, Languages: []string{"de"}, Now: o.Now,
			Issuer: &url.URL{Host: "sso.acme.example"}, ResultsURL: func(users.RunID, users.ID) (string, error) { return "", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Deliver(t.Context(), e, targets[0]); err == nil || errors.Is(err, notify.ErrGone) || strings.Contains(err.Error(), "wrong@") {
			t.Errorf("%s: %v, want an error that is tried again", name, err)
		}
	}
	if n := len(o.server.Mails()); n != 0 {
		t.Errorf("%d mails were accepted", n)
	}
}

// event returns the event of a run.
func (o *office) event(run users.Run) users.Event {
	o.t.Helper()
	events, err := o.directory.Read().EventsAbout(o.t.Context(), string(run.ID), 5)
	if err != nil || len(events) != 1 {
		o.t.Fatalf("events about the run: %v, %v", events, err)
	}
	return events[0]
}

// A delivery that is made twice is one mail to whoever reads it.
func TestARepeatedDeliveryHasTheSameMessageID(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner, "other@acme.example": users.RoleOwner})
	o.server.Start()
	h := o.handler()
	for _, run := range []users.Run{o.fails("source_unreachable"), o.fails("feed_corrupt")} {
		targets, err := h.Targets(t.Context(), o.event(run))
		if err != nil || len(targets) != 2 {
			t.Fatalf("targets %v, %v", targets, err)
		}
		for _, target := range append(targets, targets...) {
			if err := h.Deliver(t.Context(), o.event(run), target); err != nil {
				t.Fatal(err)
			}
		}
	}
	ids := map[string]int{}
	for _, m := range o.server.Mails() {
		header, _, _ := m.Read(t)
		ids[m.To[0]+" "+header.Get("Message-ID")]++
	}
	if len(ids) != 4 {
		t.Errorf("%d message ids of 2 events to 2 people, want 4: %v", len(ids), ids)
	}
	for id, n := range ids {
		if n != 2 || !strings.HasSuffix(id, "@sso.acme.example>") {
			t.Errorf("%s: %d times, want 2", id, n)
		}
	}
}

// Who configures mail is not told of everything that has ever happened.
func TestOldNewsIsNotMailed(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner})
	e := o.event(o.fails("source_unreachable"))
	for age, want := range map[time.Duration]int{23 * time.Hour: 1, 25 * time.Hour: 0} {
		e.At = o.Now().Add(-age)
		if targets, err := o.handler().Targets(t.Context(), e); err != nil || len(targets) != want {
			t.Errorf("after %s: %d targets, %v; want %d", age, len(targets), err, want)
		}
	}
}

func TestWhoAdministersNoMoreGetsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner})
	o.server.Start()
	h := o.handler()
	e := o.event(o.fails("source_unreachable"))
	targets, err := h.Targets(t.Context(), e)
	if err != nil || len(targets) != 1 {
		t.Fatalf("targets %v, %v", targets, err)
	}
	o.declare(map[string]users.Role{"owner@acme.example": users.RoleAuditor})
	if err := h.Deliver(t.Context(), e, targets[0]); !errors.Is(err, notify.ErrGone) {
		t.Errorf("after the role was taken away: %v, want ErrGone", err)
	}
	if err := h.Deliver(t.Context(), e, string(users.NewID())); !errors.Is(err, notify.ErrGone) {
		t.Errorf("to nobody: %v, want ErrGone", err)
	}
}

// N201: whatever a name or an address holds, there is one recipient and no header of theirs.
func TestNamesAndAddressesInjectNothing(t *testing.T) {
	t.Parallel()
	const evil = "\r\nBcc: eve@evil.example\r\n\r\n<h1>Hello"
	for name, c := range map[string]struct{ email, first, want string }{
		"line breaks in the name":        {"ada@acme.example", "Ada" + evil, "ada@acme.example"},
		"a comma in the name":            {"ada@acme.example", "Lovelace, Ada", "ada@acme.example"},
		"angle brackets in the name":     {"ada@acme.example", "Ada <eve@evil.example>", "ada@acme.example"},
		"quotes in the name":             {"ada@acme.example", `Ada" <eve@evil.example>, "`, "ada@acme.example"},
		"a foreign name":                 {"ada@acme.example", "Äda 李 \u202egpj", "ada@acme.example"},
		"an international domain":        {"ada@bücher.example", "Ada", "ada@xn--bcher-kva.example"},
		"an international local part":    {"jörg@acme.example", "Jörg", "jörg@acme.example"},
		"a quoted local part":            {`"a b"@acme.example`, "Ada", `"a b"@acme.example`},
		"a quoted address in an address": {`"eve@evil.example> x"@acme.example`, "Ada", `"eve@evil.example> x"@acme.example`},
		"two addresses":                  {"ada@acme.example, eve@evil.example", "Ada", ""},
		"an address behind brackets":     {"ada@acme.example> <eve@evil.example", "Ada", ""},
		"a line break in the address":    {"ada@acme.example\r\nRCPT TO:<eve@evil.example>", "Ada", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, nil)
			o.server.Start()
			h := o.handler()
			e := o.event(o.fails("source_unreachable"))
			id := o.add(c.email, c.first)
			err := h.Deliver(t.Context(), e, string(id))
			mails := o.server.Mails()
			if c.want == "" {
				if !errors.Is(err, notify.ErrGone) || len(mails) > 0 {
					t.Errorf("error %v, %d mails; want ErrGone and none", err, len(mails))
				}
				return
			}
			if err != nil || len(mails) != 1 || len(mails[0].To) != 1 || unquoted(mails[0].To[0]) != unquoted(c.want) {
				t.Fatalf("error %v, mails %+v; want one to %s", err, mails, c.want)
			}
			header, _, _ := mails[0].Read(t)
			to, err := header.AddressList("To")
			if err != nil || len(to) != 1 || unquoted(to[0].Address) != unquoted(c.want) || header.Get("Bcc") != "" {
				t.Errorf("To: %q reads as %v, %v; Bcc %q", header.Get("To"), to, err, header.Get("Bcc"))
			}
			if strings.ContainsAny(to[0].Name, "\r\n\u202e") {
				t.Errorf("the name reads %q", to[0].Name)
			}
		})
	}
}

// unquoted is an address whether its local part was quoted or not.
func unquoted(address string) string { return strings.ReplaceAll(address, `"`, "") }

// add writes an owner into the store as no door would: HR may send anything.
func (o *office) add(email, first string) users.ID {
	o.t.Helper()
	u := users.User{
		ID: users.NewID(), BaseState: users.StateActive, Epoch: 1, Version: 1, FirstName: first, LastName: "Lovelace",
		Email: email, EmailKey: "key", Username: "ada", UsernameKey: "ada", Role: users.RoleOwner, Origin: users.OriginImport,
	}
	if err := o.store.Update(o.t.Context(), func(tx users.Tx) error { return tx.InsertUsers(o.t.Context(), []users.User{u}) }); err != nil {
		o.t.Fatal(err)
	}
	return u.ID
}
