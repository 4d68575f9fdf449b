package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often the certificate's files are looked at.
const certificateCheck = 10 * time.Second

// certificates serves a certificate from files and reads them again when they
// change. Files that do not fit together keep the certificate in use.
type certificates struct {
	cfg TLSConfig
	log *slog.Logger

	mu       sync.Mutex // guards the fields below
	current  *tls.Certificate
	modified time.Time
	checked  time.Time
}

func openCertificates(cfg TLSConfig, log *slog.Logger) (*certificates, error) {
	c := &certificates{cfg: cfg, log: log}
	modified, err := c.lastChange()
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return c, c.load(modified)
}

func (c *certificates) load(modified time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.cfg.CertFile, c.cfg.KeyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.current, c.modified = &pair, modified
	return nil
}

// lastChange is the newer of the two files' times.
func (c *certificates) lastChange() (time.Time, error) {
	var newest time.Time
	for _, name := range []string{c.cfg.CertFile, c.cfg.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return time.Time{}, err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}

// get answers a handshake.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certificateCheck {
		return c.current, nil
	}
	c.checked = time.Now()
	modified, err := c.lastChange()
	if err == nil && !modified.Equal(c.modified) {
		err = c.load(modified)
	}
	if err != nil {
		c.log.Warn("certificate not read again; the one in use stays", "error", err)
	}
	return c.current, nil
}
