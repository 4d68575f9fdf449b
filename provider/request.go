package provider

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// maxOpaqueChars bounds state and nonce, which we only carry.
const maxOpaqueChars = 2048

// maxMaxAge is how many seconds we tell apart: no session is ten years old.
const maxMaxAge = 10 * 365 * 24 * 60 * 60

// Bounds of what a client wishes. Beyond them, and a login hint beyond users.MaxLoginBytes, it counts as
// not sent: all of it is optional, and strangers must not fill the session store with it.
const (
	maxUILocales   = 10
	maxLocaleBytes = 35 // RFC 5646 section 4.4.1
)

const (
	responseModeQuery    = string(oidc.ResponseModeQuery)
	responseModeFormPost = string(oidc.ResponseModeFormPost)
)

// Values of prompt (OpenID Connect Core section 3.1.2.1).
var knownPrompts = []string{oidc.PromptNone, oidc.PromptLogin, oidc.PromptConsent, oidc.PromptSelectAccount}

// supportedScopes are the ones that mean something here; others are ignored
// (RFC 6749 section 3.3).
var supportedScopes = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, session.ScopeOffline}

// challengePattern is what S256 makes of a verifier: 43 characters of base64url (RFC 7636 section 4.2).
var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// readAuthRequest validates everything but client and redirect URI. What it
// returns beside an error is what the error response needs: mode and state.
func readAuthRequest(c *client, in params) (session.Params, *oidc.Error) {
	p := session.Params{
		ClientID:     c.ClientID,
		RedirectURI:  in.get("redirect_uri"),
		ResponseMode: responseModeQuery,

		SignInVersion: c.signInVersion(),
	}
	// Where and with which state to answer comes first, so that every further error can use it.
	in = answeredAs(in)
	if in.get("response_mode") == responseModeFormPost && !in.isRepeated("response_mode") {
		p.ResponseMode = responseModeFormPost
	}
	if !isOpaque(in.get("state")) {
		return p, errInvalidRequest("The state is too long or not printable ASCII.")
	}
	if !in.isRepeated("state") {
		p.State = in.get("state")
	}
	if in.broken {
		return p, errInvalidRequest("The request is not properly encoded.")
	}
	if len(in.repeated) > 0 {
		return p, errInvalidRequest("A parameter occurs more than once.")
	}
	if err := refuseUnsupported(in); err != nil {
		return p, err
	}
	if err := readScopes(&p, in); err != nil {
		return p, err
	}
	if err := readChallenge(&p, c, in); err != nil {
		return p, err
	}
	if err := readInteraction(&p, in); err != nil {
		return p, err
	}
	releaseOffline(&p, c)
	return p, nil
}

// releaseOffline takes offline_access out of the scopes unless the client is
// registered for it and asks for consent (OpenID Connect Core section 11). For a
// trusted client the administrator has consented; other clients' people are asked.
func releaseOffline(p *session.Params, c *client) {
	if c.OfflineAccess && slices.Contains(p.Prompt, oidc.PromptConsent) {
		return
	}
	p.Scopes = slices.DeleteFunc(p.Scopes, func(s string) bool { return s == session.ScopeOffline })
}

// refuseUnsupported names what we do not do, instead of ignoring it (OpenID Connect Core section 3.1.2.6).
func refuseUnsupported(in params) *oidc.Error {
	switch {
	case in.get("request") != "":
		return errRequestNotSupported()
	case in.get("request_uri") != "":
		return errRequestURINotSupported()
	case in.get("registration") != "":
		return errRegistrationNotSupported()
	}
	switch in.get("response_type") {
	case string(oidc.ResponseTypeCode):
	case "":
		return errInvalidRequest("The response_type is missing.")
	default:
		return errUnsupportedResponseType()
	}
	switch in.get("response_mode") {
	case "", responseModeQuery, responseModeFormPost:
		return nil
	}
	return errInvalidRequest("The response_mode must be query or form_post.")
}

// readScopes takes the scopes that mean something here.
func readScopes(p *session.Params, in params) *oidc.Error {
	asked := splitScopes(in.get("scope"))
	for _, s := range supportedScopes {
		if slices.Contains(asked, s) {
			p.Scopes = append(p.Scopes, s)
		}
	}
	if !slices.Contains(p.Scopes, oidc.ScopeOpenID) || !isScope(in.get("scope")) {
		return errInvalidScope()
	}
	return nil
}

// isScope reports whether s has only the characters of RFC 6749 section 3.3, commas among them.
func isScope(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' })
}

// isOpaque reports whether s is short printable ASCII.
func isOpaque(s string) bool {
	return len(s) <= maxOpaqueChars && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

// readChallenge takes a PKCE challenge: S256 and nothing else (RFC 9700 section 2.1.1).
func readChallenge(p *session.Params, c *client, in params) *oidc.Error {
	challenge, method := in.get("code_challenge"), in.get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return errInvalidRequest("The code_challenge is missing.")
	case challenge == "" && (c.RequirePKCE || c.AuthMethod == users.AuthMethodNone):
		return errInvalidRequest("This client must use PKCE with S256.").WithParent(because(users.CallPKCERequired))
	case challenge == "":
		return nil
	case method != string(oidc.CodeChallengeMethodS256):
		return errInvalidRequest("The code_challenge_method must be S256.")
	case !challengePattern.MatchString(challenge):
		return errInvalidRequest("The code_challenge is not an S256 challenge.")
	}
	p.CodeChallenge = challenge
	return nil
}

// readInteraction takes what concerns the person: prompt, max_age, claims, hints.
// display and claims_locales change nothing here: the pages fit every window, and
// the directory knows one spelling of everything.
func readInteraction(p *session.Params, in params) *oidc.Error {
	p.Nonce = in.get("nonce")
	if !isOpaque(p.Nonce) {
		return errInvalidRequest("The nonce is too long or not printable ASCII.")
	}
	for _, v := range strings.Fields(in.get("prompt")) {
		if !slices.Contains(knownPrompts, v) {
			return errInvalidRequest("The prompt is unknown.")
		}
		if !slices.Contains(p.Prompt, v) {
			p.Prompt = append(p.Prompt, v)
		}
	}
	if slices.Contains(p.Prompt, oidc.PromptNone) && len(p.Prompt) > 1 {
		return errInvalidRequest("The prompt none stands alone.")
	}
	if text := in.get("max_age"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return errInvalidRequest("The max_age must be a number of seconds.")
		}
		p.MaxAge = new(int(min(seconds, maxMaxAge)))
	}
	claims, err := readClaims(in.get("claims"))
	if err != nil {
		return err
	}
	p.Claims = claims.String()
	p.ACRValues = knownACRs(in.get("acr_values"))
	if hint := in.get("login_hint"); len(hint) <= users.MaxLoginBytes && !strings.ContainsFunc(hint, unicode.IsControl) {
		p.LoginHint = hint
	}
	p.UILocales = readLocales(in.get(parameterLocales))
	return nil
}

// readLocales returns the first languages of text, in the client's order of preference.
func readLocales(text string) []string {
	var locales []string
	for locale := range strings.FieldsSeq(text) {
		if len(locales) < maxUILocales && len(locale) <= maxLocaleBytes && !strings.ContainsFunc(locale, isForeignToLocales) {
			locales = append(locales, locale)
		}
	}
	return locales
}

// isForeignToLocales reports whether no language tag has r (RFC 5646 section 2.1;
// the underscore is how many programs write the hyphen).
func isForeignToLocales(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
