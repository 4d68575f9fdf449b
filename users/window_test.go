package users_test

import (
	"errors"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// noon is the time of tests that need one.
var noon = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC)

// N-3
func TestABoundSurvivesAsTextAndNothingElseBecomesOne(t *testing.T) {
	t.Parallel()
	var u users.User
	berlin := time.Date(2026, 11, 30, 0, 0, 0, 0, time.FixedZone("", 3600))
	u.AccessUntil = berlin
	text := u.Attribute(users.AttributeAccessUntil)
	if text != "2026-11-29T23:00:00Z" || u.Attribute(users.AttributeAccessFrom) != "" {
		t.Errorf("bounds %q and %q", text, u.Attribute(users.AttributeAccessFrom))
	}
	for _, bad := range []string{"2026-11-30", "tomorrow", "0", "2026-02-30T00:00:00Z"} {
		u.SetAttribute(users.AttributeAccessUntil, bad)
		if !u.AccessUntil.Equal(berlin) {
			t.Errorf("%q became the bound %s", bad, u.AccessUntil)
		}
	}
	u.SetAttribute(users.AttributeAccessFrom, text)
	u.SetAttribute(users.AttributeAccessUntil, "")
	if !u.AccessFrom.Equal(berlin) || !u.AccessUntil.IsZero() || len(u.Attributes) != 0 {
		t.Errorf("from %s, until %s, attributes %v", u.AccessFrom, u.AccessUntil, u.Attributes)
	}
	if _, seen := u.ExpressionAttributes()[users.AttributeAccessFrom]; seen {
		t.Error("expressions see the window")
	}
}

// N-3
func TestTheStateAtATimeLooksAtTheWindow(t *testing.T) {
	t.Parallel()
	admin := []users.Suspension{{By: users.ByAdmin}}
	for _, c := range []struct {
		name        string
		from, until time.Duration // from noon; 0: none
		base        users.State
		suspended   []users.Suspension
		outside     string
		want        users.State
		next        time.Duration // from noon; 0: none
	}{
		{"no window", 0, 0, users.StateActive, nil, "", users.StateActive, 0},
		{"before", 1, 5, users.StateActive, nil, users.ReasonAccessNotOpen, users.StateSuspended, 1},
		{"within", -1, 1, users.StateActive, nil, "", users.StateActive, 1},
		{"within, staged", -1, 1, users.StateStaged, nil, "", users.StateStaged, 1},
		{"within, and not written down yet", -1, 1, users.StateActive, []users.Suspension{{By: users.ByWindow}}, "", users.StateActive, 1},
		{"within, suspended", -1, 1, users.StateActive, admin, "", users.StateSuspended, 1},
		{"after", -5, -1, users.StateActive, nil, users.ReasonAccessEnded, users.StateSuspended, 0},
		{"ended before it opened", 1, -1, users.StateActive, nil, users.ReasonAccessEnded, users.StateSuspended, 1},
		{"open for ever", -1, 0, users.StateActive, nil, "", users.StateActive, 0},
	} {
		u := users.User{BaseState: c.base, Suspensions: c.suspended}
		if c.from != 0 {
			u.AccessFrom = noon.Add(c.from)
		}
		if c.until != 0 {
			u.AccessUntil = noon.Add(c.until)
		}
		if got := u.OutsideWindow(noon); got != c.outside {
			t.Errorf("%s: outside %q, want %q", c.name, got, c.outside)
		}
		if got := u.StateAt(noon); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if at, found := u.NextBoundary(noon); found != (c.next != 0) || found && !at.Equal(noon.Add(c.next)) {
			t.Errorf("%s: next boundary %s, %t", c.name, at, found)
		}
	}
	bounds := users.User{BaseState: users.StateActive, AccessFrom: noon, AccessUntil: noon.Add(1)}
	if bounds.StateAt(noon) != users.StateActive || bounds.StateAt(noon.Add(1)) != users.StateSuspended {
		t.Error("the opening is inside the window, and the end outside")
	}
}

// N-3: who is outside signs in nowhere, and the log alone says why.
func TestAuthenticateRefusesOutsideTheWindow(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declare(person(ada))
		u, err := b.store.UserByLogin(t.Context(), ada)
		b.must(err)
		now := time.Now()
		for reason, bounds := range map[string][2]time.Time{
			users.ReasonAccessNotOpen: {now.Add(time.Hour), {}},
			users.ReasonAccessEnded:   {{}, now.Add(-time.Millisecond)},
			"":                        {now.Add(-time.Millisecond), now.Add(time.Hour)},
		} {
			u.AccessFrom, u.AccessUntil = bounds[0], bounds[1]
			b.must(b.store.Update(t.Context(), func(tx users.Tx) error {
				_, err := tx.UpdateUsers(t.Context(), []users.User{u})
				return err
			}))
			u.Version++
			_, err := b.Authenticate(t.Context(), ada, password)
			refused, is := errors.AsType[*users.SignInError](err)
			if is != (reason != "") || is && refused.Reason != reason {
				t.Errorf("window %v: %v, want refused for %q", bounds, err, reason)
			}
		}
	})
}
