package importer

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/users"
)

// byPhase sorts rows as they are applied.
func byPhase(rows []users.RunChange) []users.RunChange {
	slices.SortStableFunc(rows, func(a, b users.RunChange) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.SourceID, b.SourceID))
	})
	return rows
}

// renamed is a person with somebody else's, or a new, address.
func renamed(p Person, email string) Person { return with(p, "email", email+"@acme.example") }

// S-107, U-23, section 6: keyed by id, never by address
func TestAnAddressOfAPresentColleagueIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, status := range []Status{StatusActive, StatusOnboarding, StatusLeave, "paused"} {
		t.Run("status "+string(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			holder := person("1", StatusActive, "Ada")
			w.hire(holder)
			holder.Status = status
			rows := w.plan(holder, renamed(person("2", StatusActive, "Eve"), "ada"))
			want(t, rows[len(rows)-1:], effect{"2", users.ChangeQuarantine, "email_taken"})
		})
	}
}

// N318
func TestSomebodyCannotTakeOverAColleaguesAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Ceo"))
	w.hire(person("2", StatusActive, "Eve"))
	want(t, w.plan(person("1", StatusActive, "Ceo"), renamed(person("2", StatusActive, "Eve"), "ceo")),
		effect{"2", users.ChangeQuarantine, "email_taken"})
}

// S-054d, N314
func TestOfTwoPeopleWithOneAddressNeitherIsCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, eve := person("1", StatusActive, "Ada"), person("2", StatusActive, "Eve")
	for name, email := range map[string]string{"same": "ada@acme.example", "capitals": "ADA@Acme.Example", "full width": "ａda@acme.example"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want(t, w.plan(ada, with(eve, "email", email), person("3", StatusActive, "Bob")),
				effect{"1", users.ChangeQuarantine, "email_duplicate"},
				effect{"2", users.ChangeQuarantine, "email_duplicate"},
				effect{"3", users.ChangeCreate, "new_person"})
		})
	}
}

func TestSomebodyWhoLeftClaimsNoAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want(t, w.plan(person("1", StatusInactive, "Ada"), renamed(person("2", StatusActive, "Ada"), "ada")),
		effect{"1", users.ChangeSkip, "inactive_status"},
		effect{"2", users.ChangeCreate, "new_person"})
}

// section 6: releases before claims
func TestAnAddressIsFreedBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Ada"))
	w.hire(person("2", StatusActive, "Bob"))
	rows := byPhase(w.plan(
		renamed(person("3", StatusActive, "Cleo"), "bob"),
		renamed(person("2", StatusActive, "Bob"), "ada"),
		renamed(person("1", StatusActive, "Ada"), "ada.married"),
	))
	want(t, rows,
		effect{"1", users.ChangeUpdate, "email_handed_over"},
		effect{"2", users.ChangeUpdate, "email_handed_over"},
		effect{"3", users.ChangeCreate, "new_person"})
	if rows[0].Phase >= rows[1].Phase || rows[1].Phase >= rows[2].Phase || rows[2].Phase >= phasePeople {
		t.Errorf("phases: %d, %d, %d, want them to rise and to stay below %d", rows[0].Phase, rows[1].Phase, rows[2].Phase, phasePeople)
	}
}

func TestAnAddressThatIsNotFreedAfterAllIsNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Ada"))
	w.hire(person("2", StatusActive, "Bob"))
	w.hire(person("3", StatusActive, "Cleo"))
	want(t, w.plan(
		renamed(person("1", StatusActive, "Ada"), "cleo"), // held by a present colleague
		renamed(person("2", StatusActive, "Bob"), "ada"),
		person("3", StatusActive, "Cleo"),
	),
		effect{"1", users.ChangeQuarantine, "email_taken"},
		effect{"2", users.ChangeQuarantine, "email_taken"})
}

