package keys

import (
	"crypto/rand"
	"strings"
)

// newID returns 26 random lower-case characters, 130 bits.
func newID() string { return strings.ToLower(rand.Text()) }
