package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// environmentPrefix begins the name of every variable that we read.
const environmentPrefix = "EINLASS_"

// environmentOfTests begins the names of variables that tests read; programs they start inherit them.
const environmentOfTests = "EINLASS_TEST_"

// serviceLink matches the variables that Kubernetes puts into every container
// for a service called einlass. They are not meant for us.
var serviceLink = regexp.MustCompile(`^EINLASS_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_[A-Z]+(_(PROTO|PORT|ADDR))?)?)$`)

// environmentName is the variable of a key: organization.time_zone is EINLASS_ORGANIZATION_TIME_ZONE.
func environmentName(path string) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// settings returns the leaves outside lists by path: what environment and flags can set.
func settings(fields []field, prefix string) map[string]value {
	found := map[string]value{}
	for _, f := range fields {
		path := join(prefix, f.name)
		switch {
		case f.value != nil:
			found[path] = f.value
		case f.keys != nil:
			maps.Copy(found, settings(f.keys(), path))
		}
	}
	return found
}

// readEnvironment takes the variables that begin with EINLASS_. One that looks
// like a misspelt name of ours is an error like an unknown key of the file; any
// other may be somebody else's, such as a deployment tool's, and gives a warning.
func (l *loader) readEnvironment(environment []string) {
	variables := map[string]string{}
	for _, assignment := range environment {
		name, text, _ := strings.Cut(assignment, "=")
		if strings.HasPrefix(name, environmentPrefix) && !strings.HasPrefix(name, environmentOfTests) && !serviceLink.MatchString(name) {
			variables[name] = text
		}
	}
	known := []string{}
	all := settings(l.cfg.fields(), "")
	for _, path := range slices.Sorted(maps.Keys(all)) {
		v, name := all[path], environmentName(path)
		known = append(known, name)
		text, found := variables[name]
		var file string
		var fromFile bool
		if isSecret(v) {
			known = append(known, name+"_FILE")
			file, fromFile = variables[name+"_FILE"]
		}
		switch {
		case found && fromFile:
			l.failAt(origin{name: name}, path, "%s and %s_FILE are both set", name, name)
		case fromFile:
			l.secretFromFiles([]string{file}, path, v, origin{name: name + "_FILE"})
		case found:
			l.setText(path, v, text, origin{name: name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !slices.Contains(known, name) {
			l.unknownVariable(name, known)
		}
	}
}

// listVariables are what one might try for the keys that only the file can hold.
var listVariables = []string{"EINLASS_APPLICATIONS", "EINLASS_GROUPS", "EINLASS_USERS"}

func (l *loader) unknownVariable(name string, known []string) {
	switch {
	case slices.Contains(listVariables, name):
		l.failAt(origin{name: name}, "", "this key can stand in the file only")
	case ofLaterVersion(name):
		l.failAt(origin{name: name}, "", "not available in this version")
	case misspelt(name, known) != "":
		l.failAt(origin{name: name}, "", "unknown variable; did you mean %q?", misspelt(name, known))
	default:
		l.warnings = append(l.warnings, name+": unknown variable, not read")
	}
}

// ofLaterVersion reports whether a variable stands for a key that this version does not have yet.
func ofLaterVersion(name string) bool {
	return slices.ContainsFunc(laterKeys, func(key string) bool {
		return name == environmentName(key) || strings.HasPrefix(name, environmentName(key)+"_")
	})
}

// readFlags takes the settings of the command line, by key.
func (l *loader) readFlags(flags map[string]string) {
	all := settings(l.cfg.fields(), "")
	for _, path := range slices.Sorted(maps.Keys(flags)) {
		name := "--" + strings.ReplaceAll(path, "_", "-")
		l.setText(path, all[path], flags[path], origin{name: name})
	}
}

// setText reads a value from one line of text; the elements of a list are separated by commas.
func (l *loader) setText(path string, v value, text string, from origin) {
	texts := []string{text}
	if v.kind() == kindList {
		texts = splitList(text)
	}
	if err := v.parse(texts); err != nil {
		l.failAt(from, path, "%v", err)
		return
	}
	l.record(path, v, from)
}

func splitList(text string) []string {
	elements := []string{}
	for element := range strings.SplitSeq(text, ",") {
		if element = strings.TrimSpace(element); element != "" {
			elements = append(elements, element)
		}
	}
	return elements
}
