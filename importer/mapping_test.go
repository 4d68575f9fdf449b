package importer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/einlass/einlass/users"
)

// S-055, S-056
func TestOnlyWhatTheMappingNeedsIsAskedFor(t *testing.T) {
	t.Parallel()
	eleven := []string{
		"cost_centers", "department", "email", "employment_type", "first_name", "last_name",
		"office", "position", "status", "subcompany", "supervisor",
	}
	if diff := cmp.Diff(eleven, Wanted(jumpCloud)); diff != "" {
		t.Errorf("default mapping (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		name    string
		mapping users.Mapping
		want    []string
	}{
		{"nothing mapped", nil, []string{"email", "status"}},
		{"another address", users.Mapping{"email": "work_email"}, []string{"status", "work_email"}},
		{"the id needs no asking", users.Mapping{"email": "email", "personnel_number": "id"}, []string{"email", "status"}},
	} {
		if diff := cmp.Diff(c.want, Wanted(c.mapping)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// S-044
func TestTheStateCannotBeMapped(t *testing.T) {
	t.Parallel()
	for _, bad := range []users.Mapping{{"state": "status"}, {"status": "status"}} {
		if problems := CheckMapping(bad, nil); len(problems) != 1 {
			t.Errorf("mapping %v: problems %v, want one", bad, problems)
		}
	}
	if problems := CheckMapping(jumpCloud, nil); len(problems) > 0 {
		t.Errorf("default mapping: %v", problems)
	}
}

// S-054f, N323
func TestValuesAreNormalized(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"trimmed", "  Ada \t", "Ada"},
		{"composed", "Zoe\u0308", "Zoë"},
		{"white space inside", "Ada\n\tvon  Humboldt", "Ada von Humboldt"},
		{"NUL and bell", "A\x00d\x07a", "Ada"},
		{"direction override", "Ada\u202eadA\u2066", "AdaadA"},
		{"joiners stay", "می\u200cخواهم", "می\u200cخواهم"},
		{"broken UTF-8", "A\xffda", "A\uFFFDda"},
		{"markup stays as it is", "<b>=1+1</b>", "<b>=1+1</b>"},
		{"emoji", "Ada 🦊", "Ada 🦊"},
		{"too long", strings.Repeat("ä", 65536), strings.Repeat("ä", MaxValueRunes)},
		{"too many bytes", strings.Repeat("🦊", 300), strings.Repeat("🦊", MaxValueBytes/4)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := normalize(c.in); got != c.want {
				t.Errorf("normalize(%.40q) = %.40q, want %.40q", c.in, got, c.want)
			}
		})
	}
}

// REL-6, N323
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"", "Ada", "Zoe\u0308", "a\x00b", "\xff\xfe", "\u202eabc", strings.Repeat("a\u0300\u0301", 200), " \u00a0 ", "\ufb2c\u0344"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := normalize(value)
		switch {
		case !utf8.ValidString(got):
			t.Errorf("not UTF-8: %q", got)
		case len(got) > MaxValueBytes || utf8.RuneCountInString(got) > MaxValueRunes:
			t.Errorf("too long: %d bytes, %d runes", len(got), utf8.RuneCountInString(got))
		case !norm.NFC.IsNormalString(got):
			t.Errorf("not composed: %q", got)
		case strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }):
			t.Errorf("control character: %q", got)
		case normalize(got) != got:
			t.Errorf("not stable: %q becomes %q", got, normalize(got))
		}
		if email := normalizeEmail(value); checkEmail(email) == nil && normalizeEmail(email) != email {
			t.Errorf("address not stable: %q becomes %q", email, normalizeEmail(email))
		}
	})
}

func TestTheContentHashCoversWhatThePlanSees(t *testing.T) {
	t.Parallel()
	base := with(under(person("1", StatusActive, "Ada"), "7"), "office", "Wien")
	mapping := newMapper(jumpCloud, "")
	hash := mapping.apply(base).Hash
	if again := mapping.apply(base).Hash; again != hash || len(hash) != 64 {
		t.Errorf("hashes of one content: %q and %q", hash, again)
	}
	silent := base
	silent.HasManager = false
	for name, changed := range map[string]string{
		"a value":         mapping.apply(with(base, "office", "Graz")).Hash,
		"an empty value":  mapping.apply(with(base, "office", "")).Hash,
		"an absent value": mapping.apply(without(base, "office")).Hash,
		"the status":      mapping.apply(Person{ID: base.ID, Status: "leave", Attributes: base.Attributes, ManagerID: "7", HasManager: true}).Hash,
		"the manager":     mapping.apply(under(base, "8")).Hash,
		"no manager sent": mapping.apply(silent).Hash,
		"the mapping":     newMapper(withTarget(jumpCloud, "location", "workplace"), "").apply(base).Hash,
		"one target less": newMapper(users.Mapping{"email": "email"}, "").apply(base).Hash,
		"our own name":    newMapper(jumpCloud, "Acme GmbH").apply(base).Hash,
	} {
		if changed == hash {
			t.Errorf("%s: the hash stays the same", name)
		}
	}
	for name, same := range map[string]string{
		"case of the status":     mapping.apply(Person{ID: "1", Status: "ACTIVE", Attributes: base.Attributes, ManagerID: "7", HasManager: true}).Hash,
		"an unmapped attribute":  mapping.apply(with(base, "salary", "1")).Hash,
		"another way to compose": mapping.apply(with(with(base, "office", "Wien "), "office", " Wien")).Hash,
	} {
		if same != hash {
			t.Errorf("%s: the hash changes", name)
		}
	}
}

// S-054k
func TestTheOrganizationIsInherited(t *testing.T) {
	t.Parallel()
	m := newMapper(jumpCloud, "Acme GmbH").apply(person("1", StatusActive, "Ada"))
	if got := m.Values["organization"]; got != "Acme GmbH" {
		t.Errorf("organization: %q, want Acme GmbH", got)
	}
	own := newMapper(withTarget(jumpCloud, "organization", "subcompany"), "Acme GmbH")
	if got := own.apply(with(person("1", StatusActive, "Ada"), "subcompany", "Acme UK")).Values["organization"]; got != "Acme UK" {
		t.Errorf("mapped organization: %q, want Acme UK", got)
	}
}

func TestPackedPeopleComeBackInOrder(t *testing.T) {
	t.Parallel()
	mapping := newMapper(jumpCloud, "")
	for _, n := range []int{0, 1, spoolChunk - 1, spoolChunk, 2*spoolChunk + 3} {
		var s spool
		var people []Mapped
		for i := range n {
			m := mapping.apply(person(strings.Repeat("1", 1+i%20), StatusActive, "Ada"))
			people = append(people, m)
			if err := s.add(m); err != nil {
				t.Fatal(err)
			}
		}
		var back []Mapped
		for chunk, err := range s.chunks() {
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, chunk...)
		}
		if diff := cmp.Diff(people, back); diff != "" {
			t.Errorf("%d people (-want +got):\n%s", n, diff)
		}
	}
}
