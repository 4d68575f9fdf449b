package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/providertest"
)

// N141 N149: on https cookies have the prefix that no other host of the domain can
// set, and browsers are told to stay on https.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3})
	jana := h.somebody()
	pool := h.speakTLS(t)
	h.ok("", "import", "run")
	h.ok(password+"\n", "users", "password", jana)
	h.serve(h.address)
	b := h.browser()
	b.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "example.com"}}
	form := b.get(h.issuer + "/login")
	if p := b.signIn(form, jana); p.url.Path != "/portal" {
		t.Fatalf("after signing in: %s, status %d", p.url, p.status)
	}
	answer, err := b.client.Get(h.issuer + "/portal")
	must(t, err)
	defer answer.Body.Close()
	if !strings.HasPrefix(answer.Header.Get("Strict-Transport-Security"), "max-age=") {
		t.Errorf("headers %v lack Strict-Transport-Security", answer.Header)
	}
	names := 0
	for _, c := range b.client.Jar.Cookies(answer.Request.URL) {
		if !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("cookie %s lacks the prefix", c.Name)
		}
		names++
	}
	if names == 0 {
		t.Error("no cookies")
	}
	action, fields := providertest.FormOf(t, b.get(h.issuer+"/logout").body, "form_token")
	signedOut, err := b.client.PostForm(h.issuer+action, fields)
	must(t, err)
	defer signedOut.Body.Close()
	if got := signedOut.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %q after signing out", got)
	}
	if old, err := tls.Dial("tcp", h.address, &tls.Config{MaxVersion: tls.VersionTLS11, RootCAs: pool, ServerName: "example.com"}); err == nil {
		_ = old.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// speakTLS gives the house a certificate and an https issuer, and returns what trusts it.
func (h *house) speakTLS(t *testing.T) *x509.CertPool {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // brings a certificate for example.com
	defer server.Close()
	cert, key := writeCertificate(t, filepath.Dir(h.config), server.TLS.Certificates[0])
	text, err := os.ReadFile(h.config)
	must(t, err)
	secure := strings.Replace(h.issuer, "http://", "https://", 1)
	changed := strings.Replace(string(text), "issuer: "+h.issuer, "issuer: "+secure, 1) +
		"tls: { cert_file: " + cert + ", key_file: " + key + " }\n"
	must(t, os.WriteFile(h.config, []byte(changed), 0o600))
	h.issuer = secure
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

// writeCertificate writes a certificate and its key as files in a folder.
func writeCertificate(t *testing.T, dir string, pair tls.Certificate) (cert, key string) {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	must(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return cert, key
}
