package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// robot is an application that authenticates with signed assertions.
type robot struct {
	b    *providertest.Bench
	keys map[jose.SignatureAlgorithm]any // private
	made int                             // assertions so far
}

// robotKeys are the private keys of every robot.
var robotKeys = sync.OnceValue(func() map[jose.SignatureAlgorithm]any {
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, errEC := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edKey, errEd := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(errRSA, errEC, errEd); err != nil {
		panic(err)
	}
	return map[jose.SignatureAlgorithm]any{jose.RS256: rsaKey, jose.PS256: rsaKey, jose.ES256: ecKey, jose.EdDSA: edKey}
})

// kidOf is the kid of the robot's key for an algorithm.
func kidOf(alg jose.SignatureAlgorithm) string { return "key-" + string(alg) }

// newRobot registers the robot with its keys; change may alter the registration.
func newRobot(t *testing.T, b *providertest.Bench, change func(*users.SignIn)) *robot {
	t.Helper()
	r := &robot{b: b, keys: robotKeys()}
	signIn := &users.SignIn{
		ClientID: "robot", AuthMethod: users.AuthMethodPrivateKey, RedirectURIs: []string{providertest.CallbackOf("robot")},
		Trusted: true, SigningAlg: "RS256", OfflineAccess: true, JWKS: r.keySet(t),
	}
	if change != nil {
		change(signIn)
	}
	_, err := b.Directory.AddApplication(t.Context(), "cli:test", users.Application{
		ID: "robot", Label: "Robot", Groups: []users.GroupID{users.Everyone}, SignIn: signIn,
	})
	if err == nil {
		err = b.Registry.Refresh(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// keySet is the robot's public keys.
func (r *robot) keySet(t *testing.T) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for alg, key := range r.keys {
		public := key.(crypto.Signer).Public()
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: public, KeyID: kidOf(alg), Algorithm: string(alg), Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims are those of a good assertion; change may alter them.
func (r *robot) claims(change func(map[string]any)) []byte {
	r.made++
	now := r.b.Clock.Now().Unix()
	claims := map[string]any{
		"iss": "robot", "sub": "robot", "aud": r.b.Issuer, "jti": fmt.Sprintf("jti-%d", r.made), "iat": now, "exp": now + 300,
	}
	if change != nil {
		change(claims)
	}
	text, _ := json.Marshal(claims) // texts and numbers
	return text
}

// sign returns an assertion as the robot makes it.
func (r *robot) sign(t *testing.T, alg jose.SignatureAlgorithm, payload []byte, headers map[jose.HeaderKey]any) string {
	t.Helper()
	return signWith(t, alg, r.keys[alg], kidOf(alg), payload, headers)
}

func signWith(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, payload []byte, headers map[jose.HeaderKey]any) string {
	t.Helper()
	all := map[jose.HeaderKey]any{"kid": kid, "typ": "JWT"}
	maps.Copy(all, headers)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: all})
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ask authenticates at the introspection endpoint, where success is an answer about a token.
func (r *robot) ask(assertion string, pairs ...string) providertest.Response {
	form := url.Values{"token": {"x"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return r.b.Post("/introspect", form)
}

func wantUnauthenticated(t *testing.T, what string, answer providertest.Response) {
	t.Helper()
	if answer.StatusCode != http.StatusUnauthorized || decodeTokens(t, answer).Error != "invalid_client" {
		t.Errorf("%s: status %d, body %s; want 401 invalid_client", what, answer.StatusCode, answer.Body)
	}
}

// RFC 7523 section 3: what an assertion must say.
func TestAssertionClaimsAreChecked(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, nil)
	now := b.Clock.Now().Unix()
	for name, change := range map[string]func(map[string]any){
		"no iss":                    func(c map[string]any) { delete(c, "iss") },
		"another iss":               func(c map[string]any) { c["iss"] = "wiki" },
		"unknown iss":               func(c map[string]any) { c["iss"] = "nobody" },
		"no sub":                    func(c map[string]any) { delete(c, "sub") },
		"another sub":               func(c map[string]any) { c["sub"] = "wiki" },
		"no aud":                    func(c map[string]any) { delete(c, "aud") },
		"another aud":               func(c map[string]any) { c["aud"] = "https://evil.example" },
		"aud with a slash more":     func(c map[string]any) { c["aud"] = b.Issuer + "/" },
		"aud another endpoint":      func(c map[string]any) { c["aud"] = b.Issuer + "/authorize" },
		"empty aud":                 func(c map[string]any) { c["aud"] = []string{} },
		"another aud before ours":   func(c map[string]any) { c["aud"] = []string{"https://other.example", b.Issuer} },
		"another aud after ours":    func(c map[string]any) { c["aud"] = []string{b.Issuer, b.Issuer + "/token", "https://other.example"} },
		"an empty aud beside ours":  func(c map[string]any) { c["aud"] = []string{b.Issuer, ""} },
		"no jti":                    func(c map[string]any) { delete(c, "jti") },
		"no exp":                    func(c map[string]any) { delete(c, "exp") },
		"exp now, no leeway":        func(c map[string]any) { c["exp"] = now },
		"exp a second ago":          func(c map[string]any) { c["exp"] = now - 1 },
		"exp in 301 seconds":        func(c map[string]any) { c["exp"] = now + 301; delete(c, "iat") },
		"exp 301 seconds after iat": func(c map[string]any) { c["iat"] = now - 100; c["exp"] = now + 201 },
		"iat in two minutes":        func(c map[string]any) { c["iat"] = now + 120; c["exp"] = now + 180 },
		"nbf in two minutes":        func(c map[string]any) { c["nbf"] = now + 120 },
		"exp as text":               func(c map[string]any) { c["exp"] = "tomorrow" },
		"exp beyond any date":       func(c map[string]any) { c["exp"] = 1e300 },
	} {
		wantUnauthenticated(t, name, r.ask(r.sign(t, jose.ES256, r.claims(change), nil)))
	}
	for name, change := range map[string]func(map[string]any){
		"the issuer":         nil,
		"the token endpoint": func(c map[string]any) { c["aud"] = b.Issuer + "/token" },
		"the PAR endpoint":   func(c map[string]any) { c["aud"] = b.Issuer + "/par" },
		"all names of ours": func(c map[string]any) {
			c["aud"] = []string{b.Issuer, b.Issuer + "/token", b.Issuer + "/par", b.Issuer + "/revoke", b.Issuer + "/introspect"}
		},
		"issuer and token endpoint": func(c map[string]any) { c["aud"] = []string{b.Issuer, b.Issuer + "/token"} },
		"without iat, five minutes": func(c map[string]any) { c["exp"] = now + 300; delete(c, "iat") },
		"a clock a minute ahead":    func(c map[string]any) { c["iat"] = now + 60; c["exp"] = now + 120 },
	} {
		wantInactive(t, name, r.ask(r.sign(t, jose.ES256, r.claims(change), nil)))
	}
}

// N130 N131 N133 N134 N136 N137: how an assertion must not be signed.
func TestAssertionSignaturesAreChecked(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	var fetched atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(evil.Close)
	r := newRobot(t, b, nil)
	attacker, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(header string, payload []byte, signature string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode(payload) + "." + signature
	}
	public := r.keys[jose.RS256].(*rsa.PrivateKey).Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	good := r.sign(t, jose.ES256, r.claims(nil), nil)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	es := r.keys[jose.ES256]
	head25519, rest25519, _ := strings.Cut(r.sign(t, jose.EdDSA, r.claims(nil), nil), ".")
	body25519, signature25519, _ := strings.Cut(rest25519, ".")
	cases := map[string]string{
		"N130 none":                    raw(`{"alg":"none"}`, r.claims(nil), ""),
		"N130 NoNe":                    raw(`{"alg":"NoNe","kid":"key-ES256"}`, r.claims(nil), ""),
		"N130 empty alg":               raw(`{"alg":"","kid":"key-ES256"}`, r.claims(nil), signature),
		"N131 HS256 by the public key": signWith(t, jose.HS256, der, "key-RS256", r.claims(nil), nil),
		"N131 HS256 by its key set":    signWith(t, jose.HS256, r.keySet(t), "key-RS256", r.claims(nil), nil),
		"RS384 is not on the list":     signWith(t, jose.RS384, r.keys[jose.RS256], "key-RS256", r.claims(nil), nil),
		"another key":                  signWith(t, jose.ES256, attacker, "key-ES256", r.claims(nil), nil),
		"another kid":                  signWith(t, jose.ES256, es, "key-9", r.claims(nil), nil),
		"a key of another algorithm":   signWith(t, jose.PS256, r.keys[jose.RS256], "key-RS256", r.claims(nil), nil),
		"N133 jku":                     signWith(t, jose.ES256, attacker, "key-ES256", r.claims(nil), map[jose.HeaderKey]any{"jku": evil.URL}),
		"N133 jku by the right key":    r.sign(t, jose.ES256, r.claims(nil), map[jose.HeaderKey]any{"jku": evil.URL}),
		"N133 x5u by the right key":    r.sign(t, jose.ES256, r.claims(nil), map[jose.HeaderKey]any{"x5u": evil.URL}),
		"N133 jwk": signWith(t, jose.ES256, attacker, "key-ES256", r.claims(nil),
			map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: attacker.Public()}}),
		"N133 x5c":          signWith(t, jose.ES256, attacker, "key-ES256", r.claims(nil), map[jose.HeaderKey]any{"x5c": []string{certificate(t, attacker)}}),
		"N134 unknown crit": r.sign(t, jose.ES256, r.claims(nil), map[jose.HeaderKey]any{"crit": []string{"acme"}, "acme": 1}),
		"N134 crit b64":     r.sign(t, jose.ES256, r.claims(nil), map[jose.HeaderKey]any{"crit": []string{"b64"}, "b64": true}),
		"N134 b64 false":    r.sign(t, jose.ES256, r.claims(nil), map[jose.HeaderKey]any{"b64": true}),
		"N134 detached":     head + ".." + signature,
		"N134 JSON":         `{"payload":"` + body + `","protected":"` + head + `","signature":"` + signature + `"}`,
		"N134 two signatures": `{"payload":"` + body + `","signatures":[{"protected":"` + head + `","signature":"` + signature +
			`"},{"protected":"` + head + `","signature":"` + signature + `"}]}`,
		"N136 five parts":                 "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjEwMDAwMDAwMDAsImVuYyI6IkExMjhDQkMtSFMyNTYiLCJ6aXAiOiJERUYifQ....",
		"N137 signature of zero":          head + "." + body + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"N137 no signature":               head + "." + body + ".",
		"N137 DER signature":              head + "." + body + "." + base64.RawURLEncoding.EncodeToString(der[:70]),
		"N137 EdDSA with S and the order": head25519 + "." + body25519 + "." + withOrder(t, signature25519),
		"typ of a logout token":           r.sign(t, jose.ES256, r.claims(nil), map[jose.HeaderKey]any{"typ": "logout+jwt"}),
		"payload exchanged":               head + "." + base64.RawURLEncoding.EncodeToString(r.claims(nil)) + "." + signature,
		"no JSON inside":                  r.sign(t, jose.ES256, []byte("hello"), nil),
		"not a token":                     "x",
		"too long":                        good + strings.Repeat("A", 17<<10),
	}
	for name, assertion := range cases {
		wantUnauthenticated(t, name, r.ask(assertion))
		b.Clock.Advance(2 * time.Second) // the throttle forgets; all stay fresh
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("%d calls to an address that the assertion named, want none", n)
	}
	wantInactive(t, "the untouched one", r.ask(good))
	// A signature of ECDSA has a twin, so a second use is known by its jti alone.
	wantUnauthenticated(t, "N137 its twin", r.ask(head+"."+body+"."+twin(t, signature)))
}

// RFC 9864 section 2.2: EdDSA with this curve has a newer name, by which openid-client signs.
func TestAssertionsMaySayEd25519(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, nil)
	encode := base64.RawURLEncoding.EncodeToString
	under := func(header string, key ed25519.PrivateKey, payload []byte) (text, signature string) {
		text = encode([]byte(header)) + "." + encode(payload)
		return text, "." + encode(ed25519.Sign(key, []byte(text)))
	}
	const header = `{"alg":"Ed25519","kid":"key-EdDSA"}`
	key := r.keys[jose.EdDSA].(ed25519.PrivateKey)
	_, attacker, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, signature := under(header, key, r.claims(nil))
	other, _ := under(header, key, r.claims(nil))
	_, foreign := under(header, attacker, r.claims(nil))
	_, of25519, _ := strings.Cut(signature, ".")
	for name, assertion := range map[string]string{
		"another key": text + foreign, "payload exchanged": other + signature, "no signature": text + ".", "cut short": text + signature[:40],
		"N137 S and the order": text + "." + withOrder(t, of25519),
		"a key of another type": func() string {
			text, signature := under(`{"alg":"Ed25519","kid":"key-ES256"}`, key, r.claims(nil))
			return text + signature
		}(),
		"in lower case": func() string {
			text, signature := under(`{"alg":"ed25519","kid":"key-EdDSA"}`, key, r.claims(nil))
			return text + signature
		}(),
	} {
		wantUnauthenticated(t, name, r.ask(assertion))
	}
	wantInactive(t, "as it should be", r.ask(text+signature))
	wantUnauthenticated(t, "a second time", r.ask(text+signature))
}

// twin is the other signature that ECDSA holds true for the same text: (r, n-s).
func twin(t *testing.T, signature string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(text[32:]))
	s.FillBytes(text[32:])
	return base64.RawURLEncoding.EncodeToString(text)
}

