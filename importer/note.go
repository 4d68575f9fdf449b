package importer

import "github.com/einlass/einlass/users"

// Codes of what rows say beside their reason; see users.Note. The sentences of each
// are the texts "note." and the code in package provider/web.
const (
	noteReactivationOff   = "reactivation_off"
	noteSameInAccounts    = "same_in_accounts"
	noteAddressOfLeaver   = "address_of_leaver"
	noteAddressPasses     = "address_passes"
	noteAttributesStay    = "attributes_stay"
	noteElsewhere         = "elsewhere"
	noteDiffered          = "differed"
	noteIDUnusable        = "id_unusable"
	noteIDTwice           = "id_twice"
	noteNotShown          = "not_shown"
	noteStatusUnknown     = "status_unknown"
	noteNotInMode         = "not_in_mode"
	noteNotCreated        = "not_created"
	notePrivileged        = "privileged"
	notePrivilegedHolder  = "privileged_holder"
	noteEmailMissing      = "email_missing"
	noteEmailDuplicate    = "email_duplicate"
	noteUsernameDuplicate = "username_duplicate"
	noteEmailSwap         = "email_swap"
	noteExists            = "exists"
	noteEmailTaken        = "email_taken"
	noteUsernameTaken     = "username_taken"
	noteRehireConflict    = "rehire_conflict"
	noteManagerUnresolved = "manager_unresolved"
	noteLookalike         = "lookalike"
	noteMappingFailed     = "mapping_failed"
	noteDatesFailed       = "dates_failed"
	noteOverButPresent    = "contradiction.over"
	noteInactiveTooEarly  = "contradiction.early"

	// The address belongs to somebody of another connection, ...
	noteOtherUser       = "other_account.user"       // who is another user here
	noteOtherUndeclared = "other_account.undeclared" // and nobody declared that both mean the same people
	noteOtherProof      = "other_account.proof"      // but birth date or personnel number differ
	noteOtherNames      = "other_account.names"      // but the names differ
	noteOtherRow        = "other_account.row"        // and stands for another row already

	// An address that cannot be used.
	noteEmailEmpty  = "email_invalid.empty"
	noteEmailLong   = "email_invalid.long"
	noteEmailUTF8   = "email_invalid.utf8"
	noteEmailSpace  = "email_invalid.space"
	noteEmailAt     = "email_invalid.at"
	noteEmailForm   = "email_invalid.form"
	noteEmailDomain = "email_invalid.domain"

	// Who keeps somebody suspended whom the import reactivates.
	noteStaysByImport = "stays_suspended_by.import"
	noteStaysByAdmin  = "stays_suspended_by.admin"
	noteStaysByWindow = "stays_suspended_by.window"
	noteStaysByConfig = "stays_suspended_by.config"
)

// Codes of what follows for people.
const (
	noteGains          = "gains"
	noteGainsOnceHere  = "gains_once_active"
	noteLoses          = "loses"
	noteSessionsEnd    = "sessions_end"
	noteStaysSuspended = "stays_suspended"
	noteEnrolAgain     = "enrol_again"
	noteNewAddress     = "new_address"
	noteLeavesGroups   = "leaves_groups"
	noteJoinsGroups    = "joins_groups"
	noteOpensNever     = "access_opens.unset"
	noteOpens          = "access_opens.later"
	noteOpened         = "access_opens.before"
	noteEndsNever      = "access_ends.unset"
	noteEnds           = "access_ends.later"
	noteEnded          = "access_ends.before"
	noteOfficeUnknown  = "office_unknown"
	noteConfined       = "confined"
	noteConfinedNoMore = "confined_no_more"
)

// Codes of why a row was not applied, beside those of package users.
const (
	noteOvertaken     = "overtaken"
	noteEarlierFailed = "earlier_failed"
	noteManagerFailed = "manager_failed"
)

// Codes of why a run is held.
const (
	noteHeldPeople    = "mass_suspension.people"
	noteHeldAdvised   = "mass_suspension.advised"
	noteHeldPercent   = "mass_suspension.percent"
	noteEndsPeople    = "mass_ends.people"
	noteEndsAdvised   = "mass_ends.advised"
	noteEndsPercent   = "mass_ends.percent"
	noteHeldNobody    = "shrunk_feed.nobody"
	noteHeldFewer     = "shrunk_feed.fewer"
	noteHeldAnnounced = "shrunk_feed.announced"
	noteHeldFilter    = "filter_changed"
	noteHeldEmptied   = "emptied_column"
	noteHeldUnknown   = "unknown_statuses"
	noteHeldDomain    = "new_domain"
)

// Codes of why a run failed: "failure." and the code of the error.
const (
	noteFailureRevoked     = "failure.credentials_revoked"
	noteFailureRefused     = "failure.credentials_refused"
	noteFailureRight       = "failure.right_missing"
	noteFailureAttribute   = "failure.attribute_missing"
	noteFailureCorrupt     = "failure.feed_corrupt"
	noteFailureSelection   = "failure.selection_invalid"
	noteFailureSettings    = "failure.settings_invalid"
	noteFailureLost        = "failure.lease_lost"
	noteFailureTimeout     = "failure.upstream_timeout"
	noteFailureUnreachable = "failure.source_unreachable"
	noteFailureStopped     = "failure.stopped"
	noteFailureOurs        = "failure.internal"
)

// Codes of what is worth a look although the run did as it should.
const (
	noteStagedPeople = "staged_people"
	noteLeaveLater   = "leave_later"
	noteLookalikes   = "lookalikes"
)

// Codes of what to do about a finding.
const (
	noteRemedyImport      = "remedy.import"
	noteRemedyQuarantine  = "remedy.quarantine" // before the notes of the row
	noteRemedyClaim       = "remedy.claim"
	noteRemedyParked      = "remedy.parked"
	noteRemedySpaces      = "remedy.spaces"
	noteRemedyCase        = "remedy.case"
	noteRemedyComposition = "remedy.composition"
	noteRemedyDomain      = "remedy.domain"
	noteRemedyOther       = "remedy.other"
	noteRemedyWindow      = "remedy.window"
	noteRemedyStaged      = "remedy.staged"
	noteRemedyOurs        = "remedy.suspended_here"
	noteRemedyTheirs      = "remedy.suspended_elsewhere"
	noteRemedyProfile     = "remedy.no_profile"
	noteRemedyApart       = "remedy.apart"
	noteRemedyLeft        = "remedy.left"
	noteRemedyConfusable  = "remedy.confusable"
)

// told is a note that names nothing, as everything a row says.
func told(code string) []users.Note { return []users.Note{{Code: code}} }

// naming is a note with one name in its sentence.
func naming(code, parameter, name string) users.Note {
	return users.Note{Code: code, Texts: map[string]string{parameter: name}}
}

// listing is a note with one list of names, and nothing where the list is empty.
func listing(code, parameter string, names []string) []users.Note {
	if len(names) == 0 {
		return nil
	}
	return []users.Note{{Code: code, Lists: map[string][]string{parameter: names}}}
}

// ofStatus is a note about a status, as in users.Person.
func ofStatus(code, status string) users.Note {
	return users.Note{Code: code, Terms: map[string]string{"status": status}}
}
