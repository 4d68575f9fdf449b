package main

import (
	"time"

	"github.com/einlass/einlass/provider"
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
