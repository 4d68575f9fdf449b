package e2e

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// waitFor gives something that happens in another process two minutes to happen.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// kidOf returns the key id of a compact JWS.
func kidOf(t *testing.T, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(head)
	must(t, err)
	var header struct {
		KeyID string `json:"kid"`
	}
	must(t, json.Unmarshal(decoded, &header))
	return header.KeyID
}
