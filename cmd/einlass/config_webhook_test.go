package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

const hookSecret = "0123456789abcdef0123456789abcdef-hook"

func webhookApplication(lines string) string {
	return base + "applications:\n  - id: p\n    import:\n      personio: { client_id: papi-1, client_secret: s3cret }\n      webhook:\n" + lines
}

// B-08: a webhook that anybody could call, or that Personio cannot, is refused before it is set up.
func TestBrokenWebhookSettingsAreRefused(t *testing.T) {
	t.Parallel()
	const at = "applications[0].import.webhook"
	for name, c := range map[string]struct{ lines, want string }{
		"neither": {"        company_id: '1'\n", at + ": want token, headers or both: what proves that a delivery comes from Personio; or register"},
		"short":   {"        token: short\n", at + ".token: shorter than 32 characters; make one with: openssl rand -hex 32"},
		"example": {"        token: change-me-" + hookSecret + "\n", at + ".token: an example value; make one with: openssl rand -hex 32"},
		"blanks":  {"        token: '" + hookSecret + " '\n", at + ".token: want 32 to 1024 printable ASCII characters without blanks around them"},
		"umlauts": {"        token: " + hookSecret + "ü\n", at + ".token: want 32 to 1024 printable ASCII characters without blanks around them"},
		"twice":   {"        token: [" + hookSecret + ", " + hookSecret + "]\n", at + ".token[1]: stands here twice"},
		"three": {"        token: [a" + hookSecret + ", b" + hookSecret + ", c" + hookSecret + "]\n",
			at + ".token: want at most two: the present one and the one before"},
		"authorization": {"        headers: { authorization: " + hookSecret + " }\n",
			at + ".headers.authorization: is what the token is sent in; set token instead"},
		"host":           {"        headers: { host: " + hookSecret + " }\n", at + ".headers.host: is a header of HTTP itself, which Personio does not let you set"},
		"no name":        {"        headers: { 'X Key': " + hookSecret + " }\n", at + ".headers.X Key: is no name for a header"},
		"guessable":      {"        headers: { X-Site: berlin }\n", at + ".headers: want one value that nobody can guess: at least 32 characters, such as from openssl rand -hex 32"},
		"the same name":  {"        headers: { X-Key: " + hookSecret + ", x-key: a" + hookSecret + " }\n", at + ".headers.x-key: stands here twice"},
		"four":           {"        headers: { A: " + hookSecret + ", B: b, C: c, D: d }\n", at + ".headers: want at most 3, as Personio does"},
		"an empty value": {"        headers: { A: " + hookSecret + ", B: '' }\n", at + ".headers.B: want printable ASCII characters without blanks around them"},
		"two ways":       {"        token: " + hookSecret + "\n        register: true\n", at + ".register: makes a token of its own; leave out token and headers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := loadText(t, webhookApplication(c.lines))
			if !strings.HasSuffix(got, ": "+c.want) || strings.Contains(got, "\n") {
				t.Errorf("problems are\n%s\nwant\n%s", got, c.want)
			}
			if strings.Contains(got, hookSecret) {
				t.Error("the problem quotes the secret")
			}
		})
	}
}

// B-08: token and headers stand in the file or in files of their own, and are never shown.
func TestWebhookSettingsAreDeclared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, secret := range map[string]string{"token": hookSecret + "\n", "before": "b" + hookSecret, "header": "h" + hookSecret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := loadText(t, webhookApplication("        token_file: ["+dir+"/token, "+dir+"/before]\n"+
		"        headers_file: { x-einlass-key: "+dir+"/header }\n        company_id: '123456'\n"))
	if problems != "" || len(cfg.Warnings) > 0 {
		t.Fatalf("problems %s, warnings %q", problems, cfg.Warnings)
	}
	got := cfg.Declaration(users.Mapping{}).Applications[0]
	if len(got.WebhookTokens) != 2 || got.WebhookTokens[0] != hookSecret || got.WebhookTokens[1] != "b"+hookSecret {
		t.Errorf("%d tokens, want the two of the files", len(got.WebhookTokens))
	}
	if len(got.WebhookHeaders) != 1 || got.WebhookHeaders["X-Einlass-Key"] != keys.Secret("h"+hookSecret) || got.Import.Webhook.CompanyID != "123456" {
		t.Errorf("%d headers, company %q", len(got.WebhookHeaders), got.Import.Webhook.CompanyID)
	}
	var shown strings.Builder
	if err := writeConfig(&shown, cfg.entries, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), hookSecret) || !strings.Contains(shown.String(), "webhook.headers: {x-einlass-key: [redacted]}") {
		t.Errorf("shown as\n%s", shown.String())
	}
}
