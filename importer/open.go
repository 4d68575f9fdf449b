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

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// plan reads the source of a connection and plans everybody, and lets the guard judge.
func (e *Engine) plan(
	ctx context.Context, app users.Application, past history, t *tracker,
	save func(context.Context, []users.RunChange) error,
) (outcome, []users.Note, error) {
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
	r.stats.stats.Active, r.stats.stats.Staged = active[users.StateActive], active[users.StateStaged]
	guard := GuardInput{
		Settings: app.Import.Guard, Stats: r.stats.sum(), Last: past.last, Known: r.memory.living(),
		Losses: past.losses, LossesLater: past.later, ActiveBefore: past.active,
		Rows: r.rows, Nameless: r.nameless, Email: r.mapper.sources[users.AttributeEmail],
		Filter: t.run.Options.Filter, LastFilter: past.options.Filter, Hidden: r.hidden,
	}
	judge := Judge
	if t.run.Scope != users.ScopeFull {
		judge = func(in GuardInput) []users.Note { return judgeSome(in, past.listed()) }
	}
	if err := refused(judge(guard)); err != nil {
		return outcome{stats: guard.Stats}, nil, err
	}
	result, err := r.plan(ctx, save)
	if err != nil {
		return outcome{stats: guard.Stats}, nil, err
	}
	guard.Stats, t.noting = result.stats, r.deadlines
	t.left = map[string]bool{}
	for _, id := range r.again {
		t.left[id] = true
		t.noteAgain(id)
	}
	if t.beside.served() { // and may have taken access from people
		if past, err = readHistory(ctx, r.directory, app.ID, t.run.StartedAt); err != nil {
			return result, nil, err
		}
		guard.Losses, guard.LossesLater, guard.ActiveBefore = past.losses, past.later, past.active
	}
	return result, judge(guard), nil
}

