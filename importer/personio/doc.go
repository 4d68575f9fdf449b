// Package personio reads people from Personio's API, version 1.
//
// Version 1 is read because it names departments, offices and cost centers
// within the person; version 2 gives ids, a tenth of the people per request,
// and one more request for each person.
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
//   - Its messages may be in German. No text of it is ever compared.
//
// Nothing is ever written: all calls are GET, except the authentication.
package personio
