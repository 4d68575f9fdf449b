package personiotest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// refusal is why somebody was not let in. Tests read the check, people the text.
type refusal struct {
	status int
	check  string // state, nonce, iss, aud, exp, signature, userinfo, profile, …
	text   string
	cause  error
}

func refuse(check, text string, cause error) error {
	return &refusal{status: http.StatusForbidden, check: check, text: text, cause: cause}
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.check
	}
	return fmt.Sprintf("%s: %v", r.check, r.cause)
}

func (r *refusal) Unwrap() error { return r.cause }

// attempt is a sign-in on its way through the identity provider.
type attempt struct {
	browser     string // value of the cookie of the browser that began it
	redirectURI string
	nonce       string
	verifier    string // PKCE
	test        bool   // of the configuration: nobody is signed in
	started     time.Time
}

// begin sends the browser to the identity provider; the answer comes to the callback.
func (a *webApp) begin(callback func(rp RelyingParty) string) appHandler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return a.leave(w, r, callback, attempt{})
	}
}

// beginTest is the button "Perform a configuration test": the same way, at whose
// end the result is shown and nobody is signed in.
func (a *webApp) beginTest(w http.ResponseWriter, r *http.Request) error {
	return a.leave(w, r, RelyingParty.callback, attempt{test: true})
}

// leave sends the browser on an attempt.
func (a *webApp) leave(w http.ResponseWriter, r *http.Request, callback func(rp RelyingParty) string, at attempt) error {
	rp, err := a.relyingParty()
	if err != nil {
		return err
	}
	at.browser, at.redirectURI, at.started = a.browser(w, r), rp.redirectURI(callback(rp)), a.cfg.Now()
	options := []oauth2.AuthCodeOption{}
	if rp.Nonce {
		at.nonce = rand.Text()
		options = append(options, oauth2.SetAuthURLParam("nonce", at.nonce))
	}
	if rp.PKCE {
		at.verifier = oauth2.GenerateVerifier()
		options = append(options, oauth2.S256ChallengeOption(at.verifier))
	}
	if hint := r.URL.Query().Get("login_hint"); hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	state := a.remember(at)
	http.Redirect(w, r, rp.oauth2(at.redirectURI).AuthCodeURL(state, options...), http.StatusFound)
	return nil
}

// callback takes the identity provider's answer and lets the person in, or
// refuses with the reason.
func (a *webApp) callback(w http.ResponseWriter, r *http.Request) error {
	rp, err := a.relyingParty()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	at, ok := a.recall(query.Get("state"))
	if cookie, err := r.Cookie(browserCookie); !ok || err != nil || cookie.Value != at.browser {
		return refuse("state", "This answer belongs to no sign-in of this browser.", nil)
	}
	if code := query.Get("error"); code != "" {
		return refuse(code, "The identity provider refused: "+query.Get("error_description"), nil)
	}
	if iss := query.Get("iss"); rp.Profile == OIDC && iss != "" && iss != rp.Issuer { // RFC 9207 section 2.4
		return refuse("iss", "The answer comes from another identity provider.", nil)
	}
	claim, err := a.redeem(r.Context(), rp, at, query.Get("code"))
	if err != nil {
		return err
	}
	if at.test {
		a.render(w, http.StatusOK, "tested.html", testedPage{a.company.Name, claim})
		return nil
	}
	employee, err := a.company.ByEmail(Email(claim))
	if errors.Is(err, ErrUnknownPerson) {
		return refuse("profile", fmt.Sprintf("There is no Personio profile for %s.", claim), err)
	}
	if err != nil {
		return err
	}
	if employee.Status == Inactive {
		return refuse("inactive", fmt.Sprintf("The Personio profile of %s is inactive.", claim), nil)
	}
	a.signIn(w, employee.ID, claim)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// redeem exchanges the code and returns the claim by which people are matched.
func (a *webApp) redeem(ctx context.Context, rp RelyingParty, at attempt, code string) (string, error) {
	if code == "" {
		return "", refuse("code", "The answer has no code.", nil)
	}
	if err := sleep(ctx, rp.CodeDelay); err != nil {
		return "", err
	}
	token, err := a.exchange(ctx, rp, at, code)
	if err != nil {
		return "", err
	}
	if rp.ReuseCode {
		if _, err := a.exchange(ctx, rp, at, code); err == nil {
			return "", refuse("reuse", "The identity provider accepted a code twice.", nil)
		}
	}
	subject := ""
	if rp.Profile == OIDC {
		raw, _ := token.Extra("id_token").(string)
		claims, err := verifyIDToken(ctx, a.cfg.HTTP, rp, raw, at.nonce, a.cfg.Now().Add(rp.ClockSkew))
		if err != nil {
			return "", err
		}
		subject = claims.Subject
	}
	return a.userinfo(ctx, rp, token, subject)
}

func (a *webApp) exchange(ctx context.Context, rp RelyingParty, at attempt, code string) (*oauth2.Token, error) {
	var options []oauth2.AuthCodeOption
	if at.verifier != "" {
		options = append(options, oauth2.VerifierOption(at.verifier))
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, a.cfg.HTTP)
	token, err := rp.oauth2(at.redirectURI).Exchange(ctx, code, options...)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nil, refuse("token", "The identity provider did not redeem the code: "+refused.ErrorCode, err)
	}
	if err != nil {
		return nil, refuse("token", "The identity provider's token endpoint could not be used.", err)
	}
	return token, nil
}

// userinfo asks for the claim field. Its subject must be the ID token's
// (OpenID Connect Core section 5.3.2); the old method has no ID token.
func (a *webApp) userinfo(ctx context.Context, rp RelyingParty, token *oauth2.Token, subject string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, rp.UserinfoMethod, rp.UserinfoURI, nil)
	if err != nil {
		return "", fmt.Errorf("userinfo request: %w", err)
	}
	token.SetAuthHeader(req)
	var claims map[string]any
	if err := fetchJSON(a.cfg.HTTP, req, &claims); err != nil {
		return "", refuse("userinfo", "The identity provider does not say who you are.", err)
	}
	if got, _ := claims["sub"].(string); rp.Profile == OIDC && got != subject {
		return "", refuse(checkSubject, "Userinfo speaks of somebody else than the ID token.", nil)
	}
	claim, _ := claims[rp.ClaimField].(string)
	if claim == "" {
		return "", refuse("claim", fmt.Sprintf("Userinfo has no %q.", rp.ClaimField), nil)
	}
	return claim, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
