package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/einlass/einlass/users"
)

// Checkup is what a connection's source and the directory do not agree on, as
// far as people notice when they sign in to the connection's application.
type Checkup struct {
	Application users.ApplicationID `json:"application"`
	SignIn      bool                `json:"sign_in"`        // people sign in to the application; otherwise only addresses are compared
	People      int                 `json:"people"`         // whom the source shows at work: onboarding or active
	Compared    int                 `json:"compared"`       // of those, people who have a user here
	Matched     int                 `json:"matched"`        // of those, people whose address is the same byte for byte
	NoAccess    int                 `json:"without_access"` // of those compared, people in no group of the application
	Failing     int                 `json:"failing"`        // findings because of which a sign-in fails
	Missing     []string            `json:"missing_attributes"`
	Surplus     []string            `json:"surplus_attributes"`
	Findings    []Finding           `json:"findings"`

	began users.Comparison
}

// Comparison is what readiness remembers of a check: the settings with which it began, and its figures.
func (c Checkup) Comparison() users.Comparison {
	sum := c.began
	sum.Compared, sum.Failing, sum.NoAccess = c.Compared, c.Failing, c.NoAccess
	return sum
}

// FindingKind is what a finding is about.
type FindingKind string

// The kinds of findings.
const (
	FindingAddress FindingKind = "address_differs" // the claim is not what the profile says
	FindingNotHere FindingKind = "not_here"        // a profile without a user
	FindingState   FindingKind = "not_active"      // a profile and a group, but a user who is not active
	FindingLooks   FindingKind = "looks_alike"     // an address that is easily mistaken for another one
	FindingOrphan  FindingKind = "no_profile"      // access to the application, but no profile of somebody at work
)

// Finding is what is wrong about one person, and what to do.
type Finding struct {
	Kind        FindingKind `json:"kind"`
	Cause       string      `json:"cause"` // a code
	Fails       bool        `json:"fails"` // a sign-in fails, and nobody here wants it so
	SourceID    string      `json:"source_id,omitempty"`
	User        users.ID    `json:"user,omitempty"`
	Name        string      `json:"name"`
	Email       string      `json:"email"`        // what the application is told; empty: nothing
	SourceEmail string      `json:"source_email"` // what the profile says
	Status      string      `json:"status,omitempty"`
	State       users.State `json:"state,omitempty"`
	Remedy      string      `json:"remedy"` // what to do, see Checkup.Tell

	Notes []users.Note `json:"notes"` // what Remedy says, for programs
}

// Tell writes what to do about the findings in the language of w.
func (c *Checkup) Tell(w Words) {
	for i := range c.Findings {
		c.Findings[i].Remedy = Say(w, c.Findings[i].Notes...)
	}
}

// Check reads everybody whom a connection imports and reports who will fail at
// sign-in; the sentences are left to Checkup.Tell. It writes nothing, at the source or here, and takes no lease. The
// errors are those of Run: of the source, or users.ErrNotFound and users.ErrInvalid.
func (e *Engine) Check(ctx context.Context, connection users.ApplicationID, given Given) (Checkup, error) {
	app, err := e.connection(ctx, connection)
	if err != nil {
		return Checkup{}, err
	}
	c := &checker{
		engine: e, app: app, read: e.cfg.Directory.Read(), profiles: map[string]struct{}{}, seen: map[users.ID]struct{}{},
		lookalikes: lookalikes{}, named: map[string]Finding{},
	}
	if err := c.run(ctx, given); err != nil {
		return Checkup{}, fmt.Errorf("check %s: %w", app.ID, err)
	}
	return c.result, nil
}

// checker compares a source with the directory, page by page.
type checker struct {
	engine *Engine
	app    users.Application
	read   users.Reader
	claim  claimed
	mapper mapper
	email  string // the source attribute of the address
	memory *memory
	held   map[string]users.RunChange // by source id, who was in quarantine last

	profiles map[string]struct{}   // addresses of profiles of people who work there, as read
	seen     map[users.ID]struct{} // users of those profiles

	lookalikes lookalikes
	named      map[string]Finding // of those who are in lookalikes, as far as they are known, by source id
	result     Checkup
}

