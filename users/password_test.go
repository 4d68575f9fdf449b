package users

import (
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
)

// N171: no truncation; N170: exact bytes after NFC, nothing trimmed.
// F-30
func TestPasswordHashVerifiesExactlyThatPassword(t *testing.T) {
	t.Parallel()
	h := newPasswordHasher()
	long := strings.Repeat("x", 72)
	phc, err := h.hash(t.Context(), keys.Secret(long+"ü1"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q has other costs", phc)
	}
	for password, want := range map[string]bool{
		long + "ü1": true, long + "u\u03081": true, long + "ü2": false, long + "ü1 ": false, long: false, "": false,
	} {
		ok, outdated, err := h.verify(t.Context(), keys.Secret(password), phc)
		if err != nil || ok != want || outdated {
			t.Errorf("%q: ok %t, outdated %t, error %v", password, ok, outdated, err)
		}
	}
}

// N175: an old hash verifies and is reported as outdated.
func TestPasswordHashOfLowerCostsIsOutdated(t *testing.T) {
	t.Parallel()
	low := argon2Params{memoryKiB: 9216, passes: 4, threads: 1}
	salt := []byte("0123456789abcdef")
	phc := encodePHC(low, salt, derive("correct horse", salt, low))
	ok, outdated, err := newPasswordHasher().verify(t.Context(), "correct horse", phc)
	if err != nil || !ok || !outdated {
		t.Errorf("ok %t, outdated %t, error %v", ok, outdated, err)
	}
}

// N176: a planted hash cannot make us spend gigabytes.
func TestParsePHCRefuses(t *testing.T) {
	t.Parallel()
	const tail = "$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if _, _, _, err := parsePHC("$argon2id$v=19$m=19456,t=2,p=1" + tail); err != nil {
		t.Fatalf("a good hash is refused: %v", err)
	}
	for _, bad := range []string{
		"", "plain", "$2a$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=19456,t=2,p=1" + tail,
		"$argon2id$v=18$m=19456,t=2,p=1" + tail, "$argon2id$v=19$m=4194304,t=2,p=1" + tail,
		"$argon2id$v=19$m=19456,t=1000000,p=1" + tail, "$argon2id$v=19$m=19456,t=0,p=1" + tail,
		"$argon2id$v=19$m=19456,t=2,p=0" + tail, "$argon2id$v=19$m=19456,t=2,p=255" + tail,
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAA", "$argon2id$v=19$m=19456,t=2,p=1$$" + tail,
	} {
		if _, _, _, err := parsePHC(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestCheckPasswordRefuses(t *testing.T) {
	t.Parallel()
	ada := User{}
	ada.SetAttribute(AttributeEmail, "ada.lovelace@acme.example")
	for _, bad := range []string{"", "seven77", "ADA.lovelace@acme.example", strings.Repeat("x", MaxPasswordBytes+1), "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if CheckPassword(keys.Secret(bad), ada) == nil {
			t.Errorf("a password of %d bytes is accepted", len(bad))
		}
	}
	for _, good := range []string{"eight888", "          ", "пароль-пароль", strings.Repeat("x", MaxPasswordBytes)} {
		if err := CheckPassword(keys.Secret(good), ada); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, phc string) {
		p, _, sum, err := parsePHC(phc)
		if err == nil && (p.memoryKiB > maxParams.memoryKiB || p.passes == 0 || p.threads == 0 || len(sum) != hashBytes) {
			t.Errorf("accepted %q", phc)
		}
	})
}
