package main

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Config is the configuration in force. The comments of the fields are what
// docs/configuration.md says about the keys: meaning, unit, and what follows.
// The same document shows type and default, taken from the schema.
type Config struct {
	// The one URL under which people and applications reach Einlass, without path, query
	// and trailing slash. It is never taken from a request. Required. https, or http on a
	// loopback host with `insecure_allow_loopback`.
	Issuer string `yaml:"issuer"`
	// Address and port of the server for people and applications.
	Listen string `yaml:"listen"`
	// Address and port of `/livez`, `/readyz` and `/metrics`, for operators only. Empty: none.
	ManagementListen string `yaml:"management_listen"`
	// Folder of the embedded stores and of the master key. Made with mode 0700 when it does not exist.
	Data string `yaml:"data"`
	// PostgreSQL for the directory: `postgres://user:password@host/database`. Empty: SQLite in `data`.
	// With it `master_key_file` is required.
	DatabaseURL keys.Secret `yaml:"database_url"`
	// Redis for sessions: `redis://`, `redis+sentinel://` or `redis+cluster://`, with `rediss` for TLS.
	// Empty: SQLite in `data`. More than one replica needs `database_url` and `redis_url`.
	RedisURL keys.Secret `yaml:"redis_url"`
	// File with the keys that seal stored secrets: one a line, `id:base64 of 32 bytes`, the first one
	// active. Empty: `master.key` in `data`, made on the first start. Back it up apart from the
	// database. Refused when group or world can read it.
	MasterKeyFile string `yaml:"master_key_file"`

	// Mail to administrators about imports: those that stop or need a decision, and summaries (see
	// `import.summary`). It goes to the active people with the role owner or administrator. And mail to
	// people whose e-mail address an import changes, at the old and the new address. Whoever has an
	// attribute `locale` gets theirs in that language, if it is one of `organization.languages`.
	Mail MailConfig `yaml:"mail"`
	// What the pages show of the company.
	Organization OrganizationConfig `yaml:"organization"`

	// Accepts localhost, 127.0.0.0/8 and ::1 with http as issuer, in redirect URIs and for outgoing
	// calls. For tests and the demo only: cookies lose their protection on http.
	InsecureAllowLoopback bool `yaml:"insecure_allow_loopback"`
	// Starts although group or world can read the master key or a configuration file with secrets in it.
	InsecureAllowReadableSecrets bool `yaml:"insecure_allow_readable_secrets"`

	// Addresses or networks of the proxies whose `X-Forwarded-For` counts, with ports or without. Empty: none is believed.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// The server's own certificate. Without it a proxy in front must speak TLS.
	TLS TLSConfig `yaml:"tls"`
	// Calls that leave the house, such as those to Personio.
	Outgoing OutgoingConfig `yaml:"outgoing"`

	// The keys that sign tokens.
	Keys KeysConfig `yaml:"keys"`

	// Applications declared here are read-only for commands; what disappears from the file is disabled.
	Applications []ApplicationConfig `yaml:"applications"`
	// Groups that applications and people of this file may name, beside the built-in group `everyone`.
	Groups []GroupConfig `yaml:"groups"`
	// Local people without an HR source. What disappears from the file is suspended.
	Users []UserConfig `yaml:"users"`

	// What is logged to standard error.
	Log LogConfig `yaml:"log"`
}

// MailConfig is how mail leaves.
type MailConfig struct {
	// The server for outgoing mail: `smtp://user:password@host:587`, encrypted by STARTTLS, or
	// `smtps://user:password@host:465`, encrypted from the start. Its certificate is verified. Special
	// characters of user name and password are written as %XX. Empty: nothing is mailed.
	SMTP keys.Secret `yaml:"smtp"`
	// The sender: an address, with a name if wanted, such as `Einlass <sso@acme.example>`. Required with `smtp`.
	From string `yaml:"from"`
}

// OrganizationConfig is what pages and imports know of the company.
type OrganizationConfig struct {
	// Name of the company as shown on the pages.
	Name string `yaml:"name"`
	// IANA name of the zone in which the company's days begin and end.
	TimeZone string `yaml:"time_zone"`
	// Languages of the pages, preferred one first: `de`, `en`.
	Languages []string `yaml:"languages"`
}

// TLSConfig names the certificate.
type TLSConfig struct {
	// PEM file with the certificate and its chain; read again when it changes.
	CertFile string `yaml:"cert_file"`
	// PEM file with its private key.
	KeyFile string `yaml:"key_file"`
}

