package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"

	"github.com/einlass/einlass/users"
)

// addressMail tells people at their old and at their new address that the address
// of their account changed: whoever lost it to somebody hears of it where they
// still read. A target is which of the two, so that neither is in the log.
type addressMail struct{ *Mail }

// The targets.
const (
	targetOldAddress = "old address"
	targetNewAddress = "new address"
)

// targets implements subject. Who is yet to be activated is not told, since nothing
// about them leaves the house. That only the spelling of an address changed is no news.
func (m *addressMail) targets(ctx context.Context, e users.Event) ([]string, error) {
	before, after, changed := changedAddress(e)
	if !changed || users.KeyOf(before) == users.KeyOf(after) {
		return nil, nil
	}
	u, err := m.cfg.Directory.Read().User(ctx, users.ID(e.Subject))
	if errors.Is(err, users.ErrNotFound) || err == nil && u.BaseState == users.StateStaged {
		return nil, nil
	}
	return []string{targetOldAddress, targetNewAddress}, err
}

// changedAddress reads the payload of a change of a person, which may have been erased.
func changedAddress(e users.Event) (before, after string, changed bool) {
	var said struct {
		Fields map[string]users.FieldChange `json:"fields"`
	}
	if json.Unmarshal([]byte(e.Payload), &said) != nil {
		return "", "", false
	}
	f := said.Fields[users.AttributeEmail]
	return f.Before, f.After, f.Before != "" && f.After != ""
}

// letter implements subject.
func (m *addressMail) letter(ctx context.Context, e users.Event, target string) (letter, *mail.Address, error) {
	before, after, changed := changedAddress(e)
	if !changed {
		return letter{}, nil, fmt.Errorf("%w: the event names the addresses no more", ErrGone)
	}
	u, err := m.cfg.Directory.Read().User(ctx, users.ID(e.Subject))
	if errors.Is(err, users.ErrNotFound) {
		return letter{}, nil, fmt.Errorf("%w: the person is not there any more", ErrGone)
	}
	if err != nil {
		return letter{}, nil, err
	}
	address := before
	if target == targetNewAddress {
		address = after
	}
	to, err := mailbox(u, address)
	if err != nil {
		return letter{}, nil, fmt.Errorf("%w: the %s is %w", ErrGone, target, err)
	}
	return m.paperFor(u).addressLetter(addressNews{
		person: u, old: before, new: after, at: e.At, zone: m.cfg.Zone, organization: m.cfg.Organization,
	}), to, nil
}
