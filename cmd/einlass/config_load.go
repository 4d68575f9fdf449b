package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// defaultConfigFile is read when it exists and no other file is named.
const defaultConfigFile = "einlass.yaml"

// origin says where a value comes from.
type origin struct {
	name string // file, variable or flag; empty: default
	line int    // in a file; 0: none
}

func (o origin) String() string {
	switch {
	case o.name == "":
		return "default"
	case o.line > 0:
		return fmt.Sprintf("%s:%d", o.name, o.line)
	}
	return o.name
}

// problem is one thing that is wrong with the configuration.
type problem struct {
	origin origin
	path   string // the key, empty when it is not about one
	text   string
}

func (p problem) String() string {
	parts := make([]string, 0, 3)
	if p.origin.name != "" {
		parts = append(parts, p.origin.String())
	}
	if p.path != "" {
		parts = append(parts, p.path)
	}
	return strings.Join(append(parts, p.text), ": ")
}

// configError is everything that is wrong with the configuration, in the order of the file.
type configError []problem

func (e configError) Error() string {
	lines := make([]string, 0, len(e))
	for _, p := range e {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// entry is one line of `config show`.
type entry struct {
	path   string
	shown  string
	origin origin
}

// configInput is where a configuration is read from, weakest first: the file, the
// environment, the flags.
type configInput struct {
	file        string            // empty: einlass.yaml if it exists
	environment []string          // as os.Environ
	flags       map[string]string // key of the configuration: text
}

// loadedConfig is a configuration without problems, and what is worth saying about it.
type loadedConfig struct {
	Config
	Warnings []string
	entries  []entry
}

// loader gathers values, their origins and all problems.
type loader struct {
	cfg      Config
	file     string
	entries  []entry
	index    map[string]int // path → place in entries
	problems configError
	failed   map[string]bool // keys with a problem
	warnings []string

	unreadable    bool // the file is no YAML, so nothing is known about its keys
	inlineSecrets bool // the file itself holds a secret
}

func newLoader() *loader {
	l := &loader{cfg: defaultConfig(), index: map[string]int{}, failed: map[string]bool{}}
	l.recordDefaults(l.cfg.fields(), "")
	return l
}

// loadConfig reads and checks the configuration without connecting anywhere.
// It returns a configError with every problem when there is one.
func loadConfig(in configInput) (loadedConfig, error) {
	l := newLoader()
	file, text, err := readConfigFile(in.file)
	if err != nil {
		return loadedConfig{}, configError{{text: err.Error()}}
	}
	if file != "" {
		l.file = file
		l.readYAML(text)
	}
	l.readEnvironment(in.environment)
	l.readFlags(in.flags)
	if !l.unreadable {
		l.check()
	}
	if len(l.problems) > 0 {
		l.sortProblems()
		return loadedConfig{}, l.problems
	}
	return loadedConfig{Config: l.cfg, Warnings: l.warnings, entries: l.entries}, nil
}

// readConfigFile returns the text of the named file, or of einlass.yaml if
// there is one; the name is empty when there is no file at all.
func readConfigFile(named string) (name string, text []byte, err error) {
	name = cmp.Or(named, defaultConfigFile)
	text, err = readLimited(name, maxConfigBytes)
	if named == "" && errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	return name, text, err
}

// recordDefaults notes the values that hold unless somebody sets them.
func (l *loader) recordDefaults(fields []field, prefix string) {
	for _, f := range fields {
		path := join(prefix, f.name)
		switch {
		case f.value != nil:
			l.record(path, f.value, origin{})
		case f.keys != nil && !f.optional:
			l.recordDefaults(f.keys(), path)
		}
	}
}

// record notes a value as it is now and where it comes from.
func (l *loader) record(path string, v value, from origin) {
	e := entry{path: path, shown: v.show(), origin: from}
	if i, found := l.index[path]; found {
		l.entries[i] = e
		return
	}
	l.index[path] = len(l.entries)
	l.entries = append(l.entries, e)
}

// mark notes where a key stands that has no value of its own to show.
func (l *loader) mark(path string, from origin) {
	l.index[path] = len(l.entries)
	l.entries = append(l.entries, entry{path: path, origin: from})
}

// originOf returns where a key, or else the nearest mapping around it, comes from.
func (l *loader) originOf(path string) origin {
	for ; path != ""; path = parent(path) {
		if i, found := l.index[path]; found && l.entries[i].origin.name != "" {
			return l.entries[i].origin
		}
	}
	return origin{}
}

// parent returns the path of the mapping or list around a key.
func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// fail notes that a value breaks a rule, unless the key or a mapping around it
// could not be read at all: then what follows from that is not worth a line.
func (l *loader) fail(path, format string, args ...any) {
	for p := path; p != ""; p = parent(p) {
		if l.failed[p] {
			return
		}
	}
	l.failAt(l.originOf(path), path, format, args...)
}

func (l *loader) failAt(from origin, path, format string, args ...any) {
	l.failed[path] = true
	l.problems = append(l.problems, problem{from, path, fmt.Sprintf(format, args...)})
}

func (l *loader) warn(path, format string, args ...any) {
	p := problem{l.originOf(path), path, fmt.Sprintf(format, args...)}
	l.warnings = append(l.warnings, p.String())
}

// sortProblems puts those of the file first, by line.
func (l *loader) sortProblems() {
	place := func(p problem) int {
		switch {
		case p.origin.line > 0:
			return p.origin.line
		case p.origin.name == l.file && l.file != "":
			return 0
		}
		return maxConfigBytes // more than any line
	}
	slices.SortStableFunc(l.problems, func(a, b problem) int { return cmp.Compare(place(a), place(b)) })
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