// OutgoingConfig bounds where calls may go.
type OutgoingConfig struct {
	// Private networks that outgoing calls may reach. Others are refused, so that a URL in the
	// configuration cannot reach into the house.
	AllowNetworks []netip.Prefix `yaml:"allow_networks"`
	// HTTP proxy for outgoing calls, such as `http://squid.acme.example:3128`. Empty: none; the
	// variables HTTP_PROXY and HTTPS_PROXY are not read.
	Proxy keys.Secret `yaml:"proxy"`
}

// KeysConfig is the life of the signing keys.
type KeysConfig struct {
	// Age at which the signing keys get successors, in days (`90d`) or as `2160h`; at least a day.
	// `0`: only `einlass keys rotate` does it.
	RotateEvery time.Duration `yaml:"rotate_every"`
	// How long a new key stands in the key set before it signs; at least `15m`, which is how long
	// applications commonly keep the key set.
	Announce time.Duration `yaml:"announce"`
}

// LogConfig is how the program speaks.
type LogConfig struct {
	// The least important level that is logged: `debug`, `info`, `warn` or `error`.
	Level slog.Level `yaml:"level"`
	// `json`, `text`, or `auto`: text on a terminal, else JSON.
	Format string `yaml:"format"`
}

// ApplicationConfig is one thing people use.
type ApplicationConfig struct {
	// Slug of 1 to 40 characters a-z, 0-9 and -. Required, never changed: commands and events name it.
	ID string `yaml:"id"`
	// Name on the tile. Empty: the id.
	Label string `yaml:"label"`
	// One line below the name, of at most 256 characters.
	Description string `yaml:"description"`
	// Picture on the tile and where a sign-in says where it leads: a PNG of at most 1024 by 1024 pixels, or a plain
	// SVG without scripts, links and other files, of at most 64 KiB. It is shown square on white, in dark pages, too.
	// Empty: the first letter of the label.
	Logo LogoFile `yaml:"logo_file"`
	// Colour of that letter: `plum`, `teal`, `blue`, `slate`, `rust` or `green`. Empty: one that follows from the id.
	Color users.Color `yaml:"color"`
	// `false` switches the application off: no tile, no sign-in, no import.
	Enabled bool `yaml:"enabled"`
	// Groups whose members may use it. Nobody else gets in; without a group nobody does.
	Groups []string `yaml:"groups"`
	// The tile in the portal. Left out: no tile.
	Launch *LaunchConfig `yaml:"launch"`
	// The OpenID Connect client. Left out: no sign-in.
	SignIn *SignInConfig `yaml:"sign_in"`
	// The source of people. Left out: no import.
	Import *ImportConfig `yaml:"import"`
}

// LaunchConfig is the tile.
type LaunchConfig struct {
	// Where the tile leads. Required. For Personio `https://{company}.personio.de/oauth/authorise`.
	URL string `yaml:"url"`
}

