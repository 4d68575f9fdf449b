package keys_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/einlass/einlass/keys"
)

func TestNewSecretsAreLongRandomAndSafeInURLs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		secret := keys.NewSecret().Reveal()
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(secret) || seen[secret] {
			t.Fatalf("secret %q is of another form or was there before", secret)
		}
		seen[secret] = true
	}
}

func TestSecretsCompareByValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b keys.Secret
		want bool
	}{
		{"secret", "secret", true}, {"", "", true},
		{"secret", "Secret", false}, {"secret", "secret ", false}, {"secret", "", false},
	} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("%q equals %q: %t, want %t", c.a.Reveal(), c.b.Reveal(), got, c.want)
		}
		if got := c.a.Hash() == c.b.Hash(); got != c.want {
			t.Errorf("%q and %q have the same hash: %t, want %t", c.a.Reveal(), c.b.Reveal(), got, c.want)
		}
	}
}

func TestSecretsAreReadFromJSON(t *testing.T) {
	t.Parallel()
	var secret keys.Secret
	if err := json.Unmarshal([]byte(`"hunter2"`), &secret); err != nil || secret.Reveal() != "hunter2" {
		t.Errorf("read %q, %v", secret.Reveal(), err)
	}
}
