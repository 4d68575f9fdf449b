package notify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/einlass/einlass/users"
)

// FollowerMail is the follower that mails administrators.
const FollowerMail = users.FollowerMail

// MailTimeout is for one attempt to hand over a mail: servers make strangers wait.
const MailTimeout = 2 * stage

// newsLife is how old an event may be to be mailed. Who configures mail for the
// first time, or again, is not told of imports of last year.
const newsLife = 24 * time.Hour

// reader gives access to the directory.
type reader interface {
	Read() users.Reader
}

// ImportMailConfig is what an ImportMail needs. Zone, Now and Logger are optional.
type ImportMailConfig struct {
	Directory    reader
	Server       SMTPServer
	From         *mail.Address
	Issuer       *url.URL // its host names us to the server and in message ids
	Organization string
	Language     string
	// ResultsURL returns where a person finds the results of a run. It may expire.
	ResultsURL func(run users.RunID, person users.ID) (string, error)
	Zone       *time.Location   // of the organization; nil means UTC
	Now        func() time.Time // nil means time.Now
	Logger     *slog.Logger     // nil discards
}

// ImportMail mails the owners and administrators what imports have to tell. It
// is the handler of the follower FollowerMail; a target is a person's id.
type ImportMail struct {
	cfg   ImportMailConfig
	paper *stationery
}

var _ Handler = (*ImportMail)(nil)

// NewImportMail returns an ImportMail.
func NewImportMail(cfg ImportMailConfig) (*ImportMail, error) {
	if cfg.Directory == nil || cfg.Server.Host == "" || cfg.From == nil || cfg.Issuer == nil || cfg.ResultsURL == nil {
		return nil, errors.New("notify: mail needs directory, server, sender, issuer and the address of results")
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
	paper, err := newStationery(cfg.Language)
	if err != nil {
		return nil, err
	}
	return &ImportMail{cfg: cfg, paper: paper}, nil
}

// Targets implements Handler: the people who administer this installation, if a
// run has something to tell them.
func (m *ImportMail) Targets(ctx context.Context, e users.Event) ([]string, error) {
	if e.Kind != users.EventImportFinished || m.cfg.Now().Sub(e.At) > newsLife {
		return nil, nil
	}
	told, err := importFinished(e)
	if err != nil {
		m.cfg.Logger.ErrorContext(ctx, "nobody can be mailed about an import", "event", e.Seq, "error", err)
		return nil, nil // nor by trying again
	}
	if !told.Alert && !told.Summary {
		return nil, nil
	}
	var targets []string
	for _, role := range mailedRoles {
		people, err := m.cfg.Directory.Read().UsersWithRole(ctx, role)
		if err != nil {
			return nil, err
		}
		for _, u := range people {
			if isMailed(u, m.cfg.Now()) {
				targets = append(targets, string(u.ID))
			}
		}
	}
	if len(targets) == 0 {
		m.cfg.Logger.WarnContext(ctx, "nobody to mail about an import: no active owner or administrator has an address", "run_id", e.Subject)
	}
	return targets, nil
}

// mailedRoles are those whose holders act on imports.
var mailedRoles = []users.Role{users.RoleOwner, users.RoleAdministrator}

// isMailed reports whether somebody gets mail about imports at now. A parked address
// may be another person's by now.
func isMailed(u users.User, now time.Time) bool {
	administers := false
	for _, role := range mailedRoles {
		administers = administers || u.Role == role
	}
	return administers && u.StateAt(now) == users.StateActive && u.EmailKey != ""
}

// importFinished reads the payload of the end of a run, which may have been erased.
func importFinished(e users.Event) (users.ImportFinished, error) {
	var told users.ImportFinished
	if err := json.Unmarshal([]byte(e.Payload), &told); err != nil || told.State == "" {
		return users.ImportFinished{}, fmt.Errorf("event %d does not say how the run ended", e.Seq)
	}
	return told, nil
}

// Deliver implements Handler: it mails one person, if they still administer.
func (m *ImportMail) Deliver(ctx context.Context, e users.Event, target string) error {
	recipient, err := m.cfg.Directory.Read().User(ctx, users.ID(target))
	if errors.Is(err, users.ErrNotFound) || err == nil && !isMailed(recipient, m.cfg.Now()) {
		return fmt.Errorf("%w: the person administers no more", ErrGone)
	}
	if err != nil {
		return err
	}
	to, err := ParseMailbox("<" + recipient.Email + ">")
	if err != nil {
		return fmt.Errorf("%w: the person has %w", ErrGone, err)
	}
	l, err := m.letter(ctx, e, recipient.ID)
	if err != nil {
		return err
	}
	if name := printable(recipient.FirstName + " " + recipient.LastName); name != "" {
		to.Name = name
	}
	message, err := m.message(l, to, messageID(e, recipient.ID, m.cfg.Issuer.Hostname()))
	if err != nil {
		return err
	}
	return m.cfg.Server.send(ctx, m.cfg.Issuer.Hostname(), to, message)
}

// letter writes what an event has to tell a person.
func (m *ImportMail) letter(ctx context.Context, e users.Event, person users.ID) (letter, error) {
	told, err := importFinished(e)
	if err != nil {
		return letter{}, fmt.Errorf("%w: %w", ErrGone, err)
	}
	read := m.cfg.Directory.Read()
	run, err := read.Run(ctx, users.RunID(e.Subject))
	if errors.Is(err, users.ErrNotFound) {
		return letter{}, fmt.Errorf("%w: the run is not there any more", ErrGone)
	}
	if err != nil {
		return letter{}, err
	}
	label := string(run.Connection)
	if a, err := read.Application(ctx, run.Connection); err == nil {
		label = a.Label
	} else if !errors.Is(err, users.ErrNotFound) {
		return letter{}, err
	}
	link, err := m.cfg.ResultsURL(run.ID, person)
	if err != nil {
		return letter{}, err
	}
	return m.paper.importLetter(importNews{
		told: told, run: run, application: label, organization: m.cfg.Organization, zone: m.cfg.Zone, link: link,
	}), nil
}

// message puts a letter into an envelope for one recipient. Nobody answers it,
// and no machine should (RFC 3834 section 5).
func (m *ImportMail) message(l letter, to *mail.Address, id string) (*gomail.Msg, error) {
	text, html, err := m.paper.write(l)
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
func messageID(e users.Event, person users.ID, host string) string {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Seq)))
	h.Write(e.Hash)
	h.Write([]byte(person))
	return hex.EncodeToString(h.Sum(nil)[:16]) + "@" + host
}
