package provider

import (
	"strings"
	"testing"
)

// A bad claim is an error with its position, before anybody signs in.
func TestCheckClaimSaysWhereAnExpressionIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":               "",
		`first_name + 1`: "line 1, column 12",
		`{"a": 1}`:       "line 1, column 1",
		"access_until":   "is for us alone",
	} {
		err := CheckClaim(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: error %v, want one with %q", text, err, want)
		}
	}
	for _, text := range []string{"email", "first_name", `"constant"`, `42`, `first_name + " " + last_name`, `split(location, ",")`, `department in ["Sales", "Finance"]`} {
		if err := CheckClaim(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
