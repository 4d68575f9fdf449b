package personiotest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Errors of a change to the company.
var (
	ErrUnknownPerson    = errors.New("no such person")
	ErrUnknownAttribute = errors.New("no such attribute")
)

// Status is the employment status as the API writes it.
type Status string

// The four statuses that Personio knows.
const (
	Onboarding Status = "onboarding"
	Active     Status = "active"
	Leave      Status = "leave"
	Inactive   Status = "inactive"
)

// Email is the address in a person's profile. Its own type keeps it from being
// swapped with a neighbouring argument.
type Email string

// FirstID is the id of the first person of a generated company.
const FirstID int64 = 1_000_001

// Employee is one profile. Dates are written YYYY-MM-DD; empty means none.
type Employee struct {
	ID                  int64
	FirstName, LastName string
	PreferredName       string
	Email               Email
	Status              Status
	Position            string
	EmploymentType      string // internal or external
	SupervisorID        int64  // 0: none
	Subcompany          string
	Department          string
	Office              string
	Team                string
	CostCenters         []string
	Number              string   // personnel number, a custom attribute
	Equipment           []string // a custom attribute with tags
	HireDate            string
	TerminationDate     string
	LastWorkingDay      string
	ContractEndDate     string
	CreatedAt           time.Time
	LastModifiedAt      time.Time         // of anything; only this one is told by version 1
	PersonUpdatedAt     time.Time         // of what version 2 tells of the person alone; zero: never
	Custom              map[string]string // further custom attributes, named dynamic_…
	Former              []Employment      // those before the present one, latest first; only version 2 tells of them
}

// Employment is one that somebody had, or has beside the one in the profile.
type Employment struct {
	Status   Status
	Position string
	HireDate string
}

// Name is how a page shows the person.
func (e Employee) Name() string { return strings.TrimSpace(e.FirstName + " " + e.LastName) }

// clone copies what would otherwise be shared with the company.
func (e Employee) clone() Employee {
	e.CostCenters = slices.Clone(e.CostCenters)
	e.Equipment = slices.Clone(e.Equipment)
	e.Custom = maps.Clone(e.Custom)
	e.Former = slices.Clone(e.Former)
	return e
}

// Company is everybody with a profile. It is safe for concurrent use.
type Company struct {
	Name string

	now     func() time.Time
	changed func(events []event) // is told in order, while the lock is held; nil: nobody is

	mu     sync.RWMutex // guards what follows
	people []Employee   // ascending by ID
	nextID int64
}

// People returns everybody, in the order in which the API lists them.
func (c *Company) People() []Employee {
	c.mu.RLock()
	defer c.mu.RUnlock()
	people := make([]Employee, len(c.people))
	for i, e := range c.people {
		people[i] = e.clone()
	}
	return people
}

// ByEmail finds a person by address, without regard to case. If several have it, the
// one who still works here is meant.
func (c *Company) ByEmail(email Email) (Employee, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	i := c.indexOf(email)
	if i < 0 {
		return Employee{}, fmt.Errorf("profile by e-mail: %w", ErrUnknownPerson)
	}
	return c.people[i].clone(), nil
}

// byID finds a person, or reports that there is none.
func (c *Company) byID(id int64) (Employee, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	i, found := c.indexByID(id)
	if !found {
		return Employee{}, false
	}
	return c.people[i].clone(), true
}

