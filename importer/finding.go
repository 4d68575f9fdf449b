package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/einlass/einlass/users"
)

// Causes of findings, for programs; the remedy says the same for people.
const (
	causeParked      = "parked"       // the address went to somebody else here
	causeCase        = "case"         // capital letters
	causeSpaces      = "spaces"       // white space around the address at the source
	causeComposition = "composition"  // the same letters, composed otherwise
	causeDomain      = "domain"       // the domain in another spelling, such as punycode
	causeOther       = "other"        // another address
	causeImportLate  = "not_imported" // no import has brought it yet
	causeClaim       = "claim"        // the claim is mapped from something else
	causeLeft        = "left"         // the source shows the person as left
	causeUnknown     = "unknown"      // the source does not show the person
	causeConfusable  = "confusable"   // letters of several scripts, or ones that look alike
)

// claimed is what the application is told as the claim email.
type claimed struct {
	text       string
	expression users.Expression
	plain      bool // the address itself
}

// newClaimed returns the claim email of an application, which is the address
// unless the application has registered something else under that name.
func newClaimed(app users.Application) (claimed, error) {
	text := users.AttributeEmail
	if app.SignIn != nil && app.SignIn.Claims["email"] != "" {
		text = app.SignIn.Claims["email"]
	}
	if text == users.AttributeEmail {
		return claimed{text: text, plain: true}, nil
	}
	expression, err := users.CompileExpression(text, users.ResultText)
	if err != nil {
		return claimed{}, fmt.Errorf("%w claim email: %w", users.ErrInvalid, err)
	}
	return claimed{text: text, expression: expression}, nil
}

// of returns the claim of a person; empty: there is none.
func (c claimed) of(u users.User) string {
	if c.plain {
		if u.EmailKey == "" {
			return ""
		}
		return u.Email
	}
	value, err := c.expression.Value(u.ExpressionAttributes())
	if err != nil {
		return ""
	}
	text, _ := value.(string) // newClaimed lets no other result through
	return text
}

// notHere is about a profile that stands for no user, though somebody else may
// have its address: Personio lets whoever has the address in as that profile.
func (c *checker) notHere(m Mapped, theirs string, holder users.User, members map[users.ID]bool) Finding {
	enters := members[holder.ID] && holder.StateAt(c.engine.now()) == users.StateActive && c.claim.of(holder) == theirs
	f := Finding{
		Kind: FindingNotHere, Cause: causeImportLate, Fails: c.result.SignIn && !enters,
		SourceID: m.ID, User: holder.ID, Name: m.name(), SourceEmail: theirs, Status: statusOf(m),
		Notes: told(noteRemedyImport),
	}
	if holder.ID != "" {
		f.Email, f.State = c.claim.of(holder), holder.StateAt(c.engine.now())
	}
	if row, held := c.held[m.ID]; held {
		f.Cause, f.Notes = row.Reason, append(told(noteRemedyQuarantine), row.Detail...)
	}
	return f
}

// addressDiffers explains why the claim is not what the profile says.
func (c *checker) addressDiffers(m Mapped, u users.User, theirs string, member bool) Finding {
	ours := c.claim.of(u)
	f := Finding{
		Kind: FindingAddress, Fails: c.result.SignIn && member,
		SourceID: m.ID, User: u.ID, Name: u.DisplayName(), Email: ours, SourceEmail: theirs, Status: statusOf(m), State: u.StateAt(c.engine.now()),
	}
	row, held := c.held[m.ID]
	switch {
	case held:
		f.Cause, f.Notes = row.Reason, append(told(noteRemedyQuarantine), row.Detail...)
	case !c.claim.plain:
		f.Cause = causeClaim
		f.Notes = []users.Note{naming(noteRemedyClaim, "claim", c.claim.text)}
	case ours == "":
		f.Cause, f.Notes = causeParked, told(noteRemedyParked)
	default:
		var remedy string
		f.Cause, remedy = differenceOf(ours, theirs)
		f.Notes = told(remedy)
	}
	return f
}

