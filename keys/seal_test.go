package keys_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
)

const (
	sealTable  = "secrets"
	sealColumn = "sealed"
	sealRow    = "personio"
)

func seal(t testing.TB, s *keys.Sealer, plain string) string {
	t.Helper()
	sealed, err := s.Seal([]byte(plain), sealTable, sealColumn, sealRow)
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	return sealed
}

// N379
func TestSealedValuesOpenAndDoNotShowWhatIsInThem(t *testing.T) {
	t.Parallel()
	sealer := newSealer(t)
	for _, plain := range []string{"", "x", "correct horse battery staple", strings.Repeat("long ", 10_000)} {
		sealed := seal(t, sealer, plain)
		if !regexp.MustCompile(`^v1\.one\.[A-Za-z0-9_-]+$`).MatchString(sealed) {
			t.Errorf("form of a sealed value: %.40s", sealed)
		}
		if plain != "" && plain != "x" && strings.Contains(sealed, plain) {
			t.Errorf("sealed value contains the secret")
		}
		if again := seal(t, sealer, plain); again == sealed {
			t.Errorf("sealing twice gave the same value: the nonce is not random")
		}
		got, err := sealer.Open(sealed, sealTable, sealColumn, sealRow)
		if err != nil || string(got) != plain {
			t.Errorf("open: %d bytes, %v; want %d bytes", len(got), err, len(plain))
		}
	}
}

// N380
func TestSealedValuesOpenInTheirOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	sealer := newSealer(t)
	sealed := seal(t, sealer, "secret")
	for name, place := range map[string][3]string{
		"another table":             {"people", sealColumn, sealRow},
		"another column":            {sealTable, "name", sealRow},
		"another row":               {sealTable, sealColumn, "datev"},
		"no row":                    {sealTable, sealColumn, ""},
		"parts in another order":    {sealRow, sealColumn, sealTable},
		"a border moved to the row": {sealTable, "seale", "dpersonio"},
	} {
		if _, err := sealer.Open(sealed, place[0], place[1], place[2]); !errors.Is(err, keys.ErrNotSealedHere) {
			t.Errorf("%s: %v, want ErrNotSealedHere", name, err)
		}
	}
}

func TestAValueIsSealedForAPlace(t *testing.T) {
	t.Parallel()
	sealer := newSealer(t)
	for _, place := range [][3]string{{"", "c", "r"}, {"t", "", "r"}, {"t", "c", ""}} {
		if _, err := sealer.Seal([]byte("secret"), place[0], place[1], place[2]); err == nil {
			t.Errorf("place %q: no error", place)
		}
	}
}

func TestDamagedSealedValuesAreRefused(t *testing.T) {
	t.Parallel()
	sealer := newSealer(t)
	sealed := seal(t, sealer, "secret")
	for name, damaged := range map[string]string{
		"empty":             "",
		"clear text":        "secret",
		"version only":      "v1",
		"no ciphertext":     "v1.one.",
		"nonce only":        sealed[:len("v1.one.")+32],
		"later version":     "v2" + sealed[2:],
		"cut off":           sealed[:len(sealed)-4],
		"longer":            sealed + "AAAA",
		"padded":            sealed + "=",
		"a line break":      sealed[:20] + "\n" + sealed[20:],
		"changed":           sealed[:30] + flip(sealed[30:32]) + sealed[32:],
		"changed at an end": sealed[:7] + flip(sealed[7:9]) + sealed[9:],
	} {
		if plain, err := sealer.Open(damaged, sealTable, sealColumn, sealRow); !errors.Is(err, keys.ErrNotSealedHere) {
			t.Errorf("%s: %q, %v; want ErrNotSealedHere", name, plain, err)
		}
	}
}

// N377: both keys are readable while values are sealed anew.
func TestANewKeyInFrontSealsAndTheOldOneStillOpens(t *testing.T) {
	t.Parallel()
	old := newSealer(t)
	sealed := seal(t, old, "secret")
	both := newSealer(t, masterLine("two", 2), masterLine("one", 1))
	if got, err := both.Open(sealed, sealTable, sealColumn, sealRow); err != nil || string(got) != "secret" {
		t.Errorf("open what the old key sealed: %q, %v", got, err)
	}
	fresh := seal(t, both, "secret")
	if !strings.HasPrefix(fresh, "v1.two.") {
		t.Errorf("sealed by %.7s, want the first key of the file", fresh)
	}
	if _, err := old.Open(fresh, sealTable, sealColumn, sealRow); !errors.Is(err, keys.ErrWrongMasterKey) {
		t.Errorf("open without the new key: %v, want ErrWrongMasterKey", err)
	}
}

// N228
func TestProcessWithAnotherMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	check := newSealer(t).CheckValue()
	for name, lines := range map[string][]string{
		"the same key":     {masterLine("one", 1)},
		"a new one before": {masterLine("two", 2), masterLine("one", 1)},
		"a new one after":  {masterLine("one", 1), masterLine("two", 2)},
	} {
		if err := newSealer(t, lines...).VerifyCheckValue(check); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, lines := range map[string][]string{
		"another key":                  {masterLine("two", 2)},
		"another key with the same id": {masterLine("one", 2)},
		"the same key with another id": {masterLine("two", 1)},
	} {
		if err := newSealer(t, lines...).VerifyCheckValue(check); !errors.Is(err, keys.ErrWrongMasterKey) {
			t.Errorf("%s: %v, want ErrWrongMasterKey", name, err)
		}
	}
	for name, stored := range map[string]string{
		"empty": "", "garbage": "garbage", "another sealed value": seal(t, newSealer(t), "einlass master key"),
	} {
		if err := newSealer(t).VerifyCheckValue(stored); !errors.Is(err, keys.ErrWrongMasterKey) {
			t.Errorf("stored value %s: %v, want ErrWrongMasterKey", name, err)
		}
	}
}

// sealedBefore is "secret" as newSealer's key sealed it once. It is stored, so
// that values sealed by earlier versions go on opening.
const sealedBefore = "v1.one.XGIoGZlfMInmyiGqc74eJwPgnnIXetRJvDfsh6EMRCSCyYwInqyWdBtPxnan1Q"

func TestValuesSealedByEarlierVersionsOpen(t *testing.T) {
	t.Parallel()
	got, err := newSealer(t).Open(sealedBefore, sealTable, sealColumn, sealRow)
	if err != nil || string(got) != "secret" {
		t.Errorf("open: %q, %v", got, err)
	}
}

func FuzzOpen(f *testing.F) {
	sealer := newSealer(f)
	f.Add(sealedBefore)
	f.Add(sealedBefore[:len(sealedBefore)-1])
	f.Add(sealedBefore[:20] + "\n" + sealedBefore[20:]) // base64 skips line breaks
	f.Add("v1.one." + strings.Repeat("A", 60))
	f.Add("v1..")
	f.Add("v1.two.AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, sealed string) {
		_, err := sealer.Open(sealed, sealTable, sealColumn, sealRow)
		if err == nil && sealed != sealedBefore {
			t.Errorf("opened %q, which was never sealed", sealed)
		}
		if err != nil && !errors.Is(err, keys.ErrNotSealedHere) && !errors.Is(err, keys.ErrWrongMasterKey) {
			t.Errorf("unexpected error: %v", err)
		}
	})
}
