package users

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TestersNeeded is how many people have to sign in before an application is
// told to let nobody in by another way.
const TestersNeeded = 2

// ComparedFor is how long the comparison of everybody's addresses counts.
const ComparedFor = 7 * 24 * time.Hour

// Readiness is what speaks for telling an application to let nobody in by another
// way than by us, such as Personio's setting "Enforce OAuth". All of it is read from
// what has happened and what is set; nobody can claim it.
type Readiness struct {
	Application ApplicationID
	Checks      []ReadinessCheck
}

// Ready reports whether nothing speaks against it.
func (r Readiness) Ready() bool {
	return !slices.ContainsFunc(r.Checks, func(c ReadinessCheck) bool { return c.State != CheckPassed })
}

// ReadinessCheck is one condition.
type ReadinessCheck struct {
	Check  ReadinessName
	State  CheckState
	Seen   []Note // what was found
	Remedy []Note // what to do; none where it has passed
}

// ReadinessName names a condition.
type ReadinessName string

// The conditions, in the order in which they are met.
const (
	ReadinessIssuer    ReadinessName = "issuer_https"
	ReadinessEnabled   ReadinessName = "enabled"
	ReadinessGroups    ReadinessName = "group_bound"
	ReadinessAddresses ReadinessName = "addresses_compared" // where people are imported from the application
	ReadinessTested    ReadinessName = "sign_in_tested"
	ReadinessOwner     ReadinessName = "owner_without_hr"
)

// CheckState is how a condition stands.
type CheckState string

// The states.
const (
	CheckPassed CheckState = "passed"
	CheckOpen   CheckState = "open"   // nothing is wrong; something has to be done yet
	CheckFailed CheckState = "failed" // people would be locked out
)

// Codes of what readiness says.
const (
	NoteIssuerHTTPS       = "ready_issuer.https"
	NoteIssuerHTTP        = "ready_issuer.http"
	NoteIssuerRemedy      = "ready_issuer.remedy"
	NoteReadyEnabled      = "ready_enabled.on"
	NoteReadyDisabled     = "ready_enabled.off"
	NoteEnabledRemedy     = "ready_enabled.remedy"
	NoteReadyGroups       = "ready_groups.bound"
	NoteReadyNoGroup      = "ready_groups.none"
	NoteGroupsRemedy      = "ready_groups.remedy"
	NoteAddressesNever    = "ready_addresses.never"
	NoteAddressesChanged  = "ready_addresses.changed"
	NoteAddressesOld      = "ready_addresses.old"
	NoteAddressesFail     = "ready_addresses.fail"
	NoteAddressesNoAccess = "ready_addresses.no_access"
	NoteAddressesMatch    = "ready_addresses.match"
	NoteAddressesRemedy   = "ready_addresses.remedy"
	NoteAddressesGroups   = "ready_addresses.remedy_groups"
	NoteTestedNobody      = "ready_tested.nobody"
	NoteTestedBy          = "ready_tested.by"
	NoteTestedBefore      = "ready_tested.before"
	NoteTestedNoAddress   = "ready_tested.no_address"
	NoteTestedRemedy      = "ready_tested.remedy"
	NoteTestedRemedyRoles = "ready_tested.remedy_roles"
	NoteTestedRemedyClaim = "ready_tested.remedy_claim"
	NoteOwner             = "ready_owner.found"
	NoteOwnerNone         = "ready_owner.none"
	NoteOwnerRecover      = "ready_owner.recover"
	NoteOwnerRemedy       = "ready_owner.remedy"
)

// Readiness looks at what speaks for enforcing the sign-in to an application, which must have
// one, below our issuer. Times are told in zone.
func (d *Directory) Readiness(ctx context.Context, a Application, issuer string, zone *time.Location) (Readiness, error) {
	r := readiness{a: a, issuer: issuer, zone: zone, now: d.now(), read: d.store}
	if err := r.look(ctx); err != nil {
		return Readiness{}, fmt.Errorf("readiness of %s: %w", a.ID, err)
	}
	checks := []ReadinessCheck{r.https(), r.enabled(), r.groups()}
	if a.Import != nil && a.Import.Source != SourceCSV { // a file is compared by nobody
		checks = append(checks, r.addresses())
	}
	owner, err := r.owner(ctx)
	if err != nil {
		return Readiness{}, fmt.Errorf("readiness of %s: %w", a.ID, err)
	}
	return Readiness{Application: a.ID, Checks: append(checks, r.tested(), owner)}, nil
}

