package keys

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// maxMasterKeyFile bounds what is read: a hundred keys and their comments fit.
const maxMasterKeyFile = 64 << 10

// MasterKeyOptions says how a master key file is read.
type MasterKeyOptions struct {
	// AllowReadable accepts a file that other users of the machine can read.
	AllowReadable bool
}

// LoadMasterKey reads a master key file: one key a line, id:base64 of 32
// bytes, the first one active; blank lines and lines that start with # are
// skipped. Keys are rotated by writing a new line below the others, for every
// process to know it, and then moving it above them.
//
// A file that does not exist gives an error that is fs.ErrNotExist. Files that
// others may read are refused, and so are keys that nobody drew at random.
func LoadMasterKey(path string, opts MasterKeyOptions) (*Sealer, error) {
	content, err := readMasterKey(path, opts)
	if err != nil {
		return nil, fmt.Errorf("master key file: %w", err)
	}
	sealer, err := ParseMasterKey(content)
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", path, err)
	}
	return sealer, nil
}

func readMasterKey(path string, opts MasterKeyOptions) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of the file that is open, so that it cannot be exchanged in between
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	// Windows keeps access lists instead of these bits and reports 0666.
	if info.Mode().Perm()&0o077 != 0 && !opts.AllowReadable && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %#o: other users of this machine can get at it; run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxMasterKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxMasterKeyFile {
		return nil, fmt.Errorf("%s is larger than %d bytes: this is no master key file", path, maxMasterKeyFile)
	}
	return content, nil
}

// ParseMasterKey reads the content of a master key file. Its errors name the
// line and never show what is in it.
func ParseMasterKey(content []byte) (*Sealer, error) {
	sealer := &Sealer{}
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseMasterKeyLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if sealer.aead(key.id) != nil {
			return nil, fmt.Errorf("line %d: its id stands on an earlier line already", number)
		}
		sealer.keys = append(sealer.keys, key)
	}
	if len(sealer.keys) == 0 {
		return nil, errors.New("no key in it")
	}
	return sealer, nil
}

// masterKeyID leaves out the dot, which separates the parts of a sealed value.
var masterKeyID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func parseMasterKeyLine(line string) (masterKey, error) {
	id, text, found := strings.Cut(line, ":")
	if !found || !masterKeyID.MatchString(id) {
		return masterKey{}, errors.New("not of the form id:base64 of 32 bytes (an id has letters, digits, - and _)")
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return masterKey{}, errors.New("what follows the colon is not base64")
	}
	if len(secret) != chacha20poly1305.KeySize {
		return masterKey{}, fmt.Errorf("the key has %d bytes, it needs %d", len(secret), chacha20poly1305.KeySize)
	}
	if weak(secret) {
		return masterKey{}, errors.New("the key is not random; make one with: openssl rand -base64 32")
	}
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		return masterKey{}, err
	}
	return masterKey{id: id, aead: aead}, nil
}

// weak recognises keys that nobody drew at random: all zero, a count, a
// repeated pattern, a pass phrase. A random key is mistaken for one of them
// with a probability below 10^-13.
func weak(key []byte) bool {
	distinct := map[byte]bool{}
	text, count := true, true
	for i, b := range key {
		distinct[b] = true
		text = text && b >= ' ' && b <= '~'
		count = count && (i == 0 || b-key[i-1] == key[1]-key[0])
	}
	return text || count || len(distinct) < len(key)/2
}

// CreateMasterKey writes a master key file with one random key, readable by
// its owner alone, and returns what LoadMasterKey then would. A file that is
// there already is never touched: the error is then fs.ErrExist, also when two
// processes start at once.
func CreateMasterKey(path string) (*Sealer, error) {
	secret := make([]byte, chacha20poly1305.KeySize)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	content := "# Master key of Einlass. Without it nothing sealed in the database can be opened: keep a copy.\n" +
		newID() + ":" + base64.StdEncoding.EncodeToString(secret) + "\n"
	if err := createPrivate(path, []byte(content)); err != nil {
		return nil, fmt.Errorf("create master key file: %w", err)
	}
	return ParseMasterKey([]byte(content))
}

// createPrivate writes a new file with mode 0600 so that nobody ever sees half
// of it: the content is complete on disk before the name exists, and a link
// fails where a rename would overwrite.
func createPrivate(path string, content []byte) error {
	dir := filepath.Dir(path)
	draft, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(content)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new name survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // cannot sync a folder
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
