package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// maxUnshown is how many answers about single people may be none before the others are not asked for.
const maxUnshown = 3

// MaxSingleReads is how many missing people one run asks for singly; the others
// wait for the next run, and nothing happens to them until then.
const MaxSingleReads = 500

// reading is one full read of a source and the plan that follows from it.
type reading struct {
	directory users.Reader
	source    Source
	rules     Rules
	accounts  Accounts
	windows   bool     // the connection has access windows
	strangers []string // source ids of whom a run over everybody has to decide
	alone     bool     // single people can be read when no run brings a source or a secret
	mapper    mapper
	query     Query
	newID     func(sourceID string) users.ID
	movers    *movers
	track     *tracker

	selection *selection // nil: nobody has chosen
	memory    *memory
	feed      *Feed
	stats     *feedStats

	lookalikes lookalikes
	rows       int                 // of the list
	nameless   int                 // of rows, those without a usable id
	hidden     int                 // remembered people whom the list did not show
	waiting    spool               // people who are not as remembered
	restless   spool               // people who are, but whose manager is not the one remembered
	left       map[string]struct{} // source ids of people who are read by others; nil: none are
	again      []string            // of those, who has still to be read
	deadlines  []users.Work        // when rules for leave take access from people
	managers   map[string]struct{} // source ids that the feed names as managers
	planned    int                 // people planned so far, of toPlan
	toPlan     int
}

