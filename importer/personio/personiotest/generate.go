package personiotest

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// reportsPerLead is how many people a team lead has.
const reportsPerLead = 8

// dice makes small choices that are the same for the same seed on every
// machine (SplitMix64). Nothing secret hangs on them.
type dice struct{ state uint64 }

func (d *dice) below(n int) int {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

func pick[T any](d *dice, from []T) T { return from[d.below(len(from))] }

// generator invents a company person by person, from the top down, so that
// everybody's supervisor exists before them.
type generator struct {
	dice   dice
	domain string
	today  time.Time
	taken  map[Email]bool
	heads  int              // departments that have a head of their own
	leads  map[string]int64 // current team lead by department
	teams  map[string]int   // people placed so far by department
}

// generate invents n people: a managing director, heads of departments, team
// leads and everybody else. About 3 % have left, 2 % are on leave and 1 % have
// not started.
func generate(n int, seed uint64, domain string, today time.Time) []Employee {
	g := &generator{
		dice: dice{seed}, domain: domain, today: today,
		taken: map[Email]bool{}, leads: map[string]int64{}, teams: map[string]int{},
		heads: min(len(departments), n/3),
	}
	people := make([]Employee, 0, n)
	for i := range n {
		people = append(people, g.person(i))
	}
	return people
}

func (g *generator) person(i int) Employee {
	e := Employee{ID: FirstID + int64(i), Status: Active, EmploymentType: "internal"}
	e.FirstName, e.LastName = pick(&g.dice, firstNames), pick(&g.dice, lastNames)
	if g.dice.below(40) == 0 {
		e.LastName += "-" + pick(&g.dice, lastNames)
	}
	e.Email = g.address(e.FirstName, e.LastName)
	e.Number = fmt.Sprintf("AC-%05d", i+1)
	e.Equipment = equipment[:g.dice.below(len(equipment)+1)]
	site := pick(&g.dice, sites)
	e.Office, e.Subcompany = site.office, site.company
	g.place(&e, i)
	g.employ(&e, i)
	return e
}

// place finds a department, a position and a supervisor.
func (g *generator) place(e *Employee, i int) {
	if i == 0 {
		e.Department, e.Position = "Management", "Chief Executive Officer"
		e.CostCenters = []string{"1000 Management"}
		return
	}
	d := departments[g.dice.below(max(g.heads, 1))]
	e.SupervisorID = FirstID
	if i <= g.heads {
		d = departments[i-1]
		e.Position = "Head of " + d.name
		g.leads[d.name] = e.ID
	} else {
		g.placeInTeam(e, d)
	}
	e.Department = d.name
	e.CostCenters = []string{d.costCenter}
	if g.dice.below(10) == 0 {
		e.CostCenters = append(e.CostCenters, pick(&g.dice, departments).costCenter)
	}
}

func (g *generator) placeInTeam(e *Employee, d department) {
	head := FirstID
	for i, other := range departments[:g.heads] {
		if other.name == d.name {
			head = FirstID + int64(i) + 1
		}
	}
	k := g.teams[d.name]
	g.teams[d.name]++
	e.Team = fmt.Sprintf("%s %d", d.name, k/(reportsPerLead+1)+1)
	if k%(reportsPerLead+1) == 0 {
		e.Position, e.SupervisorID = "Team Lead "+d.name, head
		g.leads[d.name] = e.ID
		return
	}
	e.Position, e.SupervisorID = pick(&g.dice, d.positions), g.leads[d.name]
	if g.dice.below(12) == 0 {
		e.EmploymentType = "external"
	}
}

// employ sets status and dates. The upper two levels are always at work, or the
// demo would begin with a company without a head.
func (g *generator) employ(e *Employee, i int) {
	hired := g.today.AddDate(0, 0, -800-g.dice.below(12*365))
	roll := g.dice.below(100)
	switch {
	case i <= g.heads: // at work
	case roll < 3:
		e.Status = Inactive
		left := g.today.AddDate(0, 0, -1-g.dice.below(700))
		e.TerminationDate = left.Format(time.DateOnly)
		e.LastWorkingDay = left.AddDate(0, 0, -g.dice.below(14)).Format(time.DateOnly)
	case roll < 5:
		e.Status = Leave
	case roll < 6:
		e.Status = Onboarding
		hired = g.today.AddDate(0, 0, 3+g.dice.below(60))
	}
	e.HireDate = hired.Format(time.DateOnly)
	e.CreatedAt = hired.AddDate(0, -1, 0)
	if e.CreatedAt.After(g.today) {
		e.CreatedAt = g.today.AddDate(0, 0, -1)
	}
	e.LastModifiedAt, e.PersonUpdatedAt = e.CreatedAt, e.CreatedAt
}

// address makes an address from a name; the second Anna Schmidt gets a number.
func (g *generator) address(first, last string) Email {
	local := plain(first) + "." + plain(last)
	for n := 1; ; n++ {
		email := Email(local + "@" + g.domain)
		if n > 1 {
			email = Email(fmt.Sprintf("%s%d@%s", local, n, g.domain))
		}
		if !g.taken[email] {
			g.taken[email] = true
			return email
		}
	}
}

// plain spells a name in the letters that company addresses use.
func plain(name string) string {
	spelled := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "ø", "oe", "æ", "ae",
		"ł", "l", "ı", "i", "đ", "d", " ", "", "'", "", "’", "").Replace(strings.ToLower(name))
	var b strings.Builder
	for _, r := range norm.NFD.String(spelled) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
