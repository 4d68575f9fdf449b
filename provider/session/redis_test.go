package session_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
)

// behindProxy returns a proxy in front of a redis-server, and the server's URL through it.
func behindProxy(t *testing.T) (*proxy, string) {
	t.Helper()
	p, server := startProxy(t, nil), sessiontest.StartRedis(t)
	addr := server.Addr()
	p.target.Store(&addr)
	return p, strings.Replace(server.URL, addr, p.addr, 1)
}

// clusterBehindProxy is behindProxy for a Cluster of one server.
func clusterBehindProxy(t *testing.T) (*proxy, string) {
	t.Helper()
	p := startProxy(t, nil)
	host, port, _ := strings.Cut(p.addr, ":")
	server := sessiontest.StartRedis(t, "cluster-enabled yes", fmt.Sprintf("cluster-port %d", sessiontest.FreePort(t)),
		"cluster-announce-ip "+host, "cluster-announce-port "+port)
	addr := server.Addr()
	p.target.Store(&addr)
	if err := server.Client().Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(server.URL, addr, p.addr, 1)
	return p, strings.Replace(url, "redis://", "redis+cluster://", 1)
}

// A client library that repeats a command whose reply was lost would make the
// first redemption look like a replay.
func TestALostReplyIsNoReplay(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(t *testing.T) (*proxy, string){
		"redis":         behindProxy,
		"redis-cluster": clusterBehindProxy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, url := server(t)
			s := openSettled(t, url)
			g := stored(t, s)

			proxy.dropReply.Store(true)
			if err := g.take(t.Context(), s); isAnswer(err) {
				t.Fatalf("redemption whose reply was lost: got %v, want an error of the connection", err)
			}
			token := session.NewHandle(g.session.User)
			if err := s.PutToken(t.Context(), token, g.token()); err != nil {
				t.Errorf("family after the lost reply: %v, want it not revoked", err)
			}
			if err := g.take(t.Context(), s); !errors.Is(err, session.ErrReplayed) {
				t.Errorf("second redemption: got %v, want %v", err, session.ErrReplayed)
			}
			if _, err := s.Token(t.Context(), token, start); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("token after the replay: got %v, want %v", err, session.ErrNotFound)
			}
		})
	}
}

// The same for a refresh token: a rotation whose reply was lost happened once,
// and only its client's next try is a replay.
func TestALostReplyToARotationIsNoReplay(t *testing.T) {
	t.Parallel()
	proxy, url := behindProxy(t)
	s := openSettled(t, url)
	g := stored(t, s)
	h, err := g.putRefresh(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	proxy.dropReply.Store(true)
	if err := rotate(t.Context(), s, h); isAnswer(err) {
		t.Fatalf("rotation whose reply was lost: got %v, want an error of the connection", err)
	}
	if token, err := s.Refresh(t.Context(), h, start); err != nil || !token.Rotated {
		t.Errorf("family after the lost reply: %+v, %v, want it rotated and not revoked", token, err)
	}
	if err := rotate(t.Context(), s, h); !errors.Is(err, session.ErrReplayed) {
		t.Errorf("second use: got %v, want %v", err, session.ErrReplayed)
	}
}

// openSettled opens a store once the server at url is ready, and has each
// operation run once, so that the server knows all scripts.
func openSettled(t *testing.T, url string) session.Store {
	t.Helper()
	s := openEventually(t, url)
	g := stored(t, s)
	for _, op := range operations(t.Context(), s, g) {
		_ = op() // in any order, so some find nothing
	}
	return s
}

func TestEachOperationIsOneTrip(t *testing.T) {
	t.Parallel()
	proxy, url := behindProxy(t)
	s := openSettled(t, url)
	for name, op := range operations(t.Context(), s, stored(t, s)) {
		before := proxy.commands.Load()
		_ = op() // in any order, so some find nothing
		if trips := proxy.commands.Load() - before; trips != 1 {
			t.Errorf("%s: %d trips to the server, want 1", name, trips)
		}
	}
}

// N353 N357
func TestASilentOrDeadServerIsAnErrorWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	for name, strike := range map[string]func(*sessiontest.RedisServer){
		"killed": (*sessiontest.RedisServer).Kill,
		"frozen": (*sessiontest.RedisServer).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sessiontest.StartRedis(t)
			s := sessiontest.OpenRedis(t, server.URL)
			ops := operations(t.Context(), s, stored(t, s))
			strike(server)
			var running sync.WaitGroup
			for name, op := range ops {
				running.Go(func() {
					begin := time.Now()
					err := op()
					if isAnswer(err) {
						t.Errorf("%s: got %v, want the server's absence as an error", name, err)
					}
					if took := time.Since(begin); took > 2*time.Second {
						t.Errorf("%s took %v, want at most 2 s", name, took)
					}
				})
			}
			running.Wait()
		})
	}
}

