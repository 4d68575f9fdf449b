package users

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// ApplicationID is a slug `[a-z0-9-]{1,40}`. A connection's id is its application's.
type ApplicationID string

var slug = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// Valid reports whether the id is a slug.
func (id ApplicationID) Valid() bool { return slug.MatchString(string(id)) }

// Application is one thing people use, with up to three capabilities: launch
// (a tile and its URL), sign-in (an OpenID Connect client), import (a source of
// people). Nobody who is in no bound group gets in.
type Application struct {
	ID          ApplicationID `json:"-"`
	Label       string        `json:"label"`
	Description string        `json:"description,omitempty"`
	Disabled    bool          `json:"disabled,omitempty"`
	Logo        *Logo         `json:"logo,omitempty"`  // nil: the first letter of the label
	Color       Color         `json:"color,omitempty"` // of that letter; empty: one that follows from the id
	Launch      *Launch       `json:"launch,omitempty"`
	SignIn      *SignIn       `json:"sign_in,omitempty"`
	Import      *Import       `json:"import,omitempty"`
	// SignInVersion rises with every change after which a sign-in has to be tried again.
	SignInVersion int64 `json:"sign_in_version,omitempty"`

	Groups  []GroupID `json:"-"` // bound groups, sorted
	Origin  Origin    `json:"-"`
	Version int64     `json:"-"`
}

// Launch is the tile in the portal.
type Launch struct {
	URL string `json:"url"`
}

// Authentication methods of a client at the token endpoint, by their registered
// names (OpenID Connect Core section 9).
const (
	AuthMethodPost       = "client_secret_post"
	AuthMethodBasic      = "client_secret_basic"
	AuthMethodPrivateKey = "private_key_jwt"
	AuthMethodNone       = "none"
)

