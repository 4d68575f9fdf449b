package userstest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var userPromises = []promise{
	{"a person who is not there is not found", unknownPerson},
	{"an address that is taken is refused", takenAddress},
	{"a user name that is taken is refused", takenUsername},
	{"an identifier is never used twice", takenID},
	{"an update to a taken address leaves nothing", updateToTakenAddress},
	{"an update of a stale version leaves the person as they are", staleUpdate},
	{"text that cannot be stored is refused and not found", unstorableText},
	{"many may lack an address", withoutKeys},
	{"everything about a person is kept", keepsEverything},
	{"an update keeps the creation and the last sign-in", updateKeepsTimes},
	{"the holder of a user name signs in before the holder of the address", userNameWins},
	{"people are found by address and by user name", byKey},
	{"an address changes hands in one transaction", addressChangesHands},
	{"the last sign-in only moves forward and is no change", touchSignIns},
	{"a thousand people are written and read at once", thousandPeople},
	{"a credential is replaced and removed", credentials},
	{"locking people tells their versions and changes nothing", lockPeople},
}

func unknownPerson(t *testing.T, s users.Store) {
	insert(t, s, person("ada"))
	ctx := t.Context()
	_, err := s.User(ctx, users.NewID())
	refused(t, "User", err, users.ErrNotFound)
	_, err = s.UserByLogin(ctx, "nobody@example.com")
	refused(t, "UserByLogin", err, users.ErrNotFound)
	_, err = s.UserByLogin(ctx, "")
	refused(t, "UserByLogin of nothing", err, users.ErrNotFound)
	_, err = s.Decision(ctx, users.NewID(), "", noon)
	refused(t, "Decision", err, users.ErrNotFound)
	_, _, err = s.UserDecision(ctx, users.NewID(), "", noon)
	refused(t, "UserDecision", err, users.ErrNotFound)
	_, err = s.Credential(ctx, users.NewID(), users.CredentialPassword)
	refused(t, "Credential", err, users.ErrNotFound)

	byID, err := s.UsersByID(ctx, []users.ID{users.NewID(), ""})
	ok(t, "UsersByID", err)
	same(t, "UsersByID", byID, map[users.ID]users.User{})
	byID, err = s.UsersByID(ctx, nil)
	ok(t, "UsersByID of nobody", err)
	same(t, "UsersByID of nobody", byID, map[users.ID]users.User{})
}

func takenAddress(t *testing.T, s users.Store) {
	insert(t, s, person("ada"))
	second := person("ada")
	second.Username, second.UsernameKey = "ada2", "ada2"
	err := s.Update(t.Context(), func(tx users.Tx) error { return tx.InsertUsers(t.Context(), []users.User{second}) })
	refused(t, "second person with the address", err, users.ErrConflict)
}

func takenUsername(t *testing.T, s users.Store) {
	insert(t, s, person("ada"))
	second := person("ada")
	second.Email, second.EmailKey = "other@example.com", "other@example.com"
	err := s.Update(t.Context(), func(tx users.Tx) error { return tx.InsertUsers(t.Context(), []users.User{second}) })
	refused(t, "second person with the user name", err, users.ErrConflict)
}

func takenID(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	bob.ID = ada.ID
	insert(t, s, ada)
	err := s.Update(t.Context(), func(tx users.Tx) error { return tx.InsertUsers(t.Context(), []users.User{bob}) })
	refused(t, "second person with the id", err, users.ErrConflict)
	same(t, "the first person", read(t, s, ada.ID), ada)
}

func updateToTakenAddress(t *testing.T, s users.Store) {
	ada, bob, eve := person("ada"), person("bob"), person("eve")
	insert(t, s, ada, bob, eve)
	changed := []users.User{eve, bob}
	changed[0].FirstName = "Eve"
	changed[1].EmailKey = ada.EmailKey
	err := s.Update(t.Context(), func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), changed)
		return err
	})
	refused(t, "update", err, users.ErrConflict)
	same(t, "the one whose address was taken", read(t, s, ada.ID), ada)
	same(t, "the one who wanted it", read(t, s, bob.ID), bob)
	same(t, "the one beside them", read(t, s, eve.ID), eve)
}

