package importer

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// judged is a run over 100 people of whom 100 are active, and one like it before.
func judged(change func(in *GuardInput)) GuardInput {
	stats := users.FeedStats{
		People: 100, Announced: 100, Active: 100,
		Filled:  map[string]int{"email": 100, "status": 100, "department": 100},
		Domains: map[string]int{"acme.example": 100},
	}
	last := stats
	last.Filled, last.Domains = maps.Clone(stats.Filled), maps.Clone(stats.Domains)
	in := GuardInput{Stats: stats, Last: &last, Known: 100, ActiveBefore: 100, Email: "email"}
	change(&in)
	return in
}

// invariant 5, N-4, N302, N303, N305
// F-56
func TestGuardHoldsFromItsLimitsOn(t *testing.T) {
	t.Parallel()
	first := func(in *GuardInput) { in.Last, in.Known, in.ActiveBefore, in.Stats.Active = nil, 0, 0, 0 }
	for _, c := range []struct {
		name   string
		change func(in *GuardInput)
		want   []string // codes
	}{
		{"nothing special", func(*GuardInput) {}, nil},
		{"20 of 100 lose access", func(in *GuardInput) { in.Stats.LosingAccess = 20 }, nil},
		{"21 of 100 lose access", func(in *GuardInput) { in.Stats.LosingAccess = 21 }, []string{"mass_suspension"}},
		{"25 of 1,000 lose access", func(in *GuardInput) { in.Stats.LosingAccess, in.ActiveBefore = 25, 1000 }, nil},
		{"26 of 1,000 lose access", func(in *GuardInput) { in.Stats.LosingAccess, in.ActiveBefore = 26, 1000 }, []string{"mass_suspension"}},
		{"26 of 100 are too many in both ways", func(in *GuardInput) { in.Stats.LosingAccess = 26 }, []string{"mass_suspension", "mass_suspension"}},
		{"all 4 of 4 lose access", func(in *GuardInput) { in.Stats.LosingAccess, in.ActiveBefore, in.Stats.Active = 4, 4, 4 }, nil},
		{"1 of 5 loses access", func(in *GuardInput) { in.Stats.LosingAccess, in.ActiveBefore, in.Stats.Active = 1, 5, 5 }, nil},
		{"2 of 5 lose access", func(in *GuardInput) { in.Stats.LosingAccess, in.ActiveBefore, in.Stats.Active = 2, 5, 5 }, []string{"mass_suspension"}},
		{"a directory that grew today", func(in *GuardInput) { in.Stats.LosingAccess, in.ActiveBefore = 21, 0 }, []string{"mass_suspension"}},
		{"5 now after 15 today", func(in *GuardInput) { in.Stats.LosingAccess, in.Losses = 5, 15 }, nil},
		{"5 now after 16 today", func(in *GuardInput) { in.Stats.LosingAccess, in.Losses = 5, 16 }, []string{"mass_suspension"}},
		{"the percentage refers to the start of the day", func(in *GuardInput) {
			in.Stats.LosingAccess, in.Losses, in.Stats.Active = 5, 15, 85
		}, nil},
		{"nobody now, whatever was lost today", func(in *GuardInput) { in.Losses = 90 }, nil},
		{"settings allow more", func(in *GuardInput) {
			in.Stats.LosingAccess, in.Settings = 60, users.Guard{MaxPeople: 60, MaxPercent: 60}
		}, nil},
		{"settings allow fewer", func(in *GuardInput) { in.Stats.LosingAccess, in.Settings = 2, users.Guard{MaxPeople: 1} }, []string{"mass_suspension"}},

		{"91 people after 100", func(in *GuardInput) { in.Stats.People, in.Stats.Announced = 91, 91 }, nil},
		{"90 people after 100", func(in *GuardInput) { in.Stats.People, in.Stats.Announced = 90, 90 }, []string{"shrunk_feed"}},
		{"90 people after 100, 10 of them singly then too", func(in *GuardInput) {
			in.Stats.People, in.Stats.Announced, in.Last.Singly = 90, 90, 10
		}, nil},
		{"100 people after 100, 10 of them singly", func(in *GuardInput) { in.Stats.Singly = 10 }, []string{"shrunk_feed"}},

		{"another filter that leaves out nobody who is known", func(in *GuardInput) {
			in.Filter, in.Stats.People, in.Stats.Announced = "office=Wien", 50, 50
		}, nil},
		{"another filter that leaves out somebody", func(in *GuardInput) { in.Filter, in.Hidden = "office=Wien", 1 }, []string{"filter_changed"}},
		{"another filter that leaves out many", func(in *GuardInput) {
			in.Filter, in.Hidden, in.Stats.People, in.Stats.Announced = "office=Wien", 90, 10, 10
		}, []string{"filter_changed"}},
		{"no filter any more, and somebody is gone", func(in *GuardInput) { in.LastFilter, in.Hidden = "office=Wien", 1 }, []string{"filter_changed"}},
		{"a filter at the first run", func(in *GuardInput) { first(in); in.Filter, in.Hidden = "office=Wien", 1 }, nil},
		{"the same filter shrinks like no filter", func(in *GuardInput) {
			in.Filter, in.LastFilter, in.Stats.People, in.Stats.Announced = "office=Wien", "office=Wien", 90, 90
		}, []string{"shrunk_feed"}},
		{"people outside the filter, not announced", func(in *GuardInput) {
			in.Filter, in.LastFilter, in.Stats.Singly, in.Stats.Announced, in.Last.Singly = "office=Wien", "office=Wien", 10, 90, 10
		}, nil},
		{"people who drifted out of the list, announced", func(in *GuardInput) {
			in.Filter, in.LastFilter, in.Stats.Singly, in.Stats.Announced = "office=Wien", "office=Wien", 5, 100
		}, nil},
		{"fewer than announced with a filter", func(in *GuardInput) {
			in.Filter, in.LastFilter, in.Stats.Singly, in.Stats.Announced = "office=Wien", "office=Wien", 5, 101
		}, []string{"shrunk_feed"}},
		{"more than announced with a filter", func(in *GuardInput) {
			in.Filter, in.LastFilter, in.Stats.Singly, in.Stats.Announced = "office=Wien", "office=Wien", 5, 94
		}, []string{"shrunk_feed"}},

		{"fewer than announced", func(in *GuardInput) { in.Stats.Announced = 101 }, []string{"shrunk_feed"}},
		{"more than announced", func(in *GuardInput) { in.Stats.Announced = 99 }, []string{"shrunk_feed"}},
		{"one was asked for singly, as the list does not show them", func(in *GuardInput) { in.Stats.Announced, in.Rows, in.Stats.Singly = 99, 99, 1 }, nil},
		{"two more than announced, one asked for singly", func(in *GuardInput) { in.Stats.Announced, in.Rows, in.Stats.Singly = 98, 99, 1 }, []string{"shrunk_feed"}},
		{"some rows came twice", func(in *GuardInput) { in.Stats.Announced, in.Rows = 102, 102 }, nil},
		{"more announced than rows came", func(in *GuardInput) { in.Stats.Announced, in.Rows = 103, 102 }, []string{"shrunk_feed"}},
		{"nothing announced", func(in *GuardInput) { in.Stats.Announced = -1 }, nil},
		{"nobody", func(in *GuardInput) { in.Stats = users.FeedStats{} }, []string{"shrunk_feed"}},
		{"nobody in a first run", func(in *GuardInput) { first(in); in.Stats = users.FeedStats{} }, nil},
		{"nobody, after runs that never succeeded", func(in *GuardInput) { in.Last, in.Stats = nil, users.FeedStats{} }, []string{"shrunk_feed"}},

		{"a column filled for 5 %", func(in *GuardInput) { in.Stats.Filled["department"] = 5 }, nil},
		{"a column filled for 4 %", func(in *GuardInput) { in.Stats.Filled["department"] = 4 }, []string{"emptied_column:department"}},
		{"a column that few had", func(in *GuardInput) { in.Last.Filled["department"], in.Stats.Filled["department"] = 19, 0 }, nil},
		{"a column that a fifth had", func(in *GuardInput) { in.Last.Filled["department"], in.Stats.Filled["department"] = 20, 0 }, []string{"emptied_column:department"}},
		{"a column we may no longer read", func(in *GuardInput) {
			in.Stats.Missing = []string{"department"}
			delete(in.Stats.Filled, "department")
		}, nil},
		{"a column that is new", func(in *GuardInput) { in.Stats.Filled["office"] = 0 }, nil},

		{"nobody has a status", func(in *GuardInput) { in.Stats.Filled["status"], in.Stats.UnknownStatuses = 0, 100 },
			[]string{"missing_mandatory:status", "emptied_column:status", "unknown_statuses"}},
		{"nobody has an address", func(in *GuardInput) { in.Stats.Filled["email"] = 0 },
			[]string{"missing_mandatory:email", "emptied_column:email"}},
		{"nobody has an address in a first run", func(in *GuardInput) { first(in); in.Stats.Filled["email"] = 0 },
			[]string{"missing_mandatory:email"}},
		{"half of the rows have no id", func(in *GuardInput) { in.Nameless, in.Rows = 100, 200 }, nil},
		{"most rows have no id", func(in *GuardInput) { in.Nameless, in.Rows = 101, 201 }, []string{"missing_mandatory:id"}},
		{"no row has an id", func(in *GuardInput) { first(in); in.Stats, in.Nameless = users.FeedStats{Announced: -1}, 5 },
			[]string{"missing_mandatory:id"}},

		{"5 % unknown statuses", func(in *GuardInput) { in.Stats.UnknownStatuses = 5 }, nil},
		{"6 % unknown statuses", func(in *GuardInput) { in.Stats.UnknownStatuses = 6 }, []string{"unknown_statuses"}},
		{"6 % unknown statuses in a first run", func(in *GuardInput) { first(in); in.Stats.UnknownStatuses = 6 }, []string{"unknown_statuses"}},

		{"a new domain for 20 %", func(in *GuardInput) {
			in.Stats.Domains = map[string]int{"acme.example": 80, "new.example": 20}
		}, nil},
		{"a new domain for 21 %", func(in *GuardInput) {
			in.Stats.Domains = map[string]int{"acme.example": 79, "new.example": 21}
		}, []string{"new_domain:new.example"}},
		{"a known domain for everybody", func(in *GuardInput) {
			in.Last.Domains = map[string]int{"acme.example": 1, "old.example": 99}
		}, nil},
		{"a first run has no new domain", first, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range Judge(judged(c.change)) {
				code := r.Subject()
				if about := r.Texts["about"]; about != "" {
					code += ":" + about
				}
				got = append(got, code)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReasonsCarryTheirNumbers(t *testing.T) {
	t.Parallel()
	reasons := Judge(judged(func(in *GuardInput) {
		in.Stats.LosingAccess, in.Losses, in.ActiveBefore = 30, 10, 5000
	}))
	const want = "mass_suspension: 40 people would lose access within 24 hours (limit 25). For 5,000 active people we recommend a limit of 50."
	if len(reasons) != 1 || SayHeld(web.English(), reasons[0]) != want {
		t.Errorf("reasons: %v, want %q", reasons, want)
	}
}

func TestRecommendedLimit(t *testing.T) {
	t.Parallel()
	for active, want := range map[int]int{0: 25, 100: 25, 2500: 25, 2600: 26, 100_000: 1000} {
		if got := RecommendedMaxPeople(active); got != want {
			t.Errorf("recommended limit for %d: %d, want %d", active, got, want)
		}
	}
}
