package importer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/einlass/einlass/users"
)

// plan reads the source of a connection and plans everybody, and lets the guard judge.
func (e *Engine) plan(
	ctx context.Context, app users.Application, past history, t *tracker,
	save func(context.Context, []users.RunChange) error,
) (outcome, []Reason, error) {
	none := outcome{stats: users.FeedStats{Announced: -1}}
	r, err := e.open(ctx, app, past, t)
	if err != nil {
		return none, nil, err
	}
	if err := r.readAll(ctx, past); err != nil {
		return none, nil, err
	}
	active, err := e.cfg.Directory.Read().CountUsers(ctx, app.ID, true)
	if err != nil {
		return none, nil, fmt.Errorf("count active people: %w", err)
	}
	r.stats.stats.Active = active[users.StateActive]
	guard := GuardInput{
		Settings: app.Import.Guard, Stats: r.stats.sum(), Last: past.last, Known: r.memory.living(),
		Losses: past.losses, ActiveBefore: past.active,
		Rows: r.rows, Nameless: r.nameless, Email: r.mapper.sources[users.AttributeEmail],
		Filter: t.run.Options.Filter, LastFilter: past.options.Filter, Hidden: r.hidden,
	}
	if err := refused(Judge(guard)); err != nil {
		return outcome{stats: guard.Stats}, nil, err
	}
	result, err := r.plan(ctx, save)
	if err != nil {
		return outcome{stats: guard.Stats}, nil, err
	}
	guard.Stats = result.stats
	return result, Judge(guard), nil
}

// refused returns ErrAttribute if the feed lost something that no approval can replace.
func refused(reasons []Reason) error {
	for _, r := range reasons {
		if r.Code == refusedMissingColumn {
			return fmt.Errorf("%w: %s: %s", ErrAttribute, r.Subject, r.Text)
		}
	}
	return nil
}

// mappingOf returns the mapping of a connection: its own, or its source's default.
func mappingOf(defaults map[string]users.Mapping, app users.Application) users.Mapping {
	if len(app.Import.Mapping) > 0 {
		return app.Import.Mapping
	}
	return defaults[app.Import.Source]
}

// open prepares a read: the secret, the source, what may be asked for, what is remembered.
func (e *Engine) open(ctx context.Context, app users.Application, past history, t *tracker) (*reading, error) {
	mapping := mappingOf(e.cfg.Mappings, app)
	if len(mapping) == 0 {
		return nil, fmt.Errorf("%w source %q", users.ErrInvalid, app.Import.Source)
	}
	onCreate := app.Import.MappingOnCreate
	if problems := CheckMapping(mapping, onCreate); len(problems) > 0 {
		return nil, fmt.Errorf("%w mapping of %s: %s", users.ErrInvalid, problems[0].Target, problems[0].Text)
	}
	secret, err := e.cfg.Directory.ImportSecret(ctx, app.ID)
	if errors.Is(err, users.ErrNotFound) {
		return nil, fmt.Errorf("%w connection: no secret is stored", users.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("secret of the connection: %w", err)
	}
	source, err := e.cfg.Open(app, secret)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	wanted, differ, err := preflight(ctx, source, mapping, onCreate)
	if err != nil {
		return nil, err
	}
	directory := e.cfg.Directory.Read()
	memory, err := remember(ctx, directory, app.ID)
	if err != nil {
		return nil, err
	}
	rules := newRules(app.ID, t.run.Options, past.options)
	if rules.Accounts, err = e.readAccounts(ctx); err != nil {
		return nil, err
	}
	if len(rules.Accounts) > 1 {
		if err := memory.readShared(ctx, directory); err != nil {
			return nil, err
		}
	}
	var chosen *selection
	if rules.Mode == users.ImportSelected {
		chosen = newSelection(t.run.Options.Selected)
	}
	stats := newFeedStats(mapping, wanted)
	stats.stats.Missing, stats.stats.Surplus = differ.missing, differ.surplus
	return &reading{
		directory: directory, source: source, rules: rules, mapper: newMapper(mapping, e.cfg.Organization).creating(onCreate),
		query: Query{Wanted: wanted, Filter: t.run.Options.Filter}, newID: newIDs(), selection: chosen,
		memory: memory, feed: NewFeed(rules), movers: &movers{directory: e.cfg.Directory},
		stats: stats, managers: map[string]struct{}{},
		track: t,
	}, nil
}

// rights is how what the credentials may read differs from what is mapped.
type rights struct {
	missing []string // mapped, but not granted
	surplus []string // granted, but not mapped
}

// preflight asks which attributes may be read. What is optional and may not be
// read is left out; without a mandatory one nothing is read at all.
func preflight(ctx context.Context, source Source, mapping, onCreate users.Mapping) (wanted []string, differ rights, err error) {
	wanted = Wanted(mapping, onCreate)
	granted, known, err := source.Granted(ctx)
	if err != nil || !known {
		return wanted, rights{}, err
	}
	for _, name := range wanted {
		if slices.Contains(granted, name) {
			continue
		}
		if name == sourceStatus || name == emailSource(mapping) {
			return nil, rights{}, fmt.Errorf("%w: %s", ErrAttribute, name)
		}
		differ.missing = append(differ.missing, name)
	}
	for _, name := range granted {
		if name != sourceID && !slices.Contains(wanted, name) {
			differ.surplus = append(differ.surplus, name)
		}
	}
	slices.Sort(differ.surplus)
	return slices.DeleteFunc(wanted, func(name string) bool { return slices.Contains(differ.missing, name) }), differ, nil
}

// newIDs returns a function that gives every source id a random user id, the
// same one each time it is asked, without having to remember any.
func newIDs() func(sourceID string) users.ID {
	secret := []byte(rand.Text())
	return func(sourceID string) users.ID {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(sourceID))
		text := base32.StdEncoding.EncodeToString(mac.Sum(nil))
		return users.ID(strings.ToLower(text[:idChars]))
	}
}

// idChars is the length of a users.ID: 130 bits.
const idChars = 26