// indexOf returns -1 if nobody has the address. The caller holds the lock.
func (c *Company) indexOf(email Email) int {
	found := -1
	for i, e := range c.people {
		if !strings.EqualFold(string(e.Email), string(email)) {
			continue
		}
		if e.Status != Inactive {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// indexByID reports where a person is, or where they would be inserted. The
// caller holds the lock.
func (c *Company) indexByID(id int64) (int, bool) {
	return slices.BinarySearchFunc(c.people, id, func(e Employee, id int64) int { return cmp.Compare(e.ID, id) })
}

// Add hires a person and returns the profile. An ID of 0 is replaced by the next
// free one, an empty status by active. An ID in use is refused.
func (c *Company) Add(e Employee) (Employee, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.ID == 0 {
		e.ID = c.nextID
	}
	i, taken := c.indexByID(e.ID)
	if taken {
		return Employee{}, fmt.Errorf("add person %d: the id is in use", e.ID)
	}
	e = e.clone()
	e.Status = cmp.Or(e.Status, Active)
	e.EmploymentType = cmp.Or(e.EmploymentType, "internal")
	e.CreatedAt = c.now()
	e.LastModifiedAt, e.PersonUpdatedAt = e.CreatedAt, e.CreatedAt
	c.people = slices.Insert(c.people, i, e)
	c.nextID = max(c.nextID, e.ID+1)
	c.tell(e.ID, EventPersonCreated, EventEmploymentCreated)
	return e.clone(), nil
}

// Remove deletes a profile, which HR can do, although leavers normally stay as
// inactive people.
func (c *Company) Remove(id int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.indexByID(id)
	if !found {
		return fmt.Errorf("remove person %d: %w", id, ErrUnknownPerson)
	}
	c.people = slices.Delete(c.people, i, i+1)
	c.tell(id, EventEmploymentDeleted, EventPersonDeleted)
	return nil
}

// Update changes one profile and marks it as modified.
func (c *Company) Update(id int64, change func(e *Employee)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.indexByID(id)
	if !found {
		return fmt.Errorf("update person %d: %w", id, ErrUnknownPerson)
	}
	c.change(i, change)
	return nil
}

// updateByEmail is Update for whoever has the address.
func (c *Company) updateByEmail(email Email, change func(e *Employee)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.indexOf(email)
	if i < 0 {
		return fmt.Errorf("update person: %w", ErrUnknownPerson)
	}
	c.change(i, change)
	return nil
}

// change applies change to the i-th person. The id is the key and stays. The
// caller holds the lock.
func (c *Company) change(i int, change func(e *Employee)) {
	before := c.people[i].clone()
	change(&c.people[i])
	e := &c.people[i]
	e.ID, e.LastModifiedAt = before.ID, c.now()
	if !samePerson(before, *e) {
		e.PersonUpdatedAt = e.LastModifiedAt
	}
	c.tell(e.ID, eventsOf(before, *e)...)
}

// SetStatus gives the person another employment status. It may be one that
// Personio does not know.
func (c *Company) SetStatus(email Email, status Status) error {
	return c.updateByEmail(email, func(e *Employee) { e.Status = status })
}

// Rename changes the name, as after a marriage. The address stays.
func (c *Company) Rename(email Email, firstName, lastName string) error {
	return c.updateByEmail(email, func(e *Employee) { e.FirstName, e.LastName = firstName, lastName })
}

// SetEmail gives a person another address. It may be one that somebody else has.
func (c *Company) SetEmail(id int64, email Email) error {
	return c.Update(id, func(e *Employee) { e.Email = email })
}

// Attribute is the API's name of an attribute, such as department.
type Attribute string

// SetAttribute changes what the API says under a name. Cost centers and tags are
// separated by commas; a supervisor is given by id, empty for none.
func (c *Company) SetAttribute(email Email, name Attribute, value string) error {
	set, err := setter(name, value)
	if err != nil {
		return err
	}
	return c.updateByEmail(email, set)
}

func setter(name Attribute, value string) (func(e *Employee), error) {
	switch name {
	case "first_name":
		return func(e *Employee) { e.FirstName = value }, nil
	case "last_name":
		return func(e *Employee) { e.LastName = value }, nil
	case "preferred_name":
		return func(e *Employee) { e.PreferredName = value }, nil
	case "email":
		return func(e *Employee) { e.Email = Email(value) }, nil
	case "status":
		return func(e *Employee) { e.Status = Status(value) }, nil
	case "position":
		return func(e *Employee) { e.Position = value }, nil
	case "employment_type":
		return func(e *Employee) { e.EmploymentType = value }, nil
	case "subcompany":
		return func(e *Employee) { e.Subcompany = value }, nil
	case "department":
		return func(e *Employee) { e.Department = value }, nil
	case "office":
		return func(e *Employee) { e.Office = value }, nil
	case "team":
		return func(e *Employee) { e.Team = value }, nil
	case "hire_date":
		return func(e *Employee) { e.HireDate = value }, nil
	case "termination_date":
		return func(e *Employee) { e.TerminationDate = value }, nil
	case "last_working_day":
		return func(e *Employee) { e.LastWorkingDay = value }, nil
	case "contract_end_date":
		return func(e *Employee) { e.ContractEndDate = value }, nil
	case "cost_centers":
		return func(e *Employee) { e.CostCenters = splitList(value) }, nil
	case attributeNumber:
		return func(e *Employee) { e.Number = value }, nil
	case attributeEquipment:
		return func(e *Employee) { e.Equipment = splitList(value) }, nil
	case "supervisor":
		return supervisorSetter(value)
	}
	if !strings.HasPrefix(string(name), "dynamic_") {
		return nil, fmt.Errorf("set %s: %w", name, ErrUnknownAttribute)
	}
	return func(e *Employee) {
		if e.Custom == nil {
			e.Custom = map[string]string{}
		}
		e.Custom[string(name)] = value
	}, nil
}

func supervisorSetter(value string) (func(e *Employee), error) {
	if value == "" {
		return func(e *Employee) { e.SupervisorID = 0 }, nil
	}
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("set supervisor: %w", err)
	}
	return func(e *Employee) { e.SupervisorID = id }, nil
}

func splitList(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}