// readAll reads everybody and finds out about those the list did not show.
func (r *reading) readAll(ctx context.Context, past history) error {
	for page, err := range r.track.pages(ctx, r.source.Pages(ctx, r.query)) {
		if err != nil {
			return err
		}
		if err := r.survey(ctx, page.People); err != nil {
			return err
		}
		r.rows += len(page.People)
		r.stats.stats.Announced = page.Announced
		r.track.report(ctx, ProgressReading, r.stats.stats.People, page.Announced)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.selection != nil {
		if err := r.selection.check(); err != nil {
			return err
		}
	}
	return r.readMissing(ctx, past)
}

// readMissing asks for remembered people who were not in the list. Nobody is
// judged by absence alone: 404 means gone, anything else they answer counts. About
// whom there is no answer is quarantined, and keeps nobody else waiting. Of
// a feed that shrank as a whole, or by another filter, nobody is asked: the guard
// holds it anyway. Nor in a mode that leaves them alone.
func (r *reading) readMissing(ctx context.Context, past history) error {
	if r.track.run.Scope != users.ScopeFull { // nobody is missing from a list of some people
		return nil
	}
	missing, read := r.missing(), r.stats.stats.People
	r.hidden = len(missing)
	if !r.rules.changesPeopleHere() || read == 0 {
		return nil
	}
	if err := r.reviewGone(); err != nil {
		return err
	}
	if past.last != nil && (past.options.Filter != r.query.Filter || shrunk(read, past.last.Listed())) {
		return nil
	}
	if past.last != nil {
		missing = goingOn(missing, past.last.SinglyLast)
	}
	missing = missing[:min(len(missing), MaxSingleReads)]
	unshown := 0
	for i, id := range missing {
		if unshown == maxUnshown { // it is not about them
			break
		}
		r.stats.stats.SinglyLast = id
		r.track.report(ctx, ProgressMissing, i, len(missing))
		var person Person
		var err error
		lost := r.track.beside.during(ctx, func() { person, err = r.source.Person(ctx, id, r.query.Wanted) })
		switch {
		case lost != nil:
			err = lost
		case err == nil && person.ID != id:
			err = fmt.Errorf("%w: asked for person %s, got %s", ErrCorrupt, id, person.ID)
		case errors.Is(err, ErrGone):
			err = r.withoutRow(Mapped{ID: id, Gone: true})
		case err != nil && aboutThem(err):
			unshown++
			r.track.engine.log.WarnContext(ctx, "no answer about a person whom the list does not show", "source_id", id, "error", err)
			err = r.withoutRow(Mapped{ID: id, Unshown: true})
		case err == nil:
			r.stats.stats.Singly++
			err = r.survey(ctx, []Person{person})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// goingOn returns sorted ids from the first after last on, and then the others,
// so that with every run everybody's turn comes, however many there are.
func goingOn(ids []string, last string) []string {
	next, found := slices.BinarySearch(ids, last)
	if found {
		next++
	}
	return slices.Concat(ids[next:], ids[:next])
}

// missing returns the source ids of remembered people whom the list did not
// show, sorted. Those a filter leaves out count while they have a user.
func (r *reading) missing() []string {
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(r.memory.people)) {
		p := r.memory.people[id]
		if p.status != users.PersonStatusGone && (p.user != "" || r.query.Filter == "") && !r.feed.saw(id) {
			missing = append(missing, id)
		}
	}
	return missing
}

// withoutRow notes a person of whom the source has no row.
func (r *reading) withoutRow(m Mapped) error {
	if _, err := r.feed.see(m); err != nil {
		return err
	}
	if r.memory.people[m.ID].user != "" {
		r.feed.hasUser(m.ID)
	}
	r.feed.wait(m.ID)
	return r.waiting.add(m)
}

// onLeave says what the rules leave to a person on leave, and notes when they
// leave less. A read of everybody notes it once; that of one person is due then.
// Where nobody can be read alone, the next read of everybody has to find it.
func (r *reading) onLeave(m Mapped, person Person) Mapped {
	if len(r.rules.LeaveRules) == 0 {
		return m
	}
	now, record := r.track.engine.now(), users.Person{}
	if m.ID != "" {
		record, _ = r.memory.person(m.ID)
	}
	zone, _ := r.mapper.places.zoneOf(person)
	m = r.rules.decideLeave(m, record, now, zone)
	begins := rememberedStanding(record.Status) != standingOnLeave || record.StatusSince.IsZero()
	switch due, has := m.deadline(r.rules.Connection, now); {
	case has && !r.alone:
		r.stats.stats.LeaveLater++
	case has && (begins || r.track.run.Scope != users.ScopeFull):
		r.deadlines = append(r.deadlines, due)
	}
	return m
}

// survey takes one page into the feed.
func (r *reading) survey(ctx context.Context, people []Person) error {
	var waiting []Mapped
	for _, person := range people {
		m := r.onLeave(r.mapper.apply(person), person)
		if m.ID == "" {
			r.nameless++
			if err := r.waiting.add(m); err != nil {
				return err
			}
			continue
		}
		sighting, err := r.feed.see(m)
		if err != nil {
			return err
		}
		if sighting == sightedAgain {
			continue
		}
		if sighting == sightedFirst {
			r.stats.add(person, m)
			r.lookalikes.add(m)
			settled, err := r.settle(m)
			if err != nil {
				return err
			}
			if settled {
				continue
			}
		}
		waiting = append(waiting, m)
		if (r.inMode(m.ID) || !r.rules.creates()) && r.feed.wait(m.ID) {
			if err := r.waiting.add(m); err != nil {
				return err
			}
		}
	}
	return r.registerClaims(ctx, waiting)
}

// settle reports whether a person needs no plan of their own, and notes those of
// them whose manager may have arrived.
func (r *reading) settle(m Mapped) (bool, error) {
	record, known := r.memory.people[m.ID]
	if known && record.user != "" {
		r.feed.hasUser(m.ID)
	}
	if m.HasManager && m.Manager != "" {
		r.managers[m.Manager] = struct{}{}
	}
	if r.selection != nil {
		r.selection.take(m, record.user != "")
	}
	if !r.memory.settled(m, r.rules) {
		return false, nil
	}
	if m.HasManager && m.Manager != record.manager && record.user != "" && r.inMode(m.ID) {
		return true, r.restless.add(m)
	}
	return true, nil
}

// inMode reports whether the mode of the run lets it create or change a person.
func (r *reading) inMode(id string) bool {
	switch here := r.memory.people[id].user != ""; {
	case here:
		return r.rules.changesPeopleHere()
	case r.selection != nil:
		_, taken := r.selection.ids[id]
		return taken
	}
	return r.rules.creates()
}

// registerClaims tells the feed which addresses people want, and who holds them.
func (r *reading) registerClaims(ctx context.Context, people []Mapped) error {
	known, err := r.usersOf(ctx, people)
	if err != nil {
		return err
	}
	others, err := r.otherRecords(ctx, known)
	if err != nil {
		return err
	}
	var claims []claim
	var keys []users.LoginKey
	for _, m := range r.onlyOurs(people, others) {
		c, wants := r.rules.newClaim(m, known[r.memory.people[m.ID].user])
		if wants {
			c.idle = !r.inMode(m.ID)
			claims, keys = append(claims, c), append(keys, c.keys...)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	holders, err := r.directory.UsersByKey(ctx, keys)
	if err != nil {
		return fmt.Errorf("holders of addresses: %w", err)
	}
	holdings, err := r.holdings(ctx, holders)
	if err != nil {
		return err
	}
	for _, c := range claims {
		for _, key := range c.keys {
			if h, held := holdings[key]; held && h.holder.ID != c.user {
				c.held = append(c.held, h)
			}
		}
		r.feed.claim(c)
	}
	return nil
}

// holdings adds to holders what their sources and administrators say of them.
func (r *reading) holdings(ctx context.Context, holders map[users.LoginKey]users.User) (map[users.LoginKey]holding, error) {
	if len(holders) == 0 {
		return nil, nil
	}
	ids := make([]users.ID, 0, len(holders))
	for _, u := range holders {
		ids = append(ids, u.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	records, err := r.directory.PeopleOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("records of holders: %w", err)
	}
	waivers, err := r.directory.Waivers(ctx, r.rules.Connection, ids)
	if err != nil {
		return nil, fmt.Errorf("waivers of holders: %w", err)
	}
	holdings := make(map[users.LoginKey]holding, len(holders))
	for key, u := range holders {
		holdings[key] = holding{key: key, holder: u, records: records[u.ID], waived: waivers[u.ID].Status}
	}
	return holdings, nil
}

// usersOf returns the users of those people who have one.
func (r *reading) usersOf(ctx context.Context, people []Mapped) (map[users.ID]users.User, error) {
	var ids []users.ID
	for _, m := range people {
		if id := r.memory.people[m.ID].user; id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := r.directory.UsersByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("users of people: %w", err)
	}
	return known, nil
}