func staleUpdate(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	insert(t, s, ada, bob)
	old := ada
	ada.FirstName, bob.FirstName, old.FirstName = "Ada", "Bob", "Old"
	update(t, s, func(tx users.Tx) error {
		stale, err := tx.UpdateUsers(t.Context(), []users.User{ada})
		same(t, "stale in the first update", stale, []users.ID{})
		return err
	})
	update(t, s, func(tx users.Tx) error {
		unknown := person("unknown")
		stale, err := tx.UpdateUsers(t.Context(), []users.User{old, bob, unknown})
		slices.Sort(stale)
		want := []users.ID{ada.ID, unknown.ID}
		slices.Sort(want)
		same(t, "stale in the second update", stale, want)
		return err
	})
	ada.Version, bob.Version = 2, 2
	same(t, "the stale person", read(t, s, ada.ID), ada)
	same(t, "the current person", read(t, s, bob.ID), bob)
}

func unstorableText(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	for _, bad := range []string{"a\x00b", "a\xffb"} {
		u := person("bob")
		u.FirstName = bad
		err := s.Update(t.Context(), func(tx users.Tx) error { return tx.InsertUsers(t.Context(), []users.User{u}) })
		refused(t, "a name", err, users.ErrInvalid)
		_, err = s.UserByLogin(t.Context(), users.LoginKey(bad))
		refused(t, "a login", err, users.ErrNotFound)
		found, err := s.FindUsers(t.Context(), users.UserQuery{Search: bad})
		ok(t, "a search", err)
		same(t, "a search", found, []users.User{})
		byID, err := s.UsersByID(t.Context(), []users.ID{users.ID(bad), ada.ID})
		ok(t, "one of several ids", err)
		same(t, "one of several ids", slices.Collect(maps.Keys(byID)), []users.ID{ada.ID})
	}
}

func withoutKeys(t *testing.T, s users.Store) {
	people := crowd("parked", 3)
	for i := range people {
		people[i].EmailKey, people[i].UsernameKey = "", ""
	}
	insert(t, s, people...)
	for _, u := range people {
		same(t, "person without keys", read(t, s, u.ID), u)
	}
}

func keepsEverything(t *testing.T, s users.Store) {
	boss := person("boss")
	u := users.User{
		ID: users.NewID(), BaseState: users.StateStaged, Epoch: 7, Version: 1,
		Email: "Jörg.Strauß@Example.COM", EmailKey: "jörg.strauß@example.com",
		Username: "jörg", UsernameKey: "jörg", FirstName: "Jörg", LastName: "Strauß-Müller 'x' \"y\" $1 ?",
		Manager: boss.ID, Role: users.RoleHelpdesk, Sealed: true, Origin: users.OriginLocal,
		Attributes: map[string]string{users.AttributeDepartment: "Sales & \"more\"", "leer": "", "emoji": "🦊"},
		AccessFrom: noon.Add(-time.Hour), AccessUntil: noon.Add(time.Hour), ConfinedTo: connection,
		LastSignIn: noon.Add(time.Hour), CreatedAt: noon, UpdatedAt: noon.Add(time.Minute),
	}
	insert(t, s, u, boss)
	update(t, s, func(tx users.Tx) error {
		err := tx.PutSuspensions(t.Context(), []users.Suspension{
			{User: u.ID, By: users.ByAdmin, Reason: "lost laptop", Since: noon},
			{User: u.ID, By: users.ByImport, Connection: connection, Reason: "status_leave", Since: noon.Add(time.Second)},
		})
		if err != nil {
			return err
		}
		if err := tx.PutGroup(t.Context(), users.Group{ID: "staff", Label: "Staff", Origin: users.OriginLocal}); err != nil {
			return err
		}
		if err := tx.PutGroup(t.Context(), users.Group{ID: "board", Label: "Board", Origin: users.OriginLocal}); err != nil {
			return err
		}
		_, err = tx.PutMembers(t.Context(), []users.Membership{
			{Group: "staff", User: u.ID}, {Group: "staff", User: u.ID, ByRule: true}, {Group: "board", User: u.ID},
		})
		return err
	})
	u.Suspensions = []users.Suspension{
		{User: u.ID, By: users.ByAdmin, Reason: "lost laptop", Since: noon},
		{User: u.ID, By: users.ByImport, Connection: connection, Reason: "status_leave", Since: noon.Add(time.Second)},
	}
	u.Groups = []users.GroupID{"board", "staff"}
	same(t, "User", read(t, s, u.ID), u)
	byLogin, err := s.UserByLogin(t.Context(), "jörg.strauß@example.com")
	ok(t, "UserByLogin", err)
	same(t, "UserByLogin", byLogin, u)

	u.Groups = nil
	byID, err := s.UsersByID(t.Context(), []users.ID{u.ID, boss.ID, u.ID})
	ok(t, "UsersByID", err)
	same(t, "UsersByID", byID, map[users.ID]users.User{u.ID: u, boss.ID: boss})
	if read(t, s, boss.ID).Attributes == nil {
		t.Error("attributes of a person without any are nil after reading")
	}
}

