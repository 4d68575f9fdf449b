package users

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Errors a caller acts on. Match them with errors.Is.
var (
	ErrNotFound       = errors.New("not found")
	ErrConflict       = errors.New("already exists")    // a unique value is taken
	ErrStale          = errors.New("changed meanwhile") // a version did not match
	ErrBadCredentials = errors.New("bad credentials")   // unknown, wrong, staged and suspended alike
	ErrReadOnly       = errors.New("declared in the configuration file")
	ErrInvalid        = errors.New("invalid")
	ErrLeaseHeld      = errors.New("held by another process") // somebody else has the lease
	ErrLeaseLost      = errors.New("lease lost to another process")
)

// ID identifies a user for ever: it is the sub of every token and never reused.
type ID string

// NewID returns a fresh random identifier of 26 lower-case characters (128 bits or more).
func NewID() ID { return ID(newToken()) }

func newToken() string { return strings.ToLower(rand.Text()) }

// State is what a user may do: a staged user is prepared but cannot sign in.
type State string

// The states. StateSuspended is never stored; it follows from suspensions.
const (
	StateStaged    State = "staged"
	StateActive    State = "active"
	StateSuspended State = "suspended"
)

// Valid reports whether s is one of the states.
func (s State) Valid() bool {
	return s == StateStaged || s == StateActive || s == StateSuspended
}

// Role is what a user may do in the console. It is no group, so no rule and no
// import can give it.
type Role string

// The roles, from all to nothing.
const (
	RoleOwner         Role = "owner"
	RoleAdministrator Role = "administrator"
	RoleHelpdesk      Role = "helpdesk"
	RoleAuditor       Role = "auditor"
	RoleNone          Role = "none"
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	return slices.Contains([]Role{RoleOwner, RoleAdministrator, RoleHelpdesk, RoleAuditor, RoleNone}, r)
}

// SeesConsole reports whether the role may look at everything in the console.
func (r Role) SeesConsole() bool { return r.Administers() || r == RoleAuditor }

// Administers reports whether the role may change things in the console and decide about imports.
func (r Role) Administers() bool { return r == RoleOwner || r == RoleAdministrator }

// Origin says who looks after a user: the file, an import, or nobody but us.
type Origin string

// The origins.
const (
	OriginLocal  Origin = "local"
	OriginImport Origin = "import"
	OriginConfig Origin = "config"
)

// SuspendedBy names who made a suspension; only the same party lifts it, or an
// administrator's activate, which lifts all.
type SuspendedBy string

// Who suspends.
const (
	ByImport SuspendedBy = "import"
	ByAdmin  SuspendedBy = "admin"
	ByConfig SuspendedBy = "config"
	ByWindow SuspendedBy = "window" // the clock, outside the person's access window
)

// Suspension is one reason why a user is suspended. There is at most one per
// user, By and Connection.
type Suspension struct {
	User       ID            `json:"-"`
	By         SuspendedBy   `json:"by"`
	Connection ApplicationID `json:"connection,omitempty"` // empty unless By is import
	Reason     string        `json:"reason"`
	Since      time.Time     `json:"since"`
}

// Waiver is an administrator's word that a user is active although the source
// says otherwise: its status, its dates, or both. Of each it holds until the source
// says something else.
type Waiver struct {
	User       ID
	Connection ApplicationID
	Status     string // the source status that is overruled, as read; empty: none
	Since      time.Time

	// The access window of the source that is overruled; both zero: none.
	AccessFrom  time.Time
	AccessUntil time.Time
}

// OverrulesWindow reports whether the waiver overrules the dates of the source.
func (w Waiver) OverrulesWindow() bool { return !w.AccessFrom.IsZero() || !w.AccessUntil.IsZero() }

// User is one person in the directory.
type User struct {
	ID        ID
	BaseState State // staged or active
	Epoch     int64 // rises with every suspension, credential change, "end all sessions"
	Version   int64 // rises with every change of this row; guards updates

	Email       string // as written by HR; may be parked (kept here, EmailKey empty)
	EmailKey    LoginKey
	Username    string // what the person types; usually the e-mail address
	UsernameKey LoginKey

	FirstName string
	LastName  string
	Manager   ID // empty: none

	Role        Role
	Sealed      bool // never linked or changed by an import
	Origin      Origin
	Attributes  map[string]string // company, department, jobTitle, …; never nil after reading
	AccessFrom  time.Time         // access opens; zero: no bound
	AccessUntil time.Time         // access has ended from here on; zero: no bound
	ConfinedTo  ApplicationID     // connection whose own applications alone they may use; empty: all of theirs
	LastSignIn  time.Time         // zero: never
	CreatedAt   time.Time
	UpdatedAt   time.Time

	Suspensions []Suspension // filled by every read
	Groups      []GroupID    // filled by reads of a single user; sorted; without everyone
}

