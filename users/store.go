package users

import (
	"context"
	"time"
)

// Store is the directory's storage contract. It has one implementation, package
// sqlstore, on two engines; package userstest holds what every one must satisfy.
//
// Every method may return an error of the context or of the database; the ones
// named at a method are the ones a caller acts on.
type Store interface {
	Reader

	// Update runs change in one transaction and appends the events collected on
	// the Tx as its last step, so that nobody can change without an event. It
	// retries serialisation and busy errors up to three times: change must have
	// no outside effect. After an error of change, nothing has happened; nor after
	// one of a method of the Tx that change has overlooked.
	Update(ctx context.Context, change func(Tx) error) error

	// AcquireLease takes the lease called name for holder if nobody else holds
	// it at now, with the next token. Taking one's own lease again also raises the token.
	// It returns ErrLeaseHeld while another holder has it.
	AcquireLease(ctx context.Context, name, holder string, now time.Time, life time.Duration) (Lease, error)
	// RenewLease moves the end of a lease that is still held, else ErrLeaseLost.
	RenewLease(ctx context.Context, lease Lease, until time.Time) (Lease, error)
	// ReleaseLease gives a lease back; it does nothing if it is held no longer.
	ReleaseLease(ctx context.Context, lease Lease) error
}

// Reader is everything that can be read, outside or inside a transaction.
// Lists are never nil-sensitive: nothing found is an empty list without error.
type Reader interface {
	// User returns one person with suspensions and groups, or ErrNotFound.
	User(ctx context.Context, id ID) (User, error)
	// UserByLogin finds the person whose e-mail address or user name has key,
	// with suspensions and groups, or ErrNotFound. The user name wins.
	UserByLogin(ctx context.Context, key LoginKey) (User, error)
	// UsersByID returns the people of ids that exist, in any order, with suspensions.
	UsersByID(ctx context.Context, ids []ID) (map[ID]User, error)
	// UsersByKey returns the people whose e-mail key is among keys, with suspensions.
	// (Holders of a user name of that key are included under it as well.)
	UsersByKey(ctx context.Context, keys []LoginKey) (map[LoginKey]User, error)
	// FindUsers returns a page of people in order of their user name key, with suspensions.
	FindUsers(ctx context.Context, q UserQuery) ([]User, error)
	// UsersWithRole returns the people who have a role, with suspensions, in any order.
	UsersWithRole(ctx context.Context, role Role) ([]User, error)
	// CountUsers returns how many people are in each state. Those with a role are
	// left out when withoutRoles is set. With a connection only people whom that
	// connection looks after count.
	CountUsers(ctx context.Context, connection ApplicationID, withoutRoles bool) (map[State]int, error)
	// Decision reads state, epoch and access of one person for one application
	// in a single statement. Outside their access window everybody is suspended. An unknown application or one without a bound group
	// the person is in gives Access false; a disabled one too; the empty application gives Access true.
	// It returns ErrNotFound for an unknown person.
	Decision(ctx context.Context, id ID, application ApplicationID, now time.Time) (Decision, error)
	// UserDecision is Decision together with the person, read in the same statement.
	// The person comes without suspensions and groups: the decision has weighed them.
	UserDecision(ctx context.Context, id ID, application ApplicationID, now time.Time) (User, Decision, error)
	// ApplicationsOf returns the enabled applications that the person may use, by id:
	// none outside their access window.
	ApplicationsOf(ctx context.Context, id ID, now time.Time) ([]ApplicationID, error)
	// ApplicationsByUser returns what many people may use while their access windows are open; those
	// who may use none are left out.
	ApplicationsByUser(ctx context.Context, ids []ID) (map[ID][]ApplicationID, error)
	// Credential returns one sign-in method, or ErrNotFound.
	Credential(ctx context.Context, id ID, kind CredentialKind) (Credential, error)
	// Waivers returns the waivers of the given people, by person and connection.
	Waivers(ctx context.Context, connection ApplicationID, ids []ID) (map[ID]Waiver, error)
	// Consents returns what a person has allowed applications to learn, by application.
	Consents(ctx context.Context, id ID) ([]Consent, error)

	// Groups returns all groups by id, everyone included, with their member counts.
	Groups(ctx context.Context) ([]Group, error)
	// RuledGroups returns the groups that have a rule, by id, without member counts, which take a while.
	RuledGroups(ctx context.Context) ([]Group, error)
	// Group returns one group, or ErrNotFound.
	Group(ctx context.Context, id GroupID) (Group, error)
	// Memberships returns the groups of people, by hand and by rule, without everyone, sorted by group.
	Memberships(ctx context.Context, ids []ID) (map[ID][]Membership, error)

	// Applications returns all applications by id with their bound groups, without the contents of their logos.
	Applications(ctx context.Context) ([]Application, error)
	// Application returns one application, or ErrNotFound.
	Application(ctx context.Context, id ApplicationID) (Application, error)
	// Logo returns the logo of an application with its content, or ErrNotFound.
	Logo(ctx context.Context, id ApplicationID) (Logo, error)
	// ClientSecrets returns the secrets of all applications, expired ones too, oldest first.
	ClientSecrets(ctx context.Context) ([]ClientSecret, error)
	// SealedSecret returns a sealed value, or ErrNotFound.
	SealedSecret(ctx context.Context, owner, name string) (string, error)
	// Setting returns a settings document (JSON) and its version, or ErrNotFound.
	Setting(ctx context.Context, name string) (document string, version int64, err error)
	// Revision rises with every change to applications, groups' bindings, keys and settings.
	Revision(ctx context.Context) (int64, error)

	// Watches returns the watches that last at now, by application and holder.
	Watches(ctx context.Context, now time.Time) ([]Watch, error)
	// Calls returns the newest recorded calls of an application at or after since, at most
	// limit, oldest first.
	Calls(ctx context.Context, application ApplicationID, since time.Time, limit int) ([]Call, error)

	// People returns what is remembered of the given source ids of a connection.
	People(ctx context.Context, connection ApplicationID, sourceIDs []string) (map[string]Person, error)
	// PeopleAfter pages through all remembered people of a connection in order of source id.
	PeopleAfter(ctx context.Context, connection ApplicationID, after string, limit int) ([]Person, error)
	// SharedUsers returns the users of whom the connection and another one have a record, by id.
	SharedUsers(ctx context.Context, connection ApplicationID) ([]ID, error)
	// PeopleOf returns the source records of the given users, of all connections.
	PeopleOf(ctx context.Context, ids []ID) (map[ID][]Person, error)

	// Run returns one run, or ErrNotFound.
	Run(ctx context.Context, id RunID) (Run, error)
	// Runs returns the newest runs first; connection may be empty for all.
	Runs(ctx context.Context, connection ApplicationID, limit int) ([]Run, error)
	// RunsBefore is Runs for the page that follows on the run of a place.
	RunsBefore(ctx context.Context, connection ApplicationID, before RunPlace, limit int) ([]Run, error)
	// RunsOver returns the newest runs of a connection over scope first.
	RunsOver(ctx context.Context, connection ApplicationID, scope RunScope, limit int) ([]Run, error)
	// LastRun returns the newest run of a connection over scope in a state, however many came after it, or ErrNotFound.
	LastRun(ctx context.Context, connection ApplicationID, scope RunScope, state RunState) (Run, error)
	// RunsSince returns the runs of a connection that started at or after since, oldest first.
	RunsSince(ctx context.Context, connection ApplicationID, since time.Time) ([]Run, error)
	// RunChanges pages through the rows of a plan by phase and number: the rows after
	// (phase, seq), at most limit. Outcome may be empty for all.
	RunChanges(ctx context.Context, run RunID, outcome Outcome, afterPhase, afterSeq, limit int) ([]RunChange, error)
	// RunChangesOf is RunChanges for the rows of one kind that have not failed. Updates that join an earlier row are left out.
	RunChangesOf(ctx context.Context, run RunID, kind ChangeKind, afterPhase, afterSeq, limit int) ([]RunChange, error)
	// JoiningChanges returns the updates of a run that join an earlier row about the people of the given source ids.
	JoiningChanges(ctx context.Context, run RunID, sourceIDs []string) ([]RunChange, error)
	// Quarantined returns the rows of a run about people in quarantine, by phase and number.
	Quarantined(ctx context.Context, run RunID) ([]RunChange, error)
	// CountStale returns how many planned rows of a run saw a version of their user that is no longer current.
	CountStale(ctx context.Context, run RunID) (int, error)

	// DueWork returns the work whose time has come, the most overdue first: at most limit of
	// each kind of each connection, so that one whose source does not answer does not hide the others.
	DueWork(ctx context.Context, now time.Time, limit int) ([]Work, error)
	// NextWork returns when the next work is due, which may have passed.
	NextWork(ctx context.Context) (due time.Time, found bool, err error)
	// WorkOf returns all work of a connection, the most overdue first.
	WorkOf(ctx context.Context, connection ApplicationID) ([]Work, error)

	// Events pages through the log by number: the events after seq, at most limit.
	Events(ctx context.Context, after int64, limit int) ([]Event, error)
	// EventsAbout returns the newest events of one subject first.
	EventsAbout(ctx context.Context, subject string, limit int) ([]Event, error)
	// EventsAboutAfter pages through the events of one subject by number: those after seq, at most limit.
	EventsAboutAfter(ctx context.Context, subject string, after int64, limit int) ([]Event, error)
	// SuspensionEvents pages through the events EventUserSuspended by number: those after seq, at most limit.
	SuspensionEvents(ctx context.Context, after int64, limit int) ([]Event, error)
	// ReadinessEvents returns the newest event by each actor about an application, of each of the kinds
	// EventSignInCompleted and EventImportChecked, by number.
	ReadinessEvents(ctx context.Context, application ApplicationID) ([]Event, error)
	// EventHead returns number and hash of the last event.
	EventHead(ctx context.Context) (seq int64, hash []byte, err error)

	// Cursor returns how far a follower has seen the log; 0 before it has begun.
	Cursor(ctx context.Context, follower string) (seq int64, err error)
	// DueDeliveries returns pending deliveries of a follower whose time has come, the
	// most overdue first: at most perTarget for each target, so that one which does not
	// answer does not hide the others, and at most limit.
	DueDeliveries(ctx context.Context, follower string, now time.Time, perTarget, limit int) ([]Delivery, error)
	// DeliveriesOf returns the deliveries of a follower because of one event, by target.
	DeliveriesOf(ctx context.Context, follower string, event int64) ([]Delivery, error)
	// CountDeliveries returns how many deliveries of a follower are in each state.
	CountDeliveries(ctx context.Context, follower string) (map[DeliveryState]int, error)
}