// refused returns ErrAttribute if the feed lost something that no approval can replace.
func refused(reasons []users.Note) error {
	for _, r := range reasons {
		if r.Code == refusedMissingColumn {
			return fmt.Errorf("%w: none of %d people has %s", ErrAttribute, r.Numbers["count"], r.Texts[parameterAbout])
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

// open prepares a read of everybody: the source, what may be asked for, what is remembered.
func (e *Engine) open(ctx context.Context, app users.Application, past history, t *tracker) (*reading, error) {
	r, err := e.openBare(ctx, app, t, e.askRights)
	if err != nil {
		return nil, err
	}
	if r.memory, err = remember(ctx, r.directory, app.ID); err != nil {
		return nil, err
	}
	if len(r.accounts) > 1 {
		if err := r.memory.readShared(ctx, r.directory); err != nil {
			return nil, err
		}
	}
	r.setRules(newRules(app.ID, t.run.Options, past.options))
	if r.rules.Mode == users.ImportSelected {
		r.selection = newSelection(t.run.Options.Selected)
	}
	return r, nil
}

// openBare prepares a read without what is remembered and without rules.
func (e *Engine) openBare(
	ctx context.Context, app users.Application, t *tracker,
	rightsOf func(context.Context, users.Application, Source) (rights, error),
) (*reading, error) {
	mapping, source, err := e.openSource(ctx, app, t.given)
	if err != nil {
		return nil, err
	}
	onCreate := app.Import.MappingOnCreate
	mapper, err := newMapper(mapping, e.cfg.Organization).creating(onCreate).withWindows(*app.Import, e.cfg.Zone)
	if err != nil {
		return nil, err
	}
	mapper = mapper.withLeave(*app.Import)
	granted, err := rightsOf(ctx, app, source)
	if err != nil {
		return nil, err
	}
	wanted, differ, err := preflight(granted, WantedBy(*app.Import, mapping), emailSource(mapping))
	if err != nil {
		return nil, err
	}
	accounts, err := e.readAccounts(ctx)
	if err != nil {
		return nil, err
	}
	alone, err := e.readsAlone(ctx, app)
	if err != nil {
		return nil, err
	}
	stats := newFeedStats(mapping, wanted)
	stats.stats.Missing, stats.stats.Surplus = differ.missing, differ.surplus
	return &reading{
		directory: e.cfg.Directory.Read(), source: source, mapper: mapper,
		query: Query{Wanted: wanted, Filter: t.run.Options.Filter}, newID: newIDs(),
		movers: &movers{directory: e.cfg.Directory, now: e.now()},
		stats:  stats, managers: map[string]struct{}{}, lookalikes: lookalikes{},
		track: t, accounts: accounts, windows: app.Import.Access != nil, alone: alone,
	}, nil
}

// openSource returns the mapping of a connection, with nothing wrong about it,
// and its source, or the given one.
func (e *Engine) openSource(ctx context.Context, app users.Application, given Given) (users.Mapping, Source, error) {
	mapping := mappingOf(e.cfg.Mappings, app)
	if len(mapping) == 0 {
		return nil, nil, fmt.Errorf("%w source %q", users.ErrInvalid, app.Import.Source)
	}
	if problems := CheckMapping(mapping, app.Import.MappingOnCreate); len(problems) > 0 {
		return nil, nil, fmt.Errorf("%w mapping of %s: %s", users.ErrInvalid, problems[0].Target, problems[0].Text)
	}
	if problems := checkWindows(*app.Import); len(problems) > 0 {
		return nil, nil, fmt.Errorf("%w access %s: %s", users.ErrInvalid, problems[0].Target, problems[0].Text)
	}
	if given.Source != nil {
		return mapping, given.Source, nil
	}
	secret, err := e.secretOf(ctx, app, given)
	if err != nil {
		return nil, nil, err
	}
	source, err := e.cfg.Open(app, secret)
	if err != nil {
		return nil, nil, fmt.Errorf("open source: %w", err)
	}
	return mapping, source, nil
}

// setRules says by which rules people are planned.
func (r *reading) setRules(rules Rules) {
	rules.Accounts, rules.Windows = r.accounts, r.windows
	r.rules, r.feed = rules, NewFeed(rules)
}

// differences is how what the credentials may read differs from what is mapped.
type differences struct {
	missing []string // mapped, but not granted
	surplus []string // granted, but not mapped
}

// secretOf returns the secret that opens the source of a connection.
func (e *Engine) secretOf(ctx context.Context, app users.Application, given Given) (keys.Secret, error) {
	if app.Import.Source == users.SourceCSV {
		return "", fmt.Errorf("%w request: the people of %s come from files; name one (einlass import people)", users.ErrInvalid, app.ID)
	}
	if given.Secret != "" {
		return given.Secret, nil
	}
	secret, err := e.cfg.Directory.ImportSecret(ctx, app.ID)
	if errors.Is(err, users.ErrNotFound) {
		return "", fmt.Errorf("%w connection: no secret is stored; enter it for this import (--credentials=prompt), or declare one", users.ErrInvalid)
	}
	if err != nil {
		return "", fmt.Errorf("secret of the connection: %w", err)
	}
	return secret, nil
}

// readsAlone reports whether single people and changes of a connection can be read
// at any time: not where people come from files, or the secret with each import.
func (e *Engine) readsAlone(ctx context.Context, app users.Application) (bool, error) {
	if app.Import.Source == users.SourceCSV {
		return false, nil
	}
	_, err := e.cfg.Directory.ImportSecret(ctx, app.ID)
	if errors.Is(err, users.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("secret of the connection: %w", err)
	}
	return true, nil
}

// rights is what the credentials of a connection may read.
type rights struct {
	version    int64 // of the application when that was asked
	known      bool  // the source can tell
	attributes []string
}

// askRights asks the source which attributes the credentials may read.
func (e *Engine) askRights(ctx context.Context, app users.Application, source Source) (rights, error) {
	attributes, known, err := source.Granted(ctx)
	if err != nil {
		return rights{}, err
	}
	told := rights{version: app.Version, known: known, attributes: attributes}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rights[app.ID] = told
	return told, nil
}

// knownRights is askRights for reads that are too small to ask each time.
func (e *Engine) knownRights(ctx context.Context, app users.Application, source Source) (rights, error) {
	e.mu.Lock()
	told, found := e.rights[app.ID]
	e.mu.Unlock()
	if found && told.version == app.Version {
		return told, nil
	}
	return e.askRights(ctx, app, source)
}

// preflight returns which of the wanted attributes are asked for. What is optional and may not be
// read is left out; without a mandatory one nothing is read at all.
func preflight(granted rights, wanted []string, email string) (readable []string, differ differences, err error) {
	if !granted.known {
		return wanted, differences{}, nil
	}
	for _, name := range wanted {
		if slices.Contains(granted.attributes, name) {
			continue
		}
		if name == sourceStatus || name == email {
			return nil, differences{}, fmt.Errorf("%w: %s", ErrAttribute, name)
		}
		differ.missing = append(differ.missing, name)
	}
	for _, name := range granted.attributes {
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
