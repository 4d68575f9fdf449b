// Package importer turns what HR says into changes of the directory: read,
// plan, guard, apply; by hand, by approval, on a schedule, or because somebody
// heard of a change.
//
// # One run
//
//	read     Source → page → [Mapped] → Feed: what the whole list says about
//	         ids and addresses. Whoever is as remembered is only counted; the
//	         others wait, packed, until everybody has been read.
//	missing  remembered people the list did not show are asked for singly.
//	plan     Feed.resolve decides who may take which address; [PlanPage] turns
//	         people into rows, [PlanManagers] adds the managers.
//	guard    [Judge] holds a run that would do too much at once.
//	apply    the stored rows, in order of their phase, in bounded transactions.
//
// The functions that plan and judge are pure: the same people, directory and
// rules give the same rows, whatever the order or the pages of the feed. The
// rows are stored, and the same rows are the preview, what is approved, what is
// applied, and the report.
//
// What a run may do follows from its users.RunOptions, which it keeps: the mode
// says whom it changes, the filter whom the source lists,
// and a reconciliation compares everybody with the directory instead of with what
// is remembered. Groups by rule follow in the transaction that changes a person
// (package users); movers foretells them for the report and the guard.
//
// Somebody may be known to several connections (Accounts). Then each run does only
// what its connection is the source of, and suspends nobody whom another one shows
// at work; see docs/decisions/0008-people-with-several-accounts.md.
//
// Planning waits for the last page because one person's row can depend on any
// other's: two may claim one address, one may give up what another takes, one id
// may come twice. A row written earlier would have to be taken back.
//
// # What is due
//
// What is to be done at a time is a row of users.Work, once however often it was
// noted. [Engine.Serve] is the loop that does it, in every process; per connection
// whoever has the lease of its imports does all that is due of it, in this order:
//
//	person   people of whom somebody heard that they changed are read again, singly
//	         or, if they are many, from among those who have changed.
//	full     the scheduled import; its row moves on to the next time.
//	delta    Source.Changed since the last read that got through, less an hour.
//	window   access opens and closes; of no connection, and without its lease.
//
// While an import of everybody is under way, which may be for minutes, people and
// changes are read between its steps, under its lease; see meanwhile.go.
//
// What is noted while it is done stays, so nothing is lost to a crash, and a
// source that fails is left in peace for a time that doubles, together with all
// who are to be read from it.
//
// A run over some people (users.RunScope) remembers those alone and their
// managers, so that it costs the same in any directory. It plans, judges and
// applies like one over everybody and its leavers count in the same window of the
// guard, but nobody is missing from it, and nothing is ever compared with it: not
// the next feed, not the day's reconciliation, not the next start. A plan that
// changes nobody leaves no run, nor one that waits for a decision already.
package importer