// N354
func TestAFullServerConsumesNothing(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	s := sessiontest.OpenRedis(t, server.URL)
	g, fresh := stored(t, s), newGrantCase()
	limit := func(bytes string) {
		if err := server.Client().ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}

	limit("1")
	for what, err := range map[string]error{
		"PutSession": s.PutSession(t.Context(), fresh.cookie, fresh.session),
		"TakeCode":   g.take(t.Context(), s),
	} {
		if isAnswer(err) {
			t.Errorf("%s on a full server: got %v, want the server's error", what, err)
		}
	}
	limit("0")
	if _, err := s.Session(t.Context(), fresh.cookie, start); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("session that was refused: got %v, want %v", err, session.ErrNotFound)
	}
	if all, err := s.SessionsOf(t.Context(), fresh.session.User, start); err != nil || len(all) > 0 {
		t.Errorf("sessions of its user: got %v, %v, want none", all, err)
	}
	if err := g.take(t.Context(), s); err != nil {
		t.Errorf("code afterwards: %v", err)
	}
}

// N356
func TestARecordOfAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	s := sessiontest.OpenRedis(t, server.URL)
	mine, theirs := stored(t, s), stored(t, s)
	myToken, theirToken := session.NewHandle(mine.session.User), session.NewHandle(theirs.session.User)
	if err := errors.Join(
		s.PutToken(t.Context(), myToken, mine.token()),
		s.PutToken(t.Context(), theirToken, theirs.token()),
	); err != nil {
		t.Fatal(err)
	}
	key := func(kind string, h keys.Secret, id string) string {
		tag, hash, _ := session.SplitHandle(h)
		if id == "" {
			id = hash
		}
		return fmt.Sprintf("einlass:{%s}:%s:%s", tag, kind, id)
	}
	// What a mixed-up reply would look like: their record is the answer to my question.
	client := server.Client()
	sid := mine.session.SID
	if err := errors.Join(
		client.Copy(t.Context(), key("token", theirToken, ""), key("token", myToken, ""), 0, true).Err(),
		client.Copy(t.Context(), key("session", theirs.cookie, theirs.session.SID), key("session", mine.cookie, sid), 0, true).Err(),
	); err != nil {
		t.Fatal(err)
	}

	_, errToken := s.Token(t.Context(), myToken, start)
	_, errSession := s.Session(t.Context(), mine.cookie, start)
	_, errEnd := s.EndSession(t.Context(), mine.session, start)
	for what, err := range map[string]error{"Token": errToken, "Session": errSession, "EndSession": errEnd} {
		if err == nil {
			t.Errorf("%s returned another user's record", what)
		}
	}
}

