package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Comparison is the payload of EventImportChecked, whose subject is the application: everybody
// at work at its source was compared with the people here.
type Comparison struct {
	Version int64     `json:"sign_in_version"` // Application.SignInVersion when it began, and so the next two
	Groups  []GroupID `json:"groups"`          // who might use the application
	Source  string    `json:"source"`          // digest of who was compared, and by what

	Compared int `json:"compared"`
	Failing  int `json:"failing"`        // people whose sign-in would have failed
	NoAccess int `json:"without_access"` // of those compared, people in none of the groups
}

// NewComparison is a comparison that begins with an application as it is, and has found nothing yet.
func NewComparison(a Application) Comparison {
	c := Comparison{Version: a.SignInVersion, Groups: append([]GroupID{}, a.Groups...)}
	if i := a.Import; i != nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{
			i.Source, i.BaseURL, i.ClientID, string(i.API), i.Filter, i.Mapping[AttributeEmail],
		}))
		c.Source = hex.EncodeToString(sum[:])
	}
	return c
}

// holdsFor reports whether a comparison that began with a as it is now would look at the same.
func (c Comparison) holdsFor(a Application) bool {
	now := NewComparison(a)
	return c.Version == now.Version && c.Source == now.Source && slices.Equal(c.Groups, now.Groups)
}

// RecordComparison notes that somebody compared the source of an application with the directory.
func (d *Directory) RecordComparison(ctx context.Context, actor Actor, application ApplicationID, c Comparison) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		if _, err := tx.Application(ctx, application); err != nil {
			return err
		}
		e, err := NewEvent(EventImportChecked, actor, string(application), c)
		e.At = d.now()
		tx.Append(e)
		return err
	})
	if err != nil {
		return fmt.Errorf("record the comparison of %s: %w", application, err)
	}
	return nil
}
