package provider_test

import (
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/einlass/einlass/provider/providertest"
)

// Libraries that others wrote, with every check they have, complete a sign-in:
// discovery, PKCE, the code by both ways, state, the ID token with nonce and
// at_hash, and userinfo.
// S-059 S-060 N050
// F-01
func TestRelyingPartiesOfOthersSignIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	ctx := t.Context()
	issuer, err := oidc.NewProvider(ctx, b.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := issuer.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	config := oauth2.Config{
		ClientID: providertest.Personio, ClientSecret: providertest.SecretOf(providertest.Personio).Reveal(),
		Endpoint: endpoint, RedirectURL: providertest.CallbackOf(providertest.Personio), Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	for _, mode := range []string{"query", "form_post"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			verifier := oauth2.GenerateVerifier()
			target := config.AuthCodeURL("the-state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("the-nonce"),
				oauth2.SetAuthURLParam("response_mode", mode))
			answer := callback(t, mode, b.NewBrowser().SignIn(target, providertest.Ada, providertest.Password))
			if answer.Get("state") != "the-state" || answer.Get("iss") != b.Issuer {
				t.Fatalf("parameters %v", answer)
			}
			token, err := config.Exchange(t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := token.Extra("id_token").(string)
			idToken, err := issuer.Verifier(&oidc.Config{ClientID: providertest.Personio, Now: b.Clock.Now}).Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			if idToken.Nonce != "the-nonce" || idToken.VerifyAccessToken(token.AccessToken) != nil {
				t.Errorf("nonce %q, at_hash: %v", idToken.Nonce, idToken.VerifyAccessToken(token.AccessToken))
			}
			info, err := issuer.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
			if err != nil || info.Subject != idToken.Subject || info.Email != providertest.Ada || !info.EmailVerified {
				t.Errorf("userinfo %+v: %v", info, err)
			}
		})
	}
}

// callback returns what the application is sent.
func callback(t *testing.T, mode string, answer providertest.Response) url.Values {
	t.Helper()
	if mode == "query" {
		return answer.Query()
	}
	action, fields := providertest.FormOf(t, answer.Body, "code")
	if action != providertest.CallbackOf(providertest.Personio) {
		t.Errorf("the form leads to %q", action)
	}
	return fields
}
