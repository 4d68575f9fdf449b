package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// nodeModule is the folder of an npm package, below the one that EINLASS_TEST_NODE_MODULES names.
func nodeModule(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(os.Getenv("EINLASS_TEST_NODE_MODULES"), name)
	if _, err := os.Stat(filepath.Join(folder, "package.json")); err != nil {
		unavailable(t, "EINLASS_TEST_NODE_MODULES names no folder with "+name)
	}
	return folder
}

// The npm package openid-client, with every check it has, signs a person in at
// the real binary, by a plain and by a pushed request, and refuses an answer
// that claims to come from another issuer.
// S-059 R-24 N052
func TestOpenIDClientOfNodeSignsIn(t *testing.T) {
	t.Parallel()
	modules := filepath.Dir(nodeModule(t, "openid-client"))
	node := need(t, "node")
	h := newHouse(t, stores{}, personiotest.Config{People: 5, Seed: 3})
	_, jana := h.open()
	rp := h.relyingParty(personiotest.OIDC)
	for _, how := range []string{"plain", "push", "mixed up"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), node, "testdata/relyingparty.mjs", modules, h.issuer, rp.ClientID, rp.ClientSecret.Reveal(), rp.RedirectURIs()[0], how)
			var problems strings.Builder
			cmd.Stderr = &problems
			in, err := cmd.StdinPipe()
			must(t, err)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			lines := bufio.NewScanner(out)
			if !lines.Scan() {
				t.Fatalf("no authorization request: %s", problems.String())
			}
			target, err := url.Parse(lines.Text())
			must(t, err)
			if pushed := target.Query().Has("request_uri"); pushed != (how == "push") {
				t.Errorf("request %s", target)
			}
			answer := h.signInAt(t, target.String(), jana)
			if how == "mixed up" {
				answer = strings.Replace(answer, url.QueryEscape(h.issuer), url.QueryEscape("https://other.example"), 1)
			}
			_, err = io.WriteString(in, answer+"\n")
			must(t, err)
			told := lines.Scan()
			if how == "mixed up" {
				if err := cmd.Wait(); told || err == nil || !strings.Contains(problems.String(), "iss") {
					t.Errorf("another issuer's answer was taken: %v\n%s", err, problems.String())
				}
				return
			}
			if !told {
				t.Fatalf("no answer: %s", problems.String())
			}
			var who struct{ Sub, Email string }
			must(t, json.Unmarshal(lines.Bytes(), &who))
			if who.Sub == "" || who.Email != jana {
				t.Errorf("signed in %+v, want %s", who, jana)
			}
			must(t, cmd.Wait())
		})
	}
}

// golang.org/x/oauth2 and go-oidc, with every check they have, sign a person in at the real binary.
// S-059 R-24
func TestLibrariesOfGoSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 5, Seed: 3})
	_, jana := h.open()
	rp := h.relyingParty(personiotest.OIDC)

	issuer, err := oidc.NewProvider(t.Context(), h.issuer)
	must(t, err)
	config := oauth2.Config{
		ClientID: rp.ClientID, ClientSecret: rp.ClientSecret.Reveal(), RedirectURL: rp.RedirectURIs()[0],
		Endpoint: issuer.Endpoint(), Scopes: []string{oidc.ScopeOpenID},
	}
	pkce := oauth2.GenerateVerifier()
	answer, err := url.Parse(h.signInAt(t, config.AuthCodeURL("the-state", oauth2.S256ChallengeOption(pkce), oidc.Nonce("the-nonce")), jana))
	must(t, err)
	if got := answer.Query().Get("state"); got != "the-state" {
		t.Errorf("state %q", got)
	}
	if _, err := config.Exchange(t.Context(), answer.Query().Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("a code was redeemed with another's verifier")
	}
	token, err := config.Exchange(t.Context(), answer.Query().Get("code"), oauth2.VerifierOption(pkce))
	must(t, err)
	raw, _ := token.Extra("id_token").(string)
	idToken, err := issuer.VerifierContext(t.Context(), &oidc.Config{ClientID: rp.ClientID}).Verify(t.Context(), raw)
	must(t, err)
	if idToken.Nonce != "the-nonce" || idToken.VerifyAccessToken(token.AccessToken) != nil {
		t.Errorf("nonce %q, at_hash: %v", idToken.Nonce, idToken.VerifyAccessToken(token.AccessToken))
	}
	info, err := issuer.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	must(t, err)
	if info.Subject != idToken.Subject || info.Email != jana {
		t.Errorf("userinfo %+v, want %s as %s", info, jana, idToken.Subject)
	}
}

// signInAt signs a person in at the form that target leads to, and returns
// where the browser is sent then, without going there.
func (h *house) signInAt(t *testing.T, target, email string) string {
	t.Helper()
	b := h.browser()
	form := b.get(target)
	var sent string
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		sent = r.URL.String()
		return http.ErrUseLastResponse
	}
	b.signIn(form, email)
	return sent
}
