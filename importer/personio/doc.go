// Package personio reads people from Personio's API, in either of its versions.
//
// [Source] reads version 1, which names departments, offices and cost centers
// within the person. [SourceV2] reads version 2, which gives ids of those, half as
// many people per request, and one more request for each person; but which is
// there for credentials that version 1 is closed to. Both give the same people:
// attributes have the names and the shapes of version 1. [Auto] reads by the one
// that is open, and [Accounts] keeps what was opened.
//
// What the service is known to do decides what is defended against here:
//
//   - It answers 403 to wrong credentials, to an expired token and to a missing
//     right alike. Which of them it was follows from what a second
//     authentication says ([importer.ErrCredentials], [importer.ErrRevoked],
//     [importer.ErrForbidden]).
//   - It leaves out silently what the credentials may not read. Such an
//     attribute is absent from a person, which is something else than empty.
//   - It times out when asked for much. Only wanted attributes are asked for,
//     and after a timeout fewer people at a time.
//   - Its list moves while it is read, and its totals have been wrong. A page is
//     only trusted to be what it says it is: people. That the list is complete
//     is for the importer to judge, by the number announced.
//   - Version 2 leaves out, in some lists and objects, what there is none of. Absent
//     there is empty only once the source has shown such a thing of anybody.
//   - Version 2 says where a list goes on. Our token is sent to no other server.
//   - Its messages may be in German. No text of it is ever compared.
//
// Nothing is ever written about people: all calls are GET, except the
// authentication and, where a connection says so, those by which a [Registrar]
// keeps our own webhook in order.
//
// [Webhooks] receives what Personio says about changes, and believes none of it.
package personio
