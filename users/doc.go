// Package users is the directory: people, groups, applications, credentials,
// the life of each, and the event log that proves it.
//
// [Directory] is the only door. Every change goes through one of its methods,
// which checks the state machine and writes the event in the transaction of the
// change. [Store] is the storage contract below it; package sqlstore implements
// it on SQLite and PostgreSQL, package userstest proves both.
//
// # States
//
// A user has a base state, staged or active. While at least one [Suspension]
// exists the user is suspended, whatever the base state says. Whoever made a
// suspension lifts it: an import never lifts an administrator's.
//
//	           activate (administrator)
//	 staged ─────────────────────────────▶ active
//	   │ ▲                                   │ ▲
//	   ▼ │ last suspension lifted            ▼ │
//	suspended (base staged)              suspended (base active)
//
// The epoch in a user's row rises with every suspension, credential change and
// "end all sessions". Sessions and grants made under an older epoch are dead,
// so no message has to arrive anywhere for a suspension to take effect.
//
// # Groups
//
// A group has members by hand and, if it has a rule, everybody for whom the rule
// holds. Whoever writes a person's attributes puts them into groups in the same
// transaction; after a change of rules [Directory.Regroup] does so for everybody.
//
// # Calls
//
// While somebody watches an application its calls are kept beside the event log
// for an hour ([Directory.Watch], [Directory.RecordCall]); [JudgeCalls] says what they mean.
package users
