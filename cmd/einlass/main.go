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
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(int(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())))
}
