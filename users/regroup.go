package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of one transaction of Regroup: on PostgreSQL it holds the head of the
// event log while it writes its events.
const (
	regroupPeople = 500
	regroupMoves  = 200 // more by what one person brings
)

// regroupProgress is after how many people Regroup logs how far it is.
const regroupProgress = 10_000

const (
	leaseRules     = "rules"
	rulesLease     = 30 * time.Second
	regroupLook    = time.Second
	settingRegroup = "regroup"
)

// regroupPass is the settings document of how far everybody has been put into
// groups by the rules in force. People whom somebody writes meanwhile are put
// there by who writes them, wherever the pass is.
type regroupPass struct {
	Pending bool     `json:"pending"`
	After   LoginKey `json:"after"`  // ListKey of the last person who was looked at
	People  int      `json:"people"` // looked at so far
	Moves   int      `json:"moves"`  // memberships begun and ended so far
}

// startRegroup notes that the rules have changed, so that everybody is looked at
// from the beginning. The transaction must have written the groups before.
func startRegroup(ctx context.Context, tx Tx) error {
	_, version, err := readSetting[regroupPass](ctx, tx, settingRegroup)
	if err != nil {
		return err
	}
	return putSetting(ctx, tx, settingRegroup, regroupPass{Pending: true}, version)
}

// Regrouping reports whether rules have changed by which not everybody has been
// put into groups yet; until then the memberships from before stand.
func (d *Directory) Regrouping(ctx context.Context) (bool, error) {
	pass, _, err := readSetting[regroupPass](ctx, d.store, settingRegroup)
	return pass.Pending, err
}

// Regroup puts everybody into the groups whose rules hold for them, and out of
// the others, if rules have changed since it was last done. It works in bounded
// transactions and goes on where another process was stopped; it returns
// ErrLeaseHeld while another is at it.
func (d *Directory) Regroup(ctx context.Context) error {
	pending, err := d.Regrouping(ctx)
	if err != nil || !pending {
		return err
	}
	lease, err := d.store.AcquireLease(ctx, leaseRules, newToken(), d.now(), rulesLease)
	if err != nil {
		return fmt.Errorf("regroup: %w", err)
	}
	defer func() { _ = d.store.ReleaseLease(context.WithoutCancel(ctx), lease) }() // it runs out by itself
	for said := 0; pending; {
		var pass regroupPass
		err := d.updateHolding(ctx, lease, rulesLease, func(tx Tx) (err error) {
			pass, err = d.regroupSome(ctx, tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("regroup: %w", err)
		}
		pending = pass.Pending
		if !pending || pass.People >= said+regroupProgress {
			said = pass.People
			d.log.InfoContext(ctx, "people put into groups by rule", "people", pass.People, "moves", pass.Moves, "done", !pending)
		}
	}
	return nil
}

// ReviewGroups does Regroup although no rule has changed, which puts memberships
// by rule right that something else began or ended. Where another process is at
// it, that one begins again.
func (d *Directory) ReviewGroups(ctx context.Context) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		if rules, err := tx.Rules(ctx); err != nil || len(rules) == 0 {
			return err
		}
		return startRegroup(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("review groups: %w", err)
	}
	if err := d.Regroup(ctx); !errors.Is(err, ErrLeaseHeld) {
		return err
	}
	return nil
}

// regroupSome looks at the next people of the pass.
func (d *Directory) regroupSome(ctx context.Context, tx Tx) (regroupPass, error) {
	g, err := d.regrouper(ctx, tx, ActorSystem)
	if err != nil {
		return regroupPass{}, err
	}
	pass, version, err := readSetting[regroupPass](ctx, tx, settingRegroup)
	if err != nil {
		return pass, err
	}
	if !pass.Pending { // another process has finished it
		return pass, nil
	}
	people, err := tx.FindUsers(ctx, UserQuery{After: pass.After, Limit: regroupPeople})
	if err != nil {
		return pass, err
	}
	looked, moved, err := g.found(ctx, people)
	if err != nil {
		return pass, err
	}
	if looked > 0 {
		pass.After = people[looked-1].ListKey()
	}
	pass.Pending = looked < len(people) || len(people) == regroupPeople
	pass.People, pass.Moves = pass.People+looked, pass.Moves+moved
	return pass, putSetting(ctx, tx, settingRegroup, pass, version)
}

// found puts people whom this transaction has only read where the rules want
// them, at most regroupMoves at once. It returns how many of the people it looked at, and the moves.
func (g *regrouper) found(ctx context.Context, people []User) (looked, moved int, err error) {
	memberships, err := g.tx.Memberships(ctx, idsOf(people))
	if err != nil {
		return 0, 0, fmt.Errorf("memberships: %w", err)
	}
	var moves []move
	var movers []ID
	versions := map[ID]int64{}
	failed := failures{}
	for _, u := range people {
		if len(moves) >= regroupMoves {
			break
		}
		looked++
		if own := g.rules.moves(u, memberships[u.ID], failed); len(own) > 0 {
			moves, movers = append(moves, own...), append(movers, u.ID)
			versions[u.ID] = u.Version
		}
	}
	failed.log(ctx, g.d.log)
	current, err := g.tx.LockUsers(ctx, movers)
	if err != nil {
		return 0, 0, err
	}
	// Whoever was faster has put the person where the rules in force want them.
	moves = slices.DeleteFunc(moves, func(m move) bool { return current[m.User] != versions[m.User] })
	return looked, len(moves), writeMoves(ctx, g.tx, g.actor, g.run, moves)
}

// ServeRules does Regroup whenever rules have changed, until ctx ends. Several
// processes may serve one directory. It returns nil.
func (d *Directory) ServeRules(ctx context.Context) error {
	ticker := time.NewTicker(regroupLook)
	defer ticker.Stop()
	for {
		if err := d.Regroup(ctx); err != nil && !errors.Is(err, ErrLeaseHeld) && ctx.Err() == nil {
			d.log.WarnContext(ctx, "people not put into groups by rule; trying again in a second", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
