package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/notify"
)

// Formats of the log.
const (
	logAuto = "auto"
	logJSON = "json"
	logText = "text"
)

// check notes everything about the values that can be judged without connecting anywhere.
func (l *loader) check() {
	l.checkIssuer()
	l.checkListeners()
	l.checkStores()
	l.checkMail()
	l.checkOrganization()
	l.checkTLS()
	l.checkProxy()
	l.checkKeys()
	l.checkReadable()
	l.checkGroups()
	l.checkApplications()
	l.checkUsers()
	if l.cfg.InsecureAllowLoopback {
		l.warn("insecure_allow_loopback", "http on loopback addresses is accepted; use this for tests only")
	}
}

var defaultPorts = map[string]string{"https": "443", "http": "80"}

// checkIssuer checks that the issuer is an origin exactly as browsers send it,
// because forms are compared with it byte for byte.
func (l *loader) checkIssuer() {
	if l.cfg.Issuer == "" {
		l.fail("issuer", "required: the URL under which people reach Einlass, such as https://sso.acme.example")
		return
	}
	u := l.checkURL("issuer", l.cfg.Issuer)
	switch {
	case u == nil:
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery:
		l.fail("issuer", "want scheme and host only, without path, query and trailing slash, found %q", l.cfg.Issuer)
	case l.cfg.Issuer != u.Scheme+"://"+strings.ToLower(u.Host) || u.Port() == defaultPorts[u.Scheme] || strings.HasSuffix(u.Host, ":"):
		l.fail("issuer", "want it as browsers write it, in lower case and without the default port, found %q", l.cfg.Issuer)
	}
}

func (l *loader) checkListeners() {
	l.checkAddress("listen", l.cfg.Listen)
	if l.cfg.ManagementListen != "" {
		l.checkAddress("management_listen", l.cfg.ManagementListen)
	}
	_, port, _ := net.SplitHostPort(l.cfg.Listen) // checkAddress has noted an error
	if l.cfg.Listen == l.cfg.ManagementListen && port != "0" {
		l.fail("management_listen", "is the same as listen")
	}
}

// checkAddress accepts what a listener accepts: host and port, the host may be left out.
func (l *loader) checkAddress(path, address string) {
	host, port, err := net.SplitHostPort(address)
	number, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || number < 0 || number > 65535 {
		l.fail(path, "want host:port such as 127.0.0.1:8080, found %q", address)
		return
	}
	if host != "" && host != "localhost" && net.ParseIP(host) == nil {
		l.fail(path, "want an IP address or localhost before the port, found %q", address)
	}
}

func (l *loader) checkStores() {
	l.checkScheme("database_url", l.cfg.DatabaseURL, "postgres", "postgresql")
	l.checkScheme("redis_url", l.cfg.RedisURL, "redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
	if l.cfg.DatabaseURL != "" && l.cfg.MasterKeyFile == "" {
		l.fail("master_key_file", "required with database_url: every replica needs the same keys")
	}
	if l.cfg.Data == "" {
		l.fail("data", "is empty")
	}
}

// checkScheme checks the beginning of a URL that may carry a password, so
// nothing of it is quoted. The rest is for whoever opens it: net/url refuses
// the lists of hosts that Redis and PostgreSQL take.
func (l *loader) checkScheme(path string, text keys.Secret, schemes ...string) {
	if text == "" {
		return
	}
	scheme, rest, _ := strings.Cut(text.Reveal(), "://")
	if !slices.Contains(schemes, scheme) || rest == "" {
		l.fail(path, "want a URL that begins with %s://", strings.Join(schemes, "://, "))
	}
}

func (l *loader) checkMail() {
	m := l.cfg.Mail
	if m.SMTP != "" {
		if _, err := notify.ParseSMTP(m.SMTP, l.cfg.InsecureAllowLoopback); err != nil {
			l.fail("mail.smtp", "%v", err)
		}
	}
	switch {
	case m.SMTP != "" && m.From == "":
		l.fail("mail.from", "required with mail.smtp")
	case m.SMTP == "" && m.From != "":
		l.fail("mail.smtp", "required with mail.from")
	}
	if m.From == "" {
		return
	}
	if _, err := notify.ParseMailbox(m.From); err != nil {
		l.fail("mail.from", "want an address such as Einlass <sso@acme.example>, found %q", m.From)
	}
}

func (l *loader) checkOrganization() {
	o := l.cfg.Organization
	if o.Name == "" {
		l.fail("organization.name", "is empty")
	}
	if _, err := time.LoadLocation(o.TimeZone); err != nil || o.TimeZone == "" || o.TimeZone == "Local" {
		l.fail("organization.time_zone", "want the IANA name of a zone such as Europe/Berlin, found %q", o.TimeZone)
	}
	available := []string{"de", "en"}
	if len(o.Languages) == 0 {
		l.fail("organization.languages", "want at least one of %s", oneOf(available))
	}
	for i, language := range o.Languages {
		switch {
		case !slices.Contains(available, language):
			l.fail(element("organization.languages", i), "want %s, found %q", oneOf(available), language)
		case slices.Contains(o.Languages[:i], language):
			l.fail(element("organization.languages", i), "%q stands here twice", language)
		}
	}
}

func (l *loader) checkTLS() {
	switch {
	case l.cfg.TLS.CertFile == "" && l.cfg.TLS.KeyFile != "":
		l.fail("tls.cert_file", "required with tls.key_file")
	case l.cfg.TLS.CertFile != "" && l.cfg.TLS.KeyFile == "":
		l.fail("tls.key_file", "required with tls.cert_file")
	}
}

func (l *loader) checkProxy() {
	l.checkScheme("outgoing.proxy", l.cfg.Outgoing.Proxy, "http", "https")
}

// checkKeys checks that nobody meets a key that an application has not seen
// before, and that one rotation is over when the next begins.
func (l *loader) checkKeys() {
	k := l.cfg.Keys
	if k.RotateEvery != 0 && k.RotateEvery < day {
		l.fail("keys.rotate_every", "want at least 1d, or 0 for never, found %s", k.RotateEvery)
	}
	if k.Announce < minAnnounce {
		l.fail("keys.announce", "want at least 15m, found %s", k.Announce)
	}
	if k.RotateEvery >= day && k.Announce >= k.RotateEvery {
		l.fail("keys.announce", "want less than keys.rotate_every")
	}
}

// minAnnounce is how long applications commonly keep the key set, whatever we tell them.
const minAnnounce = 15 * time.Minute

// element is the path of an element of a list.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
