package main

import (
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// columnAttributes have a key of their own, or none at all: nobody declares a manager, nor an access window.
var columnAttributes = []string{
	users.AttributeEmail, users.AttributeUsername, users.AttributeFirstName, users.AttributeLastName, users.AttributeManager,
	users.AttributeAccessFrom, users.AttributeAccessUntil, users.AttributeConfinedTo,
}

func (l *loader) checkGroups() {
	ids := map[string]int{}
	for i, g := range l.cfg.Groups {
		path := element("groups", i)
		l.checkID(path, g.ID, ids, i)
		if g.ID == string(users.Everyone) {
			l.fail(path+".id", "everyone is built in")
		}
		if g.Rule == "" {
			continue
		}
		if err := users.CheckRule(g.Rule); err != nil {
			l.fail(path+".rule", "%v", err)
		}
	}
}

func (l *loader) checkUsers() {
	logins := map[users.LoginKey]int{}
	for i, u := range l.cfg.Users {
		path := element("users", i)
		if u.Email == "" {
			l.fail(path+".email", "required")
		} else if err := users.CheckEmail(u.Email); err != nil {
			l.fail(path+".email", "%v", err)
		}
		l.checkLogin(path+".email", users.KeyOf(u.Email), logins, i)
		l.checkLogin(path+".username", users.KeyOf(u.Username), logins, i)
		l.checkNamedGroups(path, u.Groups)
		l.checkAttributes(path, u)
		if u.Password == "" {
			continue
		}
		named := users.User{EmailKey: users.KeyOf(u.Email), UsernameKey: users.KeyOf(u.Username)}
		if err := users.CheckPassword(u.Password, named); err != nil {
			l.fail(path+".password", "%v", err)
		}
	}
}

// checkLogin checks that nobody else signs in with the same address or name.
func (l *loader) checkLogin(path string, key users.LoginKey, seen map[users.LoginKey]int, i int) {
	if key == "" {
		return
	}
	if first, found := seen[key]; found && first != i {
		l.fail(path, "person number %d signs in with it already", first+1)
		return
	}
	seen[key] = i
}

func (l *loader) checkAttributes(path string, u UserConfig) {
	for _, name := range sortedKeys(u.Attributes) {
		switch {
		case slices.Contains(columnAttributes, name):
			l.fail(path+".attributes", "%s is not set here", name)
		case !users.IsAttributeName(name):
			l.fail(path+".attributes", "%q is no name for an attribute", name)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