// SignInConfig is an OpenID Connect client.
type SignInConfig struct {
	// The client's name at the endpoints. Required, once per installation.
	ClientID string `yaml:"client_id"`
	// At least 32 characters; a list while two are valid. Required unless `auth_method` is `none` or `private_key_jwt`.
	ClientSecrets []keys.Secret `yaml:"client_secret"`
	// How the client proves itself at the token endpoint, the only way that is accepted:
	// `client_secret_post`, `client_secret_basic`, `private_key_jwt` (with `jwks` or `jwks_uri`) or `none`.
	AuthMethod string `yaml:"auth_method"`
	// Where codes may be sent; compared byte for byte. At least one. With `auth_method: none` also `http://127.0.0.1/…`
	// and `http://[::1]/…`, for programs on the person's own machine; the port there does not count.
	// Scripts at the origins of such a client's addresses may call the endpoints for tokens, userinfo, revocation and pushed requests.
	RedirectURIs []string `yaml:"redirect_uris"`
	// Where the application may lead people after sign-out; compared byte for byte.
	PostLogoutRedirectURIs []string `yaml:"post_logout_redirect_uris"`
	// Where the application is told of the end of a session it took part in, whoever ended it (OpenID
	// Connect Back-Channel Logout). Called from here: see `outgoing` for private addresses.
	BackchannelLogoutURI string `yaml:"backchannel_logout_uri"`
	// Page of the application that starts its own sign-in (OpenID Connect Core section 4).
	InitiateLoginURI string `yaml:"initiate_login_uri"`
	// Where the application's pages lead the browser on after a sign-in or sign-out here, if to another host than
	// that of the address we send it to, of `launch.url` or of `initiate_login_uri`. Where it is not named, Chromium
	// stops on the way, and the person stays on our form. Only scheme, host and port count.
	ContinuesAt []string `yaml:"continues_at"`
	// Claim name and its value: an attribute, or an expression over attributes such as
	// `first_name + " " + last_name` or `"constant"` (the language is expr-lang/expr; an attribute that
	// a person lacks is an empty text). Released in userinfo whatever the scope; never as an empty text.
	Claims map[string]string `yaml:"claims"`
	// Names among `claims` that also stand in the ID token.
	IDTokenClaims []string `yaml:"id_token_claims"`
	// `true`: the organization has consented for its people. `false`: each person is asked once, and
	// again when the application wants more; `einlass users consents` lists and revokes what they said.
	Trusted bool `yaml:"trusted"`
	// Algorithm of the ID token's signature: `RS256`, `ES256` or `EdDSA`.
	SigningAlg string `yaml:"signing_alg"`
	// Sends `iss` in authorization responses (RFC 9207). Switch off only for a client that fails on it.
	IssuerParameter bool `yaml:"issuer_parameter"`
	// Refuses authorization requests without PKCE. Always on with `auth_method: none`.
	RequirePKCE bool `yaml:"require_pkce"`
	// Accepts authorization requests only by the reference that `/par` gave for them (RFC 9126).
	RequirePAR bool `yaml:"require_par"`
	// Gives refresh tokens when the client asks for the scope `offline_access` with `prompt=consent`.
	// They outlive the sign-in: 8 hours without use, 30 days at most. A suspension ends them at once.
	OfflineAccess bool `yaml:"offline_access"`
	// Public keys of a client with `auth_method: private_key_jwt`, as a JSON Web Key Set (RFC 7517 section 5).
	JWKS string `yaml:"jwks"`
	// Where that client publishes its keys instead. They are kept for an hour, or for a day while no key set can be
	// fetched there, and fetched anew for an unknown key, at most once a minute. A set without a key that can be used
	// withdraws them.
	JWKSURI string `yaml:"jwks_uri"`
}

// ImportConfig is a connection to a source of people.
type ImportConfig struct {
	// Where people come from: `personio`, or `csv` for files that somebody brings (`einlass import people`).
	Source string `yaml:"source"`
	// Personio as the source. Required with `source: personio`.
	Personio *PersonioConfig `yaml:"personio"`
	// Time between two imports: `hourly`, `off`, or a duration of at least a minute such as `30m`. The first one
	// starts at once and the others keep its minute; the first of each day compares everybody with the directory.
	Schedule time.Duration `yaml:"schedule"`
	// Time between two reads of what has changed in Personio since, in between imports: `off`, or a duration of at
	// least `30s`; we recommend `60s` where no webhook works. They stay within a tenth of Personio's limits. With a
	// `filter`, new people still come with the next import only.
	Delta time.Duration `yaml:"delta"`
	// Whom an import changes: `all`; `new`, which creates new people and leaves alone whoever is here; or
	// `updates`, which creates nobody. `einlass import run --mode` overrides it for one import.
	Mode users.ImportMode `yaml:"mode"`
	// Query string in Personio's own syntax, such as `email=ada@acme.example`, merged into the request for the
	// list; `+` is written `%2B`, a blank `%20`. People here whom it leaves out are asked for one by one, 500 in each
	// import, and are suspended only if Personio says that they left. Empty: everybody.
	Filter string `yaml:"filter"`
	// State of people whom an import creates: `active` or `staged`. Changes only later imports.
	InitialState users.State `yaml:"initial_state"`
	// An import lifts the suspension it made when the source says that the person is active again.
	Reactivation bool `yaml:"reactivation"`
	// What the source status `leave` does to access: `suspend` (as JumpCloud does) or `keep` (as Personio's own
	// connector does). `leave_rules` go before it.
	Leave users.LeavePolicy `yaml:"leave"`
	// Source attribute that names the kind of leave, such as `dynamic_123`. Needed by rules with `kind`.
	LeaveKind string `yaml:"leave_kind"`
	// What is left to some people on leave; the first rule that matches counts, see `docs/leave.md`.
	LeaveRules []LeaveRuleConfig `yaml:"leave_rules"`
	// Applications that rules with `access: application` leave. Empty: this one.
	Applications []string `yaml:"applications"`
	// Access opens and closes by dates of the source, whatever the hour at which the status changes; see
	// `docs/access-windows.md`. `access: {}` switches it on with the defaults below. Left out: the status alone decides.
	Access *AccessConfig `yaml:"access"`
	// Offices, as the source attribute `office` names them, and the IANA zones of their days, such as
	// `Wien: Europe/Vienna`. For all others `organization.time_zone` counts.
	Offices map[string]string `yaml:"offices"`
	// How many people may lose access within 24 hours without a named administrator's approval.
	Guard GuardConfig `yaml:"guard"`
	// Who lets through what the guard held, and the plan of a preview: `anyone` who may run the command, or
	// `second_person`: an active owner or administrator, named with `--as`, who did not start the import.
	Approval users.Approval `yaml:"approval"`
	// Attribute of ours and what every import fills it from, added to the default mapping: a source attribute,
	// or an expression over source attributes that results in a text, such as `"Acme GmbH"` or
	// `office in ["Wien", "Graz"] ? "AT" : "DE"` (the language is expr-lang/expr). An empty text takes ours out of the
	// mapping. `email` and `manager` take a source attribute only.
	Mapping map[string]string `yaml:"mapping"`
	// The same for attributes that are filled when a person is created or linked, and never changed by a later import.
	MappingOnCreate map[string]string `yaml:"mapping_on_create"`
	// After which imports administrators get a mail: `never`, `changes` (those that changed somebody or
	// failed to) or `always`; recommended for the first few imports. Imports that stop or need a decision
	// are mailed in any case. Needs `mail`.
	Summary users.SummaryPolicy `yaml:"summary"`
	// With several connections: what becomes of a person whose address somebody of another one has. `quarantine`:
	// nothing, and it is reported. `link`, declared for both: the same address and the same name is one person with
	// several accounts; see `docs/several-accounts.md`.
	Conflict users.ConflictPolicy `yaml:"conflict"`
	// Of a person with several accounts, the connection of the lowest rank that shows them at work is the source
	// of their attributes. Connections that link need a rank of their own each, at least 1.
	Rank int `yaml:"rank"`
	// Attributes of ours that this connection is the source of whatever its rank, such as `department`.
	Authoritative []string `yaml:"authoritative"`
	// Personio tells of changes at `/hooks/personio/{id of the application}`, and who has changed is read again
	// at once; see webhooks.md. Left out: nothing is received.
	Webhook *WebhookConfig `yaml:"webhook"`
}