// A family that an earlier version has written joins the index when it is used; one
// whose record is gone leaves it.
// U-02
func TestTheIndexOfFamiliesFollowsTheirRecords(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	s, g := sessiontest.OpenRedis(t, server.URL), newGrantCase()
	h, err := g.putRefresh(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	prefix := fmt.Sprintf("einlass:{%s}:", session.TagOf(g.session.User))
	wantIndex := func(what string, want ...string) {
		t.Helper()
		got, err := server.Client().SMembers(t.Context(), prefix+"families").Result()
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("index %s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	family := g.code.Grant.Family
	wantIndex("of a new family", family)
	if left := server.Client().PTTL(t.Context(), prefix+"families").Val(); left <= 0 {
		t.Errorf("the index is kept for %s, want an end", left)
	}
	if err := server.Client().Del(t.Context(), prefix+"families").Err(); err != nil {
		t.Fatal(err)
	}
	if err := rotate(t.Context(), s, h); err != nil {
		t.Fatal(err)
	}
	wantIndex("after a use", family)

	if err := server.Client().Del(t.Context(), prefix+"family:"+family).Err(); err != nil {
		t.Fatal(err)
	}
	g.code.Grant.Family = string(users.NewID())
	if _, err := g.putRefresh(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	wantIndex("without the record of the first", g.code.Grant.Family)
}

// N354
func TestOpenRedisWarnsOfAForgetfulServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings []string
		want     []string
	}{
		"as documented": {nil, nil},
		"evicting":      {[]string{"maxmemory-policy allkeys-lru"}, []string{"noeviction"}},
		"no file":       {[]string{"appendonly no"}, []string{"appendonly yes"}},
		"both":          {[]string{"maxmemory-policy volatile-ttl", "appendonly no"}, []string{"noeviction", "appendonly yes"}},
		"CONFIG denied": {[]string{"appendonly no", "rename-command CONFIG \"\""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s, err := session.OpenRedis(t.Context(), sessiontest.StartRedis(t, test.settings...).URL,
				session.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := strings.Count(log.String(), "level=WARN"); got != len(test.want) {
				t.Errorf("%d warnings, want %d:\n%s", got, len(test.want), log.String())
			}
			for _, want := range test.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("no warning about %q:\n%s", want, log.String())
				}
			}
		})
	}
}

// N357
func TestOpenRedisRefusesAWrongPasswordWithoutTellingIt(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	_, err := session.OpenRedis(t.Context(), "redis://:hunter2@"+server.Addr(), session.Options{})
	if err == nil {
		t.Fatal("opened")
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error holds the password: %v", err)
	}
}

// N357
func TestRedissVerifiesTheServer(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	p, server := startProxy(t, certified.TLS), sessiontest.StartRedis(t)
	addr := server.Addr()
	p.target.Store(&addr)
	url := strings.Replace(strings.Replace(server.URL, addr, p.addr, 1), "redis://", "rediss://", 1)

	sessiontest.Eventually(t, "the unknown certificate is refused", func() error {
		s, err := session.OpenRedis(t.Context(), url, session.Options{})
		if err == nil {
			_ = s.Close()
			t.Fatal("opened a server with an unknown certificate")
		}
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return nil
		}
		return err // such as a timeout of a busy machine
	})

	roots := filepath.Join(t.TempDir(), "roots.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}
	if err := os.WriteFile(roots, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := manyStored(t, sessiontest.OpenRedis(t, server.URL), 1)
	trusting := startTaker(t, url, cases, "SSL_CERT_FILE="+roots) // a process reads its roots once
	if got := trusting.took(t, 1); len(got) != 1 {
		t.Error("a process that trusts the certificate took no code")
	}
	if err := trusting.wait(); err != nil {
		t.Error(err)
	}
}

func TestEveryOperationIsObserved(t *testing.T) {
	t.Parallel()
	observed := make(map[string]int)
	options := session.Options{Observe: func(op string, d time.Duration) {
		if d > 0 {
			observed[op]++
		}
	}}
	redis, err := session.OpenRedis(t.Context(), sessiontest.RedisURL(t), options)
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	sqlite, err := session.OpenSQLite(t.Context(), t.TempDir()+"/session.db", options)
	if err != nil {
		t.Fatal(err)
	}
	defer sqlite.Close()
	for _, s := range []session.Store{redis, sqlite} {
		ops := operations(t.Context(), s, newGrantCase())
		clear(observed)
		for _, op := range ops {
			_ = op() // in any order, so some find nothing
		}
		for name := range maps.Keys(ops) {
			if observed[name] != 1 {
				t.Errorf("%s: %s observed %d times, want once", s.Name(), name, observed[name])
			}
		}
	}
}
