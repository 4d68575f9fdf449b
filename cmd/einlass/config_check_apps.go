package main

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider"
	"github.com/einlass/einlass/users"
)

// The words that keys of applications and people accept.
var (
	authMethods      = []string{users.AuthMethodPost, users.AuthMethodBasic, users.AuthMethodNone, users.AuthMethodPrivateKey}
	importSources    = []string{users.SourcePersonio, users.SourceCSV}
	importModes      = []users.ImportMode{users.ImportAll, users.ImportNew, users.ImportUpdates}
	personioAPIs     = []users.API{users.APIAuto, users.APIv1, users.APIv2}
	approvals        = []users.Approval{users.ApprovalAnyone, users.ApprovalSecondPerson}
	initialStates    = []users.State{users.StateActive, users.StateStaged}
	summaryPolicies  = []users.SummaryPolicy{users.SummaryNever, users.SummaryChanges, users.SummaryAlways}
	conflictPolicies = []users.ConflictPolicy{users.ConflictQuarantines, users.ConflictLinks}
	leaveAccesses    = []users.LeaveAccess{users.AccessKeep, users.AccessApplication, users.AccessSuspend}
	leavePolicies    = []users.LeavePolicy{users.LeaveSuspends, users.LeaveKeeps}
	userStates       = []users.State{users.StateActive, users.StateStaged, users.StateSuspended}
	userRoles        = []users.Role{users.RoleOwner, users.RoleAdministrator, users.RoleHelpdesk, users.RoleAuditor, users.RoleNone}
)

// protocolClaims have a meaning of their own in an ID token or userinfo answer
// (OpenID Connect Core sections 2 and 3.1.3.6, RFC 7519 section 4.1); no
// attribute may take their place.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "sid",
}

func (l *loader) checkApplications() {
	ids, clients := map[string]int{}, map[string]int{}
	for i, a := range l.cfg.Applications {
		path := element("applications", i)
		l.checkID(path, a.ID, ids, i)
		l.checkNamedGroups(path, a.Groups)
		if n := utf8.RuneCountInString(a.Description); n > users.MaxDescriptionChars {
			l.fail(path+".description", "want at most %d characters, found %d", users.MaxDescriptionChars, n)
		}
		if len(a.Groups) == 0 && (a.Launch != nil || a.SignIn != nil) {
			l.warn(path+".groups", "no group is bound, so nobody may use %s; everyone is the group of all people", a.ID)
		}
		if a.Launch != nil {
			l.checkURL(path+".launch.url", a.Launch.URL)
		}
		if a.SignIn != nil {
			l.checkSignIn(path+".sign_in", *a.SignIn)
			l.checkClientSecrets(path+".sign_in", *a.SignIn)
			if first, found := clients[a.SignIn.ClientID]; found && a.SignIn.ClientID != "" {
				l.fail(path+".sign_in.client_id", "%q is the client_id of %s already", a.SignIn.ClientID, l.cfg.Applications[first].ID)
			}
			clients[a.SignIn.ClientID] = i
		}
		if a.Import != nil {
			l.checkImport(path+".import", *a.Import)
		}
	}
	l.checkAccounts()
}

// checkID checks the id of an element that must be a slug and stand once in its list.
func (l *loader) checkID(path, id string, seen map[string]int, i int) {
	path += ".id"
	switch first, found := seen[id]; {
	case id == "":
		l.fail(path, "required")
	case !users.ApplicationID(id).Valid():
		l.fail(path, "want 1 to 40 of a-z, 0-9 and -, found %q", id)
	case found:
		l.fail(path, "%q stands here twice, first as number %d", id, first+1)
	default:
		seen[id] = i
	}
}

// checkNamedGroups checks that groups are declared or built in.
func (l *loader) checkNamedGroups(path string, named []string) {
	known := []string{string(users.Everyone)}
	for _, g := range l.cfg.Groups {
		known = append(known, g.ID)
	}
	for i, group := range named {
		switch {
		case !slices.Contains(known, group):
			l.fail(element(path+".groups", i), "unknown group %q%s", group, didYouMean(group, known))
		case slices.Contains(named[:i], group):
			l.fail(element(path+".groups", i), "%q stands here twice", group)
		}
	}
}

