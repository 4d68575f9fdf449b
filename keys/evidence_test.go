package keys_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
)

// N-1: what the ring signed proves itself by the key that it carries, and any JOSE library agrees.
func TestEvidenceVerifies(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.RS256, keys.ES256)
	signed, err := ring.SignEvidence([]byte(`{"reason":"left"}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.VerifyEvidence(signed)
	if err != nil || string(got.Record) != `{"reason":"left"}` {
		t.Fatalf("verified: %q, %v", got.Record, err)
	}
	public, found := ring.Key(got.KeyID)
	published, err := public.MarshalJSON()
	if err != nil || !found {
		t.Fatalf("key %s: in the ring %t, %v", got.KeyID, found, err)
	}
	if print, err := keys.Thumbprint(published); err != nil || print != got.Thumbprint || len(print) != 43 {
		t.Errorf("thumbprint %q, want %q of the published key, %v", got.Thumbprint, print, err)
	}
	token, err := jose.ParseSignedCompact(signed.JWS, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(public); err != nil {
		t.Errorf("by the published key: %v", err)
	}
}

// N-1, RFC 8725 section 3.11: nothing else is evidence, and evidence of another key neither.
func TestOtherThingsAreNoEvidence(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.RS256, keys.ES256)
	other, _, _ := ensured(t, keys.ES256)
	good, err := ring.SignEvidence([]byte(`{"reason":"left"}`))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.SignEvidence([]byte(`{"reason":"left"}`))
	if err != nil {
		t.Fatal(err)
	}
	signed := func(alg, typ string) string {
		signer, err := ring.Signer(alg)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign([]byte(`{"reason":"left"}`), typ)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	part := strings.Split(good.JWS, ".")
	none := "eyJhbGciOiJub25lIiwidHlwIjoiZWlubGFzcy1ldmlkZW5jZStqc29uIn0"
	for name, e := range map[string]keys.Evidence{
		"nothing":                 {},
		"an ID token":             {JWS: signed(keys.ES256, keys.TypeIDToken), Key: good.Key},
		"a logout token":          {JWS: signed(keys.ES256, keys.TypeLogoutToken), Key: good.Key},
		"signed by RS256":         {JWS: signed(keys.RS256, keys.TypeEvidence), Key: good.Key},
		"not signed":              {JWS: none + "." + part[1] + ".", Key: good.Key},
		"another payload":         {JWS: part[0] + ".e30." + part[2], Key: good.Key},
		"another signature":       {JWS: part[0] + "." + part[1] + "." + strings.Split(foreign.JWS, ".")[2], Key: good.Key},
		"the key of another ring": {JWS: good.JWS, Key: foreign.Key},
		"no key":                  {JWS: good.JWS},
		"a key that is no key":    {JWS: good.JWS, Key: json.RawMessage(`{"kty":"EC"}`)},
		"two keys":                {JWS: good.JWS, Key: json.RawMessage(string(foreign.Key) + "," + string(foreign.Key))},
		"a symmetric key":         {JWS: good.JWS, Key: json.RawMessage(`{"kty":"oct","k":"c2VjcmV0"}`)},
	} {
		if _, err := keys.VerifyEvidence(e); !errors.Is(err, keys.ErrEvidence) {
			t.Errorf("%s: %v, want ErrEvidence", name, err)
		}
	}
}
