// Command einlass is the identity provider for companies that run on Personio:
// the server, its administration on the command line, and a demo with a
// simulated Personio. `einlass --help` lists the sub-commands,
// docs/configuration.md the settings.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once. SIGTERM often comes twice for one
	// wish, to the process and to its group; who means more has SIGKILL.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())
	stop()
	os.Exit(int(code))
}
