package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/einlass/einlass/keys"
)

// SMTPServer is where mail leaves. Its connections are encrypted and its
// certificate is verified, unless Plain allows a server of this machine to have none.
type SMTPServer struct {
	Host     string
	Port     int
	TLS      bool // from the first byte (RFC 8314 section 3.3); else by STARTTLS (RFC 3207)
	Plain    bool // goes on without encryption when the server offers none
	Username string
	Password keys.Secret
	RootCAs  *x509.CertPool // nil: the system's
}

// Ports of mail submission (RFC 8314 section 3).
const (
	portSubmission  = 587
	portSubmissions = 465
)

// ParseSMTP reads smtp://[user:password@]host[:port] or smtps://. With
// allowLoopback a server of this machine need not encrypt. Its errors quote
// nothing of the URL, which may hold a password.
func ParseSMTP(text keys.Secret, allowLoopback bool) (SMTPServer, error) {
	u, err := url.Parse(text.Reveal())
	switch {
	case err != nil:
		return SMTPServer{}, errors.New("want a URL; write special characters of user name and password as %XX")
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		return SMTPServer{}, errors.New("want a URL that begins with smtp:// or smtps://")
	case u.Hostname() == "":
		return SMTPServer{}, errors.New("names no host")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return SMTPServer{}, errors.New("want nothing behind host and port; write special characters of the password as %XX")
	}
	s := SMTPServer{Host: u.Hostname(), Port: portSubmission, TLS: u.Scheme == "smtps", Username: u.User.Username()}
	if s.TLS {
		s.Port = portSubmissions
	}
	password, _ := u.User.Password()
	s.Password = keys.Secret(password)
	if (s.Username == "") != (password == "") {
		return SMTPServer{}, errors.New("want user name and password, or neither")
	}
	if u.Port() != "" || strings.HasSuffix(u.Host, ":") {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil || s.Port < 1 || s.Port > 65535 {
			return SMTPServer{}, errors.New("want a port from 1 to 65535")
		}
	}
	s.Plain = allowLoopback && !s.TLS && isLoopback(s.Host)
	return s, nil
}

// isLoopback goes by the spelling alone: a name that resolves to this machine is another's to change.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// ParseMailbox reads one address, with a name if wanted (RFC 5322 section 3.4),
// into a form that every server understands: the domain in ASCII (RFC 5891).
func ParseMailbox(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return nil, errors.New("no e-mail address")
	}
	at := strings.LastIndexByte(a.Address, '@')
	domain, err := idna.Lookup.ToASCII(a.Address[at+1:])
	if err != nil {
		return nil, errors.New("no e-mail address: its domain is none")
	}
	a.Address = a.Address[:at+1] + domain
	return a, nil
}

// stage bounds connecting, and each of the steps that follow: what is cut off
// while the server decides may have been accepted, and is sent again.
const stage = 15 * time.Second

// send hands one message over, within the time of ctx. What the server refuses for good returns ErrGone.
func (s SMTPServer) send(ctx context.Context, helo string, to *mail.Address, m *gomail.Msg) error {
	options := []gomail.Option{
		gomail.WithPort(s.Port),
		gomail.WithHELO(helo),
		gomail.WithTimeout(stage),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12, RootCAs: s.RootCAs}),
		gomail.WithTLSPolicy(gomail.TLSMandatory),
	}
	if s.Plain {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	if s.TLS {
		options = append(options, gomail.WithSSL())
	}
	if s.Username != "" {
		options = append(options, gomail.WithUsername(s.Username), gomail.WithPassword(s.Password.Reveal()),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	client, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, m)
	if m.IsDelivered() {
		return nil // whatever became of the goodbye
	}
	return explain(err, to)
}

// explain tells a refusal of this message from trouble that may pass, such as a
// wrong password, which somebody will mend. The text of the server is kept, but
// not the address in it: errors are logged.
func explain(err error, to *mail.Address) error {
	text := strings.ReplaceAll(err.Error(), to.Address, "the recipient")
	refused, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return errors.New("mail server: " + text)
	}
	ofThisMail := refused.Reason == gomail.ErrSMTPRcptTo || refused.Reason == gomail.ErrSMTPData || refused.Reason == gomail.ErrSMTPDataClose
	if ofThisMail && refused.ErrorCode()/100 == 5 { // RFC 5321 section 4.2.1
		return fmt.Errorf("%w: refused by the mail server: %s", ErrGone, text)
	}
	return errors.New("mail server: " + text)
}
