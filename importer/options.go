package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/einlass/einlass/users"
)

// options returns what a run of app is made by: the rules of the connection, and
// what the request asks for on top of them.
func (req Request) options(app users.Application) (users.RunOptions, error) {
	o := users.RunOptions{
		Mode: req.Mode, Selected: req.Selected, Reconcile: req.Reconcile, Due: req.Due.UTC(), Filter: app.Import.Filter,
		InitialState: app.Import.InitialState, Reactivation: app.Import.Reactivation, Leave: app.Import.Leave,
		LeaveRules: app.Import.LeaveRules,
	}
	if req.Filter != nil {
		o.Filter, o.OwnFilter = *req.Filter, true
	}
	if req.Reactivation != nil {
		o.Reactivation, o.OwnReactivation = *req.Reactivation, true
	}
	if o.Mode == "" {
		o.Mode = app.Import.Mode
	}
	if o.Mode == "" {
		o.Mode = users.ImportAll
	}
	switch {
	case !o.Mode.Valid():
		return o, fmt.Errorf("%w mode %q", users.ErrInvalid, o.Mode)
	case (o.Mode == users.ImportSelected) != (len(o.Selected) > 0):
		return o, fmt.Errorf("%w selection: mode %s with %d people", users.ErrInvalid, o.Mode, len(o.Selected))
	case o.Reconcile && !(Rules{Mode: o.Mode}).changesPeopleHere():
		return o, fmt.Errorf("%w options: a run in mode %s compares nobody with the directory", users.ErrInvalid, o.Mode)
	}
	return o, nil
}

// outdated reports whether the connection has other rules today than those the
// run was made by. What only the request asked for, such as the mode, is no rule.
func outdated(o users.RunOptions, app users.Application) bool {
	return !o.OwnFilter && o.Filter != app.Import.Filter || o.InitialState != app.Import.InitialState ||
		!o.OwnReactivation && o.Reactivation != app.Import.Reactivation || o.Leave != app.Import.Leave ||
		!slices.EqualFunc(o.LeaveRules, app.Import.LeaveRules, users.LeaveRule.Equal)
}

// newRules returns the rules of a run that follows on one made by last. What
// other rules than last time change is no repair.
func newRules(connection users.ApplicationID, o, last users.RunOptions) Rules {
	return Rules{
		Connection: connection, InitialState: o.InitialState, Reactivation: o.Reactivation, Leave: o.Leave, LeaveRules: o.LeaveRules,
		Mode: o.Mode, Reconcile: o.Reconcile,
		Repairs: o.Reconcile && o.Reactivation == last.Reactivation && o.Leave == last.Leave &&
			slices.EqualFunc(o.LeaveRules, last.LeaveRules, users.LeaveRule.Equal),
	}
}

// selection is whom an administrator has chosen, by source id or e-mail address.
type selection struct {
	choices []string // as typed
	byEmail map[users.LoginKey][]string
	taken   map[string][]string // choice → source ids of people who have no user
	here    map[string]bool     // choices under which the feed shows somebody who has one
	ids     map[string]struct{} // all that were taken
}

func newSelection(choices []string) *selection {
	s := &selection{
		choices: choices, byEmail: map[users.LoginKey][]string{},
		taken: map[string][]string{}, here: map[string]bool{}, ids: map[string]struct{}{},
	}
	for _, choice := range choices {
		key := users.KeyOf(choice)
		s.byEmail[key] = append(s.byEmail[key], choice)
	}
	return s
}

// take notes a person of the feed, who may be one of those chosen. An address
// that somebody here and a newcomer have stands for the newcomer.
func (s *selection) take(m Mapped, here bool) {
	choices := s.byEmail[users.KeyOf(m.Values[users.AttributeEmail])]
	if slices.Contains(s.choices, m.ID) {
		choices = append([]string{m.ID}, choices...)
	}
	for _, choice := range choices {
		if here {
			s.here[choice] = true
			continue
		}
		s.taken[choice] = append(s.taken[choice], m.ID)
		s.ids[m.ID] = struct{}{}
	}
}

// check returns an error that names those who cannot be chosen.
func (s *selection) check() error {
	var wrong []string
	for _, choice := range s.choices {
		switch {
		case len(s.taken[choice]) > 0:
		case s.here[choice]:
			wrong = append(wrong, choice+" (is here already)")
		default:
			wrong = append(wrong, choice+" (not at the source)")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrSelection, strings.Join(wrong, ", "))
	}
	return nil
}