// withOrder adds the order of the group to S, which RFC 8032 section 5.1.7 forbids.
func withOrder(t *testing.T, signature string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	slices.Reverse(text[32:]) // little-endian
	new(big.Int).Add(order, new(big.Int).SetBytes(text[32:])).FillBytes(text[32:])
	slices.Reverse(text[32:])
	return base64.RawURLEncoding.EncodeToString(text)
}

// certificate is a self-signed certificate of a key, as x5c carries it.
func certificate(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// Every algorithm that discovery lists works, on every endpoint.
func TestAssertionsOfEveryListedAlgorithm(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, nil)
	for alg := range r.keys {
		wantInactive(t, string(alg), r.ask(r.sign(t, alg, r.claims(nil), nil), "client_id", "robot"))
	}
	code := code(t, b, "robot", offlineScopes...)
	form := func(pairs ...string) url.Values {
		form := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {r.sign(t, jose.EdDSA, r.claims(nil), nil)}}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	tokens := decodeTokens(t, b.Post("/token", form("grant_type", "authorization_code", "code", code, "redirect_uri", providertest.CallbackOf("robot"))))
	tokens = decodeTokens(t, b.Post("/token", form("grant_type", "refresh_token", "refresh_token", tokens.Refresh)))
	if tokens.AccessToken == "" {
		t.Fatalf("answer %+v", tokens)
	}
	if answer := b.Post("/revoke", form("token", tokens.Refresh)); answer.StatusCode != http.StatusOK {
		t.Errorf("revoke: status %d, body %s", answer.StatusCode, answer.Body)
	}
	if answer := userinfo(t, b, tokens.AccessToken); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo after revocation: status %d", answer.StatusCode)
	}
}

