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