// N311
func TestPeopleWhoExchangeAddressesAreQuarantined(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2, 3, 5} {
		w := newWorld(t)
		names := []string{"Ada", "Bob", "Cleo", "Dan", "Eve"}[:size]
		var people []Person
		var wanted []effect
		for i, name := range names {
			id := string(rune('1' + i))
			w.hire(person(id, StatusActive, name))
			next := renamed(person(id, StatusActive, name), "")
			next.Attributes["email"] = person("", "", names[(i+1)%size]).Attributes["email"]
			people = append(people, next)
			wanted = append(wanted, effect{id, users.ChangeQuarantine, "email_swap"})
		}
		want(t, w.plan(people...), wanted...)
	}
}

// N309, facts 0.7: a rehire gets a new id, takes the old address, and the old record is renamed
func TestSomebodyWhoComesBackIsTheSamePersonWithProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := person("1", StatusInactive, "Ada")
	id := w.hire(old)
	w.suspend(id, users.ByImport)
	old.Attributes["email"] += "_x1y2z"

	rows := byPhase(w.plan(renamed(person("2", StatusActive, "ADA "), "ada"), old))
	want(t, rows,
		effect{"1", users.ChangeSkip, "rehire_moved"},
		effect{"2", users.ChangeLink, "rehire_keep"})
	if rows[0].User != "" || rows[1].User != id {
		t.Errorf("users of the old and the new id: %q and %q, want none and %q", rows[0].User, rows[1].User, id)
	}
	if rows[0].Phase >= rows[1].Phase {
		t.Errorf("phases: %d, %d, want the old id to give up the user first", rows[0].Phase, rows[1].Phase)
	}
}

func TestSomebodyWhoComesBackAfterTheirOldRecordWasForgottenOrIsUnchanged(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]string{"gone": users.PersonStatusGone, "unchanged": "inactive"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.hire(person("1", StatusInactive, "Ada"))
			w.suspend(id, users.ByImport)
			record := w.people["1"]
			record.Status = status
			w.people["1"] = record
			rows := w.plan(renamed(person("2", StatusActive, "Ada"), "ada")) // the old id waits for no plan of its own
			want(t, rows, effect{"1", users.ChangeRecord, "rehire_moved"}, effect{"2", users.ChangeLink, "rehire_keep"})
			if rows[0].User != "" || rows[0].Status != status {
				t.Errorf("old id: user %q and status %q, want none and %q", rows[0].User, rows[0].Status, status)
			}
		})
	}
}

func TestSomebodyWhoLeavesAndComesBackInOneRunIsNotSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Ada"))
	want(t, byPhase(w.plan(person("1", StatusInactive, "Ada"), renamed(person("2", StatusOnboarding, "Ada"), "ada"))),
		effect{"1", users.ChangeSkip, "rehire_moved"},
		effect{"2", users.ChangeLink, "rehire_keep"})
}

// N312
func TestAReusedAddressWithoutProofMakesANewPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.hire(person("1", StatusInactive, "Ada"))
	w.suspend(id, users.ByImport)
	rows := byPhase(w.plan(renamed(person("2", StatusActive, "Eve"), "ada")))
	want(t, rows,
		effect{"1", users.ChangeUpdate, "email_parked"},
		effect{"2", users.ChangeCreate, "rehire_new"})
	if rows[0].User != id || rows[0].Status != "" {
		t.Errorf("parked: user %q, status %q, want %q and nothing remembered", rows[0].User, rows[0].Status, id)
	}
	if rows[1].User == id {
		t.Error("the new person got the old person's user")
	}
}

func TestALeaverWhoseAddressIsReusedAtOnceIsStillSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Ada"))
	rows := byPhase(w.plan(person("1", StatusInactive, "Ada"), renamed(person("2", StatusActive, "Eve"), "ada")))
	want(t, rows,
		effect{"1", users.ChangeUpdate, "email_parked"},
		effect{"2", users.ChangeCreate, "rehire_new"},
		effect{"1", users.ChangeSuspend, "status_inactive"})
	if rows[0].Before != 7 || rows[2].Before != users.BeforeFollows {
		t.Errorf("versions: %d and %d, want 7 and %d", rows[0].Before, rows[2].Before, users.BeforeFollows)
	}
}

