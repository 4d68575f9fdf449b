package importer_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// N-2, N-4
func TestASecondPersonApproves(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.settings.Approval = users.ApprovalSecondPerson
	b.connect()
	b.run()
	people := map[string]users.Actor{}
	for name, role := range map[string]users.Role{
		"olga": users.RoleOwner, "adam": users.RoleAdministrator, "anna": users.RoleAdministrator,
		"hugo": users.RoleHelpdesk, "rita": users.RoleAuditor, "nora": users.RoleNone,
	} {
		b.local(name + "@acme.example")
		id := b.user(name + "@acme.example").ID
		people[name] = users.ActorUser(id)
		if err := b.directory.SetRole(t.Context(), "cli:test", id, role); err != nil {
			t.Fatal(err)
		}
	}
	suspended := b.user("anna@acme.example").ID
	if _, err := b.directory.Suspend(t.Context(), "cli:test", suspended, "left"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2", "3"} {
		b.company.setStatus(id, importer.StatusInactive)
	}
	for name, run := range map[string]importer.Request{
		"held":      {Actor: people["adam"]},
		"previewed": {Actor: people["adam"], Preview: true},
	} {
		plan, err := b.ask(run)
		if !errors.Is(err, importer.ErrHeld) {
			t.Fatalf("%s: %v, want ErrHeld", name, err)
		}
		before := b.contents()
		for who, actor := range map[string]users.Actor{
			"whoever started it": people["adam"], "the system user": "cli:root", "the helpdesk": people["hugo"], "an auditor": people["rita"],
			"somebody without a role": people["nora"], "a suspended administrator": people["anna"], "nobody known": users.ActorUser("nobody"),
			"the import": users.ActorImport(hr), "the system": users.ActorSystem,
		} {
			if _, err := b.engine.Approve(t.Context(), plan.ID, actor); !errors.Is(err, importer.ErrApprover) {
				t.Errorf("%s run, approved by %s: %v, want ErrApprover", name, who, err)
			}
		}
		if diff := cmp.Diff(before, b.contents()); diff != "" {
			t.Errorf("a refused approval changed something (-before +after):\n%s", diff)
		}
	}
	held, err := b.ask(importer.Request{Actor: users.ActorImport(hr)})
	if !errors.Is(err, importer.ErrHeld) {
		t.Fatalf("scheduled run: %v, want ErrHeld", err)
	}
	run, err := b.engine.Approve(t.Context(), held.ID, people["olga"])
	if err != nil || run.ApprovedBy != people["olga"] || run.Counts.Suspended != 3 {
		t.Errorf("approval by the owner: %+v by %q, error %v; want 3 suspended", run.Counts, run.ApprovedBy, err)
	}
}
