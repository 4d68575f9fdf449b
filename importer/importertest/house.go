package importertest

import (
	"testing"

	"github.com/einlass/einlass/importer"
)

// Trouble is what can be the matter with a source.
type Trouble string

// The troubles. One that passes is over after two requests.
const (
	Passing   Trouble = "an outage that passes"
	Lasting   Trouble = "an outage that lasts"
	Garbage   Trouble = "half of an answer"
	LoginPage Trouble = "a login page"
	Forbidden Trouble = "a missing right"
	Wrong     Trouble = "wrong credentials"
)

// Profile is what HR knows of a person, by source attribute. Of attributes that
// it does not name there is none.
type Profile map[string]string

// House is a company and the source that shows it.
type House struct {
	Source importer.Source
	Filter string // of one person alone, by their e-mail address, with %s in its place

	Hire   func(p Profile) (id string)
	Change func(id, attribute, value string)
	Remove func(id string)
	Grant  func(attributes ...string)
	Break  func(trouble Trouble)
	// Meanwhile runs do when the second page of the list is asked for.
	Meanwhile func(do func())
	// Requests returns how often the source was asked for anything.
	Requests func() int
}

// Builder makes an empty company. Big ids are beyond 2^53, where a float loses
// their last digits. A hasty source gives up within a fraction of a second.
type Builder func(t *testing.T, o Options) House

// Options of a company.
type Options struct {
	BigIDs bool
	Hasty  bool
}