func TestAColleagueMayTakeTheAddressOfSomebodyWhoLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.suspend(w.hire(person("1", StatusInactive, "Info")), users.ByImport)
	w.hire(person("2", StatusActive, "Eve"))
	want(t, byPhase(w.plan(person("1", StatusInactive, "Info"), renamed(person("2", StatusActive, "Eve"), "info"))),
		effect{"1", users.ChangeUpdate, "email_parked"},
		effect{"2", users.ChangeUpdate, "attributes_changed"})
}

func TestSomebodyWhoLeftButIsKeptByAnAdministratorKeepsTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.hire(person("1", StatusInactive, "Ada"))
	w.waivers[id] = users.Waiver{User: id, Connection: hr, Status: "inactive"}
	want(t, w.plan(renamed(person("2", StatusActive, "Ada"), "ada")), effect{"2", users.ChangeQuarantine, "email_taken"})
}

func TestConflictingProofIsQuarantined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapper = newMapper(withTarget(jumpCloud, "birth_date", "birthday"), "")
	w.suspend(w.hire(with(person("1", StatusInactive, "Ada"), "birthday", "1990-01-01")), users.ByImport)
	back := with(renamed(person("2", StatusActive, "Ada"), "ada"), "birthday", "1970-12-31")
	want(t, w.plan(back), effect{"2", users.ChangeQuarantine, "rehire_conflict"})
	want(t, w.plan(with(back, "birthday", "1990-01-01")),
		effect{"1", users.ChangeRecord, "rehire_moved"}, effect{"2", users.ChangeLink, "rehire_keep"})
}

// design section 10: a proof that is mapped has to be there.
func TestWithoutTheMappedProofTheyAreStrangers(t *testing.T) {
	t.Parallel()
	for name, birthdays := range map[string][2]string{"before": {"", "1990-01-01"}, "now": {"1990-01-01", ""}, "both": {"", ""}} {
		w := newWorld(t)
		w.mapper = newMapper(withTarget(jumpCloud, "birth_date", "birthday"), "")
		w.suspend(w.hire(with(person("1", StatusInactive, "Ada"), "birthday", birthdays[0])), users.ByImport)
		rows := w.plan(with(renamed(person("2", StatusActive, "Ada"), "ada"), "birthday", birthdays[1]))
		if kind := rows[len(rows)-1]; kind.Kind != users.ChangeCreate || kind.Reason != "rehire_new" {
			t.Errorf("no birth date %s: %v, want a new user", name, effectsOf(rows))
		}
	}
	// One of two proofs is enough, if the other is not there.
	w := newWorld(t)
	w.mapper = newMapper(withTarget(withTarget(jumpCloud, "birth_date", "birthday"), "personnel_number", "number"), "")
	w.suspend(w.hire(with(with(person("1", StatusInactive, "Ada"), "birthday", "1990-01-01"), "number", "")), users.ByImport)
	back := with(with(renamed(person("2", StatusActive, "Ada"), "ada"), "birthday", "1990-01-01"), "number", "17")
	want(t, w.plan(back), effect{"1", users.ChangeRecord, "rehire_moved"}, effect{"2", users.ChangeLink, "rehire_keep"})
}

func withTarget(m users.Mapping, target, source string) users.Mapping {
	return users.Mapping(with(Person{Attributes: m}, target, source).Attributes)
}

func TestSomebodyOfAnotherConnectionIsNeverMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusInactive, "Ada"))
	p := w.people["1"]
	delete(w.people, "1")
	p.Connection = "subsidiary"
	w.others = []users.Person{p}
	want(t, w.plan(renamed(person("2", StatusActive, "Ada"), "ada")),
		effect{"", users.ChangeUpdate, "email_parked"}, effect{"2", users.ChangeCreate, "rehire_new"})

	w.others[0].Status = "active"
	rows := w.plan(renamed(person("2", StatusActive, "Ada"), "ada"))
	want(t, rows, effect{"2", users.ChangeQuarantine, "other_account"})
	if !strings.Contains(inEnglish(rows[0].Detail), "Ada Example of subsidiary") {
		t.Errorf("the quarantine does not name the other connection: %s", inEnglish(rows[0].Detail))
	}
}

