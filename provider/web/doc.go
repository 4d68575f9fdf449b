// Package web is what every page and endpoint shares: it runs handlers, renders
// pages and errors, sets status codes and headers, and knows languages, cookies
// and static files. It is the only package that calls WriteHeader.
//
// A request passes through two layers:
//
//	Site.Wrap    once, around the router: request id, log line, limits, Host, path, default headers
//	Site.Handle  per route: runs a handler that returns an error, renders the error
//
// Handlers answer with [Page.Render], [JSON], [Write] or [Redirect], or return
// an [Error] that says what the person sees and what the log gets.
package web