func updateKeepsTimes(t *testing.T, s users.Store) {
	u := person("ada")
	u.LastSignIn = noon
	insert(t, s, u)
	changed := u
	changed.CreatedAt, changed.LastSignIn, changed.UpdatedAt = noon.Add(time.Hour), noon.Add(time.Hour), noon.Add(time.Hour)
	changed.BaseState, changed.Epoch, changed.Sealed, changed.Role = users.StateStaged, 2, true, users.RoleOwner
	changed.SetAttribute(users.AttributeEmail, "Ada.Lovelace@example.com")
	changed.SetAttribute(users.AttributeUsername, "lovelace")
	changed.SetAttribute(users.AttributeDepartment, "Engines")
	update(t, s, func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), []users.User{changed})
		return err
	})
	changed.Version, changed.CreatedAt, changed.LastSignIn = 2, noon, noon
	same(t, "the updated person", read(t, s, u.ID), changed)
}

func userNameWins(t *testing.T, s users.Store) {
	holder, named := person("ada"), person("bob")
	holder.Username, holder.UsernameKey = "holder", "holder"
	named.Username, named.UsernameKey = holder.Email, holder.EmailKey
	insert(t, s, holder, named)
	got, err := s.UserByLogin(t.Context(), holder.EmailKey)
	ok(t, "UserByLogin", err)
	if got.ID != named.ID {
		t.Errorf("found %s, want the holder of the user name", got.Username)
	}
	byKey, err := s.UsersByKey(t.Context(), []users.LoginKey{holder.EmailKey})
	ok(t, "UsersByKey", err)
	if byKey[holder.EmailKey].ID != holder.ID {
		t.Errorf("by key found %s, want the holder of the address", byKey[holder.EmailKey].Username)
	}
}

func byKey(t *testing.T, s users.Store) {
	ada := person("ada")
	ada.Username, ada.UsernameKey = "lovelace", "lovelace"
	insert(t, s, ada, person("bob"))
	got, err := s.UsersByKey(t.Context(), []users.LoginKey{ada.EmailKey, "lovelace", "nobody", ""})
	ok(t, "UsersByKey", err)
	same(t, "UsersByKey", got, map[users.LoginKey]users.User{ada.EmailKey: ada, "lovelace": ada})
	got, err = s.UsersByKey(t.Context(), []users.LoginKey{"lovelace"})
	ok(t, "UsersByKey of the user name", err)
	same(t, "UsersByKey of the user name", got, map[users.LoginKey]users.User{"lovelace": ada})
}

