package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
)

// holder is what a configuration looks like that carries secrets.
type holder struct {
	Secret keys.Secret
	Sealer *keys.Sealer
	Signer *keys.Signer
	hidden *keys.Sealer
}

// Invariant 7: no secret in a log, an error, an export.
func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	ring, store, _ := ensured(t, keys.EdDSA)
	signer, err := ring.Signer(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	sealer := newSealer(t)
	_, encoded, _ := strings.Cut(strings.TrimSpace(masterLine("one", 1)), ":")
	master, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	der, err := sealer.Open(store.stored[0].Sealed, "signing_keys", "sealed", store.stored[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	seed := der[len(der)-32:] // the private part of an Ed25519 key in PKCS #8

	for what, printed := range printings(t, []any{
		keys.Secret(password), sealer, signer, ring, store.stored[0],
		holder{keys.Secret(password), sealer, signer, sealer},
		&holder{keys.Secret(password), sealer, signer, sealer},
		[]*keys.Sealer{sealer}, map[string]*keys.Signer{"s": signer},
	}) {
		for name, secret := range map[string][]byte{"password": []byte(password), "master key": master, "private key": seed} {
			for _, form := range forms(secret) {
				if strings.Contains(printed, form) {
					t.Errorf("%s shows the %s: %s", what, name, printed)
				}
			}
		}
	}
	if got := fmt.Sprintf("%s %v", keys.Secret(password), sealer); got != "[redacted] [redacted]" {
		t.Errorf("printed %q, want [redacted]", got)
	}
}

// printings returns each value as every verb and encoder shows it.
func printings(t *testing.T, values []any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out[fmt.Sprintf("%s of %T", verb, v)] = fmt.Sprintf(verb, v)
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("marshal %T: %v", v, err)
		}
		out[fmt.Sprintf("JSON of %T", v)] = string(encoded)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("test", "value", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("test", "value", v)
		out[fmt.Sprintf("slog of %T", v)] = log.String()
	}
	return out
}

// forms returns the ways in which bytes show in text.
func forms(secret []byte) []string {
	decimal := strings.Trim(fmt.Sprint(secret[:8]), "[]")
	return []string{
		string(secret),
		fmt.Sprintf("%x", secret[:8]),
		decimal,
		strings.ReplaceAll(decimal, " ", ","),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret[:8]), "[]byte{"), "}"),
		base64.StdEncoding.EncodeToString(secret[:9]),
		base64.RawURLEncoding.EncodeToString(secret[:9]),
	}
}