func (l *loader) checkSignIn(path string, s SignInConfig) {
	switch {
	case s.ClientID == "":
		l.fail(path+".client_id", "required")
	case len(s.ClientID) > 255 || strings.ContainsFunc(s.ClientID, notPrintable):
		l.fail(path+".client_id", "want at most 255 printable ASCII characters (RFC 6749 appendix A.1)")
	}
	l.checkClientKeys(path, s)
	if len(s.RedirectURIs) == 0 {
		l.fail(path+".redirect_uris", "want at least one")
	}
	l.checkRedirectURIs(path+".redirect_uris", s)
	l.checkURLs(path+".post_logout_redirect_uris", s.PostLogoutRedirectURIs)
	if s.BackchannelLogoutURI != "" {
		l.checkURL(path+".backchannel_logout_uri", s.BackchannelLogoutURI)
	}
	if s.InitiateLoginURI != "" {
		l.checkURL(path+".initiate_login_uri", s.InitiateLoginURI)
	}
	l.checkURLs(path+".continues_at", s.ContinuesAt)
	l.checkClaims(path, s)
}

// checkRedirectURIs checks where codes may be sent. A program on the person's own
// machine, which has no secret, listens there without TLS: nothing leaves the machine (RFC 8252 section 8.3).
func (l *loader) checkRedirectURIs(path string, s SignInConfig) {
	for i, uri := range s.RedirectURIs {
		loopback := l.cfg.InsecureAllowLoopback || s.AuthMethod == users.AuthMethodNone && provider.IsOnLoopback(uri)
		if why := whyNotURL(uri, loopback); why != "" {
			l.fail(element(path, i), "%s, found %s", why, quoteURL(uri))
		}
		if slices.Contains(s.RedirectURIs[:i], uri) {
			l.fail(element(path, i), "%s stands here twice", quoteURL(uri))
		}
	}
}

// checkURLs checks a list of URLs, each of which stands in it once.
func (l *loader) checkURLs(path string, uris []string) {
	for i, uri := range uris {
		l.checkURL(element(path, i), uri)
		if slices.Contains(uris[:i], uri) {
			l.fail(element(path, i), "%s stands here twice", quoteURL(uri))
		}
	}
}

