// Package personiotest is a company on Personio, small enough to run in a test
// and complete enough for a demo. It has four parts behind one handler:
//
//	/v1/…                     the API, version 1: authentication, employees, attributes
//	/v2/…                     the API, version 2: token, persons, employments, org data, webhooks
//	/people                   what HR does in Personio: look people up, change their status
//	/, /oauth/…, /login/…     the web app, which lets people in through OpenID Connect
//	/settings/authentication  what an administrator has set up there, and a test of it
//
// Changes are delivered to webhooks by [Server.RunDeliveries], or step by step by
// [Server.DeliverDue].
//
// [Company] holds the people; its methods are HR's hands in a test. [Variant]s
// change the shape of what the API says, [Fault]s make it misbehave. Whatever
// is simulated follows what is documented or was seen of the real service;
// where nothing is known the stricter behaviour is simulated.
//
// The package is part of the program (einlass demo, einlass simulate), so it
// does not import testing. The web app verifies sign-ins with other libraries
// than our provider signs with: otherwise it would prove nothing.
package personiotest
