package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// loadKeys reads the key set and checks every key of it, also those that sign nothing for this client.
func (p *rp) loadKeys() {
	p.t.Helper()
	answer := p.call(http.MethodGet, p.meta.text("jwks_uri"), nil)
	list, _ := answer.body["keys"].([]any)
	if answer.status != http.StatusOK || len(list) == 0 {
		p.t.Fatalf("jwks_uri: status %d, %d keys", answer.status, len(list))
	}
	seen := map[any]bool{}
	for _, entry := range list {
		key, _ := entry.(map[string]any)
		if kid, _ := key["kid"].(string); kid == "" || seen[kid] {
			p.t.Errorf("kid %v, want one of its own", key["kid"])
		}
		seen[key["kid"]] = true
		p.checkKey(key)
	}
	text, err := json.Marshal(answer.body)
	if err == nil {
		err = json.Unmarshal(text, &p.keys)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if len(p.keys.Keys) != len(list) {
		p.t.Errorf("%d of %d keys can be read", len(p.keys.Keys), len(list))
	}
}

// keyKinds are the types of keys that relying parties can use: which numbers
// they need, on which curves (none: not on a curve), and what they sign with.
var keyKinds = map[string]struct{ numbers, curves, algs []string }{
	"RSA": {[]string{"n", "e"}, nil, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
	"EC":  {[]string{"x", "y"}, []string{"P-256", "P-384", "P-521"}, []string{"ES256", "ES384", "ES512"}},
	"OKP": {[]string{"x"}, []string{"Ed25519"}, []string{"EdDSA", "Ed25519"}},
}

// checkKey expects a public key for signatures that is complete (RFC 7517
// section 4, RFC 7518 section 6) and that everybody knows how to use.
func (p *rp) checkKey(key map[string]any) {
	p.t.Helper()
	kty, _ := key["kty"].(string)
	kind, known := keyKinds[kty]
	if crv, _ := key["crv"].(string); !known || len(kind.curves) > 0 && !slices.Contains(kind.curves, crv) {
		p.t.Errorf("key %v: kty %v, crv %v", key["kid"], key["kty"], key["crv"])
	}
	if alg, _ := key["alg"].(string); !slices.Contains(kind.algs, alg) || key["use"] != "sig" {
		p.t.Errorf("key %v: alg %v, use %v; want one of %v and sig", key["kid"], key["alg"], key["use"], kind.algs)
	}
	for _, name := range kind.numbers {
		text, _ := key[name].(string)
		number, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(number) == 0 {
			p.t.Errorf("key %v: %s is %v, want base64url without padding", key["kid"], name, key[name])
		}
		if bits := new(big.Int).SetBytes(number).BitLen(); name == "n" && bits < 2048 {
			p.t.Errorf("key %v has %d bits, want 2048", key["kid"], bits)
		}
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, found := key[private]; found {
			p.t.Errorf("key %v has the private member %s", key["kid"], private)
		}
	}
}

// signingKey is the one key of a kid, which must be for signatures by RS256.
func (p *rp) signingKey(kid string) jose.JSONWebKey {
	p.t.Helper()
	found := p.keys.Key(kid)
	if kid == "" || len(found) != 1 || found[0].Algorithm != string(jose.RS256) || found[0].Use != "sig" || !found[0].Valid() {
		p.t.Fatalf("%d keys for the kid %q, want one for RS256", len(found), kid)
	}
	return found[0]
}
