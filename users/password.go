package users

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/einlass/einlass/keys"
)

// Bounds of a password. Below RecommendedPasswordChars we warn (NIST SP 800-63B-4
// asks for 15 where the password is the only factor).
const (
	MinPasswordChars         = 8
	RecommendedPasswordChars = 15
	MaxPasswordBytes         = 1024
)

// ErrBusy means that too many passwords are being checked at once; try again shortly.
var ErrBusy = errors.New("busy checking passwords")

// argon2Params are the costs of one Argon2id hash (RFC 9106).
type argon2Params struct {
	memoryKiB uint32
	passes    uint32
	threads   uint8
}

// currentParams cost what OWASP recommends as its first choice for servers: 19 MiB, two passes.
var currentParams = argon2Params{memoryKiB: 19 * 1024, passes: 2, threads: 1}

// maxParams bound what a stored hash may make us spend.
var maxParams = argon2Params{memoryKiB: 256 * 1024, passes: 16, threads: 8}

const (
	saltBytes = 16
	hashBytes = 32
)

// hashPatience is how long a sign-in waits for its turn to hash.
const hashPatience = 2 * time.Second

// passwordHasher runs at most as many hashes at once as there are cores, so
// that a flood of sign-ins neither exhausts memory nor starves the rest.
type passwordHasher struct {
	turns chan struct{}
	dummy string // hash of nothing anybody knows, for people who do not exist
}

func newPasswordHasher() *passwordHasher {
	h := &passwordHasher{turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	salt, sum := make([]byte, saltBytes), make([]byte, hashBytes)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	_, _ = rand.Read(sum)
	h.dummy = encodePHC(currentParams, salt, sum)
	return h
}

// turn waits for a place among the running hashes and returns how to give it back.
func (h *passwordHasher) turn(ctx context.Context) (release func(), err error) {
	timer := time.NewTimer(hashPatience)
	defer timer.Stop()
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns the PHC string of password at the current costs.
func (h *passwordHasher) hash(ctx context.Context, password keys.Secret) (string, error) {
	release, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	return encodePHC(currentParams, salt, derive(password, salt, currentParams)), nil
}

// verify reports whether password belongs to a PHC string, and whether that
// string should be made anew because costs have risen since.
func (h *passwordHasher) verify(ctx context.Context, password keys.Secret, phc string) (ok, outdated bool, err error) {
	params, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	release, err := h.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	ok = subtle.ConstantTimeCompare(derive(password, salt, params), want) == 1
	return ok, params != currentParams, nil
}

// derive hashes the NFC form of password, so that it does not matter how a keyboard composes ü.
func derive(password keys.Secret, salt []byte, p argon2Params) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password.Reveal())), salt, p.passes, p.memoryKiB, p.threads, hashBytes)
}

func encodePHC(p argon2Params, salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memoryKiB, p.passes, p.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// parsePHC takes an Argon2id PHC string apart and refuses costs beyond maxParams.
func parsePHC(phc string) (p argon2Params, salt, sum []byte, err error) {
	fail := func(why string) (argon2Params, []byte, []byte, error) {
		return argon2Params{}, nil, nil, fmt.Errorf("password hash: %s", why)
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return fail("not an argon2id PHC string")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memoryKiB, &p.passes, &p.threads); err != nil {
		return fail("unreadable costs")
	}
	if p.memoryKiB > maxParams.memoryKiB || p.passes > maxParams.passes || p.threads > maxParams.threads ||
		p.passes == 0 || p.threads == 0 {
		return fail("costs out of bounds")
	}
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(salt) < 8 || len(sum) != hashBytes {
		return fail("unreadable salt or hash")
	}
	return p, salt, sum, nil
}

// CheckPassword returns why password is not acceptable for u, or nil. There are
// no composition rules (NIST SP 800-63B-4 section 3.1.1.2).
func CheckPassword(password keys.Secret, u User) error {
	text := password.Reveal()
	switch {
	case !utf8.ValidString(text):
		return fmt.Errorf("%w password: not UTF-8", ErrInvalid)
	case utf8.RuneCountInString(text) < MinPasswordChars:
		return fmt.Errorf("%w password: at least %d characters are needed, %d are recommended",
			ErrInvalid, MinPasswordChars, RecommendedPasswordChars)
	case len(text) > MaxPasswordBytes:
		return fmt.Errorf("%w password: longer than %d bytes", ErrInvalid, MaxPasswordBytes)
	case KeyOf(text) != "" && (KeyOf(text) == u.EmailKey || KeyOf(text) == u.UsernameKey):
		return fmt.Errorf("%w password: it is the person's own address", ErrInvalid)
	}
	return nil
}

// SetPassword gives a person a new password and ends their sessions.
func (d *Directory) SetPassword(ctx context.Context, actor Actor, id ID, password keys.Secret) error {
	u, err := d.store.User(ctx, id)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	if err := CheckPassword(password, u); err != nil {
		return err
	}
	hash, err := d.passwords.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	_, err = d.changeUser(ctx, id, func(tx Tx, u *User) (Event, error) {
		u.Epoch++
		c := Credential{User: id, Kind: CredentialPassword, Data: hash, UpdatedAt: d.now()}
		if err := tx.PutCredential(ctx, c); err != nil {
			return Event{}, err
		}
		return NewEvent(EventPasswordSet, actor, string(id), nil)
	})
	return err
}
