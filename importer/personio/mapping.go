package personio

import "github.com/einlass/einlass/users"

// Names of source attributes with a meaning of their own.
const (
	attributeID              = "id"
	attributeStatus          = "status"
	attributeSupervisor      = "supervisor"
	attributeCostCenters     = "cost_centers"
	attributeDepartment      = "department"
	attributeTeam            = "team"
	attributeOffice          = "office"
	attributeSubcompany      = "subcompany"
	attributeTerminationDate = "termination_date"
	attributeLastWorkingDay  = "last_working_day"
)

// DefaultMapping says which source attribute fills which attribute of a user.
// The state is calculated from the status and cannot be mapped, so with it
// eleven source attributes are read.
func DefaultMapping() users.Mapping {
	return users.Mapping{
		users.AttributeFirstName:    "first_name",
		users.AttributeLastName:     "last_name",
		users.AttributeEmail:        "email",
		users.AttributeUsername:     "email",
		users.AttributeCompany:      attributeSubcompany,
		users.AttributeCostCenter:   attributeCostCenters, // the first of them
		users.AttributeDepartment:   attributeDepartment,
		users.AttributeEmployeeType: "employment_type",
		users.AttributeJobTitle:     "position",
		users.AttributeLocation:     attributeOffice,
		users.AttributeManager:      attributeSupervisor,
	}
}
