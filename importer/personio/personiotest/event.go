package personiotest

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// EventName is what a delivery says happened.
type EventName string

// The events that concern people. Those of the start and the end of an
// employment come on the day itself, when [Company.StartEmployment] or
// [Company.EndEmployment] are called; all others follow from changes.
const (
	EventPersonCreated         EventName = "person.created"
	EventPersonUpdated         EventName = "person.updated"
	EventPersonDeleted         EventName = "person.deleted"
	EventEmploymentCreated     EventName = "employment.created"
	EventEmploymentUpdated     EventName = "employment.updated"
	EventEmploymentCostCenters EventName = "employment.updated.cost-centers"
	EventEmploymentDeleted     EventName = "employment.deleted"
	EventEmploymentStarted     EventName = "employment.started"
	EventEmploymentTerminated  EventName = "employment.terminated"
)

// EventNames returns all events.
func EventNames() []EventName {
	return []EventName{
		EventPersonCreated, EventPersonUpdated, EventPersonDeleted,
		EventEmploymentCreated, EventEmploymentUpdated, EventEmploymentCostCenters, EventEmploymentDeleted,
		EventEmploymentStarted, EventEmploymentTerminated,
	}
}

// event is something that happened to a person.
type event struct {
	name   EventName
	person int64
	at     time.Time
}

// concernsEmployment reports whether the payload of an event names an employment.
func (n EventName) concernsEmployment() bool {
	return n != EventPersonCreated && n != EventPersonUpdated && n != EventPersonDeleted
}

// tell says what happened to whom. The caller holds the lock.
func (c *Company) tell(person int64, names ...EventName) {
	if c.changed == nil || len(names) == 0 {
		return
	}
	events := make([]event, 0, len(names))
	for _, name := range names {
		events = append(events, event{name: name, person: person, at: c.now()})
	}
	c.changed(events)
}

// samePerson compares what belongs to the person and not to their employment.
func samePerson(a, b Employee) bool {
	return a.FirstName == b.FirstName && a.LastName == b.LastName && a.PreferredName == b.PreferredName && a.Email == b.Email &&
		a.Number == b.Number && slices.Equal(a.Equipment, b.Equipment) && maps.Equal(a.Custom, b.Custom)
}

// sameEmployment compares the rest, without cost centers, which have an event of
// their own.
func sameEmployment(a, b Employee) bool {
	return a.Status == b.Status && a.Position == b.Position && a.EmploymentType == b.EmploymentType &&
		a.SupervisorID == b.SupervisorID && a.Subcompany == b.Subcompany && a.Department == b.Department &&
		a.Office == b.Office && a.Team == b.Team && a.HireDate == b.HireDate && a.TerminationDate == b.TerminationDate &&
		a.LastWorkingDay == b.LastWorkingDay && a.ContractEndDate == b.ContractEndDate && slices.Equal(a.Former, b.Former)
}

// eventsOf returns what a change gives rise to. A change of nothing gives rise to nothing.
func eventsOf(before, after Employee) []EventName {
	var names []EventName
	if !samePerson(before, after) {
		names = append(names, EventPersonUpdated)
	}
	if !sameEmployment(before, after) {
		names = append(names, EventEmploymentUpdated)
	}
	if !slices.Equal(before.CostCenters, after.CostCenters) {
		names = append(names, EventEmploymentCostCenters)
	}
	return names
}

// StartEmployment is the first day of a person: they become active, and
// webhooks hear of the start and of nothing else.
func (c *Company) StartEmployment(email Email) error {
	return c.turn(email, Active, EventEmploymentStarted)
}

// EndEmployment is the day on which a termination takes effect.
func (c *Company) EndEmployment(email Email) error {
	return c.turn(email, Inactive, EventEmploymentTerminated)
}

func (c *Company) turn(email Email, status Status, name EventName) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.indexOf(email)
	if i < 0 {
		return fmt.Errorf("%s: %w", name, ErrUnknownPerson)
	}
	c.people[i].Status, c.people[i].LastModifiedAt = status, c.now()
	c.tell(c.people[i].ID, name)
	return nil
}
