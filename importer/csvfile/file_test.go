package csvfile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/csvfile"
	"github.com/einlass/einlass/users"
)

// everything is asked for by tests of what a file says.
var everything = []string{"email", "first_name", "department", "manager", "status", "nick"}

func read(t *testing.T, text string) *csvfile.File {
	t.Helper()
	f, err := csvfile.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func people(t *testing.T, f *csvfile.File, wanted ...string) []importer.Person {
	t.Helper()
	var all []importer.Person
	for page, err := range f.Pages(t.Context(), importer.Query{Wanted: wanted}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.People...)
	}
	return all
}

// S-149: a file of another program is read as it is: with a byte order mark,
// semicolons, CRLF, quotes, white space and capital letters in its header.
func TestFilesOfSpreadsheetsAreRead(t *testing.T) {
	t.Parallel()
	want := []importer.Person{
		{ID: "7", Status: "active", ManagerID: "8", HasManager: true, Attributes: map[string]string{
			"email": "ada@acme.example", "first_name": "Ada", "department": "R; D, and \"more\"\nlines"}},
		{ID: "8", Status: "leave", HasManager: true, Attributes: map[string]string{
			"email": "zoë@acme.example", "first_name": "Zoë", "department": ""}},
	}
	for name, text := range map[string]string{
		"plain": "id,email,first_name,department,manager,status\n" +
			"7,ada@acme.example,Ada,\"R; D, and \"\"more\"\"\nlines\",zoë@acme.example,\n8,zoë@acme.example,Zoë,,,Leave\n",
		"of a spreadsheet": "\uFEFF ID ;Email;First_Name;Department;Manager;Status\r\n" +
			"7;ada@acme.example; Ada;\"R; D, and \"\"more\"\"\nlines\";8;active\r\n8;zoë@acme.example;Zoë;;;LEAVE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, people(t, read(t, text), everything...)); diff != "" {
				t.Errorf("people (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a column id the address says who a row is about, in whatever spelling.
func TestTheAddressIsTheIDWithoutOne(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"ada@acme.example", "ADA@acme.example"} {
		f := read(t, "email\n"+spelling+"\n")
		if got := people(t, f, "email"); len(got) != 1 || got[0].ID != "ada@acme.example" || got[0].Status != "active" || got[0].HasManager {
			t.Errorf("%s: %+v", spelling, got)
		}
	}
}

// A file with a mistake is refused as a whole, and says in which line.
func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                   {"", "it is empty"},
		"no people":                 {"email\n", "line 1: nobody follows"},
		"no column email":           {"mail\nada@acme.example\n", "line 1: no column is called email"},
		"a column twice":            {"email,Email\na@b.example,a@b.example\n", `line 1: column "email" stands there twice`},
		"a column without a name":   {"email,\na@b.example,x\n", "line 1: column 2 has no name"},
		"a column of another tool":  {"email,First Name\na@b.example,x\n", `line 1: "first name" is no name of an attribute`},
		"too few cells":             {"email,first_name\nada@acme.example\n", "line 2: wrong number of fields"},
		"too many cells":            {"email\nada@acme.example\nbob@acme.example,Bob\n", "line 3: wrong number of fields"},
		"a quote in the middle":     {"email,first_name\nada@acme.example,A\"da\n", `line 2: bare " in non-quoted-field`},
		"a quote without an end":    {"email,first_name\nada@acme.example,\"Ada\n", `line 2: extraneous or missing " in quoted-field`},
		"no address":                {"id,email\n1,\n", "line 2: no e-mail address"},
		"a broken address":          {"email\nada@@acme.example\n", "line 2: "},
		"no id":                     {"id,email\n,ada@acme.example\n", "line 2: no id"},
		"an id twice":               {"id,email\n1,ada@acme.example\n\n1,bob@acme.example\n", `line 4: "1" stands in line 2 already`},
		"an address twice":          {"email\nada@acme.example\nAda@acme.example\n", `line 3: "ada@acme.example" stands in line 2 already`},
		"an unknown status":         {"email,status\nada@acme.example,paused\n", `line 2: status "paused": want onboarding, active, leave or inactive`},
		"an address of another age": {"email\nren\xe9@acme.example\n", "line 2 is not UTF-8"},
		"an id beyond all measure":  {"id,email\n" + strings.Repeat("9", 129) + ",ada@acme.example\n", "line 2: the id has more than 128 bytes"},
		"several mistakes":          {"email,status\nada@@acme.example,gone\nbob@acme.example,\n", `; line 2: `},
		"many mistakes":             {"email\n" + strings.Repeat("x\n", 30), "and 20 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := csvfile.Read(strings.NewReader(c.text))
			if !errors.Is(err, users.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestAFileBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	_, err := csvfile.Read(strings.NewReader("email\n" + strings.Repeat(" ", csvfile.MaxBytes)))
	if !errors.Is(err, users.ErrInvalid) || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("error %v", err)
	}
	fits := "email\nada@acme.example\n"
	fits += strings.Repeat(" ", csvfile.MaxBytes-len(fits)) // one more row, of blanks
	if _, err := csvfile.Read(strings.NewReader(fits)); err == nil || strings.Contains(err.Error(), "larger") {
		t.Errorf("a file of the most bytes: %v, want to hear of its last row", err)
	}
}

// The source gives what is asked for, page by page, and knows who is not in the file.
func TestAFileIsASource(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("email,nick,manager\n")
	for i := range 1201 {
		fmt.Fprintf(&text, "p%d@acme.example,n%d,p0@acme.example\n", i, i)
	}
	f := read(t, text.String())
	pages := 0
	for page, err := range f.Changed(t.Context(), time.Time{}, []string{"email"}) {
		if err != nil || page.Announced != 1201 || len(page.People) > 500 {
			t.Errorf("page of %d of %d people, error %v", len(page.People), page.Announced, err)
		}
		pages++
		if p := page.People[0]; len(p.Attributes) != 1 || p.HasManager {
			t.Errorf("asked for the address alone, got %+v", p)
		}
	}
	granted, known, err := f.Granted(t.Context())
	slices.Sort(granted)
	if diff := cmp.Diff([]string{"email", "manager", "nick", "status"}, granted); diff != "" || !known || err != nil || pages != 3 {
		t.Errorf("%d pages; known %t, error %v, granted (-want +got):\n%s", pages, known, err, diff)
	}
	if p, err := f.Person(t.Context(), "p7@acme.example", everything); err != nil || p.Attributes["nick"] != "n7" || p.ManagerID != "p0@acme.example" {
		t.Errorf("one person: %+v, error %v", p, err)
	}
	if _, err := f.Person(t.Context(), "p9999@acme.example", everything); !errors.Is(err, importer.ErrGone) {
		t.Errorf("somebody who is not there: %v, want %v", err, importer.ErrGone)
	}
}

// FuzzRead: whatever a file holds, it is refused or every row of it is somebody
// with an address and an id of their own, and no two readings differ.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\uFEFFid;email;status;manager\r\n1;ada@acme.example;active;2\r\n2;bob@acme.example;;ada@acme.example\r\n"))
	f.Add([]byte("email,first_name\n\"a\"\"@b.example\",\"\n\"\n"))
	f.Add([]byte("email\n\n\nren\xe9@acme.example"))
	f.Add([]byte("id,email,email\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := csvfile.Read(strings.NewReader(string(text)))
		again, errAgain := csvfile.Read(strings.NewReader(string(text)))
		if (err == nil) != (errAgain == nil) {
			t.Fatalf("read twice: %v and %v", err, errAgain)
		}
		if err != nil {
			if !errors.Is(err, users.ErrInvalid) {
				t.Fatalf("error %v does not say that the file is at fault", err)
			}
			return
		}
		ids := map[string]bool{}
		first, second := people(t, file, everything...), people(t, again, everything...)
		for _, p := range first {
			if p.ID == "" || ids[p.ID] || users.CheckEmail(p.Attributes["email"]) != nil || !importer.Employed(string(p.Status)) && p.Status != importer.StatusInactive {
				t.Errorf("row %+v", p)
			}
			ids[p.ID] = true
			if one, err := file.Person(context.Background(), p.ID, everything); err != nil || one.ID != p.ID {
				t.Errorf("person %s alone: %+v, %v", p.ID, one, err)
			}
		}
		if diff := cmp.Diff(first, second); diff != "" || len(first) == 0 || len(first) > strings.Count(string(text), "\n") {
			t.Errorf("%d people (-first +second):\n%s", len(first), diff)
		}
	})
}
