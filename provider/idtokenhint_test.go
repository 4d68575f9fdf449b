package provider

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users/userstest"
)

// A hint that is believed is one that we signed, about somebody, by our name.
func FuzzVerifyHint(f *testing.F) {
	sealer, err := keys.CreateMasterKey(f.TempDir() + "/master.key")
	if err != nil {
		f.Fatal(err)
	}
	ring, err := keys.NewRing(keys.Config{Store: userstest.SQLite(f), Sealer: sealer})
	if err == nil {
		err = ring.Ensure(f.Context(), keys.ES256)
	}
	if err != nil {
		f.Fatal(err)
	}
	signer, err := ring.Signer(keys.ES256)
	if err != nil {
		f.Fatal(err)
	}
	good := `{"iss":"` + fuzzIssuer + `","sub":"ada","aud":"personio","sid":"s"}`
	token, err := signer.Sign([]byte(good), keys.TypeIDToken)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := verifyHint(f.Context(), ring, fuzzIssuer, token); err != nil {
		f.Fatalf("a good hint is refused, so this proves nothing: %v", err)
	}
	header, _, _ := strings.Cut(token, ".")
	for _, payload := range []string{
		good, "", "null", "[]", `{"iss":"` + fuzzIssuer + `"}`, `{"iss":"https://evil.example","sub":"ada"}`,
		`{"iss":"` + fuzzIssuer + `","sub":["ada"],"aud":["a","b"]}`, `{"ISS":"` + fuzzIssuer + `","SUB":"ada"}`, strings.Repeat("[", 1000),
	} {
		f.Add(payload, true)
		f.Add(encodePart(`{"alg":"none","typ":"JWT"}`)+"."+encodePart(payload)+".", false)
		f.Add(header+"."+encodePart(payload)+"."+encodePart(strings.Repeat("\x00", 64)), false)
	}
	f.Fuzz(func(t *testing.T, text string, signed bool) {
		payload := text
		if signed {
			var err error
			if text, err = signer.Sign([]byte(payload), keys.TypeIDToken); err != nil {
				t.Fatal(err)
			}
		}
		h, err := verifyHint(t.Context(), ring, fuzzIssuer, text)
		if err != nil {
			return
		}
		var said struct{ Iss, Sub string }
		if !signed || json.Unmarshal([]byte(payload), &said) != nil || said.Iss != fuzzIssuer || said.Sub == "" || said.Sub != string(h.Subject) {
			t.Errorf("believed as %+v: %q, signed %v", h, payload, signed)
		}
	})
}

// N-1, RFC 8725 section 3.11: evidence that says what an ID token says is none.
func TestEvidenceIsNoHint(t *testing.T) {
	t.Parallel()
	sealer, err := keys.CreateMasterKey(t.TempDir() + "/master.key")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(keys.Config{Store: userstest.SQLite(t), Sealer: sealer})
	if err == nil {
		err = ring.Ensure(t.Context(), keys.ES256)
	}
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ring.SignEvidence([]byte(`{"iss":"` + fuzzIssuer + `","sub":"ada","aud":"personio","sid":"s"}`))
	if err != nil {
		t.Fatal(err)
	}
	if h, err := verifyHint(t.Context(), ring, fuzzIssuer, signed.JWS); err == nil {
		t.Errorf("believed as %+v", h)
	}
}