// S-107, N317
func TestALocalPersonIsLinkedUnlessOutOfReach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*users.User)
		want   effect
	}{
		{"an ordinary person", func(*users.User) {}, effect{"1", users.ChangeLink, "linked_by_email"}},
		{"somebody with a role", func(u *users.User) { u.Role = users.RoleOwner }, effect{"1", users.ChangeQuarantine, "privileged_user"}},
		{"a sealed account", func(u *users.User) { u.Sealed = true }, effect{"1", users.ChangeQuarantine, "privileged_user"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			local := users.User{ID: "local", BaseState: users.StateStaged, Version: 3, Role: users.RoleNone, Origin: users.OriginLocal}
			local.SetAttribute(users.AttributeEmail, "ada@acme.example")
			local.SetAttribute(users.AttributeUsername, "ada")
			c.change(&local)
			w.users[local.ID] = local
			rows := w.plan(person("1", StatusActive, "Ada"))
			want(t, rows, c.want)
			if rows[0].Kind == users.ChangeLink && (rows[0].User != "local" || rows[0].Before != 3) {
				t.Errorf("linked to user %q at version %d, want local at 3", rows[0].User, rows[0].Before)
			}
			want(t, w.plan(person("1", StatusLeave, "Ada")), effect{"1", users.ChangeSkip, "inactive_status"})
		})
	}
}

// S-054l
func TestUserNamesCollideLikeAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapper = newMapper(withTarget(jumpCloud, users.AttributeUsername, "login"), "")
	w.hire(with(person("1", StatusActive, "Ada"), "login", "ada"))
	want(t, w.plan(
		with(person("1", StatusActive, "Ada"), "login", "ada"),
		with(person("2", StatusActive, "Bob"), "login", "ADA"),
		with(person("3", StatusActive, "Cleo"), "login", "c"),
		with(person("4", StatusActive, "Dan"), "login", "c"),
		with(person("5", StatusActive, "Eve"), "login", "bob@acme.example"),
		with(person("6", StatusActive, "Fay"), "login", ""),
	),
		effect{"2", users.ChangeQuarantine, "email_duplicate"}, // Eve's user name is Bob's address
		effect{"3", users.ChangeQuarantine, "username_duplicate"},
		effect{"4", users.ChangeQuarantine, "username_duplicate"},
		effect{"5", users.ChangeQuarantine, "username_duplicate"},
		effect{"6", users.ChangeCreate, "new_person"})
	want(t, w.plan(with(person("2", StatusActive, "Bob"), "login", "ADA")), effect{"2", users.ChangeQuarantine, "username_taken"})
}

// invariant 4: a user name that may no longer be read is no reason to give everybody another one.
func TestAUserNameThatWasNotSentStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapper = newMapper(withTarget(jumpCloud, users.AttributeUsername, "login"), "")
	w.hire(with(person("1", StatusActive, "Ada"), "login", "ada"))
	rows := w.plan(person("1", StatusActive, "Ada"), person("2", StatusActive, "Bob"))
	want(t, rows, effect{"1", users.ChangeRecord, "content_changed"}, effect{"2", users.ChangeCreate, "new_person"})
	if got := rows[1].Fields[users.AttributeUsername].After; got != "bob@acme.example" {
		t.Errorf("user name of somebody new: %q, want the address", got)
	}
}

func TestAParkedAddressIsTakenBackWithANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.hire(person("1", StatusInactive, "Ada"))
	w.suspend(id, users.ByImport)
	w.change(id, func(u *users.User) { u.EmailKey, u.UsernameKey = "", "" })
	rows := w.plan(person("1", StatusActive, "Ada"))
	want(t, rows, effect{"1", users.ChangeReactivate, "status_active"})
	if got := rows[0].Fields["email"]; got != (users.FieldChange{After: "ada@acme.example"}) {
		t.Errorf("e-mail field: %+v, want the free address in use again", got)
	}
}
