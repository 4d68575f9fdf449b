package users

import "fmt"

// limits says what the record does not prove. An auditor reads these sentences,
// so each stands for itself.
func (o *offboarding) limits() []string {
	limits := []string{"Times are those of this installation's own clocks."}
	if o.Erased {
		limits = append(limits, "What events said about the person was erased, with it perhaps the cause, applications and sessions. That the events were there, and when, is proved.")
	}
	if o.By == ByImport {
		limits = append(limits, "When HR made the change is not known, because Personio does not say.")
		if o.HeardAt.IsZero() {
			limits = append(limits, "Nobody announced the change; the import found it, and it may have been made at any time since the one before.")
		}
	}
	if o.CleanedAt.IsZero() {
		limits = append(limits, "The session store has not been cleaned yet; what is in it is refused at its next use all the same.")
	}
	for _, a := range o.Applications {
		if limit := a.limit(); limit != "" {
			limits = append(limits, limit)
		}
		if a.Sessions > 0 && o.Actor == ActorImport(a.ID) {
			limits = append(limits, fmt.Sprintf("%s: it is not documented that Personio ends its own web session when it is told to.", a.ID))
		}
	}
	if o.GrantedAfter > 0 {
		limits = append(limits, fmt.Sprintf("The log has %d grants of access after the commit. Look into them, unless clocks of replicas differ.", o.GrantedAfter))
	}
	return limits
}

// limit says what is not proved about one application, or nothing.
func (a OffboardedApplication) limit() string {
	switch a.Logout {
	case LogoutNotRegistered:
		return fmt.Sprintf("%s takes no back-channel logout: a session of its own may live on until it ends by itself.", a.ID)
	case LogoutWaiting:
		return fmt.Sprintf("%s has not confirmed the logout yet; it is called again.", a.ID)
	case LogoutGivenUp:
		return fmt.Sprintf("%s did not confirm the logout and is not called any more: a session of its own may live on.", a.ID)
	case LogoutConfirmed:
		return fmt.Sprintf("%s confirmed that it was told; what it did then only it knows.", a.ID)
	case LogoutUnknown:
		return fmt.Sprintf("Whether %s has sessions that must be ended is not known yet.", a.ID)
	case LogoutNoSession:
		if !a.LastUse.IsZero() {
			return fmt.Sprintf("%s took part in no session that was ended, but was used before: a session of its own may live on.", a.ID)
		}
	}
	return ""
}
