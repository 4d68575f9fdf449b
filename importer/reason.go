package importer

import "github.com/einlass/einlass/users"

// Reasons of rows; a row's Detail says more. The
// reason of a suspension or reactivation is "status_" and the source's status.
const (
	reasonNewPerson         = "new_person"
	reasonAttributesChanged = "attributes_changed"
	reasonWindowChanged     = "access_window_changed" // nothing but the dates of access
	reasonContentChanged    = "content_changed"       // what we remember changes, the person does not
	reasonMappingFailed     = "mapping_failed"        // likewise, and an expression fails for the person
	reasonNeedsDecision     = "needs_decision"        // active again at the source, but reactivation is off
	reasonPersonGone        = "person_gone"           // the source no longer knows the person; see users.StatusReason
	reasonInactiveStatus    = "inactive_status"       // not created, because of the status
	reasonLinkedByEmail     = "linked_by_email"
	reasonRehireNew         = "rehire_new"         // an old address, but no proof that it is the same person
	reasonRehireMoved       = "rehire_moved"       // the old source id of a person who came back under a new one
	reasonNotInMode         = "not_in_mode"        // new, but the run changes only people who are here
	ReasonExists            = "exists"             // the address is somebody's whom the run's mode leaves alone
	reasonManager           = "manager"            // only the manager changes
	reasonManagerUnresolved = "manager_unresolved" // the manager is not in the directory
	reasonLinkedAccount     = "linked_account"     // another connection that means the same people has the person, too
	reasonAtWorkElsewhere   = "at_work_elsewhere"  // left here, but another connection shows the person at work

	// Quarantined: nothing changes until HR or an administrator resolves it.
	reasonIDInvalid         = "id_invalid"
	reasonDuplicateID       = "duplicate_id"
	reasonUnknownStatus     = "unknown_status"
	reasonNotShown          = "not_shown" // the source neither lists the person nor answers about them
	reasonEmailMissing      = "email_missing"
	reasonEmailInvalid      = "email_invalid"
	reasonEmailDuplicate    = "email_duplicate"
	reasonEmailTaken        = "email_taken"
	reasonOtherAccount      = "other_account" // the address is that of somebody of another connection
	reasonEmailSwap         = "email_swap"
	reasonUsernameTaken     = "username_taken"
	reasonUsernameDuplicate = "username_duplicate"
	reasonRehireConflict    = "rehire_conflict"
	reasonPrivilegedUser    = "privileged_user"
)

// Phases of rows. A hand-over of an address has phases of its own, from 1 up: a
// row comes after the one that frees the address it takes. Within one phase no
// row depends on another.
const (
	phaseRelease  = 1
	phasePeople   = 1 << 20 // after every hand-over, however long its chain
	phaseManagers = phasePeople + 1
)

// privileged reports whether an import must leave a person alone.
func privileged(u users.User) bool {
	return u.Sealed || (u.Role != users.RoleNone && u.Role != "")
}