func (c *checker) run(ctx context.Context, given Given) error {
	c.result = Checkup{
		Application: c.app.ID, SignIn: c.app.SignIn != nil || c.app.Launch != nil,
		Missing: []string{}, Surplus: []string{}, Findings: []Finding{}, began: users.NewComparison(c.app),
	}
	mapping, source, err := c.engine.openSource(ctx, c.app, given)
	if err != nil {
		return err
	}
	granted, known, err := source.Granted(ctx)
	if err != nil {
		return err
	}
	_, differ, err := preflight(rights{known: known, attributes: granted}, WantedBy(*c.app.Import, mapping), emailSource(mapping))
	if err != nil {
		return err
	}
	c.result.Missing = append(c.result.Missing, differ.missing...)
	c.result.Surplus = append(c.result.Surplus, differ.surplus...)
	if c.claim, err = newClaimed(c.app); err != nil {
		return err
	}
	if c.memory, err = remember(ctx, c.read, c.app.ID); err != nil {
		return err
	}
	if err := c.readHeld(ctx); err != nil {
		return err
	}
	asked := onlyNames(mapping, differ.missing)
	c.mapper, c.email = newMapper(asked, ""), emailSource(mapping)
	query := Query{Wanted: Wanted(asked), Filter: c.app.Import.Filter}
	for page, err := range source.Pages(ctx, query) {
		if err != nil {
			return err
		}
		if err := c.compare(ctx, page.People); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.findLookalikes(ctx); err != nil {
		return err
	}
	if c.result.SignIn && c.app.Import.Filter == "" { // whom a filter hides may well have a profile
		return c.findOrphans(ctx)
	}
	return nil
}

// onlyNames is the part of a mapping that a check reads: nothing else about people is its business.
func onlyNames(mapping users.Mapping, missing []string) users.Mapping {
	asked := users.Mapping{}
	for _, target := range []string{users.AttributeEmail, users.AttributeFirstName, users.AttributeLastName} {
		source := users.Mapping{users.AttributeEmail: emailSource(mapping), target: mapping[target]}
		if target != users.AttributeEmail && (mapping[target] == "" || intersects(Wanted(source), missing)) {
			continue
		}
		asked[target] = source[target]
	}
	asked[users.AttributeEmail] = emailSource(mapping)
	return asked
}

func intersects(names, others []string) bool {
	for _, name := range names {
		for _, other := range others {
			if name == other {
				return true
			}
		}
	}
	return false
}

// readHeld reads whom the last import that was applied left in quarantine.
func (c *checker) readHeld(ctx context.Context) error {
	c.held = map[string]users.RunChange{}
	last, err := c.read.LastRun(ctx, c.app.ID, users.ScopeFull, users.RunDone)
	if errors.Is(err, users.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("last import: %w", err)
	}
	rows, err := c.read.Quarantined(ctx, last.ID)
	for _, row := range rows {
		c.held[row.SourceID] = row
	}
	return err
}

// compare looks for what is wrong about the people of one page.
func (c *checker) compare(ctx context.Context, people []Person) error {
	var ids []users.ID
	var keys []users.LoginKey
	for _, p := range people {
		if id := c.memory.people[p.ID].user; id != "" {
			ids = append(ids, id)
		} else if key := users.KeyOf(p.Attributes[c.email]); key != "" {
			keys = append(keys, key)
		}
	}
	known, err := c.read.UsersByID(ctx, ids)
	if err != nil {
		return fmt.Errorf("users of people: %w", err)
	}
	holders, err := c.read.UsersByKey(ctx, keys)
	if err != nil {
		return fmt.Errorf("holders of addresses: %w", err)
	}
	for _, u := range holders {
		ids = append(ids, u.ID)
	}
	members, err := c.members(ctx, ids)
	if err != nil {
		return err
	}
	for _, p := range people {
		m := c.mapper.apply(p)
		s := m.standing()
		if s != standingPresent && s != standingOnLeave {
			continue
		}
		theirs := p.Attributes[c.email]
		u, here := known[c.memory.people[m.ID].user]
		c.profiles[theirs], c.seen[u.ID] = struct{}{}, struct{}{}
		if s == standingOnLeave { // whether they may sign in is a matter of policy
			continue
		}
		c.result.People++
		c.noteLookalike(m, u, theirs)
		if !here {
			c.find(c.notHere(m, theirs, holders[users.KeyOf(theirs)], members))
			continue
		}
		c.result.Compared++
		if !members[u.ID] {
			c.result.NoAccess++
		}
		if ours := c.claim.of(u); ours == theirs {
			c.result.Matched++
		} else {
			c.find(c.addressDiffers(m, u, theirs, members[u.ID]))
		}
		if f, wrong := c.notActive(m, u, theirs); wrong && members[u.ID] {
			c.find(f)
		}
	}
	return nil
}

// members returns which people are in a group of the application, in whatever state.
func (c *checker) members(ctx context.Context, ids []users.ID) (map[users.ID]bool, error) {
	bound := map[users.GroupID]bool{}
	for _, g := range c.app.Groups {
		bound[g] = true
	}
	members := map[users.ID]bool{}
	all, err := c.read.Memberships(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("groups of people: %w", err)
	}
	for _, id := range ids {
		members[id] = bound[users.Everyone]
		for _, m := range all[id] {
			members[id] = members[id] || bound[m.Group]
		}
	}
	return members, nil
}

func (c *checker) find(f Finding) {
	if f.Fails {
		c.result.Failing++
	}
	c.result.Findings = append(c.result.Findings, f)
}

// findOrphans looks for active people with access to the application who have no
// profile at work, and whose address is nobody else's there.
func (c *checker) findOrphans(ctx context.Context) error {
	records := map[users.ID]users.Person{}
	for id, p := range c.memory.people {
		if p.user != "" {
			records[p.user] = users.Person{SourceID: id, Status: p.status}
		}
	}
	query := users.UserQuery{State: users.StateActive, Limit: usersPage}
	for {
		page, err := c.read.FindUsers(ctx, query)
		if err != nil {
			return fmt.Errorf("active people: %w", err)
		}
		ids := make([]users.ID, 0, len(page))
		for _, u := range page {
			ids = append(ids, u.ID)
			query.After = u.ListKey()
		}
		members, err := c.members(ctx, ids)
		if err != nil {
			return err
		}
		for _, u := range page {
			_, seen := c.seen[u.ID]
			p, known := records[u.ID]
			_, matched := c.profiles[c.claim.of(u)]
			if members[u.ID] && !seen && !matched && u.OutsideWindow(c.engine.now()) == "" {
				c.find(c.orphan(u, p, known))
			}
		}
		if len(page) < usersPage {
			return nil
		}
	}
}
