package keys_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/einlass/einlass/keys"
)

func masterFile(t *testing.T, content string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

func TestMasterKeyFileMayHoldSeveralKeysAndComments(t *testing.T) {
	t.Parallel()
	content := "# made on 2 November\n\n  \n" + masterLine("two", 2) + "  # older\r\n" + masterLine("one", 1) + "\n"
	sealer, err := keys.LoadMasterKey(masterFile(t, content, 0o600), keys.MasterKeyOptions{})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if sealed := seal(t, sealer, "secret"); !strings.HasPrefix(sealed, "v1.two.") {
		t.Errorf("sealed by %.7s, want the first key", sealed)
	}
	if err := sealer.VerifyCheckValue(newSealer(t).CheckValue()); err != nil {
		t.Errorf("the second key does not open: %v", err)
	}
}

// N221
func TestMasterKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o644, 0o660, 0o620, 0o601} {
		path := masterFile(t, masterLine("one", 1), mode)
		_, err := keys.LoadMasterKey(path, keys.MasterKeyOptions{})
		if err == nil {
			t.Errorf("mode %#o: no error", mode)
			continue
		}
		if !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %#o: error does not name the remedy: %v", mode, err)
		}
		if _, err := keys.LoadMasterKey(path, keys.MasterKeyOptions{AllowReadable: true}); err != nil {
			t.Errorf("mode %#o, explicitly allowed: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		if _, err := keys.LoadMasterKey(masterFile(t, masterLine("one", 1), mode), keys.MasterKeyOptions{}); err != nil {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
}

func TestMasterKeyFileThatIsNotThereIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := keys.LoadMasterKey(filepath.Join(dir, "none"), keys.MasterKeyOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v, want fs.ErrNotExist", err)
	}
	if _, err := keys.LoadMasterKey(dir, keys.MasterKeyOptions{AllowReadable: true}); err == nil {
		t.Error("a folder: no error")
	}
	large := masterFile(t, strings.Repeat("# comment\n", 10_000), 0o600)
	if _, err := keys.LoadMasterKey(large, keys.MasterKeyOptions{}); err == nil {
		t.Error("a large file: no error")
	}
	damaged := masterFile(t, "one:damaged\n", 0o600)
	if _, err := keys.LoadMasterKey(damaged, keys.MasterKeyOptions{}); err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("a damaged file: %v, want an error that names it", err)
	}
}

// N223
func TestDamagedForeignAndWeakMasterKeysAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	encode := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	repeat := func(s string, n int) []byte { return []byte(strings.Repeat(s, n)) }
	counting := make([]byte, 32)
	for i := range counting {
		counting[i] = byte(i)
	}
	good := strings.TrimSpace(masterLine("x", 9))
	for name, line := range map[string]string{
		"no colon":              encode(repeat("\x01\x80", 16)),
		"no id":                 ":" + strings.TrimPrefix(good, "x:"),
		"id with a dot":         "a.b:" + strings.TrimPrefix(good, "x:"),
		"id with a space":       "a b:" + strings.TrimPrefix(good, "x:"),
		"long id":               strings.Repeat("a", 65) + ":" + strings.TrimPrefix(good, "x:"),
		"not base64":            "x:!!!!",
		"cut off":               good[:len(good)-3],
		"something behind it":   good + " # active",
		"31 bytes":              "x:" + encode([]byte(good)[2:33]),
		"33 bytes":              "x:" + encode([]byte(good)[2:35]),
		"no bytes":              "x:",
		"all zero":              "x:" + encode(make([]byte, 32)),
		"all the same":          "x:" + encode(repeat("\xff", 32)),
		"a pattern":             "x:" + encode(repeat("\x00\xfe\x13\x77", 8)),
		"a count":               "x:" + encode(counting),
		"a pass phrase":         "x:" + encode([]byte("change-me-change-me-abcdefghijk!")),
		"the id a second time":  "one:" + strings.TrimPrefix(good, "x:"),
		"a PEM file":            "-----BEGIN PRIVATE KEY-----",
		"another program's":     "AGE-SECRET-KEY-1QQPQ",
		"not text":              "\x00\x01\x02",
		"a very long long line": strings.Repeat("A", 70_000),
	} {
		_, err := keys.ParseMasterKey([]byte(masterLine("one", 1) + "# comment\n" + line + "\n"))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: error does not name the line: %v", name, err)
		}
		if _, secret, _ := strings.Cut(line, ":"); len(secret) > 8 && strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%s: error shows the key: %v", name, err)
		}
	}
	for name, content := range map[string]string{"empty": "", "only comments": "# a\n\n#b\n"} {
		if _, err := keys.ParseMasterKey([]byte(content)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCreatedMasterKeyIsPrivateRandomAndLoads(t *testing.T) {
	t.Parallel()
	first, second := filepath.Join(t.TempDir(), "master.key"), filepath.Join(t.TempDir(), "master.key")
	for _, path := range []string{first, second} {
		created, err := keys.CreateMasterKey(path)
		if err != nil {
			t.Fatalf("create: %v", err)
		}
		loaded, err := keys.LoadMasterKey(path, keys.MasterKeyOptions{})
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		if err := loaded.VerifyCheckValue(created.CheckValue()); err != nil {
			t.Errorf("the file holds another key than was returned: %v", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %#o, want 0600", info.Mode().Perm())
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("files in the folder: %v, want the key file alone", entries)
		}
	}
	a, err := keys.LoadMasterKey(first, keys.MasterKeyOptions{})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	b, err := keys.LoadMasterKey(second, keys.MasterKeyOptions{})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if err := a.VerifyCheckValue(b.CheckValue()); !errors.Is(err, keys.ErrWrongMasterKey) {
		t.Errorf("two new files hold the same key: %v", err)
	}
}

func TestCreateMasterKeyNeverOverwrites(t *testing.T) {
	t.Parallel()
	path := masterFile(t, "precious", 0o600)
	if _, err := keys.CreateMasterKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over a file: %v, want fs.ErrExist", err)
	}
	if content, _ := os.ReadFile(path); string(content) != "precious" {
		t.Errorf("content is now %q", content)
	}
	if _, err := keys.CreateMasterKey(filepath.Join(t.TempDir(), "none", "master.key")); err == nil {
		t.Error("create in a folder that is not there: no error")
	}
}

func TestOfManyThatCreateAMasterKeyOneDoes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	var created atomic.Int32
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			_, err := keys.CreateMasterKey(path)
			if err == nil {
				created.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Errorf("create: %v", err)
			}
			if _, err := keys.LoadMasterKey(path, keys.MasterKeyOptions{}); err != nil {
				t.Errorf("load right after: %v", err)
			}
		})
	}
	workers.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("created %d times, want once", n)
	}
}

func FuzzParseMasterKey(f *testing.F) {
	f.Add([]byte(masterLine("one", 1)))
	f.Add([]byte("# comment\r\n\r\n" + masterLine("two", 2) + masterLine("one", 1)))
	f.Add([]byte(masterLine("one", 1) + masterLine("one", 2)))
	f.Add([]byte("x:" + base64.StdEncoding.EncodeToString(make([]byte, 32))))
	f.Add([]byte("one:\x00"))
	f.Add([]byte(":"))
	f.Fuzz(func(t *testing.T, content []byte) {
		sealer, err := keys.ParseMasterKey(content)
		if err != nil {
			return
		}
		if err := sealer.VerifyCheckValue(sealer.CheckValue()); err != nil {
			t.Errorf("accepted a file whose key does not open what it sealed: %v", err)
		}
	})
}
