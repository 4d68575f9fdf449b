package sessiontest

import (
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// slots is the number of hash slots of every Cluster.
const slots = 16384

// RedisClusterURL returns the URL of a Redis Cluster of three primaries of its
// own, where different users live on different servers; see [StartRedis].
func RedisClusterURL(t testing.TB) string {
	t.Helper()
	const size = 3
	password := rand.Text()
	var nodes []*redis.Client
	var addrs []string
	for i := range size {
		bus := FreePort(t)
		s := startRedis(t, password, "cluster-enabled yes", "cluster-port "+strconv.Itoa(bus))
		node := s.Client()
		do(t, node, "CLUSTER", "ADDSLOTSRANGE", i*slots/size, (i+1)*slots/size-1)
		do(t, node, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		for _, other := range nodes {
			do(t, other, "CLUSTER", "MEET", "127.0.0.1", s.port, bus)
		}
		nodes, addrs = append(nodes, node), append(addrs, s.Addr())
	}
	for _, node := range nodes {
		awaitCluster(t, node, size)
	}
	return "redis+cluster://:" + password + "@" + strings.Join(addrs, ",")
}

// awaitCluster waits until a node knows that all slots are served.
func awaitCluster(t testing.TB, node *redis.Client, size int) {
	t.Helper()
	Eventually(t, "the node knows the cluster", func() error {
		info, err := node.ClusterInfo(t.Context()).Result()
		if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_size:"+strconv.Itoa(size))) {
			err = errors.New(info)
		}
		return err
	})
}

func do(t testing.TB, node *redis.Client, args ...any) {
	t.Helper()
	if err := node.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("redis-server: %v: %v", args[:2], err)
	}
}
