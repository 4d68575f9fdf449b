package notify

import (
	"time"

	"github.com/einlass/einlass/users"
)

// addressNews is everything that a letter about another address says.
type addressNews struct {
	person       users.User
	old, new     string
	at           time.Time
	zone         *time.Location
	organization string
}

// addressLetter tells a person that the address of their account changed.
func (s *stationery) addressLetter(n addressNews) letter {
	l := letter{Lang: s.lang, Subject: s.say("address.subject", "organization", n.organization)}
	l.Title, l.Footer = l.Subject, s.say("address.footer", "organization", n.organization)
	l.Blocks = []block{
		{Text: s.say("address.lead", "name", n.person.DisplayName(), "organization", n.organization)},
		{Caption: s.say("address.caption"), Rows: append([]row{
			{s.say("address.old"), printable(n.old)},
			{s.say("address.new"), printable(n.new)},
		}, s.moment("address.changed", n.at, n.zone)...)},
		{Text: s.say("address.sign_in")},
		{Text: s.say("address.wrong")},
	}
	return l
}
