package keys

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"
)

// KeySet is the public part of the ring as it is sent to clients: the keys
// that are announced, in use and retired (RFC 7517 section 5).
type KeySet struct {
	JSON   []byte        // not to be changed
	ETag   string        // with its quotes
	MaxAge time.Duration // how long a client may keep it
}

// snapshot is the ring at one moment. It is never changed, only replaced.
type snapshot struct {
	keys  []*signingKey            // as the store has them: oldest first
	byID  map[string]*signingKey   // the same by kid
	byAlg map[string][]*signingKey // the same by algorithm, each list ordered by UseAt
	json  []byte
	etag  string
	until time.Time // when the next key leaves; zero for never
}

// newSnapshot leaves out the keys that are gone at now.
func newSnapshot(all []*signingKey, now time.Time) *snapshot {
	s := &snapshot{byID: map[string]*signingKey{}, byAlg: map[string][]*signingKey{}}
	for _, key := range all {
		if key.gone(now) {
			continue
		}
		s.keys = append(s.keys, key)
		s.byID[key.ID] = key
		s.byAlg[key.Alg] = append(s.byAlg[key.Alg], key)
		if !key.RemoveAt.IsZero() && (s.until.IsZero() || key.RemoveAt.Before(s.until)) {
			s.until = key.RemoveAt
		}
	}
	for _, list := range s.byAlg {
		slices.SortFunc(list, func(a, b *signingKey) int {
			return cmp.Or(a.UseAt.Compare(b.UseAt), cmp.Compare(a.ID, b.ID))
		})
	}
	s.render()
	return s
}

func (s *snapshot) render() {
	members := make([][]byte, 0, len(s.keys))
	for _, key := range s.keys {
		members = append(members, key.jwk)
	}
	s.json = slices.Concat([]byte(`{"keys":[`), bytes.Join(members, []byte(",")), []byte("]}"))
	sum := sha256.Sum256(s.json)
	s.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// signing returns the key of alg that signs at now, or nil. Where two could,
// the later one does.
func (s *snapshot) signing(alg string, now time.Time) *signingKey {
	for _, key := range slices.Backward(s.byAlg[alg]) {
		if key.signs(now) {
			return key
		}
	}
	return nil
}
