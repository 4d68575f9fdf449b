package e2e

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

// bareVariable makes the test program the bare server; its value is a folder for its files.
const bareVariable, bareRedisVariable = "EINLASS_TEST_BARE", "EINLASS_TEST_BARE_REDIS"

// startBare starts this program again as the server to compare with.
func startBare(b *testing.B, s stores) target {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), bareVariable+"="+b.TempDir())
	if s.redis {
		cmd.Env = append(cmd.Env, bareRedisVariable+"="+sessiontest.RedisURL(b))
	}
	stdin, err := cmd.StdinPipe()
	must(b, err)
	stdout, err := cmd.StdoutPipe()
	must(b, err)
	cmd.Stderr = os.Stderr
	must(b, cmd.Start())
	b.Cleanup(func() {
		_ = stdin.Close() // it ends with it
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	must(b, err)
	return target{pid: cmd.Process.Pid, issuer: "http://" + strings.TrimSpace(address)}
}

// serveBare is the bare server: per request what no provider can do without.
func serveBare(dir, redisURL string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s, err := newBare(dir, redisURL)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with whoever started it
		os.Exit(0)
	}()
	return http.Serve(listener, s.routes())
}

// bare keeps one person and one session.
type bare struct {
	person      *sql.Stmt
	read, write func(ctx context.Context) error
	durable     func(ctx context.Context) error // is on the disk when it returns
	signers     map[string]func(message []byte) ([]byte, error)
}

const bareRecord = 400 // bytes, as our records have

func newBare(dir, redisURL string) (*bare, error) {
	value := strings.Repeat("v", bareRecord)
	open := func(name, settings string) (*sql.DB, error) {
		return sql.Open("sqlite", "file:"+filepath.Join(dir, name)+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"+settings)
	}
	directory, err := open("directory.db", "")
	if err != nil {
		return nil, err
	}
	const table = "CREATE TABLE records (id TEXT PRIMARY KEY, value TEXT NOT NULL); INSERT INTO records VALUES ('one', $1)"
	if _, err := directory.Exec(table, value); err != nil {
		return nil, err
	}
	s := &bare{}
	const one = "SELECT value FROM records WHERE id = $1"
	if s.person, err = directory.Prepare(one); err != nil {
		return nil, err
	}
	if redisURL != "" {
		err = s.onRedis(redisURL, value)
	} else {
		err = s.onSQLite(open, table, one, value)
	}
	if err != nil {
		return nil, err
	}
	return s, s.makeKeys()
}

func (s *bare) onRedis(address, value string) error {
	options, err := redis.ParseURL(address)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	s.read = func(ctx context.Context) error { return client.Get(ctx, "one").Err() }
	s.write = func(ctx context.Context) error { return client.Set(ctx, rand.Text(), value, 0).Err() }
	s.durable = s.write
	return client.Set(context.Background(), "one", value, 0).Err()
}

func (s *bare) onSQLite(open func(name, settings string) (*sql.DB, error), table, one, value string) error {
	sessions, err := open("session.db", "&_pragma=synchronous(NORMAL)")
	if err != nil {
		return err
	}
	if _, err := sessions.Exec(table, value); err != nil {
		return err
	}
	reading, err := sessions.Prepare(one)
	if err != nil {
		return err
	}
	s.read = func(ctx context.Context) error { return scanOne(ctx, reading) }
	for level, write := range map[string]*func(context.Context) error{"NORMAL": &s.write, "FULL": &s.durable} {
		db, err := open("session.db", "&_pragma=synchronous("+level+")")
		if err != nil {
			return err
		}
		db.SetMaxOpenConns(1)
		writing, err := db.Prepare("INSERT INTO records VALUES ($1, $2)")
		if err != nil {
			return err
		}
		*write = func(ctx context.Context) error {
			_, err := writing.ExecContext(context.WithoutCancel(ctx), rand.Text(), value)
			return err
		}
	}
	return nil
}

func scanOne(ctx context.Context, stmt *sql.Stmt) error {
	var value string
	return stmt.QueryRowContext(context.WithoutCancel(ctx), "one").Scan(&value)
}

func (s *bare) makeKeys() error {
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	hashed := func(signer crypto.Signer) func([]byte) ([]byte, error) {
		return func(message []byte) ([]byte, error) {
			digest := sha256.Sum256(message)
			return signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		}
	}
	s.signers = map[string]func([]byte) ([]byte, error){
		keys.RS256: hashed(rs), keys.ES256: hashed(es),
		keys.EdDSA: func(message []byte) ([]byte, error) { return ed.Sign(nil, message, crypto.Hash(0)) },
	}
	return nil
}

func (s *bare) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, h func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	handle("/nothing", func(http.ResponseWriter, *http.Request) error { return nil })
	handle("/signature", func(_ http.ResponseWriter, r *http.Request) error { _, err := s.sign(r); return err })
	handle("/authorize", s.authorize)
	handle("/token", s.token)
	handle("/userinfo", s.userinfo)
	return mux
}

// trips asks the stores in turn.
func (s *bare) trips(r *http.Request, sessions ...func(context.Context) error) error {
	for _, trip := range sessions {
		if err := trip(r.Context()); err != nil {
			return err
		}
	}
	return scanOne(r.Context(), s.person)
}

func (s *bare) authorize(w http.ResponseWriter, r *http.Request) error {
	if err := s.trips(r, s.read, s.write); err != nil {
		return err
	}
	w.Header().Set("Location", benchCallback+"?"+url.Values{"code": {rand.Text()}, "state": {r.FormValue("state")}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (s *bare) token(w http.ResponseWriter, r *http.Request) error {
	if err := s.trips(r, s.durable, s.write); err != nil {
		return err
	}
	signature, err := s.sign(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `{"access_token":%q,"id_token":"%x"}`, rand.Text(), signature)
	return err
}

// sign signs about as much as an ID token has, by the algorithm that is the client's name.
func (s *bare) sign(r *http.Request) ([]byte, error) {
	return s.signers[r.FormValue("client_id")]([]byte(strings.Repeat("m", bareRecord)))
}

func (s *bare) userinfo(w http.ResponseWriter, r *http.Request) error {
	if err := s.trips(r, s.read); err != nil {
		return err
	}
	_, err := io.WriteString(w, `{"sub":"one","email":"one@acme.example"}`)
	return err
}