// An assertion is used once, also by many at the same time, and also after it has failed nothing.
func TestAssertionIsUsedOnce(t *testing.T) {
	t.Parallel()
	for name, store := range sessiontest.Stores(t) {
		b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
		r := newRobot(t, b, nil)
		assertion := r.sign(t, jose.RS256, r.claims(nil), nil)
		statuses := make([]int, 16)
		var asking sync.WaitGroup
		for i := range statuses {
			asking.Go(func() { statuses[i] = r.ask(assertion).StatusCode })
		}
		asking.Wait()
		won := 0
		for _, status := range statuses {
			if status == http.StatusOK {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%s: %d of %d authenticated, want 1", name, won, len(statuses))
		}
		b.Clock.Advance(299 * time.Second)
		wantUnauthenticated(t, name+": just before its end", r.ask(assertion))
		same := r.claims(func(c map[string]any) { c["jti"] = "jti-1" })
		wantUnauthenticated(t, name+": the same jti in another", r.ask(r.sign(t, jose.RS256, same, nil)))
	}
}

// RFC 6749 section 2.3: one method for each request, the registered one.
func TestAssertionStandsAlone(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, nil)
	assertion := r.sign(t, jose.ES256, r.claims(nil), nil)
	for name, answer := range map[string]providertest.Response{
		"with a secret":     r.ask(assertion, "client_secret", "x"),
		"with another name": r.ask(assertion, "client_id", "wiki"),
		"with Basic": b.Post("/introspect", url.Values{
			"token": {"x"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
		}, "Authorization", basic(providertest.Wiki)),
	} {
		wantRefused(t, name, answer, "invalid_request")
	}
	wantUnauthenticated(t, "without its type", r.ask(assertion, "client_assertion_type", ""))
	wantUnauthenticated(t, "of another type", r.ask(assertion, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"))
	wantUnauthenticated(t, "by name alone", b.Post("/introspect", url.Values{"token": {"x"}, "client_id": {"robot"}}))
	asWiki := r.sign(t, jose.ES256, r.claims(func(c map[string]any) { c["iss"], c["sub"] = "wiki", "wiki" }), nil)
	wantUnauthenticated(t, "for a client with a secret", r.ask(asWiki))
	wantInactive(t, "alone", r.ask(assertion))
	if strings.Contains(b.Logs.String(), assertion) {
		t.Error("the log shows the assertion")
	}
}
