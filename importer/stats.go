package importer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/einlass/einlass/users"
)

// maxDomains is how many e-mail domains a run remembers, the largest ones.
const maxDomains = 50

// feedStats counts over one read what the guard compares with the last one.
type feedStats struct {
	sources []string // mapped source attributes without status and manager
	manager string   // the source attribute of the manager; empty: not mapped
	domains map[string]int
	stats   users.FeedStats
}

func newFeedStats(m users.Mapping, wanted []string) *feedStats {
	s := &feedStats{
		manager: m[users.AttributeManager],
		domains: map[string]int{},
		stats:   users.FeedStats{Announced: -1, Filled: map[string]int{}},
	}
	for _, name := range wanted {
		s.stats.Filled[name] = 0
		if name != sourceStatus && name != s.manager {
			s.sources = append(s.sources, name)
		}
	}
	return s
}

// add counts one person, who must not have been counted before.
func (s *feedStats) add(person Person, m Mapped) {
	s.stats.People++
	for _, name := range s.sources {
		if strings.TrimSpace(person.Attributes[name]) != "" {
			s.stats.Filled[name]++
		}
	}
	for _, target := range m.Failed {
		if s.stats.MappingFailed == nil {
			s.stats.MappingFailed = map[string]int{}
		}
		s.stats.MappingFailed[target]++
	}
	if m.Status != "" {
		s.stats.Filled[sourceStatus]++
	}
	if s.manager != "" && person.ManagerID != "" {
		s.stats.Filled[s.manager]++
	}
	if standingOf(m.Status) == standingUnknown {
		s.stats.UnknownStatuses++
	}
	if email := m.Values[users.AttributeEmail]; email != "" && checkEmail(email) == nil {
		s.domains[users.KeyOf(email).Domain()]++
	}
}

// sum returns what was counted.
func (s *feedStats) sum() users.FeedStats {
	domains := slices.SortedFunc(maps.Keys(s.domains), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.domains[b], s.domains[a]), cmp.Compare(a, b))
	})
	stats := s.stats
	stats.Domains = map[string]int{}
	for _, domain := range domains[:min(len(domains), maxDomains)] {
		stats.Domains[domain] = s.domains[domain]
	}
	return stats
}
