package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificateCheck is how often the certificate's files are looked at.
const certificateCheck = 10 * time.Second

// certificates serves a certificate from files and reads them again when they
// change. Files that do not fit together keep the certificate in use.
type certificates struct {
	cfg     TLSConfig
	log     *slog.Logger
	current atomic.Pointer[certificate]

	mu      sync.Mutex // guards checked
	checked time.Time
}

// certificate is what was read, and the time of the files it was read from.
type certificate struct {
	pair     tls.Certificate
	modified time.Time
}

func openCertificates(cfg TLSConfig, log *slog.Logger) (*certificates, error) {
	c := &certificates{cfg: cfg, log: log}
	return c, c.reload()
}

// reload reads files that are newer than the certificate in use.
func (c *certificates) reload() error {
	modified, err := c.lastChange()
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if current := c.current.Load(); current != nil && modified.Equal(current.modified) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cfg.CertFile, c.cfg.KeyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.current.Store(&certificate{pair, modified})
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

// get answers a handshake. One of many looks at the files; the others do not wait for it.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.due() {
		if err := c.reload(); err != nil {
			c.log.Warn("certificate not read again; the one in use stays", "error", err)
		}
	}
	return &c.current.Load().pair, nil
}

// due reports, once in certificateCheck, that it is time to look at the files.
func (c *certificates) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certificateCheck {
		return false
	}
	c.checked = time.Now()
	return true
}
