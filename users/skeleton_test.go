package users_test

import (
	"testing"

	"github.com/einlass/einlass/users"
)

// N314: what looks alike has one skeleton, although it is not the same address.
func TestLookalikesHaveOneSkeleton(t *testing.T) {
	t.Parallel()
	const plain = "paula.cross@acme.example"
	for name, written := range map[string]string{
		"itself":             plain,
		"capital letters":    "Paula.Cross@ACME.example",
		"a Cyrillic а":       "pаula.cross@acme.example",
		"several Cyrillic":   "раulа.сrоss@acme.example",
		"a Greek ο":          "paula.crοss@acme.example",
		"a Cyrillic domain":  "paula.cross@аcme.example",
		"the same, punycode": "paula.cross@xn--cme-5cd.example",
		"ß for ss":           "paula.croß@acme.example",
		"full-width letters": "ｐaula.cross@acme.example",
	} {
		if got := users.KeyOf(written).Skeleton(); got != plain {
			t.Errorf("%s: skeleton %s of %s, want %s", name, got, written, plain)
		}
	}
	if users.KeyOf("renée@acme.example").Skeleton() != users.KeyOf("rеne\u0301e@acme.example").Skeleton() {
		t.Error("é composed of a Cyrillic е looks like é")
	}
	if users.KeyOf("kıng@acme.example").Skeleton() != users.KeyOf("\u212Aing@acme.example").Skeleton() {
		t.Error("dotless ı and the Kelvin sign look like king")
	}
	for name, written := range map[string]string{
		"another letter": "paule.cross@acme.example", "a digit": "pau1a.cross@acme.example", "an accent": "páula.cross@acme.example", "an order": "cross.paula@acme.example",
		"nothing": "",
	} {
		if got := users.KeyOf(written).Skeleton(); got == plain {
			t.Errorf("%s: %s has the skeleton of %s", name, written, plain)
		}
	}
}
