package users_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// A bad expression is an error with its position, before anybody is judged by it.
func TestABadExpressionIsRefusedWithItsPosition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want users.ExpressionResult
		says string
	}{
		{"", users.ResultValue, ""},
		{`first_name +`, users.ResultValue, "line 1, column 12"},
		{`first_name + 1`, users.ResultValue, "line 1, column 12"},
		{"first_name +\n  last_name)", users.ResultValue, "line 2, column 12"},
		{`now()`, users.ResultValue, "line 1, column 1"},
		{`repeat("a", 1000000)`, users.ResultValue, "line 1, column 1"},
		{`env("HOME")`, users.ResultValue, "line 1, column 1"},
		{`{"a": 1}`, users.ResultValue, "line 1, column 1"},
		{`string($env["department"])`, users.ResultValue, "name the attribute itself"},
		{`$env["department"] == "Sales"`, users.ResultTruth, "name the attribute itself"},
		{strings.Repeat(`"a"+`, 60) + `"a"`, users.ResultValue, "nodes"},
		{`"` + strings.Repeat("a", 2000) + `"`, users.ResultValue, "longer than"},
		{`department`, users.ResultTruth, "want a truth value"},
		{`department == 1`, users.ResultTruth, "line 1, column 12"},
		{`len(department)`, users.ResultTruth, "want a truth value"},
		{`len(department)`, users.ResultText, "want a text"},
		{`department == "Sales"`, users.ResultText, "want a text"},
		{`split(department, ",")`, users.ResultText, "want a text"},
	} {
		_, err := users.CompileExpression(c.text, c.want)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.30q as %s: error %v, want one with %q", c.text, c.want, err, c.says)
		}
	}
}

func TestExpressionsAreEvaluated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		want  users.ExpressionResult
		value any
	}{
		{`department in ["Sales", "Finance"] && office != "Wien"`, users.ResultTruth, true},
		{`nickname == ""`, users.ResultTruth, true},
		{`"constant"`, users.ResultText, "constant"},
		{`first_name + " " + department`, users.ResultText, "Ada Sales"},
		{`department == "Sales" ? "S" : "other"`, users.ResultText, "S"},
		{`42`, users.ResultValue, 42},
		{`split(first_name, "d")`, users.ResultValue, []string{"A", "a"}},
	} {
		e, err := users.CompileExpression(c.text, c.want)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got, err := e.Value(map[string]string{"first_name": "Ada", "department": "Sales"})
		if diff := cmp.Diff(c.value, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", c.text, err, diff)
		}
	}
	e, err := users.CompileExpression(`b == "x" || a == "" || b == ""`, users.ResultTruth)
	if diff := cmp.Diff([]string{"a", "b"}, e.Attributes()); diff != "" || err != nil {
		t.Errorf("attributes: error %v (-want +got):\n%s", err, diff)
	}
}

// What fails for one person says where, and nothing about the person.
func TestAnExpressionThatFailsNamesThePlaceAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`split(department, " ")[1] == "x"`, `int(department) > 1`, `len(1..200000) > 1`} {
		e, err := users.CompileExpression(text, users.ResultTruth)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Value(map[string]string{"department": "Secret"})
		if err == nil || !strings.Contains(err.Error(), "line 1, column") || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: error %v, want one with the place and without the value", text, err)
		}
	}
}

// A parked address is no longer the person's, in expressions neither.
func TestExpressionsDoNotSeeAParkedAddress(t *testing.T) {
	t.Parallel()
	u := users.User{Email: "ada@acme.example", FirstName: "Ada", Attributes: map[string]string{"email": "free@acme.example", "office": "Wien"}}
	want := map[string]string{"first_name": "Ada", "last_name": "", "username": "", "manager": "", "office": "Wien"}
	if diff := cmp.Diff(want, u.ExpressionAttributes()); diff != "" {
		t.Errorf("parked (-want +got):\n%s", diff)
	}
	u.EmailKey, want["email"] = users.KeyOf(u.Email), u.Email
	if diff := cmp.Diff(want, u.ExpressionAttributes()); diff != "" {
		t.Errorf("in use (-want +got):\n%s", diff)
	}
}