// readiness is what the conditions are judged by.
type readiness struct {
	a      Application
	issuer string
	zone   *time.Location
	now    time.Time
	read   Reader

	deciders []User // active owners and administrators, by name
	events   []Event
}

func (r *readiness) look(ctx context.Context) error {
	for _, role := range []Role{RoleOwner, RoleAdministrator} {
		people, err := r.read.UsersWithRole(ctx, role)
		if err != nil {
			return err
		}
		for _, u := range people {
			if u.StateAt(r.now) == StateActive {
				r.deciders = append(r.deciders, u)
			}
		}
	}
	slices.SortFunc(r.deciders, func(a, b User) int {
		return cmp.Or(cmp.Compare(a.DisplayName(), b.DisplayName()), cmp.Compare(a.ID, b.ID))
	})
	var err error
	r.events, err = r.read.ReadinessEvents(ctx, r.a.ID)
	return err
}

func (r *readiness) https() ReadinessCheck {
	issuer := map[string]string{"issuer": r.issuer}
	if strings.HasPrefix(r.issuer, "https://") {
		return passed(ReadinessIssuer, Note{Code: NoteIssuerHTTPS, Texts: issuer})
	}
	return unmet(ReadinessIssuer, CheckFailed, Note{Code: NoteIssuerHTTP, Texts: issuer}, Note{Code: NoteIssuerRemedy})
}

func (r *readiness) enabled() ReadinessCheck {
	if r.a.Disabled {
		return unmet(ReadinessEnabled, CheckFailed, Note{Code: NoteReadyDisabled}, Note{Code: NoteEnabledRemedy})
	}
	return passed(ReadinessEnabled, Note{Code: NoteReadyEnabled})
}

func (r *readiness) groups() ReadinessCheck {
	if len(r.a.Groups) == 0 {
		return unmet(ReadinessGroups, CheckFailed, Note{Code: NoteReadyNoGroup}, Note{Code: NoteGroupsRemedy})
	}
	var names []string
	for _, g := range r.a.Groups {
		names = append(names, string(g))
	}
	return passed(ReadinessGroups, Note{Code: NoteReadyGroups, Lists: map[string][]string{"groups": names}})
}

// addresses judges the last comparison of everybody at work at the source with the people here.
// In a pilot it fails, as it should: whoever is in no group yet would be locked out.
func (r *readiness) addresses() ReadinessCheck {
	remedy := Note{Code: NoteAddressesRemedy, Texts: map[string]string{"id": string(r.a.ID)}}
	last, found := r.lastComparison()
	var said Comparison
	if !found || json.Unmarshal([]byte(last.Payload), &said) != nil || said.Compared+said.Failing == 0 { // never, erased, or nobody
		return unmet(ReadinessAddresses, CheckOpen, Note{Code: NoteAddressesNever}, remedy)
	}
	at := map[string]LocalTime{"at": {At: last.At, Zone: r.zone.String()}}
	counted := func(code string, people int) Note {
		return Note{Code: code, Numbers: map[string]int{"count": people}, Times: at}
	}
	switch {
	case !said.holdsFor(r.a):
		return unmet(ReadinessAddresses, CheckOpen, Note{Code: NoteAddressesChanged, Times: at}, remedy)
	case said.Failing+said.NoAccess > 0:
		c := ReadinessCheck{Check: ReadinessAddresses, State: CheckFailed}
		if said.Failing > 0 {
			c.Seen = append(c.Seen, counted(NoteAddressesFail, said.Failing))
		}
		if said.NoAccess > 0 {
			c.Seen, c.Remedy = append(c.Seen, counted(NoteAddressesNoAccess, said.NoAccess)), append(c.Remedy, Note{Code: NoteAddressesGroups})
		}
		c.Remedy = append(c.Remedy, remedy)
		return c
	case r.now.Sub(last.At) > ComparedFor:
		return unmet(ReadinessAddresses, CheckOpen, Note{Code: NoteAddressesOld, Times: at}, remedy)
	}
	return passed(ReadinessAddresses, counted(NoteAddressesMatch, said.Compared))
}