// Tx is one transaction. The batch methods write any number of rows in
// statements of at most 50, so callers need not count.
type Tx interface {
	Reader

	// Append adds an event to be written with this transaction.
	Append(Event)
	// HoldLease must be the first call of a transaction that depends on a lease.
	// It moves the end of the lease and returns ErrLeaseLost when the token is no longer current.
	HoldLease(ctx context.Context, lease Lease, until time.Time) error

	// InsertUsers writes new people with version 1. It returns ErrConflict when an
	// e-mail or user name key is taken. Suspensions and groups are not written.
	InsertUsers(ctx context.Context, people []User) error
	// UpdateUsers writes all columns of people where the stored version still is
	// User.Version, and raises the version by one. It returns the ids of those
	// that had moved on, which are left as they are; ErrConflict when a key is taken.
	// CreatedAt and LastSignIn are not written.
	UpdateUsers(ctx context.Context, people []User) (stale []ID, err error)
	// LockUsers returns the versions of people and keeps others from writing them until this transaction ends.
	LockUsers(ctx context.Context, ids []ID) (map[ID]int64, error)
	// TouchSignIns sets LastSignIn without raising the version.
	TouchSignIns(ctx context.Context, at map[ID]time.Time) error

	// PutSuspensions adds suspensions, or leaves one as it is where (user, by, connection) exists.
	PutSuspensions(ctx context.Context, suspensions []Suspension) error
	// DeleteSuspensions removes those of one party and connection from people; an
	// empty party removes all of them.
	DeleteSuspensions(ctx context.Context, ids []ID, by SuspendedBy, connection ApplicationID) error
	// PutWaiver writes or replaces the waiver of (user, connection).
	PutWaiver(ctx context.Context, w Waiver) error
	// DeleteWaivers removes the waivers of people for a connection.
	DeleteWaivers(ctx context.Context, connection ApplicationID, ids []ID) error
	// PutCredential writes or replaces the credential of (user, kind).
	PutCredential(ctx context.Context, c Credential) error

	// DeleteCredentials removes all sign-in methods of people.
	DeleteCredentials(ctx context.Context, ids []ID) error
	// ReleaseKeys frees the e-mail and user name keys of people without raising
	// their version, so that an address can change hands within this transaction.
	ReleaseKeys(ctx context.Context, ids []ID) error

	// PutConsent writes or replaces the consent of (user, application).
	PutConsent(ctx context.Context, c Consent) error
	// DeleteConsent removes the consent of (user, application), or returns ErrNotFound.
	DeleteConsent(ctx context.Context, id ID, application ApplicationID) error

	// PutGroup writes or replaces a group. It waits for transactions that have read the rules.
	PutGroup(ctx context.Context, g Group) error
	// Rules is RuledGroups for whoever writes people or rules. Until this
	// transaction ends no group is written by another: whoever calls it before writing
	// people writes them by the rules in force, or is seen by whoever changes the rules.
	Rules(ctx context.Context) ([]Group, error)
	// PutMembers adds memberships that do not exist yet and returns how many were added.
	// By hand and by rule are two memberships: each is added and removed without the other.
	PutMembers(ctx context.Context, members []Membership) (int, error)
	// DeleteMembers removes memberships and returns how many were removed.
	DeleteMembers(ctx context.Context, members []Membership) (int, error)

	// PutApplication writes or replaces an application and its bound groups where
	// the stored version still is Version (0: it must not exist), else ErrStale.
	// The content of a logo is written if there is one, kept for a logo without, and removed without a logo.
	PutApplication(ctx context.Context, a Application) error
	// PutClientSecret adds a secret, or moves the end of the one with the same hash.
	PutClientSecret(ctx context.Context, s ClientSecret) error
	// PutSealedSecret writes or replaces a sealed value.
	PutSealedSecret(ctx context.Context, owner, name, sealed string) error
	// PutSetting writes a document where the stored version still is version (0: it must not exist), else ErrStale.
	PutSetting(ctx context.Context, name, document string, version int64) error
	// RaiseRevision tells the replicas to rebuild what they keep in memory.
	RaiseRevision(ctx context.Context) error

	// PutWatch writes a watch or moves its end.
	PutWatch(ctx context.Context, w Watch) error
	// DeleteWatch removes the watch of an application by a holder, if there is one.
	DeleteWatch(ctx context.Context, application ApplicationID, holder string) error
	// PutCalls writes calls. One that is there already, by its id, stays as it is.
	PutCalls(ctx context.Context, calls []Call) error
	// TrimCalls removes the calls of an application that are older than its newest keep.
	TrimCalls(ctx context.Context, application ApplicationID, keep int) error
	// DeleteOldCalls removes the calls before a time, and the watches that have ended at now.
	DeleteOldCalls(ctx context.Context, before, now time.Time) error

	// PutPeople writes or replaces what is remembered of people of a source. While the
	// status stays the same, so does StatusSince, unless it is zero.
	PutPeople(ctx context.Context, people []Person) error
	// InsertRun writes a new run.
	InsertRun(ctx context.Context, r Run) error
	// UpdateRun replaces all but the identity of a run.
	UpdateRun(ctx context.Context, r Run) error
	// InsertRunChanges writes rows of a plan.
	InsertRunChanges(ctx context.Context, changes []RunChange) error
	// DeleteRunChanges removes rows of plans of a connection's runs that started before a time, at
	// most limit, and returns how many. The runs stay.
	DeleteRunChanges(ctx context.Context, connection ApplicationID, before time.Time, limit int) (int, error)
	// UpdateRunChanges sets phase, outcome and error of rows by (run, seq).
	UpdateRunChanges(ctx context.Context, changes []RunChange) error

	// PutWork notes work by (kind, connection, subject). Where it was noted before, the
	// earlier due and noted win, and the generation rises.
	PutWork(ctx context.Context, work []Work) error
	// FinishWork removes work whose generation still is Work.Generation: what was noted meanwhile stays.
	FinishWork(ctx context.Context, work []Work) error
	// DelayWork sets due and attempts of work whose generation still is Work.Generation.
	DelayWork(ctx context.Context, work []Work) error

	// MoveCursor notes that a follower has seen the log up to seq. It never moves back.
	MoveCursor(ctx context.Context, follower string, seq int64) error
	// PutDeliveries writes or replaces deliveries by (follower, event, target).
	PutDeliveries(ctx context.Context, deliveries []Delivery) error
	// DeleteDeliveries removes deliveries by (follower, event, target).
	DeleteDeliveries(ctx context.Context, deliveries []Delivery) error
}
