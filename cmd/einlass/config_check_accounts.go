package main

import (
	"slices"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// checkAccounts checks what the connections say of each other: for every
// attribute of a person with several accounts exactly one is the source.
func (l *loader) checkAccounts() {
	ranks, sources := map[int]string{}, map[string]string{}
	for i, a := range l.cfg.Applications {
		if a.Import == nil {
			continue
		}
		path := element("applications", i) + ".import"
		if a.Import.Rank < 1 {
			l.fail(path+".rank", "want 1 or more, found %d", a.Import.Rank)
		}
		if a.Import.Conflict == users.ConflictLinks {
			if other, taken := ranks[a.Import.Rank]; taken {
				l.fail(path+".rank", "%d is the rank of %s already; connections that link need one each", a.Import.Rank, other)
			}
			ranks[a.Import.Rank] = a.ID
		}
		mapping := a.Import.mapping(personio.DefaultMapping())
		if mapping == nil {
			mapping = defaultMappings[a.Import.Source]
		}
		for n, target := range a.Import.Authoritative {
			_, created := a.Import.MappingOnCreate[target]
			switch _, filled := mapping[target]; {
			case !filled && !created:
				l.fail(element(path+".authoritative", n), "%q is filled by no mapping of %s", target, a.ID)
			case slices.Contains(a.Import.Authoritative[:n], target):
				l.fail(element(path+".authoritative", n), "%q stands here twice", target)
			case sources[target] != "":
				l.fail(element(path+".authoritative", n), "%s is authoritative for %q already", sources[target], target)
			default:
				sources[target] = a.ID
			}
		}
	}
}
