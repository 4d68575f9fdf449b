package admin

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// How long links live. The one of a mail waits for somebody to read it; the page
// makes its own for what is saved from it.
const (
	mailLinkLife = 7 * 24 * time.Hour
	pageLinkLife = time.Hour
)

// Errors of a link.
var (
	errLinkExpired = errors.New("the link has expired")
	errLinkInvalid = errors.New("the link is not for this import and this person")
)

// Links seals links to the results of imports. A link opens nothing by itself,
// that takes a role; it makes the address of a person's data one that ends, and
// that works for nobody else. The page of a run can be opened without; what is
// saved from it cannot.
type Links struct {
	sealer *keys.Sealer
	issuer string
	now    func() time.Time
}

// NewLinks returns Links under issuer, our own address; a nil now means time.Now.
func NewLinks(sealer *keys.Sealer, issuer string, now func() time.Time) *Links {
	if now == nil {
		now = time.Now
	}
	return &Links{sealer: sealer, issuer: issuer, now: now}
}

// ImportURL returns where a person finds the result of a run, for a mail to
// them. It works for 7 days.
func (l *Links) ImportURL(run users.RunID, person users.ID) (string, error) {
	link, err := l.seal(run, person, mailLinkLife)
	if err != nil {
		return "", err
	}
	return l.issuer + resultPath(run) + "?" + link.Encode(), nil
}

func resultPath(run users.RunID) string { return pathImports + "/" + url.PathEscape(string(run)) }

// parameterLink carries a sealed link.
const parameterLink = "link"

// place binds a sealed link to its use, run and person.
func place(run users.RunID, person users.ID) (table, column, row string) {
	return "link", "import_result", string(run) + "/" + string(person)
}

// seal returns the parameter of a link that lives from now on.
func (l *Links) seal(run users.RunID, person users.ID, life time.Duration) (url.Values, error) {
	table, column, row := place(run, person)
	expires := strconv.FormatInt(l.now().Add(life).Unix(), 10)
	sealed, err := l.sealer.Seal([]byte(expires), table, column, row)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return url.Values{parameterLink: {sealed}}, nil
}

// check returns errLinkInvalid or errLinkExpired unless sealed was made for this run and person and lives.
func (l *Links) check(sealed string, run users.RunID, person users.ID) error {
	table, column, row := place(run, person)
	text, err := l.sealer.Open(sealed, table, column, row)
	if err != nil {
		return errors.Join(errLinkInvalid, err)
	}
	expires, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return errors.Join(errLinkInvalid, err)
	}
	if !l.now().Before(time.Unix(expires, 0)) {
		return errLinkExpired
	}
	return nil
}
