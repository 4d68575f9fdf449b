package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisGroup is a Redis server and its replica, watched by three sentinels that
// call them "main"; see [StartRedis].
type RedisGroup struct {
	URL    string // redis+sentinel://…
	Master *RedisServer

	t         testing.TB
	replica   *redis.Client
	sentinels []*redis.SentinelClient
}

// never is longer than any test, in milliseconds.
const never = "3600000"

// StartRedisGroup starts a group and waits until its sentinels agree on it.
// They do nothing about a dead master before [RedisGroup.FailOver].
func StartRedisGroup(t testing.TB) *RedisGroup {
	t.Helper()
	password := rand.Text()
	auth := "masterauth " + password
	g := &RedisGroup{t: t, Master: startRedis(t, password, auth, "repl-diskless-sync-delay 0")}
	g.replica = startRedis(t, password, auth, fmt.Sprintf("replicaof 127.0.0.1 %d", g.Master.port)).Client()
	var addrs []string
	for range 3 {
		s := startSentinel(t,
			fmt.Sprintf("sentinel monitor main 127.0.0.1 %d 2", g.Master.port),
			"sentinel auth-pass main "+password,
			"sentinel down-after-milliseconds main "+never,
			"sentinel failover-timeout main 3000",
		)
		client := redis.NewSentinelClient(&redis.Options{Addr: s.Addr(), DialerRetries: 1, MaxRetries: -1})
		t.Cleanup(func() { _ = client.Close() }) // nothing of the test depends on it
		g.sentinels, addrs = append(g.sentinels, client), append(addrs, s.Addr())
	}
	g.URL = "redis+sentinel://:" + password + "@" + strings.Join(addrs, ",") + "/main"
	Eventually(t, "the sentinels know each other and the replica", func() error {
		for _, s := range g.sentinels {
			if err := knows(t.Context(), s, len(g.sentinels)-1); err != nil {
				return err
			}
		}
		return nil
	})
	return g
}

// knows returns an error unless a sentinel knows the master, a replica that
// could take its place, and the number of other sentinels.
func knows(ctx context.Context, s *redis.SentinelClient, others int) error {
	master, errMaster := s.Master(ctx, "main").Result()
	replicas, errReplicas := s.Replicas(ctx, "main").Result()
	if err := errors.Join(errMaster, errReplicas); err != nil {
		return err
	}
	if master["flags"] != "master" || master["num-other-sentinels"] != strconv.Itoa(others) ||
		len(replicas) != 1 || replicas[0]["flags"] != "slave" || replicas[0]["master-link-status"] != "ok" {
		return fmt.Errorf("master %v, replicas %v", master, replicas)
	}
	return nil
}

// Replicate waits until the replica has all that the master has.
func (g *RedisGroup) Replicate() {
	g.t.Helper()
	conn := g.Master.Client().Conn() // WAIT is about the writes of its own connection, and what came before them
	defer conn.Close()
	if err := conn.Set(g.t.Context(), "last", "", 0).Err(); err != nil {
		g.t.Fatal(err)
	}
	Eventually(g.t, "the replica has it all", func() error {
		n, err := conn.Wait(g.t.Context(), 1, time.Second).Result()
		if err == nil && n == 0 {
			err = errors.New("no replica has acknowledged it")
		}
		return err
	})
}

// FailOver lets the sentinels put the replica in the place of a master that they do not reach.
func (g *RedisGroup) FailOver() {
	g.t.Helper()
	for _, s := range g.sentinels {
		if err := s.Set(g.t.Context(), "main", "down-after-milliseconds", "500").Err(); err != nil {
			g.t.Fatal(err)
		}
	}
}

// Promoted reports whether the replica has become the master.
func (g *RedisGroup) Promoted() bool {
	g.t.Helper()
	promoted := false
	Eventually(g.t, "the replica says what it is", func() error { // it cuts its connections when that changes
		info, err := g.replica.Info(g.t.Context(), "replication").Result()
		promoted = strings.Contains(info, "role:master")
		return err
	})
	return promoted
}

// Eventually calls try until it returns no error, and fails the test if that
// takes more than two minutes: what it waits for are other processes.
func Eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline, again := time.After(2*time.Minute), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s: not within two minutes: %v", what, err)
		}
	}
}
