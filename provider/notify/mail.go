package notify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/mail"
	"net/url"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/einlass/einlass/users"
)

// FollowerMail is the follower that mails people.
const FollowerMail = users.FollowerMail

// MailTimeout is for one attempt to hand over a mail: servers make strangers wait.
const MailTimeout = 2 * stage

// newsLife is how old an event may be to be mailed. Who configures mail for the
// first time, or again, is not told of last year.
const newsLife = 24 * time.Hour

// reader gives access to the directory.
type reader interface {
	Read() users.Reader
}

// MailConfig is what Mail needs. Zone, Now and Logger are optional.
type MailConfig struct {
	Directory    reader
	Server       SMTPServer
	From         *mail.Address
	Issuer       *url.URL // its host names us to the server and in message ids
	Organization string
	Languages    []string // that may be written; the first is for whoever has told no other
	// ResultsURL returns where a person finds the results of a run. It may expire.
	ResultsURL func(run users.RunID, person users.ID) (string, error)
	Zone       *time.Location   // of the organization; nil means UTC
	Now        func() time.Time // nil means time.Now
	Logger     *slog.Logger     // nil discards
}

// Mail mails people what the log has to tell them: administrators about imports,
// and whoever's address changed about that. It is the handler of the follower FollowerMail.
type Mail struct {
	cfg      MailConfig
	papers   map[string]*stationery // by language
	subjects map[users.EventKind]subject
}

var _ Handler = (*Mail)(nil)

// subject is what a kind of event is mailed about.
type subject interface {
	// targets names whom an event is mailed to, in words of the subject's own.
	targets(ctx context.Context, e users.Event) ([]string, error)
	// letter writes to one of them.
	letter(ctx context.Context, e users.Event, target string) (letter, *mail.Address, error)
}

// NewMail returns the handler of everything that is mailed.
func NewMail(cfg MailConfig) (*Mail, error) {
	if cfg.Directory == nil || cfg.Server.Host == "" || cfg.From == nil || cfg.Issuer == nil || cfg.ResultsURL == nil || len(cfg.Languages) == 0 {
		return nil, errors.New("notify: mail needs directory, server, sender, issuer, a language and the address of results")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Mail{cfg: cfg, papers: map[string]*stationery{}}
	for _, lang := range cfg.Languages {
		var err error
		if m.papers[lang], err = newStationery(lang); err != nil {
			return nil, err
		}
	}
	addresses := &addressMail{m}
	m.subjects = map[users.EventKind]subject{
		users.EventImportFinished:  &importMail{m},
		users.EventUserUpdated:     addresses,
		users.EventUserLinked:      addresses,
		users.EventUserSuspended:   addresses,
		users.EventUserReactivated: addresses,
	}
	return m, nil
}

// Targets implements Handler.
func (m *Mail) Targets(ctx context.Context, e users.Event) ([]string, error) {
	s, mailed := m.subjects[e.Kind]
	if !mailed || m.cfg.Now().Sub(e.At) > newsLife {
		return nil, nil
	}
	return s.targets(ctx, e)
}

// Deliver implements Handler: it mails one person, if there still is something to tell them.
func (m *Mail) Deliver(ctx context.Context, e users.Event, target string) error {
	s, mailed := m.subjects[e.Kind]
	if !mailed {
		return ErrGone
	}
	l, to, err := s.letter(ctx, e, target)
	if err != nil {
		return err
	}
	message, err := m.message(l, to, messageID(e, target, m.cfg.Issuer.Hostname()))
	if err != nil {
		return err
	}
	return m.cfg.Server.send(ctx, m.cfg.Issuer.Hostname(), to, message)
}

// message puts a letter into an envelope for one recipient. Nobody answers it,
// and no machine should (RFC 3834 section 5).
func (m *Mail) message(l letter, to *mail.Address, id string) (*gomail.Msg, error) {
	text, html, err := m.papers[l.Lang].write(l)
	if err != nil {
		return nil, err
	}
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.cfg.From)
	message.ToMailAddress(to)
	message.Subject(l.Subject)
	message.SetMessageIDWithValue(id)
	message.SetDateWithValue(m.cfg.Now())
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader(gomail.HeaderContentLang, l.Lang)
	message.SetBodyString(gomail.TypeTextPlain, text)
	message.AddAlternativeString(gomail.TypeTextHTML, html)
	return message, nil
}

// messageID is the same for each attempt at one delivery, so that one that
// arrives twice is known again (RFC 5322 section 3.6.4).
func messageID(e users.Event, target, host string) string {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Seq)))
	h.Write(e.Hash)
	h.Write([]byte(target))
	return hex.EncodeToString(h.Sum(nil)[:16]) + "@" + host
}

// mailbox is where a person gets mail under an address.
func mailbox(u users.User, address string) (*mail.Address, error) {
	to, err := ParseMailbox("<" + address + ">")
	if err != nil {
		return nil, err
	}
	to.Name = printable(u.FirstName + " " + u.LastName)
	return to, nil
}