// WebhookConfig is what proves that a delivery comes from Personio: a token, headers, or either.
type WebhookConfig struct {
	// What Personio sends as the whole `Authorization` header (authentication type TOKEN): 32 to 1024 printable
	// characters, such as from `openssl rand -hex 32`. A list of two, the present one first, while you change it.
	Tokens []keys.Secret `yaml:"token"`
	// Custom headers that Personio sends (authentication type CUSTOM), name and value: at most three, all of which
	// must be there, one of them with at least 32 characters.
	Headers map[string]keys.Secret `yaml:"headers"`
	// Your company's ID at Personio, as its deliveries name it. Deliveries for another one are refused. Empty: any.
	CompanyID string `yaml:"company_id"`
	// Einlass makes the webhook at Personio itself, with a token of its own, and puts it in order when it was changed or
	// deleted there. The API credential needs the scopes `personio:webhooks:read` and `personio:webhooks:write`.
	Register bool `yaml:"register"`
}

// LeaveRuleConfig says what is left to some of the people on leave.
type LeaveRuleConfig struct {
	// Values of `leave_kind`, compared without regard to case. Empty: every kind.
	Kind []string `yaml:"kind"`
	// `internal` or `external`, as the attribute `employee_type` says. Empty: both.
	EmployeeType string `yaml:"employee_type"`
	// `keep`: all they could use before. `application`: only `applications`. `suspend`: nothing. Required.
	Access users.LeaveAccess `yaml:"access"`
	// The rule takes access only after so many days of leave, such as `42d`; until then they keep it.
	After users.Days `yaml:"after"`
}

// AccessConfig says how access follows from dates.
type AccessConfig struct {
	// Source attribute of the first day of work. Access opens when that day begins. Empty: no opening.
	Opens string `yaml:"opens"`
	// Access opens so many days earlier, such as `7d`.
	Lead users.Days `yaml:"lead"`
	// Source attributes of the last day, of which the first that is filled counts. Access ends when that day is
	// over. An empty list: no end.
	Closes []string `yaml:"closes"`
	// Access ends so many days later, such as `14d`.
	Grace users.Days `yaml:"grace"`
	// A person who is staged (`initial_state: staged`) becomes active when their access opens.
	Activate bool `yaml:"activate"`
}

