package importer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/einlass/einlass/users"
)

// Limits of one attribute's value, after normalising.
const (
	MaxValueRunes = 256
	MaxValueBytes = 1024
)

// Source attributes that every import needs. The id needs no asking for.
const (
	sourceID     = "id"
	sourceStatus = "status"
	sourceEmail  = "email"
)

// attributeOrganization is inherited from our own setting, not from the source (JumpCloud's INHERITED).
const attributeOrganization = "organization"

// Mapped is one person of a feed in our terms: targets instead of source
// attributes, values normalised.
type Mapped struct {
	ID     string
	Status Status // in lower case
	// Values holds target → value. A target that is absent was not sent.
	Values     map[string]string
	OnCreate   map[string]string // like Values; only for who is created or linked
	Failed     []string          // targets whose expression or date fails for the person, sorted
	Manager    string            // source id; empty: none
	HasManager bool              // the manager was sent and is mapped
	Hash       string            // changes with the content and with the mapping
	Gone       bool              // the source no longer knows the person
	Unshown    bool              // no list shows the person, and asked about them alone the source gives no answer
	Zone       string            // of the office, where there are access windows

	// Nearby holds, where the office was not sent and Values go by the zone of all
	// other offices, the same bounds in the zones of the offices that have one.
	Nearby map[string][]string

	LeaveKind    string // of somebody on leave, where there are rules for it
	HasLeaveKind bool
	Leave        users.LeaveAccess // what the rules leave to somebody on leave; empty: there are none
	LeaveUntil   time.Time         // when a rule takes more away
}

// standing is what the status, or being gone, means.
func (m Mapped) standing() standing {
	if m.Gone {
		return standingLeft
	}
	return standingOf(m.Status)
}

// name is how lists show the person.
func (m Mapped) name() string {
	u := users.User{FirstName: m.Values[users.AttributeFirstName], LastName: m.Values[users.AttributeLastName]}
	u.Email = m.email()
	return u.DisplayName()
}

// email is how lists show the address, which may be one that we refuse.
func (m Mapped) email() string { return normalize(m.Values[users.AttributeEmail]) }

// Wanted returns the source attributes that mappings need, sorted; the address is
// mapped by the first. Nothing else is asked for: people's data that we do not
// fetch cannot leak here.
func Wanted(mappings ...users.Mapping) []string { return wanted(nil, mappings...) }

// WantedBy is Wanted for a connection, whose mapping may be the default of its source.
func WantedBy(i users.Import, mapping users.Mapping) []string {
	return wanted(accessSources(i), mapping, i.MappingOnCreate)
}

