package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// maxWebhookTokens is how many are valid while one is changed.
const maxWebhookTokens = 2

func (l *loader) checkWebhook(path string, c WebhookConfig) {
	switch proven := len(c.Tokens)+len(c.Headers) > 0; {
	case c.Register && proven:
		l.fail(path+".register", "makes a token of its own; leave out token and headers")
	case !c.Register && !proven:
		l.fail(path, "want token, headers or both: what proves that a delivery comes from Personio; or register")
	}
	if len(c.Tokens) > maxWebhookTokens {
		l.fail(path+".token", "want at most two: the present one and the one before")
	}
	for i, token := range c.Tokens {
		at := path + ".token"
		if len(c.Tokens) > 1 {
			at = element(at, i)
		}
		switch why := whyWeak(token); {
		case why != "":
			l.fail(at, "%s; make one with: openssl rand -hex 32", why)
		case users.CheckWebhookToken(token) != nil:
			l.fail(at, "want %d to %d printable ASCII characters without blanks around them", users.MinWebhookTokenChars, users.MaxWebhookTokenChars)
		case slices.Contains(c.Tokens[:i], token):
			l.fail(at, "stands here twice")
		}
	}
	l.checkWebhookHeaders(path+".headers", c.Headers)
}

func (l *loader) checkWebhookHeaders(path string, headers map[string]keys.Secret) {
	if len(headers) == 0 {
		return
	}
	if len(headers) > personio.MaxWebhookHeaders {
		l.fail(path, "want at most %d, as Personio does", personio.MaxWebhookHeaders)
	}
	proven := false
	names := map[string]bool{}
	for _, name := range sortedKeys(headers) {
		at, value := join(path, name), headers[name]
		switch why := personio.CheckWebhookHeader(name); {
		case why != "":
			l.fail(at, "%s", why)
		case names[http.CanonicalHeaderKey(name)]:
			l.fail(at, "stands here twice")
		case value == "" || strings.TrimSpace(value.Reveal()) != value.Reveal() || strings.ContainsFunc(value.Reveal(), notPrintable):
			l.fail(at, "want printable ASCII characters without blanks around them")
		}
		names[http.CanonicalHeaderKey(name)] = true
		proven = proven || whyWeak(value) == ""
	}
	if !proven {
		l.fail(path, "want one value that nobody can guess: at least %d characters, such as from openssl rand -hex 32", users.MinWebhookTokenChars)
	}
}
