package keys_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// mustRefuse brings a token to the ring, which must not take it.
func mustRefuse(t *testing.T, ring *keys.Ring, what, token string) {
	t.Helper()
	if payload, err := verify(ring, token); err == nil {
		t.Errorf("%s: accepted with payload %q", what, payload)
	}
}

// N130
func TestUnsignedTokensAreRefused(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	kid := signingKid(t, ring, keys.EdDSA)
	signature := strings.Split(sign(t, ring, keys.EdDSA, "{}"), ".")[2]
	for _, alg := range []string{"none", "NoNe", "NONE", ""} {
		header := b64(fmt.Sprintf(`{"alg":%q,"kid":%q}`, alg, kid))
		mustRefuse(t, ring, "alg "+alg+" without signature", header+"."+b64("{}")+".")
		mustRefuse(t, ring, "alg "+alg+" with a signature", header+"."+b64("{}")+"."+signature)
	}
	mustRefuse(t, ring, "no alg", b64(fmt.Sprintf(`{"kid":%q}`, kid))+"."+b64("{}")+"."+signature)
}

// N131: a public key is no HMAC secret.
func TestPublicKeysAreNotTakenForSharedSecrets(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.RS256, keys.ES256, keys.EdDSA)
	for _, key := range publishedKeys(t, ring) {
		der, err := x509.MarshalPKIXPublicKey(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := key.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for form, secret := range map[string][]byte{
			"DER": der,
			"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"JWK": jwk,
		} {
			token := forge(t, jose.HS256, secret, key.KeyID, nil)
			mustRefuse(t, ring, "HS256 with the "+key.Algorithm+" key as "+form, token)
		}
	}
}

// forge signs with a key that is not of the ring, under a kid that is.
func forge(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, extra map[jose.HeaderKey]any) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}},
		&jose.SignerOptions{ExtraHeaders: extra})
	if err != nil {
		t.Fatalf("forging signer: %v", err)
	}
	signed, err := signer.Sign([]byte("{}"))
	if err != nil {
		t.Fatalf("forge: %v", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatalf("forge: %v", err)
	}
	return token
}

// N133
func TestKeysThatATokenBringsAlongAreNotUsed(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	kid := signingKid(t, ring, keys.EdDSA)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, extra := range map[string]map[jose.HeaderKey]any{
		"plain": nil,
		"jwk":   {"jwk": jose.JSONWebKey{Key: public, KeyID: kid}},
		"jku":   {"jku": "https://evil.example/jwks"},
		"x5u":   {"x5u": "https://evil.example/cert"},
	} {
		mustRefuse(t, ring, what+" with our kid", forge(t, jose.EdDSA, private, kid, extra))
		mustRefuse(t, ring, what+" with another kid", forge(t, jose.EdDSA, private, "evil", extra))
		mustRefuse(t, ring, what+" without kid", forge(t, jose.EdDSA, private, "", extra))
	}
}

// RFC 7515 section 7.2.1 knows tokens with several signatures; nobody here makes any.
func TestATokenHasExactlyOneSignature(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	token, err := jose.ParseSignedCompact(sign(t, ring, keys.EdDSA, "{}"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	token.Signatures = append(token.Signatures, token.Signatures[0])
	for what, token := range map[string]*jose.JSONWebSignature{"two": token, "none": {}} {
		if payload, err := ring.VerifySignature(t.Context(), token); !errors.Is(err, keys.ErrSignature) {
			t.Errorf("%s: payload %q, error %v; want ErrSignature", what, payload, err)
		}
	}
}

func TestOneKeyDoesNotVouchForAnotherKid(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	old := sign(t, ring, keys.EdDSA, "{}")
	next := rotate(t, ring, 0)
	parts := strings.Split(old, ".")
	parts[0] = b64(fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":"JWT"}`, next))
	mustRefuse(t, ring, "kid exchanged", strings.Join(parts, "."))
}

// N134
func TestOnlyPlainCompactTokensVerify(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	kid := signingKid(t, ring, keys.EdDSA)
	parts := strings.Split(sign(t, ring, keys.EdDSA, "{}"), ".")

	for what, header := range map[string]string{
		"unknown crit": `{"alg":"EdDSA","kid":%q,"crit":["x"],"x":1}`,
		"b64 false":    `{"alg":"EdDSA","kid":%q,"crit":["b64"],"b64":false}`,
	} {
		mustRefuse(t, ring, what, b64(fmt.Sprintf(header, kid))+"."+parts[1]+"."+parts[2])
	}
	mustRefuse(t, ring, "detached payload", parts[0]+".."+parts[2])

	one := map[string]string{"protected": parts[0], "signature": parts[2]}
	twice, err := json.Marshal(map[string]any{"payload": parts[1], "signatures": []any{one, one}})
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, ring, "two signatures", string(twice))
	unprotected, err := json.Marshal(map[string]any{
		"payload": parts[1], "signature": parts[2], "header": map[string]string{"alg": "EdDSA", "kid": kid},
	})
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, ring, "kid and alg unprotected", string(unprotected))
}

// N137
func TestMalformedSignaturesAreRefused(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.ES256, keys.EdDSA)
	replace := func(token string, signature []byte) string {
		parts := strings.Split(token, ".")
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	signatureOf := func(token string) []byte {
		signature, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[2])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}

	es := sign(t, ring, keys.ES256, "{}")
	raw := signatureOf(es)
	order := elliptic.P256().Params().N.FillBytes(make([]byte, 32))
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ecdsa.SignASN1(rand.Reader, foreign, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for what, signature := range map[string][]byte{
		"empty":         nil,
		"r and s zero":  make([]byte, 64),
		"s zero":        append(slices.Clone(raw[:32]), make([]byte, 32)...),
		"s is n":        append(slices.Clone(raw[:32]), order...),
		"r and s is n":  append(slices.Clone(order), order...),
		"a byte longer": append(slices.Clone(raw), 0),
		"one byte less": raw[:63],
		"DER":           der,
	} {
		mustRefuse(t, ring, "ES256, "+what, replace(es, signature))
	}

	ed := sign(t, ring, keys.EdDSA, "{}")
	raw = signatureOf(ed)
	for what, signature := range map[string][]byte{
		"empty":           nil,
		"zero":            make([]byte, 64),
		"S not canonical": append(slices.Clone(raw[:32]), addGroupOrder(raw[32:])...),
		"one byte less":   raw[:63],
	} {
		mustRefuse(t, ring, "EdDSA, "+what, replace(ed, signature))
	}
}

// addGroupOrder returns little-endian s plus the order of the Ed25519 group,
// which is the same number for a verifier that does not look (RFC 8032 section 5.1.7).
func addGroupOrder(s []byte) []byte {
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
	bigEndian := slices.Clone(s)
	slices.Reverse(bigEndian)
	sum := new(big.Int).Add(new(big.Int).SetBytes(bigEndian), order)
	out := sum.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	return out
}