// SignIn is an OpenID Connect client. Its secrets are stored apart, hashed.
type SignIn struct {
	ClientID               string            `json:"client_id"`
	AuthMethod             string            `json:"auth_method"`
	RedirectURIs           []string          `json:"redirect_uris"` // matched byte for byte
	PostLogoutRedirectURIs []string          `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI   string            `json:"backchannel_logout_uri,omitempty"`
	FrontchannelLogoutURI  string            `json:"frontchannel_logout_uri,omitempty"`
	InitiateLoginURI       string            `json:"initiate_login_uri,omitempty"`
	ContinuesAt            []string          `json:"continues_at,omitempty"`    // where its own pages lead the browser after a sign-in or sign-out here
	Claims                 map[string]string `json:"claims,omitempty"`          // claim: attribute; released in userinfo whatever the scope
	IDTokenClaims          []string          `json:"id_token_claims,omitempty"` // of those, also in the ID token
	Trusted                bool              `json:"trusted"`                   // no consent page
	OfflineAccess          bool              `json:"offline_access,omitempty"`
	SigningAlg             string            `json:"signing_alg"`                   // RS256, ES256 or EdDSA
	NoIssuerParameter      bool              `json:"no_issuer_parameter,omitempty"` // leave out RFC 9207 iss
	RequirePKCE            bool              `json:"require_pkce,omitempty"`
	RequirePAR             bool              `json:"require_par,omitempty"`
	JWKS                   json.RawMessage   `json:"jwks,omitempty"`
	JWKSURI                string            `json:"jwks_uri,omitempty"`
}

// Sources of connections.
const (
	SourcePersonio = "personio"
	SourceCSV      = "csv" // files that somebody brings; there are no credentials and no schedule
)

// Import is a connection: where people come from and by which rules.
type Import struct {
	Source       string        `json:"source"` // such as SourcePersonio
	BaseURL      string        `json:"base_url"`
	ClientID     string        `json:"client_id"`
	API          API           `json:"api,omitempty"`    // empty: APIAuto
	Schedule     time.Duration `json:"schedule"`         // 0: off
	Delta        time.Duration `json:"delta,omitempty"`  // how often what has changed is read in between; 0: never
	Mode         ImportMode    `json:"mode,omitempty"`   // empty: ImportAll; not ImportSelected, which is for one run
	Filter       string        `json:"filter,omitempty"` // query string in the source's own syntax; empty: everybody
	InitialState State         `json:"initial_state"`
	Reactivation bool          `json:"reactivation"` // an import lifts its own suspension when the source is active again
	Leave        LeavePolicy   `json:"leave"`
	Guard        Guard         `json:"guard"`
	Approval     Approval      `json:"approval,omitempty"` // empty: ApprovalAnyone
	Mapping      Mapping       `json:"mapping,omitempty"`  // nil: the default of the source
	Summary      SummaryPolicy `json:"summary,omitempty"`  // after which runs administrators get a mail; empty: never
	Webhook      *Webhook      `json:"webhook,omitempty"`  // the source tells of changes; nil: nothing is said about it

	Access  *Access           `json:"access,omitempty"`  // nil: access follows the source status alone
	Offices map[string]string `json:"offices,omitempty"` // office as the source names it → IANA zone; others: the organization's

	LeaveKind    string          `json:"leave_kind,omitempty"`   // source attribute of the kind of leave; empty: none
	LeaveRules   []LeaveRule     `json:"leave_rules,omitempty"`  // the first that matches counts before Leave
	Applications []ApplicationID `json:"applications,omitempty"` // what people confined to the connection keep; empty: its own

	// MappingOnCreate fills attributes of people when they are created or linked; no later import changes those.
	MappingOnCreate Mapping `json:"mapping_on_create,omitempty"`

	Conflict      ConflictPolicy `json:"conflict,omitempty"`      // empty: ConflictQuarantines
	Rank          int            `json:"rank,omitempty"`          // of several that know somebody, the lowest is the source of an attribute; 0 means 1
	Authoritative []string       `json:"authoritative,omitempty"` // attributes that it is the source of whatever its rank
}

// API is the version of the source's API by which people are read.
type API string

// The versions of Personio's API.
const (
	APIAuto API = "auto" // version 1 where its list may be read, otherwise version 2
	APIv1   API = "v1"
	APIv2   API = "v2"
)

// ConflictPolicy is what becomes of a person of a source whose address somebody
// of another connection has.
type ConflictPolicy string

// The policies. Linking takes two: both connections have to be declared so.
const (
	ConflictQuarantines ConflictPolicy = "quarantine"
	ConflictLinks       ConflictPolicy = "link" // the accounts mean the same people: same address and same name is one person
)

// Access is how access windows follow from dates of the source, which are days
// in the zone of the person's office.
type Access struct {
	Opens    string   `json:"opens,omitempty"`    // source attribute of the first day; empty: no bound
	Lead     Days     `json:"lead,omitempty"`     // access opens so many days before
	Closes   []string `json:"closes,omitempty"`   // source attributes of the last day, of which the first that is filled counts
	Grace    Days     `json:"grace,omitempty"`    // access lasts so many days longer
	Activate bool     `json:"activate,omitempty"` // a staged person becomes active once the window has opened
}

// Days are whole days of the calendar, however many hours they have.
type Days int

// LeavePolicy is what the source status "leave" does to access.
type LeavePolicy string

// The presets: JumpCloud suspends people on leave, Personio keeps them.
const (
	LeaveSuspends LeavePolicy = "suspend"
	LeaveKeeps    LeavePolicy = "keep"
)

// Approval says who may have the plan of a held or previewed import applied.
type Approval string

// Who may approve.
const (
	ApprovalAnyone       Approval = "anyone"        // whoever may import
	ApprovalSecondPerson Approval = "second_person" // an active owner or administrator who did not start the import
)

// Mapping is attribute of ours → where its value comes from: a source attribute,
// or an expression over source attributes that results in a text (see Expression).
type Mapping map[string]string

// Guard bounds how many people one connection may lock out in 24 hours
// without a named administrator's approval.
type Guard struct {
	MaxPeople  int `json:"max_people"`
	MaxPercent int `json:"max_percent"`
}

// DefaultGuard stops a run that takes access from more than 25 people or from
// more than 20 percent of the active ones.
var DefaultGuard = Guard{MaxPeople: 25, MaxPercent: 20}

// ClientSecret is one secret of a client, as SHA-256 of its bytes. The secret
// itself is random and at least 32 characters long, so no slow hash is needed.
type ClientSecret struct {
	Application ApplicationID
	Hash        [32]byte
	CreatedAt   time.Time
	ExpiresAt   time.Time // zero: never
	Hint        string    // last four characters, to tell two apart
	Origin      Origin
}

// MaxDescriptionChars is the longest description that fits below a tile's name.
const MaxDescriptionChars = 256

// MinClientSecretChars is the shortest client secret accepted.
const MinClientSecretChars = 32

// Beyond returns where the application's pages may lead a browser that comes
// from a sign-in or sign-out here, beside the address to which we send it.
func (a Application) Beyond() []string {
	var beyond []string
	if a.Launch != nil {
		beyond = append(beyond, a.Launch.URL)
	}
	if a.SignIn == nil {
		return beyond
	}
	if a.SignIn.InitiateLoginURI != "" {
		beyond = append(beyond, a.SignIn.InitiateLoginURI)
	}
	return append(beyond, a.SignIn.ContinuesAt...)
}

// Check returns ErrInvalid with the first problem of the application, or nil.
func (a Application) Check() error {
	if !a.ID.Valid() {
		return fmt.Errorf("%w application id %q: want 1 to 40 of a-z, 0-9 and -", ErrInvalid, a.ID)
	}
	if a.Label == "" {
		return fmt.Errorf("application %s: %w label: it is empty", a.ID, ErrInvalid)
	}
	if n := utf8.RuneCountInString(a.Description); n > MaxDescriptionChars {
		return fmt.Errorf("application %s: %w description: want at most %d characters, found %d", a.ID, ErrInvalid, MaxDescriptionChars, n)
	}
	if a.Color != "" && !slices.Contains(Colors, a.Color) {
		return fmt.Errorf("application %s: %w color %q: want one of %v", a.ID, ErrInvalid, a.Color, Colors)
	}
	if a.Logo != nil {
		if err := a.Logo.Check(); err != nil {
			return fmt.Errorf("application %s: %w", a.ID, err)
		}
	}
	return nil
}
