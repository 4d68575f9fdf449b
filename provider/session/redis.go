package session

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Limits of one client. A server that does not answer must become an error of
// the request within two seconds, waiting for a connection included; one that
// does must serve 64 requests at once without any of them waiting.
const (
	redisTimeout     = time.Second
	redisPoolTimeout = 750 * time.Millisecond
	redisPoolSize    = 64
	redisBufferBytes = 8 << 10 // of each connection, reading and writing; a record has about 1 KiB
)

// slack is how much longer than needed Redis keeps a key. Replicas' clocks may
// differ by 90 s; the record's own end decides, Redis only collects garbage.
const slack = 5 * time.Minute

// redisStore is the Store on Redis. Everything of one user has one hash tag,
// so that each operation is one command or one script within one Cluster slot:
//
//	einlass:{<tag>}:session:<sid>        hash: value (record of a Session), handle, seen, expires, application:<id>
//	einlass:{<tag>}:cookie:<hash>        record: the sid a cookie leads to
//	einlass:{<tag>}:sessions             sorted set: sids by their end
//	einlass:{<tag>}:code:<hash>          record of a Code; once taken, its tombstone
//	einlass:{<tag>}:token:<hash>         record of an AccessToken
//	einlass:{<tag>}:family:<family>      hash: value (record of an offline Grant), current (hash of its live refresh token), expires, ends
//	einlass:{<tag>}:families             set: families that may live
//	einlass:{<tag>}:refresh:<hash>       record: the family a refresh token leads to, also after its rotation
//	einlass:{<tag>}:revoked:<family>     record without value: the family is revoked while it exists
//	einlass:{<tag>}:device:<hash>        record: the Device
//	einlass:{<hash of id>}:request       record of an AuthRequest
//	einlass:{<hash of key>}:throttle     record with a count
type redisStore struct {
	client redis.UniversalClient
	opt    Options
}

// OpenRedis connects to a Redis server and returns the store on it. The URL is one of
//
//	redis://[user:password@]host[:port][/db]
//	redis+sentinel://[user:password@]host[:port][,host[:port]…]/master-name[/db]
//	redis+cluster://[user:password@]host[:port][,host[:port]…]
//
// and with TLS rediss://, rediss+sentinel://, rediss+cluster://. User and password
// are percent-encoded; with Sentinel they are those of the Redis servers.
//
// Redis must keep what it is given (maxmemory-policy noeviction) and write an
// append-only file, or a crash brings taken codes back to life; OpenRedis warns otherwise.
func OpenRedis(ctx context.Context, url string, options Options) (Store, error) {
	opt, err := parseRedisURL(url)
	if err != nil {
		return nil, err
	}
	opt.ContextTimeoutEnabled = true
	opt.MaxRetries = -1
	opt.DialerRetries = 1
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	opt.PoolTimeout, opt.PoolSize = redisPoolTimeout, max(redisPoolSize, 10*runtime.GOMAXPROCS(0))
	opt.ReadBufferSize, opt.WriteBufferSize = redisBufferBytes, redisBufferBytes
	opt.DisableIdentity = true // its reply, when late, was once taken for another's: CVE-2025-29923
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

	silenceClient()
	s := &redisStore{client: redis.NewUniversalClient(opt), opt: options.withDefaults()}
	s.client.AddHook(onceHook{client: s.client})
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.client.Close())
	}
	s.checkSettings(ctx)
	return s, nil
}

// silenceClient turns off the client library's own log, which goes to standard
// error past ours: every error in it is also returned to us. The library has one logger
// for the process, so it is set once, before the first client.
var silenceClient = sync.OnceFunc(func() { redis.SetLogger(nowhere{}) })

// nowhere is a logger of the client library that writes nothing.
type nowhere struct{}

// Printf drops the record.
func (nowhere) Printf(context.Context, string, ...any) {}

