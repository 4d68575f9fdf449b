// Package notify follows the event log and delivers what follows from it: the
// news of a sign-out to applications, mail about imports to administrators, and to whoever's address changed.
//
// A [Follower] runs where its lease is. It reads the events after its cursor,
// asks its [Handler] what each one causes, and writes those deliveries in the
// transaction that moves the cursor: an event causes its deliveries once, whenever
// a process dies. Deliveries are then attempted by a bounded number of workers until they
// arrive or are given up. The lease is lost or the process killed between the
// attempt and the note of it: then the same is delivered again, so whatever is
// delivered must bear that.
//
// The engine knows nothing of what it delivers. It stands below package
// provider, whose logout tokens need signing keys and the client registry, and
// beside [Mail]; the stored side, cursors and deliveries, belongs to
// package users.
package notify
