package personiotest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	opClientID = "personio"
	opSecret   = "a-secret-of-at-least-thirty-two-characters"
)

// fakeOP is an identity provider that lets everybody in as one person. Each
// hook may spoil one thing it says.
type fakeOP struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	email    string
	response func(values url.Values)     // parameters of the authorization response
	claims   func(claims map[string]any) // of the ID token
	sign     func(claims map[string]any) string
	userinfo func(claims map[string]any)
	reusable bool // codes may be redeemed again

	mu        sync.Mutex // guards what follows
	authorize url.Values // the last authorization request
	token     url.Values // the last token request
	asked     string     // method of the last userinfo request
	redeemed  map[string]bool
}

func newFakeOP(t *testing.T) *fakeOP {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	op := &fakeOP{key: key, redeemed: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", op.serveAuthorize)
	mux.HandleFunc("POST /token", op.serveToken)
	mux.HandleFunc("/userinfo", op.serveUserinfo)
	mux.HandleFunc("GET /jwks", op.serveKeys)
	op.Server = httptest.NewServer(mux)
	t.Cleanup(op.Close)
	return op
}

func (op *fakeOP) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	op.mu.Lock()
	op.authorize = r.URL.Query()
	op.mu.Unlock()
	values := url.Values{"code": {rand.Text()}, "state": {r.URL.Query().Get("state")}, "iss": {op.URL}}
	if op.response != nil {
		op.response(values)
	}
	http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+values.Encode(), http.StatusFound)
}

// serveToken authenticates the client in the body only and checks what RFC 6749
// and RFC 7636 ask for.
func (op *fakeOP) serveToken(w http.ResponseWriter, r *http.Request) {
	_, _, basic := r.BasicAuth()
	_ = r.ParseForm() // a body that cannot be read has no client
	op.mu.Lock()
	defer op.mu.Unlock()
	op.token = r.PostForm
	code := r.PostForm.Get("code")
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	challenge := op.authorize.Get("code_challenge")
	switch {
	case basic || r.PostForm.Get("client_id") != opClientID || r.PostForm.Get("client_secret") != opSecret:
		refuseToken(w, http.StatusUnauthorized, "invalid_client")
	case r.PostForm.Get("redirect_uri") != op.authorize.Get("redirect_uri"),
		challenge != "" && challenge != base64.RawURLEncoding.EncodeToString(verifier[:]),
		op.redeemed[code] && !op.reusable:
		refuseToken(w, http.StatusBadRequest, "invalid_grant")
	default:
		op.redeemed[code] = true
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": "access", "token_type": "Bearer", "expires_in": 900, "id_token": op.idToken(),
		})
	}
}

func refuseToken(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}

func (op *fakeOP) idToken() string {
	now := time.Now()
	claims := map[string]any{
		"iss": op.URL, "sub": "subject-1", "aud": opClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	if nonce := op.authorize.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	if op.claims != nil {
		op.claims(claims)
	}
	if op.sign != nil {
		return op.sign(claims)
	}
	return signed(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: op.key, KeyID: "k1"}}, claims)
}

func signed(key jose.SigningKey, claims map[string]any) string {
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		panic(err) // a broken test
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return token
}

func (op *fakeOP) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer access" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	op.mu.Lock()
	op.asked = r.Method
	op.mu.Unlock()
	claims := map[string]any{"sub": "subject-1", "email": op.email}
	if op.userinfo != nil {
		op.userinfo(claims)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(claims)
}

func (op *fakeOP) serveKeys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: op.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"},
	}})
}
