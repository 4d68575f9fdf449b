package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
)

// assertionBench checks assertions of one client with one ES256 key.
type assertionBench struct {
	p   *Provider
	c   *client
	key *ecdsa.PrivateKey
	now time.Time
}

const fuzzIssuer = "https://sso.acme.example"

func newAssertionBench(f *testing.F) *assertionBench {
	f.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	b := &assertionBench{key: key, now: time.Unix(1_800_000_000, 0).UTC()}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "key-1"}}})
	if err != nil {
		f.Fatal(err)
	}
	now := func() time.Time { return b.now }
	sessions, err := session.NewManager(session.Config{Store: sessiontest.SQLite(f), Now: now})
	if err != nil {
		f.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	application := users.Application{ID: "robot", SignIn: &users.SignIn{ClientID: "robot", AuthMethod: users.AuthMethodPrivateKey, JWKS: set}}
	b.c = &client{SignIn: *application.SignIn, application: application, keys: registeredKeys(application, log)}
	b.p = &Provider{cfg: Config{Issuer: fuzzIssuer, Sessions: sessions, Now: now}, clientKeys: newClientKeys(nil, now, log)}
	return b
}

// accepts sends an assertion as a token request would.
func (b *assertionBench) accepts(t testing.TB, text string) bool {
	t.Helper()
	who, failure := readAssertion(params{values: map[string]string{
		"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": text,
	}})
	if failure != nil || who.clientID != b.c.ClientID {
		return false
	}
	accepted, err := b.p.checkAssertion(t.Context(), b.c, who.assertion)
	if err != nil {
		t.Fatal(err)
	}
	return accepted
}

// sign makes the compact form with the registered key, whatever header and payload say.
func (b *assertionBench) sign(t testing.TB, header, payload string) string {
	t.Helper()
	input := encodePart(header) + "." + encodePart(payload)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encodePart(string(signature))
}

func encodePart(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// mayAccept says by the letter of RFC 7523 section 3, and with nothing but the
// standard library, whether an assertion is one of the client's for us.
func (b *assertionBench) mayAccept(text string) bool {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return false
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return false
		}
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature := decoded[2]
	if len(signature) != 64 ||
		!ecdsa.Verify(&b.key.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return false
	}
	var header, claims map[string]any
	if json.Unmarshal(decoded[0], &header) != nil || json.Unmarshal(decoded[1], &claims) != nil || header["alg"] != "ES256" {
		return false
	}
	for _, name := range []string{"crit", "b64", "jku", "x5u", "jwk"} {
		if _, found := header[name]; found {
			return false
		}
	}
	audiences, isList := claims["aud"].([]any)
	if !isList {
		audiences = []any{claims["aud"]}
	}
	ours := []any{fuzzIssuer, fuzzIssuer + "/token", fuzzIssuer + "/par", fuzzIssuer + "/revoke", fuzzIssuer + "/introspect"}
	isForeign := func(name any) bool { return !slices.Contains(ours, name) }
	jti, _ := claims["jti"].(string)
	now := float64(b.now.Unix())
	expires, _ := claims["exp"].(float64)
	issued, hasIssued := claims["iat"].(float64)
	if !hasIssued {
		issued = now
	}
	return claims["iss"] == "robot" && claims["sub"] == "robot" && jti != "" && len(audiences) > 0 && !slices.ContainsFunc(audiences, isForeign) &&
		expires > now && math.Floor(expires)-math.Floor(issued) <= 300 && issued <= now+90
}

const goodAssertionHeader = `{"alg":"ES256","kid":"key-1","typ":"JWT"}`

func goodAssertionClaims(jti string) string {
	return fmt.Sprintf(`{"iss":"robot","sub":"robot","aud":%q,"jti":%q,"iat":1800000000,"exp":1800000300}`, fuzzIssuer, jti)
}

// A client that is authenticated has signed with its registered key, whatever
// header and claims it, or somebody else, has written.
func FuzzAssertion(f *testing.F) {
	b := newAssertionBench(f)
	if !b.accepts(f, b.sign(f, goodAssertionHeader, goodAssertionClaims("first"))) {
		f.Fatal("a good assertion is refused, so this proves nothing")
	}
	signature := strings.Repeat("\x00", 64)
	// The unsigned ones come first: a jti that was used would be refused for that alone.
	for _, signed := range []bool{false, true} {
		f.Add(goodAssertionHeader, goodAssertionClaims("a"), signature, signed)
		f.Add(`{"alg":"none"}`, goodAssertionClaims("b"), "", signed)
		f.Add(`{"alg":"HS256","kid":"key-1"}`, goodAssertionClaims("c"), signature, signed)
		f.Add(`{"alg":"ES256","kid":"key-1","crit":["b64"],"b64":false}`, goodAssertionClaims("d"), signature, signed)
		f.Add(`{"alg":"ES256","jwk":{"kty":"EC"}}`, goodAssertionClaims("e"), signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":["https://evil.example"],"jti":"f","exp":1800000300}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":["x","`+fuzzIssuer+`/par"],"jti":"g","exp":1.8000001e9}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":["`+fuzzIssuer+`","`+fuzzIssuer+`/token"],"jti":"l","exp":1800000300}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"wiki","aud":"`+fuzzIssuer+`","jti":"h","exp":1800000300}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":"`+fuzzIssuer+`","exp":1800000300}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":"`+fuzzIssuer+`","jti":"i","exp":1800009999}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":"`+fuzzIssuer+`","jti":"j"}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","sub":"robot","aud":"`+fuzzIssuer+`","jti":"k","iat":1799999900,"exp":1800000000}`, signature, signed)
		f.Add(goodAssertionHeader, `{"iss":"robot","iss":"wiki","sub":"robot","aud":null,"jti":7,"exp":-1,"nbf":1e300}`, signature, signed)
	}
	f.Fuzz(func(t *testing.T, header, payload, signature string, signed bool) {
		text := encodePart(header) + "." + encodePart(payload) + "." + encodePart(signature)
		if signed {
			text = b.sign(t, header, payload)
		}
		if b.accepts(t, text) && !b.mayAccept(text) {
			t.Errorf("accepted: header %q, payload %q, signed %v", header, payload, signed)
		}
	})
}

// What is no signed token in compact form authenticates nobody.
func FuzzReadAssertion(f *testing.F) {
	b := newAssertionBench(f)
	good := b.sign(f, goodAssertionHeader, goodAssertionClaims("first"))
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	for _, text := range []string{
		"", ".", "..", "a.b.c", head + ".." + signature, head + "." + body + ".", good + ".x", strings.Repeat("A.", 100),
		`{"payload":"` + body + `","protected":"` + head + `","signature":"` + signature + `"}`,
		`{"payload":"` + body + `","signatures":[{"protected":"` + head + `","signature":"` + signature + `"}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if b.accepts(t, text) && !b.mayAccept(text) {
			t.Errorf("accepted: %q", text)
		}
	})
}