func (r *readiness) lastComparison() (last Event, found bool) {
	for _, e := range r.events {
		if e.Kind == EventImportChecked {
			last, found = e, true
		}
	}
	return last, found
}

// tested judges who has signed in from end to end. Only the last sign-in of each counts, and
// only of those who are active and decide about applications now.
func (r *readiness) tested() ReadinessCheck {
	var testers, before, without []string
	for _, u := range r.deciders {
		said, found := r.signIn(u)
		switch {
		case !found:
		case said.Version != r.a.SignInVersion || said.Issuer != r.issuer:
			before = append(before, u.DisplayName())
		case !said.Email && r.a.isPersonio():
			without = append(without, u.DisplayName())
		default:
			testers = append(testers, u.DisplayName())
		}
	}
	c := passed(ReadinessTested)
	for _, seen := range []struct {
		code   string
		people []string
	}{{NoteTestedBy, testers}, {NoteTestedBefore, before}, {NoteTestedNoAddress, without}} {
		if len(seen.people) > 0 {
			c.Seen = append(c.Seen, Note{Code: seen.code, Lists: map[string][]string{"people": seen.people}})
		}
	}
	if len(testers) >= TestersNeeded {
		return c
	}
	if len(testers)+len(without) == 0 {
		c.Seen = append([]Note{{Code: NoteTestedNobody}}, c.Seen...)
	}
	c.State = CheckOpen
	c.Remedy = []Note{{Code: NoteTestedRemedy, Texts: map[string]string{"id": string(r.a.ID)}, Numbers: map[string]int{"count": TestersNeeded - len(testers)}}}
	if len(r.deciders) < TestersNeeded {
		c.Remedy = append(c.Remedy, Note{Code: NoteTestedRemedyRoles})
	}
	if len(without) > 0 {
		c.Remedy = append(c.Remedy, Note{Code: NoteTestedRemedyClaim})
	}
	return c
}

// signIn returns the last sign-in of a person to the application.
func (r *readiness) signIn(u User) (said SignInCompleted, found bool) {
	for _, e := range r.events {
		if e.Kind != EventSignInCompleted || e.Actor != ActorUser(u.ID) {
			continue
		}
		said = SignInCompleted{}
		found = json.Unmarshal([]byte(e.Payload), &said) == nil // an erased one says nothing
	}
	return said, found
}

// owner looks for somebody who gets in whatever the sources of people say.
func (r *readiness) owner(ctx context.Context) (ReadinessCheck, error) {
	var owners []string
	for _, u := range r.deciders {
		if u.Role != RoleOwner {
			continue
		}
		apart, err := r.isApart(ctx, u)
		if err != nil {
			return ReadinessCheck{}, err
		}
		if apart {
			owners = append(owners, u.DisplayName())
		}
	}
	always := Note{Code: NoteOwnerRecover}
	if len(owners) == 0 {
		c := unmet(ReadinessOwner, CheckOpen, Note{Code: NoteOwnerNone}, Note{Code: NoteOwnerRemedy})
		c.Seen = append(c.Seen, always)
		return c, nil
	}
	return passed(ReadinessOwner, Note{Code: NoteOwner, Lists: map[string][]string{"people": owners}}, always), nil
}

// isApart reports whether no source of people knows somebody, and they have a password of ours.
func (r *readiness) isApart(ctx context.Context, u User) (bool, error) {
	records, err := r.read.PeopleOf(ctx, []ID{u.ID})
	if err != nil || u.Origin == OriginImport || len(records[u.ID]) > 0 {
		return false, err
	}
	_, err = r.read.Credential(ctx, u.ID, CredentialPassword)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func passed(name ReadinessName, seen ...Note) ReadinessCheck {
	return ReadinessCheck{Check: name, State: CheckPassed, Seen: seen}
}

func unmet(name ReadinessName, state CheckState, seen, remedy Note) ReadinessCheck {
	return ReadinessCheck{Check: name, State: state, Seen: []Note{seen}, Remedy: []Note{remedy}}
}