// checkSettings warns when the server may lose what it acknowledged. Servers
// that forbid CONFIG are left in peace.
func (s *redisStore) checkSettings(ctx context.Context) {
	setting := func(name string) string {
		values, err := s.client.ConfigGet(ctx, name).Result()
		if err != nil {
			return ""
		}
		return values[name]
	}
	if policy := setting("maxmemory-policy"); policy != "" && policy != "noeviction" {
		s.opt.Logger.WarnContext(ctx, "redis may evict sessions and revocations: set maxmemory-policy noeviction", "policy", policy)
	}
	if aof := setting("appendonly"); aof != "" && aof != "yes" {
		s.opt.Logger.WarnContext(ctx, "redis may forget taken codes in a crash: set appendonly yes", "appendonly", aof)
	}
}

func (s *redisStore) Ping(ctx context.Context) error {
	defer s.opt.observe("ping", time.Now())
	if err := s.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("session: redis: %w", err)
	}
	return nil
}

// Sweep has nothing to do: Redis deletes by itself what has expired.
func (s *redisStore) Sweep(context.Context, time.Time) error { return nil }

func (s *redisStore) Name() string { return "redis" }

func (s *redisStore) Close() error { return s.client.Close() }

// userKey builds the key of something of the user with tag.
func userKey(tag Tag, kind, id string) string {
	return "einlass:{" + string(tag) + "}:" + kind + ":" + id
}

// indexKey is the key of the index of a user's sessions.
func indexKey(tag Tag) string { return "einlass:{" + string(tag) + "}:sessions" }

// familiesKey is the key of the index of a user's families.
func familiesKey(tag Tag) string { return "einlass:{" + string(tag) + "}:families" }

// ownKey builds the key of something that belongs to nobody yet. Its id may be
// what somebody typed, so it is hashed: it gets a bounded length and tells nothing.
func ownKey(kind, id string) string {
	return "einlass:{" + hashText(id) + "}:" + kind
}

// ttl returns for how many milliseconds Redis keeps a key that is needed until expires.
func ttl(expires time.Time) int64 {
	return (max(time.Until(expires), 0) + slack).Milliseconds()
}

//go:embed redis/*.lua
var luaFiles embed.FS

// script returns redis/<name>.lua behind redis/common.lua.
func script(name string) *redis.Script {
	common, errCommon := luaFiles.ReadFile("redis/common.lua")
	body, errBody := luaFiles.ReadFile("redis/" + name + ".lua")
	if err := errors.Join(errCommon, errBody); err != nil {
		panic(err)
	}
	return redis.NewScript(string(common) + string(body))
}

// Scripts answer with a word, followed by a record where there is one.
var errOfAnswer = map[string]error{
	"ok":       nil,
	"missing":  ErrNotFound,
	"mismatch": ErrMismatch,
	"untold":   ErrUntold,
	"replayed": ErrReplayed,
}

// answer runs a script that answers with a word and returns the record after it, if any.
func (s *redisStore) answer(ctx context.Context, script *redis.Script, keys []string, args ...any) (string, error) {
	texts, err := s.answers(ctx, script, keys, args...)
	if err != nil || len(texts) == 0 {
		return "", err
	}
	return texts[0], nil
}

// answers is answer for a script that returns several texts.
func (s *redisStore) answers(ctx context.Context, script *redis.Script, keys []string, args ...any) ([]string, error) {
	reply, err := script.Run(ctx, s.client, keys, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	if len(reply) == 0 {
		return nil, errors.New("empty answer")
	}
	err, known := errOfAnswer[reply[0]]
	if !known {
		return nil, fmt.Errorf("unknown answer %q", reply[0])
	}
	return reply[1:], err
}

// onceHook makes go-redis send a command at most once. Its Cluster client
// repeats one whose reply was lost whatever MaxRetries says, and a redemption
// that is repeated looks like a replay.
type onceHook struct{ client redis.UniversalClient }

// once is a command that is not repeated.
type once struct{ redis.Cmder }

func (once) NoRetry() bool { return true }

func (h onceHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h onceHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook also has the Cluster client look for the primaries again when one
// does not answer, which it otherwise does while repeating.
func (h onceHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, once{cmd})
		if cluster, ok := h.client.(*redis.ClusterClient); ok && ctx.Err() == nil && unanswered(err) {
			cluster.ReloadState(ctx)
		}
		return err
	}
}

// unanswered reports whether err came from the way to the server, not from the server.
func unanswered(err error) bool {
	_, fromServer := errors.AsType[redis.Error](err)
	return err != nil && !fromServer
}
