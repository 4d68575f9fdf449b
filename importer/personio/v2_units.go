package personio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/einlass/einlass/importer"
)

// maxUnits is far more than a company has units of one kind.
const maxUnits = 100_000

// unitKind is a kind of unit, by the attribute that it becomes.
type unitKind string

// unitLists says where the names of units are listed. Some lists are unfinished
// by Personio's own account, and not there for everybody.
var unitLists = map[unitKind]listV2{
	attributeDepartment:  {path: "/v2/org-units", query: url.Values{"type": {"department"}}, beta: true},
	attributeTeam:        {path: "/v2/org-units", query: url.Values{"type": {"team"}}, beta: true},
	attributeOffice:      {path: "/v2/workplaces", beta: true},
	attributeSubcompany:  {path: "/v2/legal-entities"},
	attributeCostCenters: {path: "/v2/cost-centers", beta: true},
}

// unit returns the name of the unit that an attribute means.
//
// A name that may not be read is not sent. Version 1 gives names, and groups hang
// on them: an id in the place of a name would move people out of their groups.
func (p profile) unit(name string) (text string, sent bool, err error) {
	id, sent := p.unitID(name)
	if !sent || id == "" {
		return "", sent, nil
	}
	return p.name(unitKind(name), id)
}

// unitID returns the id of a unit; empty if the person is in none.
func (p profile) unitID(name string) (id string, sent bool) {
	var unit value
	switch name {
	case attributeOffice:
		unit = p.employment.member("office")
	case attributeSubcompany:
		if unit = p.employment.member("legal_entity"); unit == nil {
			unit = p.employment.member("sub_company")
		}
	case attributeDepartment, attributeTeam, attributeCostCenters:
		return p.listedUnitID(name)
	default:
		return "", false // version 2 has no such attribute
	}
	if unit == nil || unit.isEmpty() {
		return "", unit != nil
	}
	return p.idWithin(name, unit)
}

// listedUnitID finds a unit in a list, of cost centers the first. A list
// without any means that there is none only if the source shows such units at all.
func (p profile) listedUnitID(name string) (id string, sent bool) {
	list := p.employment.member("org_units")
	if name == attributeCostCenters {
		list = p.employment.member(attributeCostCenters)
	}
	if list == nil {
		return "", false
	}
	if !list.isArray() && !list.isEmpty() {
		p.unreadable[name] = true
		return "", false
	}
	for unit := range list.elements() {
		if name == attributeCostCenters || strings.EqualFold(unit.member("type").text(), name) {
			return p.idWithin(name, unit)
		}
	}
	return "", p.seen.has(name)
}

func (p profile) idWithin(name string, unit value) (id string, sent bool) {
	if v := unit.member(attributeID); v.isString() || isDecimal(v.text()) {
		return v.text(), true
	}
	p.unreadable[name] = true
	return "", false
}

// unitNames keeps the names of units between two requests for them.
type unitNames struct {
	source *SourceV2

	mu       sync.Mutex // guards what follows
	known    map[unitKind]nameList
	reported map[unitKind]bool // lists that may not be read, told once
}

// nameList is what is known of the units of one kind.
type nameList struct {
	read  time.Time
	names map[string]string // by id; empty: it may not be read
}

// forget drops names that are as old as age.
func (n *unitNames) forget(age time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.source.cfg.Now()
	maps.DeleteFunc(n.known, func(_ unitKind, list nameList) bool { return now.Sub(list.read) >= age })
}

// name returns the name of a unit, if it may be read.
func (n *unitNames) name(ctx context.Context, kind unitKind, id string) (name string, readable bool, err error) {
	name, found, listed := n.find(kind, id)
	if !listed {
		names, err := n.list(ctx, kind)
		if err != nil {
			return "", false, fmt.Errorf("names of %s: %w", kind, err)
		}
		n.keep(kind, names)
		name, found, _ = n.find(kind, id)
	}
	if !found && (kind == attributeDepartment || kind == attributeTeam) {
		if name, err = n.single(ctx, id); err != nil {
			return "", false, fmt.Errorf("name of a %s: %w", kind, err)
		}
		n.add(kind, id, name)
	}
	return name, name != "", nil
}

func (n *unitNames) find(kind unitKind, id string) (name string, found, listed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, listed := n.known[kind]
	name, found = list.names[id]
	return name, found, listed
}

func (n *unitNames) keep(kind unitKind, names map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[unitKind]nameList{}
	}
	n.known[kind] = nameList{n.source.cfg.Now(), names}
}

func (n *unitNames) add(kind unitKind, id, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if list, listed := n.known[kind]; listed {
		list.names[id] = name
	}
}

// list reads all names of a kind, or none if they may not be read.
func (n *unitNames) list(ctx context.Context, kind unitKind) (map[string]string, error) {
	names := map[string]string{}
	for rows, err := range n.source.pages(ctx, unitLists[kind]) {
		if isWithheld(err) {
			n.report(ctx, kind, err)
			return map[string]string{}, nil
		}
		if err != nil {
			return nil, err
		}
		for unit := range rows.elements() {
			if name := unit.member("name"); name.isString() && utf8.Valid(name) {
				if len(names) == maxUnits {
					return nil, fmt.Errorf("more than %d: %w", maxUnits, importer.ErrCorrupt)
				}
				names[unit.member(attributeID).text()] = name.text()
			}
		}
	}
	return names, nil
}

// single reads the name of one department or team, which may be possible where
// the list is not; empty if it is not either.
func (n *unitNames) single(ctx context.Context, id string) (string, error) {
	answer, err := n.source.get(ctx, request{path: "/v2/org-units/" + url.PathEscape(id)})
	if isWithheld(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if wrapped := answer.member("_data"); wrapped.isObject() {
		answer = wrapped
	}
	if name := answer.member("name"); name.isString() && utf8.Valid(name) {
		return name.text(), nil
	}
	return "", nil
}

// isWithheld reports whether an error is the source's last word on a list that
// not everybody may read.
func isWithheld(err error) bool {
	refused, isRefusal := errors.AsType[*rejection](err)
	return errors.Is(err, errNotFound) || errors.Is(err, importer.ErrForbidden) ||
		(isRefusal && refused.status >= 400 && refused.status < 500)
}

// report tells once of a list that may not be read.
func (n *unitNames) report(ctx context.Context, kind unitKind, cause error) {
	n.mu.Lock()
	known := n.reported[kind]
	if n.reported == nil {
		n.reported = map[unitKind]bool{}
	}
	n.reported[kind] = true
	n.mu.Unlock()
	if !known {
		n.source.cfg.Logger.WarnContext(ctx, "names may not be read; what people have stays as it is",
			slog.String("attribute", string(kind)), slog.Any("error", cause))
	}
}
