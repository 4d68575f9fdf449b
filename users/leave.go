package users

import "slices"

// LeaveAccess is what is left to somebody on leave.
type LeaveAccess string

// The kinds of access.
const (
	AccessKeep        LeaveAccess = "keep"        // all they could use before
	AccessApplication LeaveAccess = "application" // the connection's own applications, such as Personio for payslips
	AccessSuspend     LeaveAccess = "suspend"     // nothing
)

// LeaveRule says what is left to some of the people on leave.
type LeaveRule struct {
	Kind         []string    `json:"kind,omitempty"`          // of leave, as the source writes it; empty: any
	EmployeeType string      `json:"employee_type,omitempty"` // such as internal; empty: any
	Access       LeaveAccess `json:"access"`
	After        Days        `json:"after,omitempty"` // days of leave; until then they keep their access
}

// Equal reports whether both rules say the same.
func (r LeaveRule) Equal(other LeaveRule) bool {
	return slices.Equal(r.Kind, other.Kind) && r.EmployeeType == other.EmployeeType && r.Access == other.Access && r.After == other.After
}

// KeptWhenConfined returns the applications that people keep who are confined to
// the application's connection; none where it is no connection.
func (a Application) KeptWhenConfined() []ApplicationID {
	switch {
	case a.Import == nil:
		return nil
	case len(a.Import.Applications) == 0:
		return []ApplicationID{a.ID}
	}
	return a.Import.Applications
}