// PersonioConfig is the credential of Personio's API.
type PersonioConfig struct {
	// Client ID of the API credential. Required.
	ClientID string `yaml:"client_id"`
	// Secret of the API credential. Required, unless `schedule` and `delta` are `off` and there is no `webhook`: each
	// import is then given it with `--credentials=prompt`, and it is stored nowhere.
	ClientSecret keys.Secret `yaml:"client_secret"`
	// Root of the API, without `/v1`.
	BaseURL string `yaml:"base_url"`
	// Version of the API by which people are read: `v1`, `v2`, or `auto`: version 1 where the credential may read its
	// list, otherwise version 2, which takes a request for each person.
	API users.API `yaml:"api"`
}

// GuardConfig bounds what an import may do on its own.
type GuardConfig struct {
	// People, at least 1. Above 2,500 active people one percent of them is recommended.
	MaxPeople int `yaml:"max_people"`
	// Percent of the active people, 1 to 100. Counts from 5 active people up.
	MaxPercent int `yaml:"max_percent"`
}

// GroupConfig is a group with members by hand, by rule, or both.
type GroupConfig struct {
	// Slug of 1 to 40 characters a-z, 0-9 and -. Required. `everyone` is built in.
	ID string `yaml:"id"`
	// Name on the pages. Empty: the id.
	Label string `yaml:"label"`
	// Expression over attributes that is true for its members, such as `department == "Sales"` (the language is
	// expr-lang/expr; an attribute that a person lacks is an empty text). Empty: members by hand alone.
	Rule string `yaml:"rule"`
}

// UserConfig is one local person.
type UserConfig struct {
	// Work e-mail address. Required, once per installation.
	Email string `yaml:"email"`
	// What the person types to sign in. Empty: the e-mail address.
	Username string `yaml:"username"`
	// Given name.
	FirstName string `yaml:"first_name"`
	// Family name.
	LastName string `yaml:"last_name"`
	// `active`, `staged` or `suspended`.
	State users.State `yaml:"state"`
	// Role in the console: `owner`, `administrator`, `helpdesk`, `auditor` or `none`.
	Role users.Role `yaml:"role"`
	// Groups of this file that the person is a member of.
	Groups []string `yaml:"groups"`
	// Further attributes by name; standard OpenID Connect claims such as `nickname` or `locale` are
	// released under their scopes.
	Attributes map[string]string `yaml:"attributes"`
	// The password. Hashed again only when it changes. Empty: set one with `einlass users password`.
	Password keys.Secret `yaml:"password"`
}

// defaultConfig returns what holds for keys that nobody set.
func defaultConfig() Config {
	return Config{
		Listen:           "127.0.0.1:8080",
		ManagementListen: "127.0.0.1:9090",
		Data:             "/var/lib/einlass",
		Organization: OrganizationConfig{
			Name:      "Einlass",
			TimeZone:  "Europe/Berlin",
			Languages: []string{"de", "en"},
		},
		Keys: KeysConfig{RotateEvery: 90 * 24 * time.Hour, Announce: 24 * time.Hour},
		Log:  LogConfig{Level: slog.LevelInfo, Format: logAuto},
	}
}

func defaultApplication() ApplicationConfig {
	return ApplicationConfig{Enabled: true}
}

func defaultSignIn() *SignInConfig {
	return &SignInConfig{
		AuthMethod:      users.AuthMethodBasic, // OpenID Connect Core section 9
		Trusted:         true,
		SigningAlg:      "RS256",
		IssuerParameter: true,
	}
}

func defaultImport() *ImportConfig {
	return &ImportConfig{
		Source:       users.SourcePersonio,
		Schedule:     time.Hour,
		Mode:         users.ImportAll,
		Approval:     users.ApprovalAnyone,
		InitialState: users.StateActive,
		Reactivation: true,
		Leave:        users.LeaveSuspends,
		Guard:        GuardConfig(users.DefaultGuard),
		Summary:      users.SummaryNever,
		Conflict:     users.ConflictQuarantines,
		Rank:         1,
	}
}

func defaultAccess() *AccessConfig {
	return &AccessConfig{Opens: "hire_date", Closes: []string{"last_working_day", "termination_date", "contract_end_date"}}
}

func defaultPersonio() *PersonioConfig {
	return &PersonioConfig{BaseURL: "https://api.personio.de", API: users.APIAuto}
}

func defaultUser() UserConfig {
	return UserConfig{State: users.StateActive, Role: users.RoleNone}
}
