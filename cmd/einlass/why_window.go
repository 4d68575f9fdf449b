package main

import (
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

// what is said by the source and overruled.
func (o overruledJSON) what() string {
	var says []string
	if o.Status != "" {
		says = append(says, o.Status)
	}
	if !o.AccessFrom.IsZero() {
		says = append(says, "access from "+showTime(o.AccessFrom))
	}
	if !o.AccessUntil.IsZero() {
		says = append(says, "access until "+showTime(o.AccessUntil))
	}
	return strings.Join(says, ", ")
}

// describeWindow says in sentences when the access of a person opens and ends.
func describeWindow(u users.User, now time.Time) []string {
	var told []string
	switch {
	case u.AccessFrom.After(now):
		told = append(told, "Their access opens on "+showTime(u.AccessFrom)+".")
	case !u.AccessFrom.IsZero():
		told = append(told, "Their access is open since "+showTime(u.AccessFrom)+".")
	}
	switch {
	case u.AccessUntil.After(now):
		told = append(told, "Their access ends on "+showTime(u.AccessUntil)+".")
	case !u.AccessUntil.IsZero():
		told = append(told, "Their access ended on "+showTime(u.AccessUntil)+".")
	}
	return told
}