func wanted(more []string, mappings ...users.Mapping) []string {
	wanted := append([]string{sourceStatus, emailSource(mappings[0])}, more...)
	for _, m := range mappings {
		for _, source := range compileSources(m) {
			wanted = append(wanted, source.attributes()...)
		}
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	return slices.DeleteFunc(wanted, func(name string) bool { return name == "" || name == sourceID })
}

// emailSource is the source attribute that becomes the e-mail address.
func emailSource(m users.Mapping) string {
	if source := m[users.AttributeEmail]; source != "" {
		return source
	}
	return sourceEmail
}

// mapper maps the people of one connection.
type mapper struct {
	sources      users.Mapping // without the manager
	values       map[string]valueSource
	targets      []string               // of values, sorted
	onCreate     map[string]valueSource // for who is created or linked
	windows      *windows               // nil: access follows the status alone
	leaveKind    string                 // source attribute; empty: no rule asks
	places       places
	manager      bool
	organization string
	digest       string // of the above, part of every content hash
}

func newMapper(m users.Mapping, organization string) mapper {
	sources := maps.Clone(m)
	if sources == nil {
		sources = users.Mapping{}
	}
	sources[users.AttributeEmail] = emailSource(m)
	if sources[users.AttributeUsername] == "" {
		sources[users.AttributeUsername] = sources[users.AttributeEmail]
	}
	manager := sources[users.AttributeManager]
	delete(sources, users.AttributeManager)
	p := mapper{
		sources: sources, values: compileSources(sources), targets: slices.Sorted(maps.Keys(sources)),
		manager: manager != "", organization: organization,
	}
	texts := []string{manager}
	for _, target := range p.targets {
		texts = append(texts, target, sources[target])
	}
	p.digest = digestOf(texts...)
	return p
}

// creating returns the mapper with what fills people when they are created or linked.
func (p mapper) creating(onCreate users.Mapping) mapper {
	if len(onCreate) == 0 {
		return p
	}
	p.onCreate = compileSources(onCreate)
	texts := []string{p.digest}
	for _, target := range slices.Sorted(maps.Keys(onCreate)) {
		texts = append(texts, target, onCreate[target])
	}
	p.digest = digestOf(texts...)
	return p
}

// digestOf tells lists of texts apart.
func digestOf(texts ...string) string {
	var l textList
	for _, text := range texts {
		l.add(text)
	}
	return l.digest()
}

// apply maps one person.
func (p mapper) apply(person Person) Mapped {
	m := Mapped{
		ID: checkedID(person.ID), Status: Status(normalize(string(person.Status))).normal(),
		Values: make(map[string]string, len(p.targets)+1),
	}
	for _, target := range p.targets {
		value, sent, err := p.values[target].value(person.Attributes)
		if err != nil {
			m.Failed = append(m.Failed, target)
		}
		if !sent {
			continue
		}
		if p.sources[target] == p.sources[users.AttributeEmail] {
			m.Values[target] = normalizeEmail(value)
			continue
		}
		m.Values[target] = normalize(value)
	}
	if username, sent := m.Values[users.AttributeUsername]; sent && username == "" && m.Values[users.AttributeEmail] != "" {
		m.Values[users.AttributeUsername] = m.Values[users.AttributeEmail]
	}
	if _, mapped := p.sources[attributeOrganization]; !mapped && p.organization != "" {
		m.Values[attributeOrganization] = normalize(p.organization)
	}
	if p.manager && person.HasManager {
		m.Manager, m.HasManager = checkedID(person.ManagerID), true
	}
	p.applyOnCreate(&m, person)
	if p.windows != nil {
		p.windows.apply(&m, person)
	}
	p.applyLeave(&m, person)
	slices.Sort(m.Failed)
	m.Hash = p.contentHash(m)
	return m
}

func (p mapper) applyOnCreate(m *Mapped, person Person) {
	for target, source := range p.onCreate {
		value, sent, err := source.value(person.Attributes)
		if err != nil {
			m.Failed = append(m.Failed, target)
		}
		if !sent {
			continue
		}
		if m.OnCreate == nil {
			m.OnCreate = map[string]string{}
		}
		m.OnCreate[target] = normalize(value)
	}
}

// arriving holds the values for somebody who is created or linked.
func (m Mapped) arriving() map[string]string {
	if len(m.OnCreate) == 0 {
		return m.Values
	}
	values := maps.Clone(m.Values)
	maps.Copy(values, m.OnCreate)
	return values
}

// contentHash covers everything a plan derives from the person: values, which of
// them were sent, status, manager, and the mapping itself, so that an unchanged
// feed is looked at again after the mapping changed. The rules need no place in
// it: whether a state fits the rules is checked for everybody in each run.
func (p mapper) contentHash(m Mapped) string {
	var l textList
	l.add(p.digest)
	l.add(string(m.Status))
	for _, target := range slices.Sorted(maps.Keys(m.Values)) {
		l.add(target)
		l.add(m.Values[target])
	}
	for _, target := range slices.Sorted(maps.Keys(m.OnCreate)) {
		l.add("created with " + target) // no target is called so
		l.add(m.OnCreate[target])
	}
	for _, target := range m.Failed {
		l.add("failed " + target)
	}
	if m.HasLeaveKind {
		l.add("leave " + m.LeaveKind)
	}
	if m.HasManager {
		l.add(users.AttributeManager)
		l.add(m.Manager)
	}
	return l.digest()
}

// textList is texts with their lengths, so that no two lists read alike.
type textList []byte

func (l *textList) add(text string) {
	*l = append(binary.BigEndian.AppendUint32(*l, uint32(len(text))), text...)
}

// digest is the SHA-256 of the list in hexadecimal.
func (l textList) digest() string {
	sum := sha256.Sum256(l)
	return hex.EncodeToString(sum[:])
}

// maxIDBytes is the longest source id; Personio's have at most 19 digits.
const maxIDBytes = 128

// checkedID returns a source id that can be a key, or nothing.
func checkedID(id string) string {
	if len(id) > maxIDBytes || normalize(id) != id {
		return ""
	}
	return id
}

// checkEmail is users.CheckEmail for an address out of a feed: one that was
// damaged on the way is not repaired.
func checkEmail(address string) error {
	if strings.ContainsRune(address, utf8.RuneError) {
		return &users.AddressError{Fault: users.AddressNotUTF8}
	}
	return users.CheckEmail(address)
}

// normalizeEmail only composes and trims: whatever else is wrong with an address
// is a reason to refuse it, not to repair it.
func normalizeEmail(value string) string {
	if len(value) > 4*users.MaxEmailBytes { // nothing that long can be an address
		value = value[:4*users.MaxEmailBytes]
	}
	return norm.NFC.String(strings.TrimSpace(strings.ToValidUTF8(value, "\uFFFD")))
}

// normalize returns a value that any database, page and file can hold: valid
// UTF-8 in NFC, without control characters and direction overrides, white space
// as single blanks, at most MaxValueRunes and MaxValueBytes long.
func normalize(value string) string {
	if len(value) > 8*MaxValueBytes { // far beyond the limit: do not compose megabytes
		value = value[:8*MaxValueBytes]
	}
	value = strings.Map(printable, strings.ToValidUTF8(value, "\uFFFD"))
	value = norm.NFC.String(strings.Join(strings.Fields(value), " "))
	return strings.TrimSpace(truncate(value))
}

func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r):
		return -1
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069': // overrides and isolates: a name must not turn its line around
		return -1
	}
	return r
}

func truncate(value string) string {
	runes := 0
	for i, r := range value {
		if runes == MaxValueRunes || i+utf8.RuneLen(r) > MaxValueBytes {
			return value[:i]
		}
		runes++
	}
	return value
}
