// Package provider is the OpenID Provider: its endpoints, what they decide, the
// clients they serve, and the one route table of the house.
//
// # The way of a sign-in
//
//	GET /authorize   client and redirect URI, else an error page      authorize.go
//	                 the other parameters, else an error response     request.go, requestobject.go
//	                 whom and what it is meant for                    idtokenhint.go, claimsrequest.go, acr.go
//	                 session and access, one read each                authorize.go
//	                 issue, sign in, ask, deny or fail                decide.go
//	                 the code in this very response, or /login        respond.go
//	     /consent    what an application may learn, asked once        consent.go
//	POST /par        a request its client sends first, itself         par.go
//	POST /token      client, code, person, tokens                     token.go, grant_code.go, idtoken.go
//	GET  /userinfo   token, person, claims                            userinfo.go, claims.go
//
// # The way of a sign-out
//
//	GET /end_session   hint and registered URI, else an error page     logout.go, idtokenhint.go
//	                   this session's hint: the session ends, else /logout asks first
//	event log          each application of the session is told        backchannel.go
//
// Later the application comes back by a refresh token (grant_refresh.go), asks
// about its tokens (introspect.go) or returns them (revoke.go). How it proves who
// it is stands in clientauth.go, and with signatures in assertion.go and clientkeys.go.
//
// Why a call was refused is said in the log, and to whoever watches the application:
// call.go, and callshown.go for what of a request may be shown.
//
// The pages show logos of applications: logo.go.
//
// zitadel/oidc is our vocabulary (error values, constants, hashes), not our
// server: single use of codes, the binding of a request to its browser and the
// check of PKCE are ours to guarantee, and its types do not leave this package.
//
// Further grants get a file each and a line in the table of token.go; further
// endpoints a line in routes.go.
package provider
