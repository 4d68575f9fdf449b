// Package porttest finds ports for the servers that tests start.
package porttest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports are below those that systems give to connections by themselves
// (Linux: from 32768 on), one of which could take a port before its server does.
const (
	first = 15000
	count = 15000
)

// Address returns a host and port, as 127.0.0.1:15000, on which nobody listens now.
func Address() (string, error) {
	var errs []error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(count)))
		l, err := net.Listen("tcp", address)
		if err == nil {
			return address, l.Close()
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// Port returns the port of an Address.
func Port() (int, error) {
	address, err := Address()
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
