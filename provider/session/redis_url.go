package session

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// errRedisURL names no part of the URL, because it may hold a password.
var errRedisURL = errors.New("redis_url: want redis://[user:password@]host[:port][/db], rediss:// for TLS, " +
	"redis+sentinel://[user:password@]host[:port][,…]/master-name[/db] or redis+cluster://[user:password@]host[:port][,…]")

// parseRedisURL turns a redis_url into options; OpenRedis documents its forms.
func parseRedisURL(text string) (*redis.UniversalOptions, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return nil, errRedisURL
	}
	plain, topology, _ := strings.Cut(scheme, "+")
	opt := &redis.UniversalOptions{}
	switch plain {
	case "redis":
	case "rediss":
		opt.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return nil, errRedisURL
	}

	authority, path, _ := strings.Cut(rest, "/")
	hosts := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		hosts = authority[at+1:]
		if err := parseUserinfo(opt, authority[:at]); err != nil {
			return nil, err
		}
	}

	switch topology {
	case "":
		return opt, errors.Join(parseHosts(opt, hosts, 1, "6379"), parseDB(opt, path))
	case "sentinel":
		master, db, _ := strings.Cut(path, "/")
		if master == "" {
			return nil, errors.New("redis_url: no master name behind the sentinels")
		}
		opt.MasterName = master
		return opt, errors.Join(parseHosts(opt, hosts, 0, "26379"), parseDB(opt, db))
	case "cluster":
		if path != "" {
			return nil, errors.New("redis_url: a cluster has no numbered databases")
		}
		opt.IsClusterMode = true
		return opt, parseHosts(opt, hosts, 0, "6379")
	}
	return nil, errRedisURL
}

func parseUserinfo(opt *redis.UniversalOptions, text string) error {
	user, password, _ := strings.Cut(text, ":")
	var errUser, errPassword error
	opt.Username, errUser = url.PathUnescape(user)
	opt.Password, errPassword = url.PathUnescape(password)
	if errUser != nil || errPassword != nil {
		return errRedisURL
	}
	return nil
}

// parseHosts reads host[:port] separated by commas, at most limit of them unless limit is 0.
// It is done by hand because net/url refuses a list.
func parseHosts(opt *redis.UniversalOptions, list string, limit int, port string) error {
	for host := range strings.SplitSeq(list, ",") {
		u, err := url.Parse("//" + host)
		bareIPv6 := err == nil && strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(host, "[")
		if err != nil || u.Hostname() == "" || u.Host != host || bareIPv6 {
			return errRedisURL
		}
		if u.Port() == "" {
			host = net.JoinHostPort(u.Hostname(), port)
		}
		opt.Addrs = append(opt.Addrs, host)
	}
	if limit > 0 && len(opt.Addrs) > limit {
		return errors.New("redis_url: several hosts need +sentinel or +cluster")
	}
	return nil
}

func parseDB(opt *redis.UniversalOptions, text string) error {
	if text == "" {
		return nil
	}
	db, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errRedisURL
	}
	opt.DB = int(db)
	return nil
}
