package users

import (
	"strings"
	"testing"
)

// S-107 N314: what is one mailbox has one key, what are two keep two.
func TestKeyOf(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"Ada@Acme.example", "ada@acme.example"},
		{" ada@acme.example ", "ada@acme.example"},
		{"Jörg@acme.example", "jo\u0308rg@acme.example"},
		{"ada@BÜCHER.example", "ada@xn--bcher-kva.example"},
		{"ａｄａ@acme.example", "ada@acme.example"},
		{"ada@acme.example.", "ada@acme.example"},
		{"\u212Aim@acme.example", "kim@acme.example"},
	}
	for _, pair := range same {
		if KeyOf(pair[0]) != KeyOf(pair[1]) {
			t.Errorf("%q and %q have different keys %q and %q", pair[0], pair[1], KeyOf(pair[0]), KeyOf(pair[1]))
		}
	}
	different := [][2]string{
		{"strasse@acme.example", "straße@acme.example"},
		{"ada@acme.example", "аda@acme.example"}, // Cyrillic а
		{"ada@acme.example", "ada@acme.exampl"},
	}
	for _, pair := range different {
		if KeyOf(pair[0]) == KeyOf(pair[1]) {
			t.Errorf("%q and %q share the key %q", pair[0], pair[1], KeyOf(pair[0]))
		}
	}
	if KeyOf("  ") != "" {
		t.Errorf("nothing has the key %q", KeyOf("  "))
	}
}

// N169: normalising is worth no more than a name can be. What comes back shows that nothing was done.
func TestKeyOfDoesNoWorkOnWhatNobodyIsCalled(t *testing.T) {
	t.Parallel()
	var letters strings.Builder
	for i := range 20_000 {
		letters.WriteRune(rune(0x4e00 + i))
	}
	for name, written := range map[string]string{
		"a domain of 60 KB":        "A@" + letters.String(),
		"a name that NFKC expands": strings.Repeat("\uFDFA", 20_000),
		"one byte too many":        strings.Repeat("A", MaxLoginBytes-11) + "@BÜCHER.com",
		"no UTF-8":                 "A@" + strings.Repeat("\xff", MaxLoginBytes),
	} {
		if key := KeyOf("\n " + written + " "); key != LoginKey(written) {
			t.Errorf("%s: the key %.40q… of %d bytes, want what was written", name, key, len(key))
		}
	}
	// Within the bound as written, but beyond it once it is normalised.
	if key := KeyOf("A@" + strings.Repeat("㌀", 100)); key != LoginKey("a@"+strings.Repeat("アパート", 100)) {
		t.Errorf("the key %q of a domain of 400 letters, want one that did not go through IDNA", key)
	}
	if key := LoginKey("a@" + strings.Repeat("xn--bcher-kva.", 20) + "example"); key.Skeleton() != key {
		t.Errorf("the skeleton %q of a domain of 287 letters, want one that did not go through IDNA", key.Skeleton())
	}
}

// N169
func TestKeyOfTheLongestNames(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("一", 50) // of the 63 characters that one may have in ASCII, with more bytes than those
	domain := "xn--4gq" + strings.Repeat("a", 49)
	cases := map[string]string{
		strings.Repeat("A", MaxLoginBytes-12) + "@BÜCHER.com": strings.Repeat("a", MaxLoginBytes-12) + "@xn--bcher-kva.com",
		"A@" + label + "." + label + ".Example.":              "a@" + domain + "." + domain + ".example",
		"A@" + strings.Repeat("B.", maxDomainChars/2):         "a@" + strings.Repeat("b.", maxDomainChars/2-1) + "b",
	}
	for written, want := range cases {
		if got := KeyOf(written); got != LoginKey(want) {
			t.Errorf("the key %q of %q, want %q", got, written, want)
		}
	}
}

// S-054d N315
func TestCheckEmail(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", " ", "ada", "ada@", "@acme.example", "a@b@acme.example", "ada@acme", "ada acme@acme.example",
		"ada@acme.example\n", "Ada <ada@acme.example>", "mailto:ada@acme.example@x", "ada@-acme-.example",
		strings.Repeat("a", 250) + "@acme.example", "ada\x00@acme.example", "ada@acme..example", "\xff@acme.example",
	} {
		if CheckEmail(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	for _, good := range []string{
		"ada@acme.example", "ada+personio@sub.acme.example", "jörg.müller@acme.example", "o'neill@acme.example", "a@bücher.example",
	} {
		if err := CheckEmail(good); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
}

func FuzzKeyOf(f *testing.F) {
	f.Add("Ada@Acme.example")
	f.Add("ß@xn--.example")
	f.Fuzz(func(t *testing.T, written string) {
		key := KeyOf(written)
		if again := KeyOf(string(key)); CheckEmail(written) == nil && again != key {
			t.Errorf("the key %q of %q has the key %q", key, written, again)
		}
	})
}
