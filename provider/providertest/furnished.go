package providertest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// signingAlgs are those that have a key from the start.
var signingAlgs = []string{keys.RS256, keys.ES256, keys.EdDSA}

// masterKey returns the master key of all benches of a test program.
var masterKey = sync.OnceValues(func() (*keys.Sealer, error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails since Go 1.24
	return keys.ParseMasterKey([]byte("bench:" + base64.StdEncoding.EncodeToString(random) + "\n"))
})

// embedded returns embedded stores for one bench. The directory holds what is
// declared and the first signing keys already: to hash the passwords and to make an RSA key
// costs most tests more than everything else they do.
func embedded(t testing.TB) Stores {
	t.Helper()
	content, err := furnished()
	must(t, err)
	return Stores{Users: userstest.SQLiteOf(t, content), Sessions: sessiontest.SQLite(t)}
}

var furnished = furnish(Declaration())

// Furnish returns what starts benches on the embedded stores with what is
// declared. Their directory is made once, as that of New is.
func Furnish(declared users.Declaration) func(t testing.TB) *Bench {
	content := furnish(declared)
	return func(t testing.TB) *Bench {
		t.Helper()
		directory, err := content()
		must(t, err)
		return newBench(t, Stores{Users: userstest.SQLiteOf(t, directory), Sessions: sessiontest.SQLite(t)}, declared, "http")
	}
}

// furnish returns what makes the directory of a declaration, once.
func furnish(declared users.Declaration) func() ([]byte, error) {
	return sync.OnceValues(func() ([]byte, error) {
		ctx := context.Background()
		return userstest.SQLiteFile(ctx, func(s *sqlstore.Store) error {
			sealer, err := masterKey()
			if err != nil {
				return err
			}
			directory, err := users.New(users.Config{Store: s, Sealer: sealer})
			if err != nil {
				return err
			}
			if _, err := directory.Declare(ctx, declared); err != nil {
				return err
			}
			ring, err := keys.NewRing(keys.Config{Store: s, Sealer: sealer})
			if err != nil {
				return err
			}
			return ring.Ensure(ctx, signingAlgs...)
		})
	})
}
