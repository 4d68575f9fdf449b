package notify_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/provider/notify/notifytest"
	"github.com/einlass/einlass/users"
)

func TestURLsThatAreNoMailServerAreRefusedWithoutQuotingThem(t *testing.T) {
	t.Parallel()
	for _, text := range []keys.Secret{
		"", "mail.acme.example", "mail.acme.example:587", "https://secret@mail.acme.example", "smtp://", "smtp://:587", "smtp://u:secret@",
		"smtp://u:secret@mail.acme.example/path", "smtp://mail.acme.example?secret=1", "smtp://mail.acme.example#secret",
		"smtp://secret@mail.acme.example", "smtp://:secret@mail.acme.example", "smtp://u:se%cret@mail.acme.example", "smtp://u:se/cret@mail.acme.example",
		"smtp://mail.acme.example:0", "smtp://mail.acme.example:65536", "smtp://mail.acme.example:",
	} {
		got, err := notify.ParseSMTP(text, true)
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%s: %+v, error %v; want one that quotes nothing", text.Reveal(), got, err)
		}
	}
}

func TestURLsOfMailServers(t *testing.T) {
	t.Parallel()
	for text, want := range map[keys.Secret]notify.SMTPServer{
		"smtp://mail.acme.example":                   {Host: "mail.acme.example", Port: 587},
		"smtps://mail.acme.example/":                 {Host: "mail.acme.example", Port: 465, TLS: true},
		"smtp://u%40acme:p%3Aw%2F@mail.acme.example": {Host: "mail.acme.example", Port: 587, Username: "u@acme", Password: "p:w/"},
		"smtp://[::1]:25":                            {Host: "::1", Port: 25, Plain: true},
		"smtp://127.0.0.1:25":                        {Host: "127.0.0.1", Port: 25, Plain: true},
		"smtps://localhost":                          {Host: "localhost", Port: 465, TLS: true},
	} {
		got, err := notify.ParseSMTP(text, true)
		if err != nil {
			t.Errorf("%s: %v", text.Reveal(), err)
		}
		reveal := cmp.Transformer("reveal", func(s keys.Secret) string { return s.Reveal() })
		if diff := cmp.Diff(want, got, reveal); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text.Reveal(), diff)
		}
		if got, err = notify.ParseSMTP(text, false); err != nil || got.Plain {
			t.Errorf("%s without insecure_allow_loopback: %+v, %v; want it encrypted", text.Reveal(), got, err)
		}
	}
}

// Whatever the server offers: only one of this machine may go without, where that is allowed.
func TestMailLeavesEncrypted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server        notifytest.Security
		scheme        string
		allowLoopback bool
		want          int
	}{
		"a server without encryption":                          {notifytest.None, "smtp://", false, 0},
		"a server without encryption, of this machine":         {notifytest.None, "smtp://", true, 1},
		"a server without encryption, asked for TLS":           {notifytest.None, "smtps://", true, 0},
		"a server with TLS from the start":                     {notifytest.TLS, "smtps://u:p@", false, 1},
		"a server with STARTTLS":                               {notifytest.STARTTLS, "smtp://u:p@", false, 1},
		"a server with STARTTLS, of this machine":              {notifytest.STARTTLS, "smtp://u:p@", true, 1},
		"a server with STARTTLS, asked for TLS from the start": {notifytest.STARTTLS, "smtps://u:p@", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, map[string]users.Role{"owner@acme.example": users.RoleOwner})
			o.server.StartAs(c.server)
			account, _, found := strings.Cut(o.server.URL().Reveal(), "@")
			if !found {
				t.Fatal("the URL of the server has no account")
			}
			scheme := c.scheme
			if rest, signsIn := strings.CutSuffix(scheme, "u:p@"); signsIn {
				scheme = rest + strings.TrimPrefix(account, "smtp://") + "@"
			}
			h := o.handlerAt(keys.Secret(scheme+o.server.Address()), c.allowLoopback)
			e := o.event(o.fails("source_unreachable"))
			targets, err := h.Targets(t.Context(), e)
			if err != nil || len(targets) != 1 {
				t.Fatalf("targets %v, %v", targets, err)
			}
			err = h.Deliver(t.Context(), e, targets[0])
			if n := len(o.server.Mails()); n != c.want || (err == nil) != (c.want == 1) {
				t.Errorf("%d mails, error %v; want %d", n, err, c.want)
			}
		})
	}
}
