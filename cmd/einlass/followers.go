package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/provider/admin"
	"github.com/einlass/einlass/provider/notify"
	"github.com/einlass/einlass/provider/outgoing"
	"github.com/einlass/einlass/provider/session"
)

// Limits of a call that tells an application of a sign-out: its answer says
// nothing that matters but the status.
const (
	logoutTimeout  = 5 * time.Second
	logoutMaxBytes = 1 << 20
)

// buildLogouts puts together what tells applications of the end of sessions.
func (s *server) buildLogouts(sessions *session.Manager) (*provider.BackChannel, error) {
	client, err := s.outgoing(upstreamApplication, outgoing.Config{Timeout: logoutTimeout, MaxBytes: logoutMaxBytes})
	if err != nil {
		return nil, err
	}
	backChannel, err := provider.NewBackChannel(provider.BackChannelConfig{
		Issuer: s.cfg.Issuer, Registry: s.registry, Users: s.Directory, Sessions: sessions, Keys: s.Ring, HTTP: client, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	s.logouts, err = notify.New(notify.Config{
		Name: provider.FollowerLogout, Directory: s.Directory, Handler: backChannel, Holder: holderName(),
		Wake: s.committed, Logger: s.log,
	})
	return backChannel, err
}

// buildMails puts together what mails people, if mail is configured. It
// looks at the log each second: what wakes the logouts is for them alone, and
// nobody waits for mail.
func (s *server) buildMails(issuer *url.URL, zone *time.Location, links *admin.Links) error {
	if s.cfg.Mail.SMTP == "" {
		return nil
	}
	smtp, err := notify.ParseSMTP(s.cfg.Mail.SMTP, s.cfg.InsecureAllowLoopback)
	if err != nil {
		return fmt.Errorf("mail.smtp: %w", err)
	}
	from, err := notify.ParseMailbox(s.cfg.Mail.From)
	if err != nil {
		return fmt.Errorf("mail.from: %w", err)
	}
	mail, err := notify.NewMail(notify.MailConfig{
		Directory: s.Directory, Server: smtp, From: from, Issuer: issuer, Organization: s.cfg.Organization.Name,
		Languages: s.cfg.Organization.Languages, ResultsURL: links.ImportURL, Zone: zone, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.mails, err = notify.New(notify.Config{
		Name: notify.FollowerMail, Directory: s.Directory, Handler: mail, Holder: holderName(), Timeout: notify.MailTimeout, Logger: s.log,
	})
	return err
}