// State is suspended while any suspension exists, else the base state. Whether
// somebody may come in follows from StateAt, which looks at the clock too.
func (u User) State() State {
	if len(u.Suspensions) > 0 {
		return StateSuspended
	}
	return u.BaseState
}

// DisplayName is "First Last", or the e-mail address of a person without a name.
func (u User) DisplayName() string {
	if name := strings.TrimSpace(u.FirstName + " " + u.LastName); name != "" {
		return name
	}
	return u.Email
}

// ListKey is the person's place in lists: the user name key, or a place of their
// own for people whose address was handed on and who have none.
func (u User) ListKey() LoginKey {
	if u.UsernameKey == "" {
		return LoginKey("~" + u.ID)
	}
	return u.UsernameKey
}

// Names of attributes with a column or meaning of their own.
const (
	AttributeEmail     = "email"
	AttributeUsername  = "username"
	AttributeFirstName = "first_name"
	AttributeLastName  = "last_name"
	AttributeManager   = "manager"

	AttributeAccessFrom  = "access_from"
	AttributeAccessUntil = "access_until"
	AttributeConfinedTo  = "confined_to"

	AttributeCompany      = "company"
	AttributeCostCenter   = "cost_center"
	AttributeDepartment   = "department"
	AttributeEmployeeType = "employee_type"
	AttributeJobTitle     = "job_title"
	AttributeLocation     = "location"
)

// Attribute returns the value known under name, also for the columns; empty
// when there is none. The manager is answered by id, a bound of the access
// window as RFC 3339 in UTC.
func (u User) Attribute(name string) string {
	switch name {
	case AttributeEmail:
		return u.Email
	case AttributeUsername:
		return u.Username
	case AttributeFirstName:
		return u.FirstName
	case AttributeLastName:
		return u.LastName
	case AttributeManager:
		return string(u.Manager)
	case AttributeAccessFrom:
		return boundText(u.AccessFrom)
	case AttributeAccessUntil:
		return boundText(u.AccessUntil)
	case AttributeConfinedTo:
		return string(u.ConfinedTo)
	}
	return u.Attributes[name]
}

// SetAttribute stores value under name and keeps the keys of e-mail address and
// user name in step. An empty value of a free attribute removes it.
func (u *User) SetAttribute(name, value string) {
	u.SetFields(map[string]FieldChange{name: {After: value}})
}

// SetFields is SetAttribute for what each of the fields is afterwards.
func (u *User) SetFields(fields map[string]FieldChange) {
	attributes := make(map[string]string, len(u.Attributes)+len(fields)) // another copy of u has the old one
	maps.Copy(attributes, u.Attributes)
	u.Attributes = attributes
	for name, f := range fields {
		u.set(name, f.After)
	}
}

func (u *User) set(name, value string) {
	switch name {
	case AttributeEmail:
		u.Email, u.EmailKey = value, KeyOf(value)
	case AttributeUsername:
		u.Username, u.UsernameKey = value, KeyOf(value)
	case AttributeFirstName:
		u.FirstName = value
	case AttributeLastName:
		u.LastName = value
	case AttributeManager:
		u.Manager = ID(value)
	case AttributeAccessFrom:
		setBound(&u.AccessFrom, value)
	case AttributeAccessUntil:
		setBound(&u.AccessUntil, value)
	case AttributeConfinedTo:
		u.ConfinedTo = ApplicationID(value)
	default:
		if value == "" {
			delete(u.Attributes, name)
			return
		}
		u.Attributes[name] = value
	}
}

// Decision is everything a door needs to know about a person and one
// application, read in one statement and never cached.
type Decision struct {
	State    State
	Epoch    int64
	Access   bool // member of a group bound to the application; true when no application was asked for
	Role     Role
	HasEmail bool // has an e-mail address; one that is parked is not theirs
}

// Lives reports whether a session or grant made under epoch still counts: the
// person is active, and nothing has ended their sessions since.
func (d Decision) Lives(epoch int64) bool {
	return d.State == StateActive && d.Epoch == epoch
}

// MayEnter reports whether a session or grant made under epoch lets the person in.
func (d Decision) MayEnter(epoch int64) bool {
	return d.Lives(epoch) && d.Access
}

// UserQuery selects people for a list, in order of their ListKey.
type UserQuery struct {
	State  State    // empty: all
	Group  GroupID  // empty: all
	Search string   // part of name or e-mail address, case-insensitive; empty: all
	After  LoginKey // the last ListKey of the page before; empty: first page
	Limit  int      // at most 500; 0 means 100
}

// CredentialKind names a way to prove who one is.
type CredentialKind string

// The kinds. Others arrive with passkeys and one-time codes.
const CredentialPassword CredentialKind = "password"

// Credential is one sign-in method of a user. Data never leaves the directory.
type Credential struct {
	User      ID
	Kind      CredentialKind
	Data      string // password: a PHC string (Argon2id)
	UpdatedAt time.Time
}
