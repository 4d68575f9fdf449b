package main

import (
	"fmt"
	"os"

	"github.com/einlass/einlass/importer"
)

// The words that --credentials accepts.
const (
	credentialsStored = "stored"
	credentialsPrompt = "prompt"
)

// credentialFlags say with which credentials a source is read.
type credentialFlags struct {
	Credentials string `enum:"stored,prompt" default:"stored" help:"prompt reads the secret of the source from standard input, for this command alone; it is stored nowhere."`
}

// given reads the secret from standard input if it is to be asked for, because the
// arguments of a process can be seen by every user of the machine.
func (f credentialFlags) given(s *shell) (importer.Given, error) {
	if f.Credentials != credentialsPrompt {
		return importer.Given{}, nil
	}
	if in, _ := s.stdin.(*os.File); isTerminal(in) {
		fmt.Fprint(s.stderr, "Secret of the source, shown as you type: ")
	}
	secret, err := readLine(s.stdin, "secret")
	return importer.Given{Secret: secret}, err
}