// checkClientKeys checks the keys of a client that signs its requests.
func (l *loader) checkClientKeys(path string, s SignInConfig) {
	signs := s.AuthMethod == users.AuthMethodPrivateKey
	switch {
	case signs && s.JWKS == "" && s.JWKSURI == "":
		l.fail(path+".jwks", "this or jwks_uri is required with auth_method private_key_jwt")
	case s.JWKS != "" && s.JWKSURI != "":
		l.fail(path+".jwks_uri", "jwks and jwks_uri are both set")
	case !signs && s.JWKS != "":
		l.fail(path+".jwks", "used with auth_method private_key_jwt only")
	case !signs && s.JWKSURI != "":
		l.fail(path+".jwks_uri", "used with auth_method private_key_jwt only")
	case s.JWKSURI != "":
		l.checkURL(path+".jwks_uri", s.JWKSURI)
	case s.JWKS != "":
		if _, err := keys.ParsePublicSet([]byte(s.JWKS)); err != nil {
			l.fail(path+".jwks", "%v", err)
		}
	}
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

func (l *loader) checkClientSecrets(path string, s SignInConfig) {
	hasNone := s.AuthMethod == users.AuthMethodNone || s.AuthMethod == users.AuthMethodPrivateKey
	switch {
	case hasNone && len(s.ClientSecrets) > 0:
		l.fail(path+".client_secret", "a client with auth_method %s has no secret", s.AuthMethod)
	case !hasNone && len(s.ClientSecrets) == 0:
		l.fail(path+".client_secret", "required with auth_method %s", s.AuthMethod)
	}
	for i, secret := range s.ClientSecrets {
		at := path + ".client_secret"
		if len(s.ClientSecrets) > 1 {
			at = element(at, i)
		}
		if why := whyWeak(secret); why != "" {
			l.fail(at, "%s; make one with: openssl rand -base64 32", why)
		}
	}
}

// exampleWords stand in the secrets of guides and samples.
var exampleWords = []string{"change-me", "changeme", "change_me", "replace-me", "replaceme", "replace_me", "your-secret", "example-secret", "secret-example"}

// whyWeak says why a client secret is not accepted, or nothing. Client secrets
// are stored as a plain hash, so they must be long and random.
func whyWeak(secret keys.Secret) string {
	text := secret.Reveal()
	switch {
	case utf8.RuneCountInString(text) < users.MinClientSecretChars:
		return "shorter than 32 characters"
	case strings.Count(text, text[:1]) == len(text):
		return "the same character again and again"
	case slices.ContainsFunc(exampleWords, func(word string) bool { return strings.Contains(strings.ToLower(text), word) }):
		return "an example value"
	}
	return ""
}

func (l *loader) checkClaims(path string, s SignInConfig) {
	for _, claim := range sortedKeys(s.Claims) {
		switch {
		case !users.IsAttributeName(claim):
			l.fail(path+".claims", "%q is no name for a claim", claim)
		case slices.Contains(protocolClaims, claim):
			l.fail(path+".claims", "%q is set by the protocol and cannot carry an attribute", claim)
		default:
			if err := provider.CheckClaim(s.Claims[claim]); err != nil {
				l.fail(path+".claims", "%s: want an attribute or an expression: %s", claim, err)
			}
		}
	}
	for i, claim := range s.IDTokenClaims {
		if _, found := s.Claims[claim]; !found {
			l.fail(element(path+".id_token_claims", i), "%q is not among claims", claim)
		}
	}
}

func (l *loader) checkImport(path string, i ImportConfig) {
	l.checkSource(path, i)
	if err := personio.CheckFilter(i.Filter); err != nil {
		l.fail(path+".filter", "%v", err)
	}
	if i.Guard.MaxPeople < 1 {
		l.fail(path+".guard.max_people", "want 1 or more, found %d", i.Guard.MaxPeople)
	}
	if i.Guard.MaxPercent < 1 || i.Guard.MaxPercent > 100 {
		l.fail(path+".guard.max_percent", "want 1 to 100, found %d", i.Guard.MaxPercent)
	}
	if i.Webhook != nil {
		l.checkWebhook(path+".webhook", *i.Webhook)
	}
	if i.Summary != users.SummaryNever && l.cfg.Mail.SMTP == "" {
		l.warn(path+".summary", "nothing is mailed without mail.smtp")
	}
	l.checkMapping(path, i)
	if i.Access != nil {
		for _, p := range importer.CheckAccess(users.Access(*i.Access)) {
			l.fail(join(path+".access", p.Target), "%s", p.Text)
		}
	}
	l.checkLeave(path, i)
	for _, p := range importer.CheckOffices(i.Offices) {
		l.fail(join(path+".offices", p.Target), "%s", p.Text)
	}
}

// checkSource checks that a connection has what its source needs, and nothing else.
func (l *loader) checkSource(path string, i ImportConfig) {
	if i.Source == users.SourceCSV {
		switch {
		case i.Personio != nil:
			l.fail(path+".personio", "the people come from files (source: csv)")
		case i.Webhook != nil:
			l.fail(path+".webhook", "files tell of no changes (source: csv)")
		case i.Delta > 0:
			l.fail(path+".delta", "files tell of no changes (source: csv)")
		case i.Filter != "":
			l.fail(path+".filter", "files know no filter (source: csv)")
		}
		return
	}
	if i.Personio == nil {
		l.fail(path, "want a source: personio, or source: csv")
		return
	}
	l.checkPersonio(path+".personio", *i.Personio)
	if i.Personio.ClientSecret == "" && (i.Schedule > 0 || i.Delta > 0 || i.Webhook != nil) {
		l.fail(path+".personio.client_secret", "required, unless schedule and delta are off and there is no webhook")
	}
}

func (l *loader) checkMapping(path string, i ImportConfig) {
	if source, named := i.Mapping[users.AttributeEmail]; named && source == "" {
		l.fail(path+".mapping.email", "cannot be taken out")
	}
	for _, p := range importer.CheckMapping(i.mapping(personio.DefaultMapping()), i.MappingOnCreate) {
		at := path + ".mapping"
		if p.OnCreate {
			at += "_on_create"
		}
		l.fail(join(at, p.Target), "%s", p.Text)
	}
}

func (l *loader) checkPersonio(path string, p PersonioConfig) {
	if p.ClientID == "" {
		l.fail(path+".client_id", "required")
	}
	u := l.checkURL(path+".base_url", p.BaseURL)
	switch {
	case u == nil:
	case u.RawQuery != "":
		l.fail(path+".base_url", "must not have a query, found %q", p.BaseURL)
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1"), strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v2"):
		l.fail(path+".base_url", "want the root of the API without its version, found %q", p.BaseURL)
	}
}
