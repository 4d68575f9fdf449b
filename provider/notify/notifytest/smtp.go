// Package notifytest is a real mail server for tests: it speaks SMTP with
// STARTTLS under a certificate of its own, and keeps what it is given.
package notifytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/einlass/einlass/keys"
)

// Credentials that the server accepts; it takes mail from nobody else.
const (
	Username = "einlass"
	Password = "p@ss/word of the mail server"
)

// Mail is what the server was given.
type Mail struct {
	From string
	To   []string
	Data string
}

// Read returns the header of a mail, its text and its HTML.
func (m Mail) Read(t testing.TB) (header mail.Header, text, html string) {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(m.Data))
	must(t, err)
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	must(t, err)
	bodies := map[string]string{}
	for reader := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return message.Header, bodies["text/plain"], bodies["text/html"]
		}
		must(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		must(t, err)
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		must(t, err)
		bodies[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

// Server is a mail server that can be stopped and started again at its address.
type Server struct {
	t       testing.TB
	address string
	tls     *tls.Config
	roots   []byte // PEM

	mu     sync.Mutex // guards what follows
	server *smtp.Server
	mails  []Mail
	refuse func(recipient string) error
}

// New returns a Server that does not run yet. It stops with the test.
func New(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &Server{t: t, address: l.Addr().String()}
	must(t, l.Close())
	s.certify()
	t.Cleanup(s.Stop)
	return s
}

// certify makes the certificate, which is its own authority.
func (s *Server) certify() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(s.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail server of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(s.t, err)
	s.roots = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// URL is how the server is configured.
func (s *Server) URL() keys.Secret {
	return keys.Secret(fmt.Sprintf("smtp://%s:p%%40ss%%2Fword%%20of%%20the%%20mail%%20server@%s", Username, s.address))
}

// Address is the server's host and port.
func (s *Server) Address() string { return s.address }

// Roots is the authority behind the certificate, in PEM.
func (s *Server) Roots() []byte { return s.roots }

// Pool is Roots as clients take it.
func (s *Server) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.roots)
	return pool
}

// Security is how a server encrypts.
type Security int

// The ways. A server that offers nothing asks for no password either.
const (
	STARTTLS Security = iota
	TLS
	None
)

// Start lets the server run, with STARTTLS.
func (s *Server) Start() {
	s.t.Helper()
	s.StartAs(STARTTLS)
}

// StartAs lets the server run.
func (s *Server) StartAs(security Security) {
	s.t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c, signedIn: security == None}, nil
	}))
	if security != None {
		server.TLSConfig = s.tls
	}
	server.EnableSMTPUTF8 = true
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	l, err := net.Listen("tcp", s.address)
	must(s.t, err)
	if security == TLS {
		l = tls.NewListener(l, s.tls)
	}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	go func() { _ = server.Serve(l) }() // until Stop closes it
}

// Stop ends the server and its connections; it may not be running.
func (s *Server) Stop() {
	s.mu.Lock()
	server := s.server
	s.server = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close() // its connections break, as they should
	}
}

// Refuse asks why about every recipient from now on; nil accepts them.
func (s *Server) Refuse(why func(recipient string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = why
}

// Mails returns what has arrived so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// session is one connection.
type session struct {
	server   *Server
	conn     *smtp.Conn
	signedIn bool
	mail     Mail
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if _, encrypted := s.conn.TLSConnectionState(); !encrypted || username != Username || password != Password {
			return errors.New("wrong user name or password, or in the clear")
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	refuse := s.server.refuse
	s.server.mu.Unlock()
	if refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = string(data)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

func (s *session) Reset() { s.mail = Mail{} }

func (s *session) Logout() error { return nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
