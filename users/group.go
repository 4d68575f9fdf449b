package users

import "time"

// GroupID is a slug chosen by whoever made the group.
type GroupID string

// Everyone is the built-in group of all users in every state. It has no rows;
// the state beside it decides who gets in.
const Everyone GroupID = "everyone"

// Group is a set of people, by hand or by a rule over attributes. The rule makes
// members of everybody it holds for, in whatever state, beside those by hand; it
// takes none of theirs, and gives no role.
type Group struct {
	ID      GroupID
	Label   string
	Rule    string // a truth value over attributes (see Expression), such as `department == "Sales"`; empty: members by hand only
	Origin  Origin
	Version int64
	Members int // filled by reads; for everyone the number of all users
}

// Membership is one person's place in one group.
type Membership struct {
	Group  GroupID
	User   ID
	ByRule bool // made by the group's rule, not by hand
}

// Lease is the right to be the only one who does something. Safety comes from
// the token: it is checked by the first statement of each transaction.
type Lease struct {
	Name      string
	Holder    string
	Token     int64 // rises with every holder
	ExpiresAt time.Time
}