func addressChangesHands(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	insert(t, s, ada, bob)
	update(t, s, func(tx users.Tx) error {
		if err := tx.ReleaseKeys(t.Context(), []users.ID{ada.ID, bob.ID}); err != nil {
			return err
		}
		ada.EmailKey, ada.UsernameKey, bob.EmailKey, bob.UsernameKey = bob.EmailKey, bob.UsernameKey, ada.EmailKey, ada.UsernameKey
		stale, err := tx.UpdateUsers(t.Context(), []users.User{ada, bob})
		same(t, "stale", stale, []users.ID{})
		return err
	})
	got, err := s.UserByLogin(t.Context(), "ada@example.com")
	ok(t, "UserByLogin", err)
	if got.ID != bob.ID || got.Version != 2 {
		t.Errorf("the address is with %s in version %d, want bob in version 2", got.FirstName, got.Version)
	}
}

func touchSignIns(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	bob.LastSignIn = noon
	insert(t, s, ada, bob)
	update(t, s, func(tx users.Tx) error {
		return tx.TouchSignIns(t.Context(), map[users.ID]time.Time{
			ada.ID: noon, bob.ID: noon.Add(-time.Second), users.NewID(): noon,
		})
	})
	ada.LastSignIn = noon
	same(t, "who signed in", read(t, s, ada.ID), ada)
	same(t, "who had signed in later", read(t, s, bob.ID), bob)
}

func thousandPeople(t *testing.T, s users.Store) {
	people := crowd("p", 1000)
	insert(t, s, people...)
	update(t, s, func(tx users.Tx) error {
		changed := slices.Clone(people)
		for i := range changed {
			changed[i].LastName = "Changed"
		}
		changed[500].Version = 9
		stale, err := tx.UpdateUsers(t.Context(), changed)
		same(t, "stale", stale, []users.ID{people[500].ID})
		return err
	})
	byID, err := s.UsersByID(t.Context(), ids(people))
	ok(t, "UsersByID", err)
	for i, want := range people {
		if i != 500 {
			want.LastName, want.Version = "Changed", 2
		}
		same(t, "person", byID[want.ID], want)
	}
	keys := make([]users.LoginKey, len(people))
	for i, u := range people {
		keys[i] = u.EmailKey
	}
	byKey, err := s.UsersByKey(t.Context(), keys)
	ok(t, "UsersByKey", err)
	if len(byKey) != len(people) {
		t.Errorf("by key found %d people, want %d", len(byKey), len(people))
	}
}

func credentials(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	insert(t, s, ada, bob)
	ctx := t.Context()
	err := s.Update(ctx, func(tx users.Tx) error {
		return tx.PutCredential(ctx, users.Credential{User: users.NewID(), Kind: users.CredentialPassword})
	})
	refused(t, "credential of nobody", err, users.ErrNotFound)

	want := users.Credential{User: ada.ID, Kind: users.CredentialPassword, Data: "$argon2id$1", UpdatedAt: noon}
	for _, data := range []string{"$argon2id$1", "$argon2id$2"} {
		want.Data = data
		update(t, s, func(tx users.Tx) error { return tx.PutCredential(ctx, want) })
		got, err := s.Credential(ctx, ada.ID, users.CredentialPassword)
		ok(t, "Credential", err)
		same(t, "Credential", got, want)
	}
	update(t, s, func(tx users.Tx) error {
		other := want
		other.User = bob.ID
		if err := tx.PutCredential(ctx, other); err != nil {
			return err
		}
		return tx.DeleteCredentials(ctx, []users.ID{ada.ID})
	})
	_, err = s.Credential(ctx, ada.ID, users.CredentialPassword)
	refused(t, "removed credential", err, users.ErrNotFound)
	_, err = s.Credential(ctx, bob.ID, users.CredentialPassword)
	ok(t, "somebody else's credential", err)
}

func lockPeople(t *testing.T, s users.Store) {
	people := crowd("p", 120)
	insert(t, s, people...)
	update(t, s, func(tx users.Tx) error { return raise(t, tx, people[7].ID) })
	want := map[users.ID]int64{}
	for _, u := range people {
		want[u.ID] = 1
	}
	want[people[7].ID] = 2
	update(t, s, func(tx users.Tx) error {
		got, err := tx.LockUsers(t.Context(), append(ids(people), "unknown", people[7].ID))
		same(t, "versions", got, want)
		return err
	})
	same(t, "a locked person", read(t, s, people[0].ID), people[0])
}
