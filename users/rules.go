package users

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// CheckRule returns why text cannot be the rule of a group, with its position, or nil.
func CheckRule(text string) error {
	_, err := CompileExpression(text, ResultTruth)
	return err
}

// rule is the compiled rule of one group. One that does not compile was stored
// by another version of this program: it changes nobody.
type rule struct {
	group      GroupID
	text       string
	expression Expression
	err        error
}

// holds reports whether the rule holds for a person with these attributes.
func (r rule) holds(attributes map[string]string) (bool, error) {
	if r.err != nil {
		return false, r.err
	}
	value, err := r.expression.Value(attributes)
	holds, _ := value.(bool) // CheckRule lets no other result through
	return holds, err
}

// Rules are the compiled rules of groups.
type Rules []rule

// Regrouped returns the memberships of a person, of which it is given those from
// before, as they are once u is written.
func (rs Rules) Regrouped(u User, before []Membership) []Membership {
	after := slices.Clone(before)
	for _, m := range rs.moves(u, before, failures{}) {
		if m.ends {
			after = slices.DeleteFunc(after, func(other Membership) bool { return other == m.Membership })
			continue
		}
		after = append(after, m.Membership)
	}
	return after
}

// CompileRules compiles the rules of those groups that have one.
func (d *Directory) CompileRules(groups []Group) Rules {
	return d.rules.compile(slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return g.Rule == "" }))
}

// ruleCache keeps the rules in force compiled, so that an import does not
// compile them in each of its transactions.
type ruleCache struct {
	mu    sync.Mutex // guards rules
	rules map[string]rule
}

// compile returns the rules of groups, which are all that have one.
func (c *ruleCache) compile(groups []Group) Rules {
	c.mu.Lock()
	defer c.mu.Unlock()
	inForce := make(map[string]rule, len(groups))
	rules := make(Rules, 0, len(groups))
	for _, g := range groups {
		r, known := c.rules[g.Rule]
		if !known {
			r.text = g.Rule
			r.expression, r.err = CompileExpression(g.Rule, ResultTruth)
		}
		inForce[g.Rule] = r
		r.group = g.ID
		rules = append(rules, r)
	}
	c.rules = inForce
	return rules
}

// regrouper puts people into the groups whose rules hold for them, and out of
// the others, within one transaction. It leaves memberships by hand alone.
type regrouper struct {
	d     *Directory
	tx    Tx
	rules Rules
	actor Actor
	run   RunID // of an import; empty: none
}

// regrouper returns the regrouper of a transaction that is about to write
// people, with the rules as they stay until it ends. Call it before writing.
func (d *Directory) regrouper(ctx context.Context, tx Tx, actor Actor) (*regrouper, error) {
	groups, err := tx.Rules(ctx)
	if err != nil {
		return nil, fmt.Errorf("rules of groups: %w", err)
	}
	return &regrouper{d: d, tx: tx, rules: d.rules.compile(groups), actor: actor}, nil
}

// written puts people whom this transaction has written where the rules want
// them. What a rule that has gone left behind is no matter of theirs: see Regroup.
func (g *regrouper) written(ctx context.Context, people ...User) error {
	if len(g.rules) == 0 || len(people) == 0 {
		return nil
	}
	memberships, err := g.tx.Memberships(ctx, idsOf(people))
	if err != nil {
		return fmt.Errorf("memberships: %w", err)
	}
	var moves []move
	failed := failures{}
	for _, u := range people {
		moves = append(moves, g.rules.moves(u, memberships[u.ID], failed)...)
	}
	failed.log(ctx, g.d.log)
	return writeMoves(ctx, g.tx, g.actor, g.run, moves)
}

// moves compares a person's memberships by rule with what the rules say. A rule
// that fails for the person leaves the membership as it is.
func (rs Rules) moves(u User, memberships []Membership, failed failures) []move {
	member := map[GroupID]bool{}
	for _, m := range memberships {
		if m.ByRule {
			member[m.Group] = true
		}
	}
	attributes := u.ExpressionAttributes()
	var moves []move
	for _, r := range rs {
		was := member[r.group]
		delete(member, r.group)
		holds, err := r.holds(attributes)
		if err != nil {
			failed.add(r, u.ID, err)
			continue
		}
		if holds != was {
			moves = append(moves, move{Membership{r.group, u.ID, true}, was, r.text})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(member)) {
		moves = append(moves, move{Membership{id, u.ID, true}, true, ""})
	}
	return moves
}

func idsOf(people []User) []ID {
	ids := make([]ID, len(people))
	for i, u := range people {
		ids[i] = u.ID
	}
	return ids
}

// failures counts for whom a rule fails, so that one is logged for all.
type failures map[GroupID]*failure

type failure struct {
	people int
	first  ID
	err    error
}

func (f failures) add(r rule, id ID, err error) {
	if f[r.group] == nil {
		f[r.group] = &failure{first: id, err: err}
	}
	f[r.group].people++
}

func (f failures) log(ctx context.Context, log *slog.Logger) {
	for _, group := range slices.Sorted(maps.Keys(f)) {
		log.WarnContext(ctx, "the rule of a group fails; memberships stay as they are",
			"group", group, "people", f[group].people, "user_id", f[group].first, "error", f[group].err)
	}
}