// differenceOf says in what two addresses differ, and by which note what to do about it.
func differenceOf(ours, theirs string) (cause, remedy string) {
	domain := func(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
	switch {
	case strings.TrimSpace(theirs) == ours:
		return causeSpaces, noteRemedySpaces
	case strings.EqualFold(ours, theirs):
		return causeCase, noteRemedyCase
	case norm.NFC.String(theirs) == norm.NFC.String(ours):
		return causeComposition, noteRemedyComposition
	case users.KeyOf(ours) == users.KeyOf(theirs) && domain(ours) != domain(theirs):
		return causeDomain, noteRemedyDomain
	}
	return causeOther, noteRemedyOther
}

// notActive says why somebody with a profile and access will not be let in.
func (c *checker) notActive(m Mapped, u users.User, theirs string) (Finding, bool) {
	f := Finding{
		Kind: FindingState, Fails: true,
		SourceID: m.ID, User: u.ID, Name: u.DisplayName(), Email: c.claim.of(u), SourceEmail: theirs, Status: statusOf(m), State: u.StateAt(c.engine.now()),
	}
	now := c.engine.now()
	outside := u.OutsideWindow(now)
	switch {
	case outside != "":
		f.Cause, f.Fails = outside, false
		f.Notes = told(noteRemedyWindow)
	case u.StateAt(now) == users.StateStaged:
		f.Cause = string(users.StateStaged)
		f.Notes = []users.Note{naming(noteRemedyStaged, "email", u.Email)}
	case suspendedBy(u, c.app.ID):
		f.Cause = string(users.ByImport)
		f.Notes = told(noteRemedyOurs)
	case len(u.Suspensions) > 0:
		s := u.Suspensions[0]
		f.Cause, f.Fails = string(s.By), s.By == users.ByImport
		f.Notes = []users.Note{{Code: staysBy[s.By]}, {Code: noteRemedyTheirs}}
	default:
		return Finding{}, false
	}
	return f, true
}

// orphan says why somebody has access and no profile; known tells whether the
// connection remembers them.
func (c *checker) orphan(u users.User, record users.Person, known bool) Finding {
	f := Finding{
		Kind: FindingOrphan, Cause: causeUnknown, Fails: true, User: u.ID, Name: u.DisplayName(), Email: c.claim.of(u), State: u.StateAt(c.engine.now()),
		Notes: told(noteRemedyProfile),
	}
	if known {
		f.SourceID, f.Status, f.Cause = record.SourceID, record.Status, causeLeft
		f.Notes = told(noteRemedyLeft)
	} else if u.Role.Administers() { // who gets in here whatever the source says
		f.Fails, f.Notes = false, told(noteRemedyApart)
	}
	return f
}

// noteLookalike remembers somebody whose address may be mistaken for another.
func (c *checker) noteLookalike(m Mapped, u users.User, theirs string) {
	if !c.lookalikes.add(m) {
		return
	}
	c.named[m.ID] = Finding{
		Kind: FindingLooks, Cause: causeConfusable,
		SourceID: m.ID, User: u.ID, Name: m.name(), Email: c.claim.of(u), SourceEmail: theirs, Status: statusOf(m),
	}
}

// findLookalikes reports whose address looks like somebody else's.
func (c *checker) findLookalikes(ctx context.Context) error {
	feed := &Feed{claims: map[users.LoginKey]string{}} // whoever is new shows in the next import
	found, err := c.lookalikes.find(ctx, c.read, feed, func(id string) users.ID { return c.memory.people[id].user })
	for _, id := range slices.Sorted(maps.Keys(found)) {
		f := c.named[id]
		f.Notes = []users.Note{naming(noteRemedyConfusable, "address", string(found[id]))}
		c.find(f)
	}
	return err
}
