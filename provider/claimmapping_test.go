package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// A bad expression is an error with its position, before anybody signs in.
func TestCheckClaimSaysWhereAnExpressionIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "",
		`first_name +`:                        "line 1, column 12",
		`first_name + 1`:                      "line 1, column 12",
		"first_name +\n  last_name)":          "line 2, column 12",
		`now()`:                               "line 1, column 1",
		`repeat("a", 1000000)`:                "line 1, column 1",
		`env("HOME")`:                         "line 1, column 1",
		`{"a": 1}`:                            "line 1, column 1",
		strings.Repeat(`"a"+`, 60) + `"a"`:    "nodes",
		`"` + strings.Repeat("a", 2000) + `"`: "longer than",
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

// A parked address is no longer the person's, in expressions neither.
func TestExpressionsDoNotSeeAParkedAddress(t *testing.T) {
	t.Parallel()
	source, err := compileClaim(`"<" + email + ">"`)
	if err != nil {
		t.Fatal(err)
	}
	u := users.User{Email: "ada@acme.example", Attributes: map[string]string{"email": "free@acme.example"}}
	if diff := cmp.Diff(any("<>"), source.value(u)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	u.EmailKey = users.KeyOf(u.Email)
	if diff := cmp.Diff(any("<ada@acme.example>"), source.value(u)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
