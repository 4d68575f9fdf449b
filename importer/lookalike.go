package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/einlass/einlass/users"
)

// lookalikes are the addresses of a feed that are easily mistaken for others:
// by skeleton, the source ids of those who have one that is not its own skeleton.
// Ordinary addresses, which are nearly all, leave nothing here.
type lookalikes map[users.LoginKey][]lookalike

type lookalike struct {
	id  string
	key users.LoginKey
}

// add notes the address of a person of the feed, and reports whether it may be
// mistaken for another. A domain in punycode alone is no reason.
func (l lookalikes) add(m Mapped) bool {
	key := users.KeyOf(m.Values[users.AttributeEmail])
	skeleton := key.Skeleton()
	if skeleton == key || users.KeyOf(string(skeleton)) == key {
		return false
	}
	l[skeleton] = append(l[skeleton], lookalike{m.ID, key})
	return true
}

// find returns by source id whose address looks like somebody else's, and like
// which: another of the feed, or that of somebody here.
func (l lookalikes) find(ctx context.Context, directory users.Reader, feed *Feed, userOf func(id string) users.ID) (map[string]users.LoginKey, error) {
	if len(l) == 0 {
		return nil, nil
	}
	skeletons := slices.Sorted(maps.Keys(l))
	plain := make([]users.LoginKey, 0, len(skeletons)) // as keys: a domain goes through IDNA
	for _, s := range skeletons {
		plain = append(plain, users.KeyOf(string(s)))
	}
	holders, err := directory.UsersByKey(ctx, plain)
	if err != nil {
		return nil, fmt.Errorf("addresses that look alike: %w", err)
	}
	found := map[string]users.LoginKey{}
	for i, skeleton := range skeletons {
		for _, one := range l[skeleton] {
			holder, held := holders[plain[i]]
			claimant, claimed := feed.claims[plain[i]]
			other := slices.IndexFunc(l[skeleton], func(another lookalike) bool { return another.key != one.key })
			switch {
			case held && holder.ID != userOf(one.id), claimed && claimant != one.id:
				found[one.id] = plain[i]
			case other >= 0:
				found[one.id] = l[skeleton][other].key
			}
		}
	}
	return found, nil
}

// findLookalikes says of whom the feed has an address that is easily mistaken.
func (r *reading) findLookalikes(ctx context.Context) error {
	found, err := r.lookalikes.find(ctx, r.directory, r.feed, func(id string) users.ID { return r.memory.people[id].user })
	r.feed.mistakable, r.stats.stats.Lookalikes = found, len(found)
	return err
}

// warnOfLookalike adds to a row that gives somebody an address whose it looks like.
func (f *Feed) warnOfLookalike(row *users.RunChange) {
	other, found := f.mistakable[row.SourceID]
	if _, address := row.Fields[users.AttributeEmail]; !found || !address {
		return
	}
	row.Detail = append(row.Detail, naming(noteLookalike, "address", string(other)))
}
