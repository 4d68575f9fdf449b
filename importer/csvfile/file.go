// Package csvfile reads people from CSV files, for companies without an API that
// tells who works there.
//
// The first line names the columns: attributes of ours, of which email is
// mandatory. Three columns have a meaning of their own:
//
//	id       who the row is about, for ever; without the column the address is
//	status   onboarding, active, leave or inactive; empty or no column: active
//	manager  the id or the address of another row
//
// A file with any mistake is refused as a whole, with the lines. Comma and
// semicolon separate cells, whichever the first line uses.
package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// MaxBytes is the largest file that is read.
const MaxBytes = 16 << 20

// Columns with a meaning of their own.
const (
	columnID      = "id"
	columnStatus  = "status"
	columnEmail   = users.AttributeEmail
	columnManager = users.AttributeManager
)

// maxIDBytes is the longest id that can be remembered.
const maxIDBytes = 128

// maxProblems is how many mistakes of a file are told at once.
const maxProblems = 10

// statuses are the words that the column status accepts.
var statuses = []importer.Status{importer.StatusOnboarding, importer.StatusActive, importer.StatusLeave, importer.StatusInactive}

// DefaultMapping fills each attribute from the column of its name.
func DefaultMapping() users.Mapping {
	mapping := users.Mapping{}
	for _, name := range []string{
		users.AttributeEmail, users.AttributeUsername, users.AttributeFirstName, users.AttributeLastName, users.AttributeManager,
		users.AttributeCompany, users.AttributeCostCenter, users.AttributeDepartment, users.AttributeEmployeeType,
		users.AttributeJobTitle, users.AttributeLocation,
	} {
		mapping[name] = name
	}
	return mapping
}

// File is the content of a CSV file, in the order of its lines. It is an importer.Source.
type File struct {
	columns []string
	people  []importer.Person
	places  map[string]int // id → place in people
}

// Read reads a file of at most MaxBytes. Its error wraps users.ErrInvalid and
// names the lines.
func Read(r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read people: %w", err)
	case len(text) > MaxBytes:
		return nil, fmt.Errorf("%w file: larger than %d MiB", users.ErrInvalid, MaxBytes>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if line := notUTF8(text); line > 0 {
		return nil, fmt.Errorf("%w file: line %d is not UTF-8; save the file as CSV UTF-8", users.ErrInvalid, line)
	}
	p := parser{reader: csv.NewReader(bytes.NewReader(text)), file: &File{places: map[string]int{}}}
	p.reader.Comma = separator(text)
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.file, nil
}

// notUTF8 returns the number of the first line that is not UTF-8; 0: all are.
func notUTF8(text []byte) int {
	if utf8.Valid(text) {
		return 0
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if !utf8.Valid(line) {
			return n
		}
	}
	return n
}

// separator is what the first line separates its cells with.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		return ';'
	}
	return ','
}

// parser reads one file and collects what is wrong with it.
type parser struct {
	reader   *csv.Reader
	file     *File
	lines    []int // of file.people
	problems []string
}

func (p *parser) fail(line int, format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
}

func (p *parser) parse() error {
	header, err := p.reader.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w file: it is empty; the first line names the columns", users.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("%w file: %w", users.ErrInvalid, err)
	}
	p.header(header)
	for len(p.problems) == 0 || len(p.file.columns) > 0 {
		cells, err := p.reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			p.fail(wrong.StartLine, "%v", wrong.Err)
			if !errors.Is(err, csv.ErrFieldCount) { // where the next row begins is anybody's guess
				break
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read people: %w", err)
		}
		line, _ := p.reader.FieldPos(0)
		p.row(line, cells)
	}
	p.managers()
	if len(p.problems) == 0 && len(p.file.people) == 0 {
		p.fail(1, "nobody follows the names of the columns")
	}
	return p.refusal()
}

// refusal is the error of a file with mistakes.
func (p *parser) refusal() error {
	if len(p.problems) == 0 {
		return nil
	}
	told := p.problems
	if more := len(told) - maxProblems; more > 0 {
		told = append(slices.Clone(told[:maxProblems]), fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%w file: %s", users.ErrInvalid, strings.Join(told, "; "))
}

// header checks the names of the columns. With a mistake among them no column is known.
func (p *parser) header(names []string) {
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "":
			p.fail(1, "column %d has no name", i+1)
		case slices.Contains(p.file.columns, name):
			p.fail(1, "column %q stands there twice", name)
		case !users.IsAttributeName(name):
			p.fail(1, "%q is no name of an attribute; want a-z, 0-9 and _", name)
		}
		p.file.columns = append(p.file.columns, name)
	}
	if !slices.Contains(p.file.columns, columnEmail) {
		p.fail(1, "no column is called email")
	}
	if len(p.problems) > 0 {
		p.file.columns = nil
	}
}

// row takes in one person.
func (p *parser) row(line int, cells []string) {
	person := importer.Person{Status: importer.StatusActive, Attributes: map[string]string{}}
	for i, name := range p.file.columns {
		cell := strings.TrimSpace(cells[i])
		switch name {
		case columnID:
			person.ID = cell
		case columnStatus:
			person.Status = statusOf(cell)
			if !slices.Contains(statuses, person.Status) {
				p.fail(line, "status %q: want onboarding, active, leave or inactive", cell)
			}
		case columnManager:
			person.ManagerID, person.HasManager = cell, true
		default:
			person.Attributes[name] = cell
		}
	}
	email := person.Attributes[columnEmail]
	if email == "" {
		p.fail(line, "no e-mail address")
		return
	}
	if err := users.CheckEmail(email); err != nil {
		p.fail(line, "%v", err)
		return
	}
	if !slices.Contains(p.file.columns, columnID) {
		person.ID = string(users.KeyOf(email))
	}
	switch before, taken := p.file.places[person.ID]; {
	case person.ID == "":
		p.fail(line, "no id, although the file has a column id")
	case len(person.ID) > maxIDBytes:
		p.fail(line, "the id has more than %d bytes; give the file a column id with shorter ones", maxIDBytes)
	case taken:
		p.fail(line, "%q stands in line %d already", person.ID, p.lines[before])
	default:
		p.file.places[person.ID] = len(p.file.people)
	}
	p.file.people, p.lines = append(p.file.people, person), append(p.lines, line)
}

func statusOf(cell string) importer.Status {
	if cell == "" {
		return importer.StatusActive
	}
	return importer.Status(strings.ToLower(cell))
}

// managers turns managers named by address into those named by id.
func (p *parser) managers() {
	byEmail := make(map[users.LoginKey]string, len(p.file.people))
	for _, person := range p.file.people {
		byEmail[users.KeyOf(person.Attributes[columnEmail])] = person.ID
	}
	for i, person := range p.file.people {
		if _, isID := p.file.places[person.ManagerID]; person.ManagerID == "" || isID {
			continue
		}
		if id, found := byEmail[users.KeyOf(person.ManagerID)]; found {
			p.file.people[i].ManagerID = id
		}
	}
}
